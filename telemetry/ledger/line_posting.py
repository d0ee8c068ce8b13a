"""Books what a line has sorted into the plant's ledger: products, residue, removals, by shift.

A session's part of a shift is booked when the session or the shift is over, under uids made of
both, so booking again does nothing. Records that came later become a new revision; what a person
has corrected is left alone.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import NormalDist
from typing import Final

from controller.types import ItemOutcome
from telemetry.estimates.types import LEVEL
from telemetry.ledger.chain import entry_of, same_bytes
from telemetry.ledger.entries import (
    Action,
    Body,
    Entry,
    Mass,
    MassMethod,
    Product,
    Received,
    Removal,
    Residue,
    ShiftClosed,
)
from telemetry.ledger.line_items import LineItems, MinuteSum
from telemetry.ledger.mass_spread import MassSpreads, Spreads
from telemetry.ledger.shifts import Shift
from telemetry.ledger.store import Ledger, opening
from vision.types import Fraction

LATE_RECORDS: Final = "records that came later"
GRACE: Final = timedelta(minutes=10)
"""After a shift's end: time for its last records to reach the store."""
LOOK_BACK: Final = timedelta(days=8)
"""A telemetry that was down for a week still books what its line has recorded."""
_S_PER_H: Final = 3600.0
_Z: Final = NormalDist().inv_cdf((1.0 + LEVEL) / 2.0)


