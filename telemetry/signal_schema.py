"""Tables of the signal store: alarm journal, stretches of time, production by minute."""

import sqlite3
from pathlib import Path
from typing import Final

from telemetry.errors import StoreError, StoreVersionError

APPLICATION_ID: Final = 0x534C5347
"""`SLSG` in SQLite's application_id."""
SCHEMA_VERSION: Final = 1

SCHEMA: Final = """
CREATE TABLE alarm_events (
    event INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    kind TEXT NOT NULL,
    act TEXT NOT NULL,
    operator TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX alarm_events_by_time ON alarm_events (at_us);
CREATE TABLE alarm_entries (
    kind TEXT PRIMARY KEY,
    entry TEXT NOT NULL
) STRICT;
CREATE TABLE stretches (
    stretch_id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us INTEGER,
    duration_s REAL NOT NULL,
    state TEXT NOT NULL,
    mode TEXT NOT NULL,
    cause TEXT NOT NULL,
    alarm TEXT,
    reason TEXT NOT NULL DEFAULT '',
    reason_by TEXT NOT NULL DEFAULT '',
    reason_us INTEGER,
    note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX stretches_by_time ON stretches (started_us);
CREATE TABLE production_minutes (
    minute INTEGER PRIMARY KEY,
    items INTEGER NOT NULL,
    mass_g REAL NOT NULL,
    good_items INTEGER NOT NULL,
    good_mass_g REAL NOT NULL
) STRICT;
CREATE TABLE production_marks (
    session_id TEXT PRIMARY KEY,
    record_seq INTEGER NOT NULL
) STRICT
"""


def open_signals(path: Path) -> sqlite3.Connection:
    """Open or make a signal store.

    Raises:
        StoreVersionError: written by a newer program.
        StoreError: another program's file, damaged or not accessible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        msg = f"signal store {path} cannot be opened: {error}"
        raise StoreError(msg) from error
    try:
        _prepare(database, path)
    except sqlite3.Error as error:
        database.close()
        msg = f"signal store {path} cannot be used: {error}; move it away to begin a new one"
        raise StoreError(msg) from error
    except StoreError:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    database.execute("PRAGMA busy_timeout = 1000")
    version = _number(database, "PRAGMA user_version")
    tables = _number(database, "SELECT count(*) FROM sqlite_master")
    if tables and _number(database, "PRAGMA application_id") != APPLICATION_ID:
        msg = f"{path} is a SQLite file of another program; move it away"
        raise StoreError(msg)
    if version > SCHEMA_VERSION:
        msg = (
            f"signal store {path} has schema {version}, this program knows up to {SCHEMA_VERSION}; "
            "run the newer program or move the file away"
        )
        raise StoreVersionError(msg)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    if version == 0:
        database.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA.split(";\n"):
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("COMMIT")


def _number(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])
