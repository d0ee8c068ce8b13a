"""Every item's story from decision to outcome, and the totals that always close."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from calibration.units import NS_PER_MS, MonotonicNs
from controller.overlap_watch import OverlapWatch
from controller.snapshot import MassStanding
from controller.step import DecidedItem
from controller.types import (
    ActionPolicy,
    DecisionReason,
    ItemOutcome,
    ItemRecord,
    PulseStory,
    Totals,
)
from plc.types import EjectionCommand, EjectionReport, PulseOutcome
from vision.mass_law import BUILT_IN

_TAKEN_BY_HAND = frozenset({ActionPolicy.STOP_AND_ALARM, ActionPolicy.SLOW_AND_ALARM})

_OUTCOME_WITHOUT_PULSE: Final[dict[DecisionReason, ItemOutcome]] = {
    DecisionReason.TOO_LATE: ItemOutcome.LATE,
    DecisionReason.STALE: ItemOutcome.BLOCKED,
    DecisionReason.NOT_RUNNING: ItemOutcome.BLOCKED,
    DecisionReason.VALVE_DUTY: ItemOutcome.BLOCKED,
    DecisionReason.VALVE_DEAD: ItemOutcome.BLOCKED,
    DecisionReason.STATION_BUSY: ItemOutcome.BLOCKED,
}
"""Items that should have had a pulse and got none; every other reason means the item passed."""

_KEPT_REPORTS: Final = 1024
"""Reports remembered for items decided later that share the pulse: seconds at full load."""


@dataclass(slots=True, kw_only=True)
class _Pulse:
    """A pulse in flight and the items that wait for it; a deadline once it should have closed."""

    command: EjectionCommand
    waiting: set[int] = field(default_factory=set)
    deadline_ns: int | None = None


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """A decided item, what named it, and its pulses that have not been heard of."""

    item: DecidedItem
    bundle_id: str
    missing: set[int]


class ItemLedger:
    """Opens an account for each decided item and closes it exactly once. One thread; pure."""

    def __init__(
        self,
        *,
        session_id: str,
        bundle_id: str,
        station_count: int,
        confirm_timeout_ms: float,
        mass_model: str = BUILT_IN.version,
    ) -> None:
        """Start a session with empty accounts.

        Args:
            session_id: written into every record.
            bundle_id: model bundle that names the items.
            station_count: number of jet bars.
            confirm_timeout_ms: how long after its close tick a pulse may stay without word.
            mass_model: what masses are estimated with.
        """
        self._session_id, self._bundle_id = session_id, bundle_id
        self._mass_model, self._overlap = mass_model, OverlapWatch()
        self._timeout_ns = int(confirm_timeout_ms * NS_PER_MS)
        self._items: dict[int, _Waiting] = {}
        self._hazards: dict[int, DecidedItem] = {}
        self._pulses: dict[int, _Pulse] = {}
        self._reports: dict[int, EjectionReport | None] = {}
        self._seen = 0
        self._ejected = [0] * station_count
        self._closed = dict.fromkeys(ItemOutcome, 0)
        self._record_seq = 0
        self._reports_unused = 0

    @property
    def totals(self) -> Totals:
        """Running totals; they close at any time."""
        closed = self._closed
        return Totals(
            seen=self._seen,
            ejected=tuple(self._ejected),
            passed=closed[ItemOutcome.PASSED],
            late=closed[ItemOutcome.LATE],
            blocked=closed[ItemOutcome.BLOCKED],
            removed=closed[ItemOutcome.REMOVED],
            in_flight=len(self._items) + len(self._hazards),
        )

    @property
    def masses(self) -> MassStanding:
        """What masses are estimated with, and whether they hold just now."""
        overlap = self._overlap.overlap
        return MassStanding(
            model=self._mass_model, overlap_index=overlap.index, valid=overlap.valid
        )

    @property
    def covered_mm2(self) -> float:
        """Belt that decided items covered so far."""
        return self._overlap.covered_mm2

    @property
    def reports_unused(self) -> int:
        """Reports of pulses that no open account waits for: timed out before, or unknown."""
        return self._reports_unused

    @property
    def hazards_standing(self) -> int:
        """Hazardous items decided and not yet confirmed as removed."""
        return len(self._hazards)

    def named_by(self, bundle_id: str) -> None:
        """Take which bundle names the items that are decided from now on."""
        self._bundle_id = bundle_id

    def decided(self, item: DecidedItem, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        """Open an item's account; it closes at once where nothing has to be waited for.

        Args:
            item: with its one decision.
            now_ns: the present.
        """
        self._seen += 1
        self._overlap.add(item.track)
        decision = item.decision
        if decision.action in _TAKEN_BY_HAND:
            self._hazards[decision.track_id] = item
            return ()
        if not item.pulses:
            outcome = _OUTCOME_WITHOUT_PULSE.get(decision.reason, ItemOutcome.PASSED)
            return (self._record(item, outcome, now_ns),)
        missing = {c.pulse_id for c in item.pulses if c.pulse_id not in self._reports}
        self._items[decision.track_id] = _Waiting(
            item=item, bundle_id=self._bundle_id, missing=missing
        )
        for command in item.pulses:
            if command.pulse_id in missing:
                pulse = self._pulses.setdefault(command.pulse_id, _Pulse(command=command))
                pulse.waiting.add(decision.track_id)
        return self._settle((decision.track_id,), now_ns)

    def reported(self, report: EjectionReport, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        """Take the PLC's word on one pulse and close the items that waited for it alone."""
        pulse = self._pulses.pop(report.pulse_id, None)
        if pulse is None:
            self._reports_unused += 1
            return ()
        self._remember(report.pulse_id, report)
        return self._heard(pulse, now_ns)

    def expire(self, now_tick: float, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        """Give up waiting for pulses that should have been reported long ago.

        Waiting is in time, and starts once the belt has passed the pulse's close tick: a standing
        belt makes no pulse late.

        Args:
            now_tick: belt tick now, fractional.
            now_ns: the present.
        """
        over: list[_Pulse] = []
        for pulse in self._pulses.values():
            if pulse.deadline_ns is None and pulse.command.close_tick <= now_tick:
                pulse.deadline_ns = now_ns + self._timeout_ns
            if pulse.deadline_ns is not None and now_ns >= pulse.deadline_ns:
                over.append(pulse)
        return self._without_word(over, now_ns)

    def lamp_removed(self, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        """Close every hazardous item: a person has taken it off the line."""
        return self._close_hazards(ItemOutcome.REMOVED, now_ns)

    def abandon(self, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        """Close every open account at the session's end.

        Pulses without word count as blocked; hazardous items nobody removed have passed.
        """
        records = self._without_word(list(self._pulses.values()), now_ns)
        return records + self._close_hazards(ItemOutcome.PASSED, now_ns)

    def _close_hazards(self, outcome: ItemOutcome, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        return tuple(
            self._record(self._hazards.pop(track_id), outcome, now_ns)
            for track_id in sorted(self._hazards)
        )

    def _without_word(
        self, pulses: Iterable[_Pulse], now_ns: MonotonicNs
    ) -> tuple[ItemRecord, ...]:
        records: tuple[ItemRecord, ...] = ()
        for pulse in pulses:
            del self._pulses[pulse.command.pulse_id]
            self._remember(pulse.command.pulse_id, None)
            records += self._heard(pulse, now_ns)
        return records

    def _remember(self, pulse_id: int, report: EjectionReport | None) -> None:
        self._reports[pulse_id] = report
        if len(self._reports) > _KEPT_REPORTS + len(self._pulses):
            needed = {c.pulse_id for w in self._items.values() for c in w.item.pulses}
            oldest = next((i for i in self._reports if i not in needed), None)
            if oldest is not None:
                del self._reports[oldest]

    def _heard(self, pulse: _Pulse, now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        waiting = sorted(pulse.waiting)
        for track_id in waiting:
            self._items[track_id].missing.discard(pulse.command.pulse_id)
        return self._settle(waiting, now_ns)

    def _settle(self, track_ids: Iterable[int], now_ns: MonotonicNs) -> tuple[ItemRecord, ...]:
        records: list[ItemRecord] = []
        for track_id in track_ids:
            if not self._items[track_id].missing:
                waiting = self._items.pop(track_id)
                reports = [self._reports[c.pulse_id] for c in waiting.item.pulses]
                records.append(
                    self._record(waiting.item, _worst(reports), now_ns, waiting.bundle_id)
                )
        return tuple(records)

    def _record(
        self,
        item: DecidedItem,
        outcome: ItemOutcome,
        now_ns: MonotonicNs,
        bundle_id: str | None = None,
    ) -> ItemRecord:
        self._record_seq += 1
        self._closed[outcome] += 1
        if outcome is ItemOutcome.EJECTED and item.decision.station is not None:
            self._ejected[item.decision.station] += 1
        return ItemRecord(
            session_id=self._session_id,
            record_seq=self._record_seq,
            closed_ns=now_ns,
            track=item.track,
            decision=item.decision,
            pulses=tuple(self._story(command) for command in item.pulses),
            outcome=outcome,
            bundle_id=bundle_id or self._bundle_id,
            totals=self.totals,
            mass_model=self._mass_model,
            overlap_index=self._overlap.overlap.index,
        )

    def _story(self, command: EjectionCommand) -> PulseStory:
        report = self._reports.get(command.pulse_id)
        fired = report is not None and report.outcome is PulseOutcome.FIRED
        return PulseStory(
            pulse_id=command.pulse_id,
            station=command.station,
            valve_first=command.valves.first,
            valve_last=command.valves.last,
            open_tick=command.open_tick,
            close_tick=command.close_tick,
            outcome=None if report is None else report.outcome,
            fired_open_tick=report.open_tick if fired and report is not None else None,
        )


def _worst(reports: Iterable[EjectionReport | None]) -> ItemOutcome:
    """Return an item's outcome: ejected only if every pulse fired."""
    outcomes = {None if report is None else report.outcome for report in reports}
    if outcomes <= {PulseOutcome.FIRED}:
        return ItemOutcome.EJECTED
    return (
        ItemOutcome.LATE
        if outcomes <= {PulseOutcome.FIRED, PulseOutcome.LATE}
        else (ItemOutcome.BLOCKED)
    )
