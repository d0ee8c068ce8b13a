"""The store's tables, their version, and opening a file with them."""

import sqlite3
from pathlib import Path

from telemetry.errors import StoreError
from telemetry.sqlite_file import FileKind, open_file
from vision.overlap_index import LIMIT as OVERLAP_LIMIT

APPLICATION_ID = 0x534C4E45
"""`SLNE` in SQLite's application_id: tells a store from any other SQLite file."""
SCHEMA_VERSION = 2

SCHEMA = """
CREATE TABLE sessions (
    session INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    line_id TEXT NOT NULL,
    station_names TEXT NOT NULL,     -- JSON list
    opened_ns INTEGER NOT NULL,
    opened_at_utc TEXT NOT NULL,
    account TEXT NOT NULL,           -- JSON of SessionAccount, same transaction as the rows
    reported TEXT,                   -- JSON of the newest Totals the line told of
    ending TEXT,                     -- closed, interrupted; NULL while open
    ended_at_utc TEXT
) STRICT;
CREATE TABLE items (
    session INTEGER NOT NULL REFERENCES sessions (session),
    record_seq INTEGER NOT NULL,
    closed_ns INTEGER NOT NULL,
    at_utc TEXT NOT NULL,            -- of closed_ns, as the wall clock stood at receipt
    track_id INTEGER NOT NULL,
    fraction TEXT NOT NULL,
    confidence REAL NOT NULL,
    mass_g REAL NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    station INTEGER,
    outcome TEXT NOT NULL,
    PRIMARY KEY (session, record_seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE stories (               -- apart and with rowids: wide rows would overflow their page
    session INTEGER NOT NULL,
    record_seq INTEGER NOT NULL,
    story TEXT NOT NULL,             -- JSON of the whole ItemRecord
    PRIMARY KEY (session, record_seq)
) STRICT;
CREATE TABLE gaps (
    session INTEGER NOT NULL REFERENCES sessions (session),
    kind TEXT NOT NULL,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    counts TEXT NOT NULL,            -- JSON of Counts
    at_utc TEXT NOT NULL
) STRICT;
CREATE INDEX gaps_by_session ON gaps (session);
"""

_FIRST = tuple(part.strip() for part in SCHEMA.split(";\n") if part.strip())
MASS_IS_INVALID = (
    "CASE WHEN json_valid(story) THEN json_extract(story, '$.overlap_index') END"
    f" > {OVERLAP_LIMIT!r}"
)
"""Of a story. One with an infinity is no JSON to SQLite: it is stored all the same, unmarked."""
INVALID_MASSES = (
    f"CREATE INDEX invalid_masses ON stories (session, record_seq) WHERE {MASS_IS_INVALID}"
)
"""Finds the items whose mass the overlap index marks invalid; they are few among many."""
_VERSIONS = (_FIRST, (*_FIRST, INVALID_MASSES))
"""Statements of each schema version, 1 first; a later one only adds to the one before."""
_KIND = FileKind(
    name="store",
    application_id=APPLICATION_ID,
    versions=_VERSIONS,
    move_on="name another store_path",
)


def open_database(path: Path) -> sqlite3.Connection:
    """Open or make a store file, in WAL mode with a sync at every commit.

    synchronous=FULL: an acknowledged record is forgotten by the line, so it must survive a power
    cut, not only a killed process; at about five commits a second the sync costs nothing.

    Raises:
        StoreVersionError: written by a newer program.
        StoreError: not a store, or not accessible.
    """
    return open_file(path, _KIND, lambda database, version: _check_tables(database, path, version))


def _check_tables(database: sqlite3.Connection, path: Path, version: int) -> None:
    made = {row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")}
    if version and made != set(_VERSIONS[version - 1]):
        msg = (
            f"store {path} claims schema {version} but its tables differ: another version of this "
            "program made it; move the file away to keep it, or name another telemetry.store_path"
        )
        raise StoreError(msg)
