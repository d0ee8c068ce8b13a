"""Tables of the signal store: alarm journal, stretches of time, production by minute."""

import sqlite3
from pathlib import Path
from typing import Final

from telemetry.sqlite_file import FileKind, open_file

APPLICATION_ID: Final = 0x534C5347
"""`SLSG` in SQLite's application_id."""

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


_KIND: Final = FileKind(
    name="signal store",
    application_id=APPLICATION_ID,
    versions=(tuple(SCHEMA.split(";\n")),),
    move_on="move the file away",
    unusable="; move it away to begin a new one",
)


def open_signals(path: Path) -> sqlite3.Connection:
    """Open or make a signal store.

    Raises:
        StoreVersionError: written by a newer program.
        StoreError: another program's file, damaged or not accessible.
    """
    return open_file(path, _KIND)
