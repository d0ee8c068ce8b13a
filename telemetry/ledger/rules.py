"""What an entry must satisfy before it is written: masses, times, codes, shifts."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from telemetry.codes.plant import PlantCodes
from telemetry.codes.table import CodeError
from telemetry.ledger.entries import (
    Action,
    AirSummary,
    Dispatch,
    Entry,
    Genesis,
    Mass,
    MassMethod,
    Processed,
    Product,
    Received,
    Removal,
    Residue,
    ShiftClosed,
    ShiftOpened,
    StockCount,
)
from telemetry.ledger.errors import EntryError
from telemetry.ledger.sampling import Audit, Naming
from telemetry.ledger.shifts import ShiftCalendar
from vision.types import FRACTIONS

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""A scale's terminal may be this far ahead of this machine; more is a date in the future."""
EARLIEST: Final = date(2015, 1, 1)
"""Before any line of this kind: a mistyped year."""
MOST_G: Final = 10_000 * 1_000_000
"""10,000 t in one entry: more than a month of a large plant. The limit of one line in the French
registry (Trackdéchets), which exists to catch kilograms typed as tonnes."""
MOST_TICKET_G: Final = 100 * 1_000_000
"""100 t on one weighbridge ticket: twice the heaviest lorry on public roads."""
MOST_SAMPLE_G: Final = 2_000_000
"""2 t sorted by hand: ten times the sample of ASTM D5231."""
MOST_NAMED: Final = 1_000_000
"""Items of one kind that a person looked over at once: more than a day's work."""
RESIDUE: Final = "residue"
MOST_REMOVAL_G: Final = 200_000
"""200 kg for one item taken off by hand."""

_MASSED = (Received, Product, Residue, Dispatch, StockCount, Removal)
_IN_A_SHIFT = (Processed, Product, Residue, Removal, ShiftClosed, AirSummary)


def problems_of(
    entry: Entry, *, now: datetime, codes: PlantCodes, calendar: ShiftCalendar
) -> tuple[str, ...]:
    """Return everything that is wrong with one entry, in words; empty if it may be written."""
    found = [*_time_problems(entry, now), *_revision_problems(entry)]
    if entry.action is not Action.CANCEL:
        found += _mass_problems(entry)
        found += _shift_problems(entry, calendar)
        if not found:
            found += _code_problems(entry, codes, calendar)
    return tuple(found)


def check(entry: Entry, *, now: datetime, codes: PlantCodes, calendar: ShiftCalendar) -> None:
    """Refuse an entry that cannot be right.

    Raises:
        EntryError: with everything that is wrong.
    """
    found = problems_of(entry, now=now, codes=codes, calendar=calendar)
    if found:
        raise EntryError(f"{entry.uid}: {'; '.join(found)}")


def day_of(entry: Entry, calendar: ShiftCalendar) -> date:
    """Return the local day an entry counts for: its shift's, else that of its instant."""
    if entry.shift:
        return calendar.find(entry.shift).day
    return calendar.local(entry.at).date()


def _time_problems(entry: Entry, now: datetime) -> Iterator[str]:
    if entry.at.tzinfo is None:
        yield f"time {entry.at.isoformat()} has no offset; write it like 2026-10-05T08:30:00+05:00"
        return
    if entry.at > now + CLOCK_TOLERANCE:
        yield f"time {entry.at.isoformat()} lies in the future; it is {now.isoformat()}"
    if entry.at.date() < EARLIEST:
        yield f"time {entry.at.isoformat()} lies before {EARLIEST}; correct the year"


def _revision_problems(entry: Entry) -> Iterator[str]:
    if not entry.uid or len(entry.uid) > 200:
        yield "a uid has 1 to 200 characters"
    if (entry.action is Action.INSERT) != (entry.revision == 1):
        yield f"revision {entry.revision} does not go with {entry.action.value}; revision 1 inserts"
    if entry.action is not Action.INSERT and not entry.reason.strip():
        yield f"{entry.action.value} needs a reason"


def _mass_problems(entry: Entry) -> Iterator[str]:
    body = entry.body
    if isinstance(body, _MASSED) and body.mass is not None:
        yield from _problems_of_mass(body.mass, most_g=_most_g(body.mass, body))
    if isinstance(body, Audit):
        yield from _audit_problems(body)
    if isinstance(body, Naming):
        yield from _naming_problems(body)
    if isinstance(body, Processed):
        yield from _problems_of_mass(body.mass, most_g=MOST_G)
    if isinstance(body, ShiftClosed):
        yield from _problems_of_mass(body.processed, most_g=MOST_G)
        yield from _hours_problems(body)
    if isinstance(body, Product | Residue) and body.items is not None and body.items < 0:
        yield f"{body.items} items: a count is never negative"


