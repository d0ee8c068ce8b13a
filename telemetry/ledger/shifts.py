"""The plant's shifts: a day's pattern in local time, and which shift an instant belongs to.

A shift belongs to the day on which it starts, and figures of a day are those of its shifts. Which
shift is running is kept in the ledger, not recomputed from the wall clock: a clock set back an hour
over a shift change or midnight neither reopens the last shift nor opens one twice.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from calibration.section import Section

_DAY_H = 24.0


class ShiftPattern(Section):
    """One shift of every day."""

    name: str = Field(pattern=r"^[\w-]{1,20}$")
    start: time
    """Local time of day."""
    hours: Annotated[float, Field(gt=0, le=24)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One shift of one day.

    Attributes:
        shift_id: local day of its start and its name, `2026-10-05/A`.
        name: of the pattern.
        start: with the plant's offset.
        end: with the plant's offset, not included.
    """

    shift_id: str
    name: str
    start: datetime
    end: datetime

    @property
    def day(self) -> date:
        """The local day it belongs to: that of its start."""
        return self.start.date()

    @property
    def hours(self) -> float:
        """Its length in hours of real time."""
        return (self.end - self.start).total_seconds() / 3600.0

    def overlaps(self, other: "Shift") -> bool:
        """Return whether both have an instant in common."""
        return self.start < other.end and other.start < self.end


class ShiftCalendar(Section):
    """The daily pattern of shifts and the time zone it is meant in."""

    time_zone: str = "Asia/Almaty"
    """One zone for all of Kazakhstan since 2024-03-01; the offset is stored with every time."""
    shifts: tuple[ShiftPattern, ...] = Field(
        default=(
            ShiftPattern(name="A", start=time(8), hours=12.0),
            ShiftPattern(name="B", start=time(20), hours=12.0),
        ),
        min_length=1,
    )

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            msg = f"time zone {name!r} is unknown; write one like Asia/Almaty"
            raise ValueError(msg) from error
        return name

    @model_validator(mode="after")
    def _no_two_at_once(self) -> Self:
        ordered = sorted(self.shifts, key=lambda shift: shift.start)
        if len({shift.name for shift in ordered}) != len(ordered):
            msg = "two shifts have the same name"
            raise ValueError(msg)
        starts = [_hour(shift.start) for shift in ordered]
        for shift, begin, following in zip(
            ordered, starts, [*starts[1:], starts[0] + _DAY_H], strict=True
        ):
            if begin + shift.hours > following:
                msg = f"shift {shift.name} runs {shift.hours:g} h and overlaps the next one"
                raise ValueError(msg)
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The plant's time zone."""
        return ZoneInfo(self.time_zone)

    def local(self, instant: datetime) -> datetime:
        """Return an instant with the plant's offset."""
        # With a fixed offset: Python subtracts and compares two times of one zone by the wall.
        there = instant.astimezone(self.zone)
        return there.astimezone(timezone(there.utcoffset() or timedelta()))

    def of_day(self, day: date) -> tuple[Shift, ...]:
        """Return the shifts that start on a local day, in order."""
        found = []
        for pattern in sorted(self.shifts, key=lambda shift: shift.start):
            start = self.local(datetime.combine(day, pattern.start, tzinfo=self.zone))
            # In real hours: over a change of the zone's offset a shift keeps its length.
            end = self.local(start + timedelta(hours=pattern.hours))
            found.append(
                Shift(
                    shift_id=f"{day.isoformat()}/{pattern.name}",
                    name=pattern.name,
                    start=start,
                    end=end,
                )
            )
        return tuple(found)

    def at(self, instant: datetime) -> Shift:
        """Return the shift an instant belongs to; in a pause, the one that ended last."""
        today = self.local(instant).date()
        days = (today - timedelta(days=1), today)
        begun = [s for day in days for s in self.of_day(day) if s.start <= instant]
        if not begun:
            begun = list(self.of_day(today - timedelta(days=2)))
        return begun[-1]

    def running(self, current: Shift | None, now: datetime) -> Shift:
        """Return the shift to book to: never one that starts before the one already open."""
        scheduled = self.at(now)
        if current is not None and scheduled.start <= current.start:
            return current
        return scheduled

    def find(self, shift_id: str) -> Shift:
        """Return a shift by its id.

        Raises:
            ValueError: no such day or name.
        """
        day_text, _, name = shift_id.partition("/")
        names = [shift.name for shift in self.shifts]
        try:
            day = date.fromisoformat(day_text)
        except ValueError:
            day = None
        if day is None or name not in names:
            msg = f"shift {shift_id!r} is unknown; write it like 2026-10-05/{names[0]}"
            raise ValueError(msg)
        return next(shift for shift in self.of_day(day) if shift.name == name)


def _hour(of_day: time) -> float:
    return of_day.hour + of_day.minute / 60.0 + of_day.second / 3600.0
