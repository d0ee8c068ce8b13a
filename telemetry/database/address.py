"""Where the plant's database is: `DATABASE_URL`, or a SQLite file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from telemetry.errors import DatabaseError

VARIABLE: Final = "DATABASE_URL"
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse_url(text: str) -> URL:
    """Return the address of a database, with the driver this program uses.

    Args:
        text: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`.

    Raises:
        DatabaseError: not an address, or another kind of database. The password is not repeated.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        msg = (
            "the database address cannot be read; write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
        raise DatabaseError(msg) from error
    if url.drivername not in _DRIVERS:
        msg = (
            f"databases of kind {url.drivername!r} are not supported; write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
        raise DatabaseError(msg)
    if not url.database or url.database == ":memory:":
        msg = f"the database address {shown(url)} names no database; add /NAME at its end"
        raise DatabaseError(msg)
    return url.set(drivername=_DRIVERS[url.drivername])


def sqlite_url(path: Path) -> URL:
    """Return the address of a SQLite file."""
    return URL.create("sqlite", database=str(path))


def database_url(environment: Mapping[str, str], *, default: Path) -> URL:
    """Return the address that `DATABASE_URL` names, else that of a SQLite file.

    Args:
        environment: of the process.
        default: SQLite file that is used without `DATABASE_URL`.

    Raises:
        DatabaseError: `DATABASE_URL` cannot be used.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        return sqlite_url(default)
    try:
        return parse_url(text)
    except DatabaseError as error:
        msg = f"{VARIABLE}: {error}"
        raise DatabaseError(msg) from error


def shown(url: URL) -> str:
    """Return the address as it may be logged: without its password."""
    return url.render_as_string(hide_password=True)
