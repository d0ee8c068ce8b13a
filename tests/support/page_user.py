"""Users of the page for tests: made in the users' file, signed in without a browser."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.gate import COOKIE, CSRF_HEADER
from telemetry.hmi.roles import Role
from telemetry.wall import utc_now
from telemetry.wording import Language

PASSWORD = "a long enough password"


def sign_in(book: AccountBook, name: str, role: Role = Role.TECHNICIAN) -> dict[str, str]:
    """Make a user if there is none of the name; return the headers of a signed-in browser."""
    if name not in {user.name for user in book.users()}:
        book.add(name=name, password=PASSWORD, role=role, language=Language.EN, now=utc_now())
    token, visit = book.sign_in(name, utc_now(), timedelta(hours=1))
    return {"cookie": f"{COOKIE}={token}", CSRF_HEADER: visit.csrf}


def signed_in(path: Path, name: str = "operator", role: Role = Role.TECHNICIAN) -> dict[str, str]:
    """Do the same in the users' file of a line, beside the process that serves its page."""
    with closing(AccountBook(path)) as book:
        if not book.has_admin():
            sign_in(book, "admin", Role.ADMIN)
        return sign_in(book, name, role)
