"""Users, their sessions, and lines of the audit log."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from telemetry.hmi.errors import AccountError
from telemetry.hmi.roles import Role
from telemetry.wording import Language

MAX_NAME: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may sign in.

    Attributes:
        name: as shown and as the line logs it.
        role: what the person is at the plant.
        language: in which the page speaks to them.
        made_at: when the account was made.
    """

    name: str
    role: Role
    language: Language
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A signed-in user's session.

    Attributes:
        user: whose.
        csrf: what every request that changes something must carry.
        expires_at: when it ends.
    """

    user: User
    csrf: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of the audit log.

    Attributes:
        at: wall time.
        user: who; empty for a try to sign in under no user's name.
        role: in what role, empty where nobody was signed in.
        address: from which address.
        action: what was done: the path asked for, or a word such as sign_in.
        before: what stood before, JSON.
        after: what was asked for, JSON.
        outcome: HTTP status, or accepted or refused by the line.
        detail: what was answered.
    """

    at: datetime
    user: str
    action: str
    role: str = ""
    address: str = ""
    before: str = ""
    after: str = ""
    outcome: str = ""
    detail: str = ""


def checked_name(name: str) -> str:
    """Return a user's name as it is kept: Unicode NFC, without spaces around it.

    Raises:
        AccountError: empty, too long, or with characters that do not show.
    """
    kept = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(kept) <= MAX_NAME:
        msg = f"a user's name has 1 to {MAX_NAME} characters"
        raise AccountError(msg)
    # Control, format (bidirectional marks) and unassigned characters make names look alike.
    if any(unicodedata.category(character).startswith("C") for character in kept):
        msg = "a user's name has only characters that can be seen"
        raise AccountError(msg)
    return kept
