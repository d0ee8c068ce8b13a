"""A made-up line that publishes coherent records and snapshots, for telemetry tests."""

import random
from collections.abc import Iterator
from dataclasses import replace

from calibration.units import MonotonicNs
from controller.snapshot import Alarm, AlarmKind, LineSnapshot, MassStanding, StageLatency
from controller.states import LineCommand, LineMode, LineState
from controller.types import (
    ActionPolicy,
    DecisionReason,
    ItemOutcome,
    ItemRecord,
    PulseStory,
    SortDecision,
    Totals,
)
from plc.types import PulseOutcome
from vision.types import FRACTIONS, CameraLosses, Fraction, Track

STATIONS = ("plastic", "paper", "weee", "food")
STATION_OF = {
    Fraction.PLASTIC: 0,
    Fraction.PAPER: 1,
    Fraction.WEEE: 2,
    Fraction.FOOD: 3,
}
SHARES = (0.3, 0.25, 0.2, 0.1, 0.02, 0.13)
MASS_G = (30.0, 20.0, 120.0, 200.0, 150.0, 60.0)
MASSES = MassStanding(model="built-in", overlap_index=1.021, valid=True)
NO_TOTALS = Totals(
    seen=0, ejected=(0,) * len(STATIONS), passed=0, late=0, blocked=0, removed=0, in_flight=0
)


