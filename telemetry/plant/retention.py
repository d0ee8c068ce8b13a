"""What is old enough to go: months of items, sums by minute, pictures."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import delete, func, select

from telemetry.database.engine import Database
from telemetry.errors import DatabaseError
from telemetry.plant.config import RECORDS_YEARS_MIN
from telemetry.plant.parts import drop_month, known_months
from telemetry.plant.tables import DAYS, MINUTES, SESSIONS

_log = logging.getLogger(__name__)

PICTURE_ENDINGS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
CLOCK_AHEAD_MAX: Final = timedelta(days=62)
"""A clock that is further ahead of the newest arrival is not believed: it would drop years."""
_S_PER_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept.

    Attributes:
        records_years: items, 5 or more.
        minutes_days: sums by minute.
        pictures_days: pictures.
        pictures_path: their folder, None where there is none.
    """

    records_years: int
    minutes_days: int
    pictures_days: int
    pictures_path: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What went.

    Attributes:
        months: of items.
        minutes: rows of sums by minute.
        pictures: files.
    """

    months: tuple[str, ...]
    minutes: int
    pictures: int


def prune(
    database: Database, retention: Retention, now: datetime, *, clock_is_trusted: bool = False
) -> Pruned:
    """Delete what is older than its time. Sums by hour and day, and corrections, are kept.

    Args:
        database: the plant's.
        retention: how long things are kept.
        now: as the clock says, or as a person does.
        clock_is_trusted: a person gave `now`.

    Raises:
        DatabaseError: fewer years than the law asks for, or a clock that cannot be right.
    """
    if retention.records_years < RECORDS_YEARS_MIN:
        msg = f"records are kept {RECORDS_YEARS_MIN} years at least, not {retention.records_years}"
        raise DatabaseError(msg)
    if not clock_is_trusted:
        _require_sane_clock(database, now)
    first = now.astimezone(UTC)
    keep_from = f"{first.year - retention.records_years:04d}-{first.month:02d}"
    with database.read() as connection:
        months = tuple(month for month in known_months(connection) if month < keep_from)
    for month in months:
        drop_month(database, month)
    oldest = (now - timedelta(days=retention.minutes_days)).timestamp() // _S_PER_MINUTE
    with database.write() as connection:
        minutes = connection.execute(delete(MINUTES).where(MINUTES.c.minute < int(oldest)))
    return Pruned(
        months=months, minutes=int(minutes.rowcount), pictures=_prune_pictures(retention, now)
    )


def _require_sane_clock(database: Database, now: datetime) -> None:
    with database.read() as connection:
        arrived = connection.scalar(select(func.max(SESSIONS.c.arrived_at)))
        last_day = connection.scalar(select(func.max(DAYS.c.day)))
    if arrived is None or last_day is None:
        return
    newest = max(arrived.date(), last_day)
    if now.date() - newest > CLOCK_AHEAD_MAX:
        msg = (
            f"it is {now.date()} by this machine's clock, but nothing has arrived since {newest}; "
            "nothing is deleted. Set the clock, or give the date with --now if it is right"
        )
        raise DatabaseError(msg)


def _prune_pictures(retention: Retention, now: datetime) -> int:
    if retention.pictures_path is None or not retention.pictures_path.is_dir():
        return 0
    oldest_s = (now - timedelta(days=retention.pictures_days)).timestamp()
    gone = 0
    for path in retention.pictures_path.rglob("*"):
        if path.suffix.lower() not in PICTURE_ENDINGS or path.is_symlink() or not path.is_file():
            continue
        if path.stat().st_mtime < oldest_s:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
