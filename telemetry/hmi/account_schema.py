"""Tables of the users' file, and how it is opened."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from telemetry.database.append_only import append_only
from telemetry.hmi.errors import AccountStoreError

APPLICATION_ID: Final = 0x534C5553
"""SLUS in ASCII, in the file's header (SQLite's pragma application_id)."""
VERSION: Final = 1
BUSY_MS: Final = 5000

_TABLES: Final = (
    """CREATE TABLE person (
        key TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, language TEXT NOT NULL,
        password TEXT NOT NULL, made_at TEXT NOT NULL) STRICT""",
    """CREATE TABLE visit (
        token_sha256 BLOB PRIMARY KEY, person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
        csrf TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT""",
    """CREATE TABLE audit_log (
        id INTEGER PRIMARY KEY, at TEXT NOT NULL, user TEXT NOT NULL, role TEXT NOT NULL,
        address TEXT NOT NULL, action TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
        outcome TEXT NOT NULL, detail TEXT NOT NULL) STRICT""",
    *append_only("audit_log", "sqlite"),
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the users' file, readable by its owner alone; make it when absent.

    Raises:
        AccountStoreError: not such a file, of a newer program, or not to be opened.
    """
    try:
        path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000
        )
        _prepare(connection, path)
    except (OSError, sqlite3.Error) as error:
        msg = f"users' file {path} cannot be opened: {error}"
        raise AccountStoreError(msg) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        _make_or_check(connection, path)
    except BaseException:
        connection.execute("ROLLBACK")
        connection.close()
        raise
    connection.execute("COMMIT")


def _make_or_check(connection: sqlite3.Connection, path: Path) -> None:
    application, version = (
        _pragma(connection, name) for name in ("application_id", "user_version")
    )
    with closing(connection.execute("SELECT count(*) FROM sqlite_schema")) as rows:
        empty = rows.fetchone()[0] == 0
    if empty:
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif application != APPLICATION_ID:
        msg = f"{path} is no users' file; move it away and start again"
        raise AccountStoreError(msg)
    elif version > VERSION:
        msg = f"{path} is of a newer program (version {version}, this one knows {VERSION})"
        raise AccountStoreError(msg)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
