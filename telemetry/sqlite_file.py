"""Opening a SQLite file that belongs to this program: identity, version, tables."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from telemetry.errors import StoreError, StoreVersionError


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """One kind of file.

    Attributes:
        name: as messages call it.
        application_id: in SQLite's header, tells it from any other file.
        versions: statements of each schema version, 1 first; a later one only adds to the one
            before.
        move_on: what a person can do instead, for messages about another program's file.
        unusable: what to do about a damaged file, appended to its message; may be empty.
    """

    name: str
    application_id: int
    versions: Sequence[tuple[str, ...]]
    move_on: str
    unusable: str = ""


def open_file(
    path: Path,
    kind: FileKind,
    check: Callable[[sqlite3.Connection, int], None] | None = None,
) -> sqlite3.Connection:
    """Open or make a file, in WAL mode with a sync at every commit; any thread may use it.

    Args:
        path: of the file; its folder is made.
        kind: what it must be.
        check: looks at an existing file's tables, given its version, before anything is written.

    Raises:
        StoreVersionError: written by a newer program.
        StoreError: another program's file, damaged or not accessible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        msg = f"{kind.name} {path} cannot be opened: {error}"
        raise StoreError(msg) from error
    try:
        _prepare(database, path, kind, check)
    except sqlite3.Error as error:
        database.close()
        msg = f"{kind.name} {path} cannot be used: {error}{kind.unusable}"
        raise StoreError(msg) from error
    except StoreError:
        database.close()
        raise
    return database


def _prepare(
    database: sqlite3.Connection,
    path: Path,
    kind: FileKind,
    check: Callable[[sqlite3.Connection, int], None] | None,
) -> None:
    database.execute("PRAGMA busy_timeout = 1000")
    version = number(database, "PRAGMA user_version")
    newest = len(kind.versions)
    tables = number(database, "SELECT count(*) FROM sqlite_master")
    if tables and number(database, "PRAGMA application_id") != kind.application_id:
        msg = f"{path} is a SQLite file of another program; {kind.move_on}"
        raise StoreError(msg)
    if version > newest:
        msg = (
            f"{kind.name} {path} has schema {version}, this program knows up to {newest}; "
            f"run the newer program or {kind.move_on}"
        )
        raise StoreVersionError(msg)
    if check is not None:
        check(database, version)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    if version < newest:
        database.execute("BEGIN IMMEDIATE")
        for statement in kind.versions[-1][len(kind.versions[version - 1]) if version else 0 :]:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {kind.application_id}")
        database.execute(f"PRAGMA user_version = {newest}")
        database.execute("COMMIT")


def number(database: sqlite3.Connection, query: str) -> int:
    """Return the one number that a query answers with."""
    return int(database.execute(query).fetchone()[0])