def _most_g(mass: Mass, body: object) -> int:
    if isinstance(body, Removal):
        return MOST_REMOVAL_G
    return MOST_TICKET_G if mass.method is MassMethod.WEIGHBRIDGE else MOST_G


def _problems_of_mass(mass: Mass, *, most_g: int) -> Iterator[str]:
    if mass.mass_g < 0:
        yield f"mass {mass.mass_g / 1000:g} kg is negative"
    if mass.mass_g > most_g:
        yield (
            f"mass {mass.mass_g / 1000:g} kg is absurd: at most {most_g / 1000:g} kg here; "
            "were kilograms meant, not tonnes?"
        )
    if not 0 <= mass.invalid_g <= max(0, mass.mass_g):
        yield f"{mass.invalid_g} g of {mass.mass_g} g cannot be invalid"
    ends = (mass.low_g, mass.high_g, mass.level)
    if any(end is None for end in ends) and any(end is not None for end in ends):
        yield "an interval has low_g, high_g and level"
    elif mass.low_g is not None and mass.high_g is not None and mass.level is not None:
        if not mass.low_g <= mass.mass_g <= mass.high_g or mass.low_g < 0:
            yield f"interval {mass.low_g}..{mass.high_g} g does not hold {mass.mass_g} g"
        if not 0 < mass.level < 1:
            yield f"level {mass.level:g} of an interval lies between 0 and 1"


def _audit_problems(body: Audit) -> Iterator[str]:
    if body.stream not in (RESIDUE, *FRACTIONS):
        yield f"stream {body.stream!r} is none of {', '.join((RESIDUE, *FRACTIONS))}"
    if not 0 < body.sample_g <= MOST_SAMPLE_G:
        yield f"a sample of {body.sample_g / 1000:g} kg is absurd"
    if not 0 <= body.material_g <= body.sample_g:
        yield (
            f"{body.material_g / 1000:g} kg of {body.material} in a sample of "
            f"{body.sample_g / 1000:g} kg"
        )
    if body.items < 1 or not body.by.strip():
        yield "an audit names how many pieces it had and who sorted it"


def _naming_problems(body: Naming) -> Iterator[str]:
    if not 0 < body.items <= MOST_NAMED:
        yield f"{body.items} items in one stretch of belt are absurd; leave out what was not seen"
    if not body.model.strip() or not body.by.strip():
        yield "an audit of the naming names the model bundle and who looked"


def _hours_problems(body: ShiftClosed) -> Iterator[str]:
    if not 0 <= body.hours_run <= 25 or not 0 <= body.hours_planned <= 25:
        yield f"{body.hours_run:g} h run of {body.hours_planned:g} h planned: a shift has 0 to 25 h"
    if body.rated_kg_per_h < 0:
        yield f"rated capacity {body.rated_kg_per_h} kg/h is negative"


def _shift_problems(entry: Entry, calendar: ShiftCalendar) -> Iterator[str]:
    body = entry.body
    if not entry.shift:
        if isinstance(body, _IN_A_SHIFT):
            yield f"{body.kind} needs the shift it belongs to"
        return
    try:
        shift = calendar.find(entry.shift)
    except ValueError as error:
        yield str(error)
        return
    if isinstance(body, ShiftOpened) and (body.start, body.end) != (shift.start, shift.end):
        yield f"shift {entry.shift} runs {shift.start} to {shift.end} by the plant's calendar"


def _code_problems(entry: Entry, codes: PlantCodes, calendar: ShiftCalendar) -> Iterator[str]:
    body = entry.body
    if not isinstance(body, _MASSED):
        return
    try:
        found = codes.entry(body.code, day_of(entry, calendar))
    except CodeError as error:
        yield str(error)
        return
    if body.code != found.code:
        yield f"code {body.code!r} is stored as six digits, {found.code}"
    if isinstance(body, Removal) and body.hazardous != found.hazardous:
        yield f"{found.printed} is {'' if found.hazardous else 'not '}hazardous by the table"


def is_genesis(entry: Entry) -> bool:
    """Return whether an entry begins a chain."""
    return isinstance(entry.body, Genesis)
