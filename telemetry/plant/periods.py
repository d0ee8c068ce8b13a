"""What whole days came to, from the sums by day: a year is read in well under a second."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, select

from controller.types import ItemOutcome
from telemetry.database.engine import Database
from telemetry.plant.codes import FRACTION_OF, NO_STATION, OUTCOME_OF
from telemetry.plant.tables import DAYS, LINES
from vision.types import Fraction

_MG_PER_KG: Final = 1e6
_G_PER_KG: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodSum:
    """Items of a period that share line, fraction, station and outcome.

    Attributes:
        line_id: which line.
        fraction: what they were named, corrections included.
        station: that was to eject them, None for those left on the belt.
        outcome: their end.
        items: how many.
        mass_kg: their mass from pictures.
        mass_sd_kg: its standard deviation as far as items vary on their own; the error that all
            items of a fraction share is the mass model's (docs/estimates.md).
    """

    line_id: str
    fraction: Fraction
    station: int | None
    outcome: ItemOutcome
    items: int
    mass_kg: float
    mass_sd_kg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Sums of a period.

    Attributes:
        first: day.
        last: day, included.
        sums: in the order of lines, fractions, stations, outcomes; none that is empty.
        changed_at: when anything of it last changed, None if there is nothing.
    """

    first: date
    last: date
    sums: tuple[PeriodSum, ...]
    changed_at: datetime | None

    @property
    def items(self) -> int:
        """All of them."""
        return sum(part.items for part in self.sums)

    @property
    def mass_kg(self) -> float:
        """All of it."""
        return sum(part.mass_kg for part in self.sums)


def read_period(database: Database, first: date, last: date) -> Period:
    """Sum whole days, both ends included, by the plant's time zone.

    Raises:
        DatabaseError: the database cannot be reached.
    """
    keys = (LINES.c.line_id, DAYS.c.fraction, DAYS.c.station, DAYS.c.outcome)
    within = DAYS.c.day.between(first, last)
    query = (
        select(
            *keys,
            func.sum(DAYS.c["items"]),
            func.sum(DAYS.c.mass_mg),
            func.sum(DAYS.c.mass_var_g2),
        )
        .join_from(DAYS, LINES)
        .where(within)
        .group_by(*keys)
        .having(func.sum(DAYS.c["items"]) > 0)
        .order_by(*keys)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
        changed_at = connection.scalar(select(func.max(DAYS.c.changed_at)).where(within))
    sums = tuple(
        PeriodSum(
            line_id=line_id,
            fraction=FRACTION_OF[fraction],
            station=None if station == NO_STATION else station,
            outcome=OUTCOME_OF[outcome],
            items=int(items),
            mass_kg=int(mass_mg) / _MG_PER_KG,
            mass_sd_kg=max(float(variance), 0.0) ** 0.5 / _G_PER_KG,
        )
        for line_id, fraction, station, outcome, items, mass_mg, variance in rows
    )
    return Period(first=first, last=last, sums=sums, changed_at=changed_at)