class LinePosting:
    """Books one line's items.

    Args:
        ledger: of the plant.
        items: of the line.
        line_id: named in uids.
        weighs_input: whether a scale books what comes in; otherwise the line's estimate does.
        mass_model: file of the model that weighs the line's items, None for the built-in law.
    """

    def __init__(
        self,
        ledger: Ledger,
        items: LineItems,
        *,
        line_id: str,
        weighs_input: bool,
        mass_model: Path | None = None,
    ) -> None:
        self._ledger = ledger
        self._items = items
        self._line_id = line_id
        self._weighs_input = weighs_input
        self._mass_model = mass_model
        self._spreads = MassSpreads(items, mass_model)

    def post(self, now: datetime) -> int:
        """Book everything that is final; return how many ledger rows that made.

        Raises:
            StoreError: the line's store cannot be read.
            DatabaseUnavailableError: the plant's database cannot be written; try again later.
        """
        start = now - LOOK_BACK
        # A running session has sizes to come: what is learned of it is looked up anew each time.
        self._spreads = MassSpreads(self._items, self._mass_model)
        groups: dict[tuple[str, str], list[MinuteSum]] = {}
        for part in self._items.minutes(start, now):
            if part.over or part.shift.end + GRACE < now:
                key = (part.session_id, part.shift.shift_id)
                groups.setdefault(key, []).append(part)
        entries: list[Entry] = []
        shifts: dict[str, Shift] = {}
        for (session_id, shift_id), parts in groups.items():
            shifts[shift_id] = parts[0].shift
            entries += self._session_entries(session_id, parts)
        entries += self._removals(start, now, shifts)
        entries += self._closings(groups, now)
        openings = [opening(shift) for shift in sorted(shifts.values(), key=lambda s: s.start)]
        fresh = [*openings, *self._changed(entries)]
        return len(self._ledger.append(fresh).rows) if fresh else 0

    def _session_entries(self, session_id: str, parts: Sequence[MinuteSum]) -> Iterator[Entry]:
        shift = parts[0].shift
        at = parts[-1].minute
        codes = self._ledger.accounts.codes
        prefix = f"line:{session_id}:{shift.shift_id}"

        def entry(name: str, body: Body) -> Entry:
            return Entry(
                uid=f"{prefix}:{name}",
                at=at,
                shift=shift.shift_id,
                batch=session_id,
                body=body,
            )

        for (station, fraction), chosen in _by_bin(parts).items():
            yield entry(
                f"product:{station}:{fraction.value}",
                Product(
                    fraction=fraction,
                    bin=station,
                    code=codes.product(fraction, shift.day).code,
                    mass=self._estimate(chosen, session_id),
                    items=sum(part.items for part in chosen),
                ),
            )
        ends = (ItemOutcome.PASSED, ItemOutcome.LATE, ItemOutcome.BLOCKED)
        left = [part for part in parts if part.outcome in ends]
        if left:
            body = Residue(
                code=codes.entry(codes.residue, shift.day).code,
                mass=self._estimate(left, session_id),
                pending_review=any(part.fraction is Fraction.MERCURY_LAMP for part in left),
                items=sum(part.items for part in left),
            )
            yield entry("residue", body)
        if not self._weighs_input:
            code = codes.entry(codes.received, shift.day).code
            yield entry("received", Received(code=code, mass=self._estimate(parts, session_id)))

    def _removals(
        self, start: datetime, now: datetime, shifts: dict[str, Shift]
    ) -> Iterator[Entry]:
        codes, calendar = self._ledger.accounts.codes, self._ledger.accounts.calendar
        for item in self._items.removed(start, now):
            shift = calendar.at(item.at)
            shifts[shift.shift_id] = shift
            what = item.fraction.value
            kind = what if what in ("mercury_lamp", "weee") else "other"
            chosen = (
                codes.product(item.fraction, shift.day)
                if kind == "other"
                else codes.removal(kind, shift.day)
            )
            body = Removal(
                what=kind,
                code=chosen.code,
                hazardous=chosen.hazardous,
                item=f"{item.session_id}:{item.track_id}",
            )
            yield Entry(
                uid=f"line:{item.session_id}:removal:{item.track_id}",
                at=item.at,
                shift=shift.shift_id,
                batch=item.session_id,
                body=body,
            )

    def _closings(
        self, groups: dict[tuple[str, str], list[MinuteSum]], now: datetime
    ) -> Iterator[Entry]:
        by_shift: dict[str, list[MinuteSum]] = {}
        for (_, shift_id), parts in groups.items():
            by_shift.setdefault(shift_id, []).extend(parts)
        rated_t_per_h = self._ledger.accounts.equipment.rated_t_per_h
        for shift_id, parts in by_shift.items():
            shift = parts[0].shift
            if shift.end + GRACE >= now:
                continue
            minutes = len({part.minute for part in parts})
            body = ShiftClosed(
                rated_kg_per_h=round(rated_t_per_h * 1000),
                hours_planned=shift.hours,
                hours_run=minutes * 60 / _S_PER_H,
                processed=self._estimate(parts, self._line_id),
            )
            yield Entry(
                uid=f"line:{self._line_id}:{shift_id}:closed",
                at=shift.end,
                shift=shift_id,
                body=body,
            )

    def _estimate(self, parts: Iterable[MinuteSum], source: str) -> Mass:
        return estimate(parts, source, self._spreads.of)

    def _changed(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield what is new, and corrections of what came later; a person's word stands."""
        for entry in entries:
            history = [entry_of(row) for row in self._ledger.history(entry.uid)]
            if not history:
                yield entry
                continue
            last = history[-1]
            ours = all(old.reason in ("", LATE_RECORDS) for old in history)
            rewritten = dataclasses.replace(last, body=entry.body)
            if ours and not same_bytes(rewritten, last):
                yield dataclasses.replace(
                    entry,
                    revision=last.revision + 1,
                    action=Action.EDIT,
                    reason=LATE_RECORDS,
                )


def _by_bin(parts: Sequence[MinuteSum]) -> dict[tuple[str, Fraction], list[MinuteSum]]:
    found: dict[tuple[str, Fraction], list[MinuteSum]] = {}
    for part in parts:
        if part.outcome is ItemOutcome.EJECTED:
            found.setdefault((part.station, part.fraction), []).append(part)
    return found


def estimate(parts: Iterable[MinuteSum], source: str, spreads: Callable[[str], Spreads]) -> Mass:
    """Sum estimates; items vary on their own, a fraction's law errs for all of its items alike.

    Args:
        parts: to add up.
        source: line or session.
        spreads: by session.
    """
    law_sd_g: dict[Fraction, float] = {}
    whole_g = invalid_g = variance_g2 = 0.0
    for part in parts:
        spread = spreads(part.session_id)[part.fraction]
        law_sd_g[part.fraction] = law_sd_g.get(part.fraction, 0.0) + spread.law * part.mass_g
        variance_g2 += spread.item**2 * part.squares_g2
        whole_g += part.mass_g
        invalid_g += part.invalid_g
    variance_g2 += sum(sd_g**2 for sd_g in law_sd_g.values())
    half_g = _Z * math.sqrt(variance_g2)
    return Mass(
        mass_g=round(whole_g),
        method=MassMethod.VISION,
        source=f"line {source}",
        low_g=max(0, math.floor(whole_g - half_g)),
        high_g=math.ceil(whole_g + half_g),
        level=LEVEL,
        invalid_g=min(round(invalid_g), round(whole_g)),
    )
