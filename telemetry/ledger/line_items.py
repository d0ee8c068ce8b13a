"""What a line's item store says, summed by session, shift, fraction and where items went."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.types import ItemOutcome
from telemetry.errors import StoreError
from telemetry.ledger.shifts import Shift, ShiftCalendar
from telemetry.measures.food import ShiftFood
from telemetry.measures.season import DayComposition
from telemetry.measures.weee import WeeeCount, propose
from telemetry.store_schema import MASS_IS_INVALID
from telemetry.store_writer import RecordStory
from vision.types import Fraction

_MINUTES = """
SELECT s.session_id, s.station_names, s.ending, substr(i.at_utc, 1, 16), i.fraction, i.station,
       i.outcome, count(*), sum(i.mass_g), sum(i.mass_g * i.mass_g)
FROM items i JOIN sessions s USING (session)
WHERE s.line_id = ? AND i.at_utc >= ? AND i.at_utc < ?
GROUP BY 1, 4, 5, 6, 7 ORDER BY 1, 4
"""
_INVALID = f"""
SELECT s.session_id, substr(i.at_utc, 1, 16), i.fraction, i.station, i.outcome, sum(i.mass_g)
FROM stories t JOIN items i USING (session, record_seq) JOIN sessions s USING (session)
WHERE {MASS_IS_INVALID}
AND s.line_id = ? AND i.at_utc >= ? AND i.at_utc < ? GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608 - a number of this program
_REMOVED = """
SELECT s.session_id, i.track_id, i.fraction, i.at_utc FROM items i JOIN sessions s USING (session)
WHERE s.line_id = ? AND i.outcome = ? AND i.at_utc >= ? AND i.at_utc < ? ORDER BY i.at_utc
"""
_STORIES = """
SELECT t.story FROM items i JOIN sessions s USING (session)
JOIN stories t USING (session, record_seq)
WHERE s.line_id = ? AND i.fraction IN ('weee', 'mercury_lamp') AND i.at_utc >= ? AND i.at_utc < ?
"""
_SIZES = """
SELECT json_extract(t.story, '$.mass_model'), i.fraction, json_extract(t.story, '$.track.width_mm'),
       json_extract(t.story, '$.track.length_mm')
FROM stories t JOIN items i USING (session, record_seq) JOIN sessions s USING (session)
WHERE s.line_id = ? AND s.session_id = ? AND json_valid(t.story) LIMIT 2000
"""
_NAMED = """
SELECT i.session, i.fraction, count(*), sum(i.outcome IN (?, ?))
FROM items i JOIN sessions s USING (session)
WHERE s.line_id = ? AND i.at_utc >= ? AND i.at_utc < ? GROUP BY 1, 2
"""
_FIRST_STORIES = """
SELECT t.story, min(i.record_seq), i.session FROM items i JOIN sessions s USING (session)
JOIN stories t USING (session, record_seq)
WHERE s.line_id = ? AND i.at_utc >= ? AND i.at_utc < ? GROUP BY s.session
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteSum:
    """Items of one minute that share a fraction, a place and an end.

    Attributes:
        session_id: of the line run.
        over: the session has ended.
        shift: that the minute belongs to.
        minute: its begin, aware.
        fraction: as the line named them.
        station: name of the station they left by; empty where they did not.
        outcome: their end.
        items: how many.
        mass_g: estimated.
        squares_g2: sum of the squared masses, for their spread.
        invalid_g: part of the mass that the overlap index marks invalid.
    """

    session_id: str
    over: bool
    shift: Shift
    minute: datetime
    fraction: Fraction
    station: str
    outcome: ItemOutcome
    items: int
    mass_g: float
    squares_g2: float
    invalid_g: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedItems:
    """Items that one model bundle took for one fraction.

    Attributes:
        model: bundle that named them.
        fraction: as they were named.
        items: how many.
        sorted_out: how many of them were ejected or taken off.
    """

    model: str
    fraction: Fraction
    items: int
    sorted_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedItem:
    """Size of an item (mm) as the line took it."""

    fraction: Fraction
    width_mm: float
    length_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedItem:
    """One item that a person took off the line."""

    session_id: str
    track_id: int
    fraction: Fraction
    at: datetime


class LineItems:
    """Reads one line's item store, beside whoever writes it. Blocks on disk.

    Args:
        path: of the store; a store that is not there is empty.
        line_id: whose items.
        calendar: of the plant.
    """

    def __init__(self, path: Path, line_id: str, calendar: ShiftCalendar) -> None:
        self._path = path
        self._line_id = line_id
        self._calendar = calendar

    def minutes(self, start: datetime, end: datetime) -> Iterator[MinuteSum]:
        """Yield sums from `start` to before `end`.

        Raises:
            StoreError: the store cannot be read.
        """
        bounds = (self._line_id, _text(start), _text(end))
        invalid_g = {tuple(key): mass_g for *key, mass_g in self._rows(_INVALID, bounds)}
        for row in self._rows(_MINUTES, bounds):
            session_id, names, ending, minute_text, fraction, station, outcome, *sums = row
            items, mass_g, squares_g2 = sums
            key = (session_id, minute_text, fraction, station, outcome)
            minute = datetime.fromisoformat(f"{minute_text}:00+00:00")
            ejected = outcome == ItemOutcome.EJECTED.value
            yield MinuteSum(
                session_id=session_id,
                over=ending is not None,
                shift=self._calendar.at(minute),
                minute=minute,
                fraction=Fraction(fraction),
                station=json.loads(names)[station] if ejected and station is not None else "",
                outcome=ItemOutcome(outcome),
                items=items,
                mass_g=mass_g,
                squares_g2=squares_g2,
                invalid_g=invalid_g.get(key, 0.0),
            )

    def sizes(self, session_id: str) -> tuple[str, tuple[SizedItem, ...]]:
        """Return what weighed a session's items, and the sizes of its first 2,000.

        Raises:
            StoreError: the store cannot be read.
        """
        rows = list(self._rows(_SIZES, (self._line_id, session_id)))
        sized = tuple(
            SizedItem(
                fraction=Fraction(fraction),
                width_mm=width_mm,
                length_mm=length_mm,
            )
            for _, fraction, width_mm, length_mm in rows
        )
        return (str(rows[0][0] or "") if rows else "", sized)

    def removed(self, start: datetime, end: datetime) -> Iterator[RemovedItem]:
        """Yield items taken off by hand.

        Raises:
            StoreError: the store cannot be read.
        """
        bounds = (self._line_id, ItemOutcome.REMOVED.value, _text(start), _text(end))
        for session_id, track_id, fraction, at in self._rows(_REMOVED, bounds):
            yield RemovedItem(
                session_id=session_id,
                track_id=track_id,
                fraction=Fraction(fraction),
                at=datetime.fromisoformat(at),
            )

    def composition(self, start: datetime, end: datetime) -> tuple[DayComposition, ...]:
        """Return what was seen, by day and fraction.

        Raises:
            StoreError: the store cannot be read.
        """
        sums: dict[tuple[date, Fraction], tuple[int, float]] = {}
        for part in self.minutes(start, end):
            key = (part.shift.day, part.fraction)
            items, mass_g = sums.get(key, (0, 0.0))
            sums[key] = (items + part.items, mass_g + part.mass_g)
        return tuple(
            DayComposition(day=day, fraction=fraction, items=items, mass_g=mass_g)
            for (day, fraction), (items, mass_g) in sorted(sums.items())
        )

    def food(self, start: datetime, end: datetime) -> tuple[ShiftFood, ...]:
        """Return every shift's food share, of those in which anything was seen.

        Raises:
            StoreError: the store cannot be read.
        """
        sums: dict[str, tuple[float, float]] = {}
        for part in self.minutes(start, end):
            food_g, whole_g = sums.get(part.shift.shift_id, (0.0, 0.0))
            mine_g = part.mass_g if part.fraction is Fraction.FOOD else 0.0
            sums[part.shift.shift_id] = (food_g + mine_g, whole_g + part.mass_g)
        return tuple(
            ShiftFood(shift_id=shift_id, food_share=food_g / whole_g)
            for shift_id, (food_g, whole_g) in sorted(sums.items())
            if whole_g > 0
        )

    def equipment(self, start: datetime, end: datetime) -> tuple[WeeeCount, ...]:
        """Return electrical equipment and lamps by the categories that remain possible.

        Raises:
            StoreError: the store cannot be read.
        """
        found = []
        for (story,) in self._rows(_STORIES, (self._line_id, _text(start), _text(end))):
            record = RecordStory.model_validate_json(story).root
            longest_mm = max(record.track.width_mm, record.track.length_mm)
            proposal = propose(record.decision.fraction, longest_mm, record.track.y_sd_mm)
            if proposal is not None:
                found.append(WeeeCount(possible=proposal.possible, items=1))
        return tuple(found)

    def named(self, start: datetime, end: datetime) -> tuple[NamedItems, ...]:
        """Return what each model bundle named, and how much of it was sorted out.

        Raises:
            StoreError: the store cannot be read.
        """
        bounds = (self._line_id, _text(start), _text(end))
        out = (ItemOutcome.EJECTED.value, ItemOutcome.REMOVED.value)
        model = {
            session: RecordStory.model_validate_json(story).root.bundle_id
            for story, _, session in self._rows(_FIRST_STORIES, bounds)
        }
        sums: dict[tuple[str, Fraction], tuple[int, int]] = {}
        for session, fraction, items, sorted_out in self._rows(_NAMED, (*out, *bounds)):
            key = (model[session], Fraction(fraction))
            before = sums.get(key, (0, 0))
            sums[key] = (before[0] + items, before[1] + sorted_out)
        return tuple(
            NamedItems(model=key[0], fraction=key[1], items=found[0], sorted_out=found[1])
            for key, found in sorted(sums.items())
        )

    def bundles(self, start: datetime, end: datetime) -> tuple[str, ...]:
        """Return the model bundles that named items, one per session.

        Raises:
            StoreError: the store cannot be read.
        """
        bounds = (self._line_id, _text(start), _text(end))
        stories = [story for story, _, _ in self._rows(_FIRST_STORIES, bounds)]
        found = {RecordStory.model_validate_json(story).root.bundle_id for story in stories}
        return tuple(sorted(found))

    def _rows(self, query: str, bounds: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
        if not self._path.exists():
            return
        try:
            address = f"file:{self._path}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=10)) as database:
                yield from database.execute(query, bounds).fetchall()
        except sqlite3.Error as error:
            msg = f"item store {self._path} cannot be read: {error}"
            raise StoreError(msg) from error


def _text(instant: datetime) -> str:
    """The store's own form of an instant: UTC, to be compared as text."""
    utc = instant - (instant.utcoffset() or timedelta())
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "+00:00"
