"""History at any zoom: from a year to a minute out of the plant's sums by day, hour and minute.

A page calls `read_history(database, line_id, start, end, zone)` off its event loop and draws
`points`; their width is chosen so that there are some hundred steps at most. No zoom reads items.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Table, func, select

from controller.types import ItemOutcome
from telemetry.database.engine import Database
from telemetry.plant.codes import FRACTION_OF, OUTCOME_OF
from telemetry.plant.tables import DAYS, HOURS, LINES, MINUTES
from vision.types import Fraction

_MG_PER_KG: Final = 1e6
_S_PER_MINUTE: Final = 60
_S_PER_HOUR: Final = 3600
MINUTES_UP_TO: Final = timedelta(hours=12)
"""720 points at most."""
HOURS_UP_TO: Final = timedelta(days=31)
"""744 points at most; beyond, days: 366 for a year."""
LONGEST: Final = timedelta(days=366 * 20)


class Step(StrEnum):
    """Width of a point."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """What was finished in one step, of one fraction and one end.

    Attributes:
        at: start of the step; of a day, its midnight in the plant's time zone.
        fraction: as named, corrections included.
        outcome: their end.
        items: how many.
        mass_kg: their mass from pictures.
    """

    at: datetime
    fraction: Fraction
    outcome: ItemOutcome
    items: int
    mass_kg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A period's history; steps in which nothing happened have no point.

    Attributes:
        start: asked for.
        end: asked for, not included.
        step: width of a point.
        points: by time, fraction, outcome.
    """

    start: datetime
    end: datetime
    step: Step
    points: tuple[HistoryPoint, ...]


def step_for(span: timedelta) -> Step:
    """Return the width of points that a span is shown with."""
    if span <= MINUTES_UP_TO:
        return Step.MINUTE
    return Step.HOUR if span <= HOURS_UP_TO else Step.DAY


def read_history(
    database: Database, line_id: str | None, start: datetime, end: datetime, zone: ZoneInfo
) -> History:
    """Return what was finished in a period, in steps that suit its length.

    Args:
        database: the plant's.
        line_id: which line, None for all of the plant together.
        start: aware; taken back to the start of its step.
        end: aware, not included.
        zone: the plant's, which says where a day begins.

    Raises:
        ValueError: the end does not follow the start, or the period is longer than 20 years.
        DatabaseError: the database cannot be reached.
    """
    if not timedelta() < end - start <= LONGEST:
        msg = "end must follow start, by 20 years at most"
        raise ValueError(msg)
    step = step_for(end - start)
    table, bucket, first, last = _bounds(step, start, end, zone)
    query = (
        select(
            bucket,
            table.c.fraction,
            table.c.outcome,
            func.sum(table.c["items"]),
            func.sum(table.c.mass_mg),
        )
        .where(bucket >= first, bucket < last)
        .group_by(bucket, table.c.fraction, table.c.outcome)
        .having(func.sum(table.c["items"]) > 0)
        .order_by(bucket, table.c.fraction, table.c.outcome)
    )
    with database.read() as connection:
        if line_id is not None:
            number = select(LINES.c.line_no).where(LINES.c.line_id == line_id)
            query = query.where(table.c.line_no == number.scalar_subquery())
        rows = connection.execute(query).all()
    points = tuple(
        HistoryPoint(
            at=_instant(step, place, zone),
            fraction=FRACTION_OF[fraction],
            outcome=OUTCOME_OF[outcome],
            items=int(items),
            mass_kg=int(mass_mg) / _MG_PER_KG,
        )
        for place, fraction, outcome, items, mass_mg in rows
    )
    return History(start=start, end=end, step=step, points=points)


def _bounds(
    step: Step, start: datetime, end: datetime, zone: ZoneInfo
) -> tuple[Table, ColumnElement[Any], Any, Any]:
    if step is Step.DAY:
        last = (end - timedelta(microseconds=1)).astimezone(zone).date() + timedelta(days=1)
        return DAYS, DAYS.c.day, start.astimezone(zone).date(), last
    table, bucket, width_s = (
        (MINUTES, MINUTES.c.minute, _S_PER_MINUTE)
        if step is Step.MINUTE
        else (HOURS, HOURS.c.hour, _S_PER_HOUR)
    )
    return table, bucket, int(start.timestamp() // width_s), -int(-end.timestamp() // width_s)


def _instant(step: Step, place: Any, zone: ZoneInfo) -> datetime:
    if step is Step.DAY:
        day = place if isinstance(place, date) else date.fromisoformat(place)
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    width_s = _S_PER_MINUTE if step is Step.MINUTE else _S_PER_HOUR
    return datetime.fromtimestamp(place * width_s, zone)
