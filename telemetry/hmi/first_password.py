"""An admin's password from the environment, for lines that start with nobody at a browser."""

import os
from typing import Final

from telemetry.errors import TelemetryStartError
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.desk import FIRST_ADMIN
from telemetry.hmi.errors import AccountError
from telemetry.hmi.roles import Role
from telemetry.wall import utc_now
from telemetry.wording import Language

VARIABLE: Final = "SORTLINE_ADMIN_PASSWORD"


def take_first_password(book: AccountBook) -> None:
    """Make the first admin with the password that the environment holds, if it holds one.

    Raises:
        TelemetryStartError: the password cannot be taken.
    """
    password = os.environ.pop(VARIABLE, "")
    if not password or book.has_admin():
        return
    try:
        book.add(
            name=FIRST_ADMIN,
            password=password,
            role=Role.ADMIN,
            language=Language.EN,
            now=utc_now(),
        )
    except AccountError as error:
        msg = f"{VARIABLE}: {error}"
        raise TelemetryStartError(msg) from error
