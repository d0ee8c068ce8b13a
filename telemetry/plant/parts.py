"""Monthly tables of items: made when the first item of a month arrives, dropped whole."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
from sqlalchemy import Connection, delete, insert, select, text

from telemetry.database.engine import Backend, Database
from telemetry.plant.batch import US_PER_S, Rows
from telemetry.plant.tables import ITEM_COLUMNS, PARTS, REAL_COLUMNS

_LOCK_KEY: Final = 0x53504152
"""Advisory lock of PostgreSQL under which one process at a time makes or drops parts (`SPAR`)."""


def month_of(at_us: int) -> str:
    """Return the UTC month of an instant, as `2026-11`."""
    return datetime.fromtimestamp(at_us / US_PER_S, UTC).strftime("%Y-%m")


def month_start_us(month: str) -> int:
    """Return when a month begins, Unix µs."""
    return round(datetime.fromisoformat(f"{month}-01T00:00:00+00:00").timestamp()) * US_PER_S


def next_month(month: str) -> str:
    """Return the month after."""
    year, number = map(int, month.split("-"))
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}"


def table_of(month: str) -> str:
    """Return the name of a month's table."""
    return f"items_{month.replace('-', '_')}"


def split_by_month(rows: Rows) -> tuple[tuple[str, Rows], ...]:
    """Return the rows of each month, in the order of months."""
    if not len(rows):
        return ()
    months = []
    month = month_of(int(rows["at_us"].min()))
    last = month_of(int(rows["at_us"].max()))
    while month <= last:
        inside = rows["at_us"] < month_start_us(next_month(month))
        inside &= rows["at_us"] >= month_start_us(month)
        if np.any(inside):
            months.append((month, rows[inside]))
        month = next_month(month)
    return tuple(months)


def known_months(connection: Connection) -> tuple[str, ...]:
    """Return the months that have a table, oldest first."""
    return tuple(connection.scalars(select(PARTS.c.month).order_by(PARTS.c.month)))


def ensure_months(database: Database, months: tuple[str, ...]) -> None:
    """Make the tables of months that have none. Any number of processes may do so at once.

    Raises:
        DatabaseError: the database refused.
    """
    with database.write() as connection:
        _lock(database, connection)
        known = known_months(connection)
        for month in sorted(set(months) - set(known)):
            _make(database, connection, month)
            connection.execute(insert(PARTS), {"month": month, "table_name": table_of(month)})
        _redraw_view(database, connection)


def drop_month(database: Database, month: str) -> None:
    """Drop a month's items; roll-ups stay.

    Raises:
        DatabaseError: the database refused.
    """
    with database.write() as connection:
        _lock(database, connection)
        if month not in known_months(connection):
            return
        connection.execute(delete(PARTS).where(PARTS.c.month == month))
        _redraw_view(database, connection)
        connection.execute(text(f"DROP TABLE {table_of(month)}"))


def _lock(database: Database, connection: Connection) -> None:
    if database.backend is Backend.POSTGRESQL:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def _make(database: Database, connection: Connection, month: str) -> None:
    name = table_of(month)
    if database.backend is Backend.POSTGRESQL:
        low, high = month_start_us(month), month_start_us(next_month(month))
        columns = ", ".join(f"{column} {kind} NOT NULL" for column, kind in _POSTGRESQL)
        connection.execute(
            text(f"CREATE TABLE {name} ({columns}, PRIMARY KEY (session_no, record_seq))")
        )
        connection.execute(
            text(f"ALTER TABLE items ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})")
        )
        return
    columns = ", ".join(
        f"{column} {'REAL' if column in REAL_COLUMNS else 'INTEGER'} NOT NULL"
        for column in ITEM_COLUMNS
    )
    connection.execute(
        text(f"CREATE TABLE {name} ({columns}, PRIMARY KEY (session_no, record_seq)) WITHOUT ROWID")
    )
    connection.execute(text(f"CREATE INDEX ix_{name}_at_us ON {name} (at_us)"))


def _redraw_view(database: Database, connection: Connection) -> None:
    if database.backend is Backend.POSTGRESQL:
        return
    parts = [_select_all(table_of(month)) for month in known_months(connection)]
    connection.execute(text("DROP VIEW items"))
    connection.execute(text("CREATE VIEW items AS " + " UNION ALL ".join(parts or [_NOTHING])))


def _select_all(table: str) -> str:
    return f"SELECT {', '.join(ITEM_COLUMNS)} FROM {table}"  # noqa: S608 - names of ours


_POSTGRESQL: Final = (
    ("at_us", "bigint"),
    ("record_seq", "bigint"),
    *((name, "integer") for name in ("session_no", "bundle_no", "mass_mg", "mass_sd_mg")),
    *((name, "real") for name in ("width_mm", "length_mm", "confidence")),
    *((name, "smallint") for name in ("fraction", "action", "reason", "station", "outcome")),
)
"""Columns of a month, the wide ones first so that no byte is lost between them; the key has room in
PostgreSQL's rule for rising keys (nbtsplitloc.c: no wider than two bigints), which fills its pages
to nine tenths instead of half."""

_NOTHING: Final = f"SELECT {', '.join(f'0 AS {column}' for column in ITEM_COLUMNS)} WHERE 0"
