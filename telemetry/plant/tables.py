"""The plant's tables: lines, sessions, items in monthly parts, roll-ups, corrections."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Double,
    ForeignKey,
    Integer,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    column,
    table,
)
from sqlalchemy.schema import SchemaItem

from telemetry.database.schema import METADATA, UtcDateTime

NAME_CHARACTERS: Final = 200
"""As long as a line id or session id may be on the wire (telemetry.messages)."""

SETTINGS: Final = Table(
    "plant_settings",
    METADATA,
    Column("name", String(50), primary_key=True),
    Column("value", String(NAME_CHARACTERS), nullable=False),
)
CODE_NAMES: Final = Table(
    "code_names",
    METADATA,
    Column("kind", String(20), primary_key=True),
    Column("code", SmallInteger, primary_key=True, autoincrement=False),
    Column("word", String(50), nullable=False),
)
LINES: Final = Table(
    "lines",
    METADATA,
    Column("line_no", Integer, primary_key=True),
    Column("line_id", String(NAME_CHARACTERS), nullable=False, unique=True),
)
BUNDLES: Final = Table(
    "bundles",
    METADATA,
    Column("bundle_no", Integer, primary_key=True),
    Column("bundle_id", String(NAME_CHARACTERS), nullable=False, unique=True),
)
SESSIONS: Final = Table(
    "sessions",
    METADATA,
    Column("session_no", Integer, primary_key=True),
    Column("line_no", Integer, ForeignKey(LINES.c.line_no), nullable=False),
    Column("session_id", String(NAME_CHARACTERS), nullable=False),
    Column("station_names", String, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("arrived_seq", BigInteger, nullable=False),
    Column("arrived_at", UtcDateTime, nullable=False),
    Column("account", String, nullable=False),
    Column("ending", String(20)),
    UniqueConstraint("line_no", "session_id"),
)
"""`arrived_seq` is the highest record number that has arrived: it moves in the transaction that
brings the rows, so a batch sent twice has its effect once. `account` is the JSON of the line's
SessionAccount, for the gaps that no row can tell."""

PARTS: Final = Table(
    "item_parts",
    METADATA,
    Column("month", String(7), primary_key=True),
    Column("table_name", String(50), nullable=False),
)
"""Which months have a table of items, as `2026-11`, in UTC."""

CORRECTIONS: Final = Table(
    "item_corrections",
    METADATA,
    Column("correction_uid", String(36), primary_key=True),
    Column("session_no", Integer, ForeignKey(SESSIONS.c.session_no), nullable=False),
    Column("record_seq", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("author", String(NAME_CHARACTERS), nullable=False),
    Column("why", String, nullable=False),
    Column("fraction", SmallInteger, nullable=False),
    Column("mass_mg", Integer, nullable=False),
    Column("mass_sd_mg", Integer, nullable=False),
    UniqueConstraint("session_no", "record_seq", "revision"),
)
"""What an item turned out to be; the item's own row is never changed."""


def _rollup(name: str, bucket: "Column[object]", *more: SchemaItem) -> Table:
    return Table(
        name,
        METADATA,
        bucket,
        Column("line_no", Integer, ForeignKey(LINES.c.line_no), primary_key=True),
        Column("fraction", SmallInteger, primary_key=True, autoincrement=False),
        Column("action", SmallInteger, primary_key=True, autoincrement=False),
        Column("reason", SmallInteger, primary_key=True, autoincrement=False),
        Column("station", SmallInteger, primary_key=True, autoincrement=False),
        Column("outcome", SmallInteger, primary_key=True, autoincrement=False),
        Column("items", BigInteger, nullable=False),
        Column("mass_mg", BigInteger, nullable=False),
        Column("mass_var_g2", Double, nullable=False),
        *more,
    )


MINUTES: Final = _rollup("rollup_minute", Column("minute", BigInteger, primary_key=True))
"""By Unix minute, UTC."""
HOURS: Final = _rollup("rollup_hour", Column("hour", BigInteger, primary_key=True))
"""By Unix hour, UTC."""
DAYS: Final = _rollup(
    "rollup_day",
    Column("day", Date, primary_key=True),
    Column("changed_at", UtcDateTime, nullable=False),
)
"""By calendar day in the plant's time zone; `changed_at` tells late arrivals and corrections."""

ROLLUP_KEYS: Final = ("line_no", "fraction", "action", "reason", "station", "outcome")
ROLLUP_SUMS: Final = ("items", "mass_mg", "mass_var_g2")
ITEM_COLUMNS: Final = (
    "session_no",
    "at_us",
    "record_seq",
    "bundle_no",
    "mass_mg",
    "mass_sd_mg",
    "width_mm",
    "length_mm",
    "confidence",
    "fraction",
    "action",
    "reason",
    "station",
    "outcome",
)
"""Columns of an item, in the order in which they are copied in."""

REAL_COLUMNS: Final = frozenset({"width_mm", "length_mm", "confidence"})
ITEMS: Final = table("items", *(column(name) for name in ITEM_COLUMNS))
"""All items: a table partitioned by `at_us` on PostgreSQL, a view over the parts on SQLite."""
