"""Roles, and which of them may do what."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a person is at the plant."""

    VIEWER = "viewer"
    TECHNICIAN = "technician"
    ENGINEER = "engineer"
    MANAGER = "manager"
    ADMIN = "admin"


class Right(StrEnum):
    """What can be done on the page."""

    READ = "read"
    OPERATE = "operate"
    SAMPLE = "sample"
    SET_PURITY = "set_purity"
    DELIVER = "deliver"
    ENTER_TICKET = "enter_ticket"
    READ_LOG = "read_log"


_ALL: Final = frozenset(Role)
_OPERATORS: Final = frozenset({Role.TECHNICIAN, Role.ENGINEER, Role.ADMIN})
_OFFICE: Final = frozenset({Role.ENGINEER, Role.MANAGER, Role.ADMIN})

HOLDERS: Final = {
    Right.READ: _ALL,
    Right.OPERATE: _OPERATORS,
    Right.SAMPLE: _ALL - {Role.VIEWER},
    Right.SET_PURITY: _OFFICE,
    Right.DELIVER: _OFFICE,
    Right.ENTER_TICKET: _ALL - {Role.VIEWER},
    Right.READ_LOG: _OFFICE,
}
"""Who has which right."""

_POSTS: Final = {
    "/api/product-sampled": Right.SAMPLE,
    "/api/purity": Right.SET_PURITY,
    "/api/deliveries/revive": Right.DELIVER,
    "/accounts/deliveries/retry": Right.DELIVER,
    "/accounts/deliveries/drop": Right.DELIVER,
    "/weighbridge/check": Right.ENTER_TICKET,
    "/weighbridge/enter": Right.ENTER_TICKET,
    "/weighbridge/back": Right.ENTER_TICKET,
}
_GETS: Final = {"/api/audit-log": Right.READ_LOG}


def right_for(method: str, path: str) -> Right:
    """Return the right that a request needs; whatever writes and is not listed needs OPERATE."""
    if method in ("GET", "HEAD"):
        return _GETS.get(path, Right.READ)
    return _POSTS.get(path, Right.OPERATE)


def rights_of(role: Role) -> tuple[Right, ...]:
    """Return what a role may do."""
    return tuple(right for right, roles in HOLDERS.items() if role in roles)
