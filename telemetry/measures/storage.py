"""How long non-hazardous stock has been lying: first in, first out, alarm before the limit."""

import calendar
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

WARN_BEFORE: Final = timedelta(days=14)
"""Time a plant needs to find a lorry and a taker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMove:
    """One change of one code's stock, in time order.

    Attributes:
        day: of the change.
        mass_g: positive into stock, negative out of it.
        counted: the mass is the whole stock, as a person counted it.
    """

    day: date
    mass_g: int
    counted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageState:
    """What lies there on a day.

    Attributes:
        stock_g: never negative.
        oldest: day on which the oldest of it came; None where nothing lies.
        due: day by which that must have left.
        overdue_g: mass beyond its time.
        due_soon_g: mass due within two weeks, what is overdue not counted.
        missing_g: taken out beyond what the books had.
    """

    stock_g: int
    oldest: date | None
    due: date | None
    overdue_g: int
    due_soon_g: int
    missing_g: int


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, the month's last where it has no such day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def storage_state(moves: Iterable[StockMove], *, on: date, months: int) -> StorageState:
    """Return stock and its age on a day.

    The Ecological Code (article 320) allows 3 months for non-hazardous waste at a sorting station.

    Args:
        moves: of one code, in time order; later ones are ignored.
        on: the day.
        months: longest storage.
    """
    lots: deque[tuple[date, int]] = deque()
    missing_g = 0
    for move in moves:
        if move.day > on:
            break
        have_g = sum(mass for _, mass in lots)
        change_g = move.mass_g - have_g if move.counted else move.mass_g
        if change_g > 0:
            lots.append((move.day, change_g))
        else:
            missing_g += _take(lots, -change_g)
    late = [(mass, add_months(day, months)) for day, mass in lots]
    oldest = lots[0][0] if lots else None
    return StorageState(
        stock_g=sum(mass for _, mass in lots),
        oldest=oldest,
        due=add_months(oldest, months) if oldest else None,
        overdue_g=sum(mass for mass, due in late if due < on),
        due_soon_g=sum(mass for mass, due in late if on <= due <= on + WARN_BEFORE),
        missing_g=missing_g,
    )


def _take(lots: deque[tuple[date, int]], wanted_g: int) -> int:
    """Take from the oldest lots; return what was not there."""
    while wanted_g and lots:
        day, mass = lots.popleft()
        if mass > wanted_g:
            lots.appendleft((day, mass - wanted_g))
            return 0
        wanted_g -= mass
    return wanted_g