class RecordSource:
    """Makes the records of one session, in order, with totals that close."""

    def __init__(self, session_id: str, *, seed: int = 1, bundle_id: str = "demo-1") -> None:
        self._random = random.Random(seed)
        self._session_id = session_id
        self._bundle_id = bundle_id
        self._seq = 0
        self.totals = NO_TOTALS

    def next(self, at_ns: int) -> ItemRecord:
        """Return the next record, finished at `at_ns`."""
        self._seq += 1
        fraction = self._random.choices(FRACTIONS, SHARES)[0]
        outcome, reason = self._end(fraction)
        self._count(outcome, STATION_OF.get(fraction))
        return ItemRecord(
            session_id=self._session_id,
            record_seq=self._seq,
            closed_ns=MonotonicNs(at_ns),
            track=self._track(fraction),
            decision=self._decision(fraction, reason),
            pulses=self._pulses(fraction, outcome),
            outcome=outcome,
            bundle_id=self._bundle_id,
            totals=self.totals,
        )

    def many(
        self, count: int, *, at_ns: int = 1_000_000_000, step_ns: int = 20_000_000
    ) -> Iterator[ItemRecord]:
        """Yield `count` records, one every `step_ns`."""
        for index in range(count):
            yield self.next(at_ns + index * step_ns)

    def snapshot(
        self, at_ns: int, *, alarms: tuple[Alarm, ...] = (), masses: MassStanding = MASSES
    ) -> LineSnapshot:
        """Return the line's condition after the newest record."""
        return LineSnapshot(
            session_id=self._session_id,
            at_ns=MonotonicNs(at_ns),
            state=LineState.EXECUTE,
            mode=LineMode.PRODUCTION,
            state_reason="start by operator",
            valid_commands=(LineCommand.STOP, LineCommand.HOLD, LineCommand.ABORT),
            belt_speed_mm_per_s=2798.4,
            frames=self._seq * 4,
            frames_dropped=3,
            camera_losses=CameraLosses(incomplete=2, starved=1),
            frame_age_ms=21.4,
            frames_per_s=49.8,
            totals=self.totals,
            pulses_commanded=self._seq,
            late_pulses=self.totals.late,
            records_dropped=0,
            link_ok=True,
            link_round_trip_ms=0.9,
            tick_sd=0.12,
            queue_used=5,
            bundle_id=self._bundle_id,
            alarms=alarms,
            latencies=(
                StageLatency(stage="capture_to_detect", p50_ms=2.1, p99_ms=4.9, count=13),
                StageLatency(stage="detect", p50_ms=7.8, p99_ms=11.2, count=13),
                StageLatency(stage="capture_to_link", p50_ms=14.6, p99_ms=21.0, count=13),
            ),
            masses=masses,
        )

    def _end(self, fraction: Fraction) -> tuple[ItemOutcome, DecisionReason]:
        chance = self._random.random()
        if fraction is Fraction.MERCURY_LAMP:
            return ItemOutcome.REMOVED, DecisionReason.HAZARD
        if fraction not in STATION_OF:
            return ItemOutcome.PASSED, DecisionReason.NOT_TARGET
        if chance < 0.05:
            return ItemOutcome.PASSED, DecisionReason.LOW_CONFIDENCE
        if chance < 0.06:
            return ItemOutcome.LATE, DecisionReason.TARGET
        if chance < 0.07:
            return ItemOutcome.BLOCKED, DecisionReason.TARGET
        return ItemOutcome.EJECTED, DecisionReason.TARGET

    def _count(self, outcome: ItemOutcome, station: int | None) -> None:
        before = self.totals
        ejected = list(before.ejected)
        if outcome is ItemOutcome.EJECTED:
            ejected[station or 0] += 1
        finished = sum(ejected) + before.passed + before.late + before.blocked + before.removed
        finished += outcome is not ItemOutcome.EJECTED
        in_flight = self._random.randrange(6)
        # Items seen never become fewer, so what is in flight never falls by more than one.
        seen = max(before.seen, finished + in_flight)
        self.totals = replace(
            before,
            seen=seen,
            ejected=tuple(ejected),
            passed=before.passed + (outcome is ItemOutcome.PASSED),
            late=before.late + (outcome is ItemOutcome.LATE),
            blocked=before.blocked + (outcome is ItemOutcome.BLOCKED),
            removed=before.removed + (outcome is ItemOutcome.REMOVED),
            in_flight=seen - finished,
        )

    def _track(self, fraction: Fraction) -> Track:
        index = FRACTIONS.index(fraction)
        confidence = self._random.uniform(0.6, 0.99)
        rest = (1 - confidence) / (len(FRACTIONS) - 1)
        return Track(
            track_id=self._seq,
            x_mm=self._random.uniform(50, 950),
            y_mm=self._random.uniform(0, 1e6),
            x_sd_mm=1.2,
            y_sd_mm=2.3,
            slip_x_mm_per_s=0.0,
            slip_y_mm_per_s=self._random.gauss(0, 20),
            width_mm=self._random.uniform(30, 200),
            length_mm=self._random.uniform(30, 200),
            posterior=tuple(confidence if i == index else rest for i in range(len(FRACTIONS))),
            views=self._random.randrange(1, 9),
            tick=self._random.uniform(0, 1e6),
            first_seq=self._seq * 4,
            last_seq=self._seq * 4 + 3,
            mass_g=MASS_G[index] * self._random.uniform(0.5, 1.5),
            mass_sd_g=MASS_G[index] / 3,
        )

    def _decision(self, fraction: Fraction, reason: DecisionReason) -> SortDecision:
        wanted = reason is DecisionReason.TARGET
        hazard = reason is DecisionReason.HAZARD
        action = ActionPolicy.STOP_AND_ALARM if hazard else ActionPolicy.PASS
        return SortDecision(
            track_id=self._seq,
            fraction=fraction,
            confidence=0.9,
            action=ActionPolicy.EJECT if wanted else action,
            station=STATION_OF[fraction] if wanted else None,
            reason=reason,
            decided_tick=self._seq * 100.25,
        )

    def _pulses(self, fraction: Fraction, outcome: ItemOutcome) -> tuple[PulseStory, ...]:
        words = {
            ItemOutcome.EJECTED: PulseOutcome.FIRED,
            ItemOutcome.LATE: PulseOutcome.LATE,
            ItemOutcome.BLOCKED: None,
        }
        if outcome not in words:
            return ()
        fired = outcome is ItemOutcome.EJECTED
        return (
            PulseStory(
                pulse_id=self._seq,
                station=STATION_OF[fraction],
                valve_first=10,
                valve_last=14,
                open_tick=self._seq * 100,
                close_tick=self._seq * 100 + 30,
                outcome=words[outcome],
                fired_open_tick=self._seq * 100 if fired else None,
            ),
        )


def lamp_alarm(at_ns: int) -> Alarm:
    """Return the alarm of a lamp on the belt."""
    return Alarm(
        kind=AlarmKind.LAMP_FOUND,
        raised_ns=MonotonicNs(at_ns),
        detail="lamp at x 412 mm, 93 % sure, track 1207",
        remedy="Take the lamp off with gloves, put it into its box, then press Lamp removed",
        acknowledged=False,
    )
