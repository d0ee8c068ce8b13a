"""Which lines there are, their sessions, and how far each session has arrived."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from telemetry.database.schema import METADATA, UtcDateTime

NAME_CHARACTERS: Final = 200
"""As long as a line id or session id may be on the wire (telemetry.messages)."""

LINES: Final = Table(
    "lines",
    METADATA,
    Column("line_no", Integer, primary_key=True),
    Column("line_id", String(NAME_CHARACTERS), nullable=False, unique=True),
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
    Column("account", String, nullable=False),
    Column("ending", String(20)),
    UniqueConstraint("line_no", "session_id"),
)
"""`arrived_seq` is the highest record number that has arrived: it moves in the transaction that
brings the rows, so a batch sent twice has its effect once. `account` is the JSON of the line's
SessionAccount, for the gaps that no row can tell."""
