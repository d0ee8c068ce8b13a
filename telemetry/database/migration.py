"""Bringing a database to this program's schema, and refusing one that is not for it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import URL

from telemetry.database.engine import Backend, Database
from telemetry.errors import DatabaseError, DatabaseVersionError

VERSION_TABLE: Final = "sortline_version"
"""Apart from other programs' `alembic_version`, so that their databases are told from ours."""
_LOCK_KEY: Final = 0x534C4E45
"""Advisory lock of PostgreSQL under which one process at a time migrates (`SLNE`)."""
UPGRADE_COMMAND: Final = "run_line.py database upgrade"


class Standing(StrEnum):
    """How a database stands to this program."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaStatus:
    """What schema a database has.

    Attributes:
        standing: to this program.
        found: its revision, None where it has none.
        known: this program's newest revision.
    """

    standing: Standing
    found: str | None
    known: str


def schema_status(database: Database) -> SchemaStatus:
    """Look at the schema without changing it.

    Raises:
        DatabaseError: it cannot be reached or read.
    """
    with database.read() as connection:
        return _status(connection)


def upgrade(database: Database) -> SchemaStatus:
    """Bring the schema to this program's revision, in one transaction.

    Any number of processes may do so at once; one migrates and the others find it done.

    Raises:
        DatabaseVersionError: it is newer than this program, or of another program.
        DatabaseError: it cannot be reached or changed.
    """
    with database.write() as connection:
        if database.backend is Backend.POSTGRESQL:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        status = _status(connection)
        _refuse(database, status, {Standing.NEWER, Standing.FOREIGN})
        if status.standing is not Standing.CURRENT:
            command.upgrade(_config(connection), "head")
    return status


def open_database(url: URL) -> Database:
    """Open a database for use: an empty one is made ready, an unfit one refused.

    An older SQLite file is upgraded at once, for it has one program; an older PostgreSQL database
    is shared by lines that may still run the older program, so a person decides when.

    Raises:
        DatabaseVersionError: newer, of another program, or older and shared.
        DatabaseError: it cannot be reached or used.
    """
    database = Database(url)
    try:
        status = schema_status(database)
        if status.standing is Standing.EMPTY or database.backend is Backend.SQLITE:
            upgrade(database)
        else:
            _refuse(database, status, {Standing.NEWER, Standing.FOREIGN, Standing.OLDER})
    except DatabaseError:
        database.close()
        raise
    return database


def _refuse(database: Database, status: SchemaStatus, refused: set[Standing]) -> None:
    if status.standing not in refused:
        return
    words = {
        Standing.NEWER: f"has schema {status.found}, this program knows up to {status.known}; "
        "install the newer program or name another database",
        Standing.FOREIGN: "holds tables of another program; name an empty database, or another "
        "file",
        Standing.OLDER: f"has schema {status.found}, this program needs {status.known}; when "
        f"every line can restart with it, run: {UPGRADE_COMMAND}",
    }
    raise DatabaseVersionError(f"database {database.name} {words[status.standing]}")


def _status(connection: Connection) -> SchemaStatus:
    scripts = ScriptDirectory.from_config(_config(connection))
    known = str(scripts.get_current_head())
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_revision()
    revisions = {script.revision for script in scripts.walk_revisions()}
    if found is None:
        standing = Standing.FOREIGN if inspect(connection).get_table_names() else Standing.EMPTY
    elif found not in revisions:
        standing = Standing.NEWER
    else:
        standing = Standing.CURRENT if found == known else Standing.OLDER
    return SchemaStatus(standing=standing, found=found, known=known)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "telemetry.database:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
