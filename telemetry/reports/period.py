"""Periods a report can be for, as people write them, and which days and shifts they hold."""

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from telemetry.ledger.shifts import ShiftCalendar
from telemetry.reports.errors import ReportError

FORMS: Final = "2026-10-05/A (shift), 2026-10-05 (day), 2026-10, 2026-Q4 or 2026 (year)"


class PeriodKind(StrEnum):
    """How long a period is."""

    SHIFT = "shift"
    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A whole number of shifts. A day, month or year holds the shifts that start in it.

    Attributes:
        kind: how long.
        label: as written.
        first: first local day.
        last: last local day, included.
        shift: id where it is a single shift, else empty.
        start: begin of its first shift, with offset.
        end: end of its last shift, with offset.
    """

    kind: PeriodKind
    label: str
    first: date
    last: date
    shift: str
    start: datetime
    end: datetime


def parse_period(text: str, shifts: ShiftCalendar) -> Period:
    """Return the period that was written.

    Raises:
        ReportError: none of the forms, or no such day or shift.
    """
    written = text.strip()
    try:
        kind, first, last = _days(written)
        if kind is PeriodKind.SHIFT:
            shift = shifts.find(written)
            return Period(
                kind=kind,
                label=written,
                first=first,
                last=last,
                shift=written,
                start=shift.start,
                end=shift.end,
            )
    except ValueError as error:
        msg = f"period {text!r}: {error}; write one like {FORMS}"
        raise ReportError(msg) from error
    return Period(
        kind=kind,
        label=written,
        first=first,
        last=last,
        shift="",
        start=shifts.of_day(first)[0].start,
        end=shifts.of_day(last)[-1].end,
    )


def _days(text: str) -> tuple[PeriodKind, date, date]:
    if "/" in text:
        day = date.fromisoformat(text.partition("/")[0])
        return PeriodKind.SHIFT, day, day
    if re.fullmatch(r"\d{4}", text):
        return PeriodKind.YEAR, date(int(text), 1, 1), date(int(text), 12, 31)
    quarter = re.fullmatch(r"(\d{4})-[Qq]([1-4])", text)
    if quarter:
        year, month = int(quarter[1]), 3 * int(quarter[2])
        return PeriodKind.QUARTER, date(year, month - 2, 1), _month_end(year, month)
    month_form = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if month_form:
        year, month = int(month_form[1]), int(month_form[2])
        return PeriodKind.MONTH, date(year, month, 1), _month_end(year, month)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = date.fromisoformat(text)
        return PeriodKind.DAY, day, day
    msg = "not a period"
    raise ValueError(msg)


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
