"""A fortnight of a plant's ledger: entries of every kind, small enough to add up by hand."""

from datetime import date, datetime, timedelta

from telemetry.ledger.entries import (
    AirSummary,
    Body,
    Dispatch,
    Entry,
    Mass,
    MassMethod,
    Operation,
    Product,
    Received,
    Removal,
    Residue,
    ShiftClosed,
)
from telemetry.ledger.shifts import Shift, ShiftCalendar
from telemetry.ledger.store import opening
from tests.support.plant import ALMATY, seen, weighed
from vision.types import Fraction

FIRST = date(2026, 9, 1)
END = datetime(2026, 11, 1, 12, tzinfo=ALMATY)


def fortnight(days: int = 14) -> list[Entry]:
    """Return entries of `days` days: 10 t a shift in, 3 t sorted out, 6.9 t left over."""
    calendar = ShiftCalendar()
    entries = []
    for number in range(days):
        for shift in calendar.of_day(FIRST + timedelta(days=number)):
            entries += [opening(shift), *shift_entries(shift)]
    return entries


def shift_entries(shift: Shift) -> list[Entry]:
    bodies: dict[str, Body] = {
        "in": Received(code="200301", mass=weighed(10_000)),
        "plastic": Product(
            fraction=Fraction.PLASTIC, bin="b1", code="191204", mass=seen(1200), items=40_000
        ),
        "paper": Product(
            fraction=Fraction.PAPER, bin="b2", code="191201", mass=seen(1800), items=30_000
        ),
        "residue": Residue(code="191212", mass=weighed(6900), items=90_000),
        "lamp": Removal(what="mercury_lamp", code="200121", hazardous=True, container="drum 1"),
        "landfill": Dispatch(
            code="191212",
            mass=weighed(6900),
            operation=Operation.LANDFILL,
            destination="city landfill",
        ),
        "air": AirSummary(
            channel="dust_after",
            unit="mg/m3",
            start=shift.start,
            end=shift.end,
            samples=720,
            lowest=0.5,
            mean=1.5,
            highest=6.0,
            limit=5.0,
            over_limit_s=30.0,
        ),
        "closed": ShiftClosed(
            rated_kg_per_h=1250,
            hours_planned=10.0,
            hours_run=8.0,
            processed=Mass(mass_g=10_000_000, method=MassMethod.BELT_SCALE, source="BS-1"),
        ),
    }
    at = shift.start + timedelta(hours=1)
    return [
        Entry(uid=f"{name}:{shift.shift_id}", at=at, shift=shift.shift_id, body=body)
        for name, body in bodies.items()
    ]
