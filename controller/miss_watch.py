"""Finds valves that no longer do their work by what is seen behind the bar.

An item that was fired at and is seen downstream all the same was missed. Which item is seen is told
by belt tick and lateral place: the nearest of all that may be there, those that were to stay on the
belt among them, within three standard deviations of where the line last knew it. Each item that was
fired at is evidence about the valves that were, each by the share of the item it covered:

    p0 = usual + (bad - usual) * dark    chance that the item is missed though this valve is sound
    p1 = p0 + (bad - usual) * share      chance if this one valve is bad
    S <- max(0, S + log(P(seen or gone | p1) / P(seen or gone | p0)))     one sum per valve

usual is usual_miss_share, bad is bad_miss_share, and dark the share of the item over valves called
bad already: what they explain is no evidence against those beside them. When one is called, the
sums of those that were fired together with it begin anew for the same reason.

A valve is called bad when its S reaches h = log(1 / false_alarm): Page's cumulative sum test, in
which the mean number of items between two false alarms of one valve is at least exp(h) (Lorden,
Procedures for reacting to a change in distribution, Annals of Mathematical Statistics 42, 1971).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from calibration.drift.alarm import DriftFinding
from controller.bar_miss import BarMissTest
from controller.stations import JetBarConfig, StationConfig
from controller.step import DecidedItem

Float64Array = npt.NDArray[np.float64]

_GATE_SIGMA = 3.0
_LEAST_SD_MM = 10.0
"""How far an item may have moved on the belt between the bar and the place where it is seen."""
_KEPT_ITEMS = 4096
_STAYS = -1
"""Station of items that no bar shall take."""
_TOGETHER = 8
"""Valves fired together with one lie within this many of it: 100 mm, a usual item's width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamSighting:
    """An item seen behind a bar, by the camera there.

    Attributes:
        tick: belt tick at which it was seen, fractional.
        s_mm: where it was then, machine frame.
        x_mm: lateral place of its middle, machine frame.
    """

    tick: float
    s_mm: float
    x_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MissRules:
    """What the test takes for granted.

    Attributes:
        usual_miss_share: items that a sound bar misses.
        bad_miss_share: items missed whose valves are all bad.
        false_alarm: one over the mean number of items between two false alarms of one valve.
    """

    usual_miss_share: float
    bad_miss_share: float
    false_alarm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectValve:
    """A valve called bad by what was seen downstream.

    Attributes:
        station: index.
        valve: index on the bar.
        items: that it was fired at since its evidence began to grow.
        missed: of those, seen downstream.
    """

    station: int
    valve: int
    items: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamCount:
    """What was made of the look behind the bars, since the session began.

    Attributes:
        seen: items seen there.
        unknown: of those, none that the line had decided: bounced back, broken, put there by hand.
        judged: items fired at by a bar that must have come past, had they stayed on the belt.
        missed: of those, seen.
        unseen: items fired at that nobody can judge: the camera was blind when they came past.
        frames: of the camera there, looked at.
    """

    seen: int
    unknown: int
    judged: int
    missed: int
    unseen: int
    frames: int = 0


@dataclass(slots=True, kw_only=True)
class _Expected:
    track_id: int
    station: int
    x_mm: float
    y_mm: float
    sd_mm: float
    shares: dict[int, float]
    valves: frozenset[int]
    fired: bool = False
    seen: bool = False


@dataclass(slots=True)
class _Evidence:
    total: Float64Array
    items: Float64Array = field(init=False)
    missed: Float64Array = field(init=False)

    def __post_init__(self) -> None:
        self.items, self.missed = np.zeros_like(self.total), np.zeros_like(self.total)

    def add(self, valve: int, log_ratio: float, *, missed: bool) -> None:
        """Add one item's evidence; a sum that falls to nothing begins anew."""
        total = self.total[valve] + log_ratio
        if total <= 0.0:
            self.forget(valve, valve)
            return
        self.total[valve] = total
        self.items[valve] += 1
        self.missed[valve] += missed

    def forget(self, first: int, last: int) -> None:
        """Let the sums of a range of valves begin anew."""
        for figures in (self.total, self.items, self.missed):
            figures[max(first, 0) : last + 1] = 0.0


class MissWatch:
    """One line's evidence against its valves. One thread; pure."""

    def __init__(
        self,
        stations: Sequence[StationConfig],
        rules: MissRules,
        *,
        mm_per_tick: float,
        eye_mm: float,
    ) -> None:
        """Begin with no evidence.

        Args:
            stations: of the line.
            rules: of the test.
            mm_per_tick: belt scale.
            eye_mm: where items are seen downstream, machine frame; bars behind it learn nothing.
        """
        self._bars = {
            i: s
            for i, s in enumerate(stations)
            if isinstance(s, JetBarConfig) and s.distance_mm < eye_mm
        }
        self._rules, self._mm_per_tick, self._eye_mm = rules, mm_per_tick, eye_mm
        self._limit = -math.log(rules.false_alarm)
        self._evidence = {i: _Evidence(np.zeros(s.valve_count)) for i, s in self._bars.items()}
        self._whole_bars = {
            i: BarMissTest(
                s.name, usual_share=rules.usual_miss_share, false_alarm=rules.false_alarm
            )
            for i, s in self._bars.items()
        }
        self._expected: dict[int, _Expected] = {}
        self._suspects: dict[tuple[int, int], SuspectValve] = {}
        self._seen = self._unknown = self._judged = self._missed = self._unseen = 0

    @property
    def count(self) -> DownstreamCount:
        """What was seen and made of it so far."""
        return DownstreamCount(
            seen=self._seen,
            unknown=self._unknown,
            judged=self._judged,
            missed=self._missed,
            unseen=self._unseen,
        )

    @property
    def suspects(self) -> tuple[SuspectValve, ...]:
        """Valves called bad, in the order they were found."""
        return tuple(self._suspects.values())

    @property
    def late_bars(self) -> tuple[DriftFinding, ...]:
        """Bars that miss more than single valves explain."""
        found = (test.finding for test in self._whole_bars.values())
        return tuple(finding for finding in found if finding is not None)

    def decided(self, item: DecidedItem) -> None:
        """Expect an item that is to be blown off to be gone behind its bar, others to come past."""
        station = item.decision.station
        bar = None if station is None or not item.pulses else self._bars.get(station)
        track = item.track
        fired = {v for p in item.pulses for v in range(p.valves.first, p.valves.last + 1)}
        self._expected[track.track_id] = _Expected(
            track_id=track.track_id,
            station=_STAYS if bar is None or station is None else station,
            x_mm=track.x_mm,
            y_mm=track.y_mm,
            sd_mm=max(math.hypot(track.x_sd_mm, track.y_sd_mm), _LEAST_SD_MM),
            shares={} if bar is None else _shares(bar, track.x_mm, track.width_mm),
            valves=frozenset(fired),
        )
        while len(self._expected) > _KEPT_ITEMS:
            del self._expected[next(iter(self._expected))]

    def ejected(self, track_id: int) -> None:
        """Every pulse of an item was fired; only such an item is evidence."""
        if track_id in self._expected:
            self._expected[track_id].fired = True

    def saw(self, sightings: Sequence[DownstreamSighting]) -> None:
        """Note items seen downstream; each is taken for the nearest one not yet seen there."""
        self._seen += len(sightings)
        for sighting in sightings:
            y_mm = sighting.tick * self._mm_per_tick - sighting.s_mm
            near = [
                (distance, e)
                for e in self._expected.values()
                if not e.seen
                and (distance := math.hypot(e.x_mm - sighting.x_mm, e.y_mm - y_mm))
                <= _GATE_SIGMA * e.sd_mm
            ]
            if not near:
                self._unknown += 1
            else:
                min(near, key=lambda pair: pair[0])[1].seen = True

    def passed(self, tick: float) -> tuple[SuspectValve, ...]:
        """Judge the items that must have come past the downstream eye by now.

        Args:
            tick: belt tick up to which the eye has told all it saw, fractional.

        Returns:
            Valves called bad for the first time.
        """
        travel_mm = tick * self._mm_per_tick
        over = [
            e
            for e in self._expected.values()
            if travel_mm - e.y_mm > self._eye_mm + _GATE_SIGMA * e.sd_mm
        ]
        for expected in over:
            del self._expected[expected.track_id]
            if expected.fired and expected.shares:
                self._weigh(expected)
        return self._new_suspects()

    def blind(self, tick: float, *, view_begins_mm: float) -> None:
        """Judge nothing that came past unseen, or is in view only now: the eye was blind.

        Args:
            tick: belt tick at which it sees again, fractional.
            view_begins_mm: where its view begins, machine frame.
        """
        travel_mm = tick * self._mm_per_tick
        over = [
            e
            for e in self._expected.values()
            if travel_mm - e.y_mm > view_begins_mm - _GATE_SIGMA * e.sd_mm
        ]
        for expected in over:
            del self._expected[expected.track_id]
            self._unseen += expected.fired

    def _weigh(self, item: _Expected) -> None:
        self._judged += 1
        self._missed += item.seen
        evidence, rules = self._evidence[item.station], self._rules
        gain = rules.bad_miss_share - rules.usual_miss_share
        called = {valve for station, valve in self._suspects if station == item.station}
        dark = sum(share for valve, share in item.shares.items() if valve in called)
        if not dark:
            self._whole_bars[item.station].add(missed=item.seen)
        sound = rules.usual_miss_share + gain * dark
        for valve, share in item.shares.items():
            if valve in called or valve not in item.valves:
                continue
            bad = sound + gain * share
            ratio = bad / sound if item.seen else (1.0 - bad) / (1.0 - sound)
            evidence.add(valve, math.log(ratio), missed=item.seen)

    def _new_suspects(self) -> tuple[SuspectValve, ...]:
        new: list[SuspectValve] = []
        for station, evidence in self._evidence.items():
            while (valve := int(evidence.total.argmax())) >= 0 and (
                evidence.total[valve] >= self._limit
            ):
                suspect = SuspectValve(
                    station=station,
                    valve=valve,
                    items=int(evidence.items[valve]),
                    missed=int(evidence.missed[valve]),
                )
                self._suspects[station, valve] = suspect
                evidence.forget(valve - _TOGETHER, valve + _TOGETHER)
                new.append(suspect)
        return tuple(new)


def _shares(bar: JetBarConfig, x_mm: float, width_mm: float) -> dict[int, float]:
    """Return the share of an item's width over each valve's cell, zero shares left out."""
    half_pitch, low, high = bar.valve_pitch_mm / 2, x_mm - width_mm / 2, x_mm + width_mm / 2
    shares: dict[int, float] = {}
    span = bar.valve_map.span(low, high)
    for valve in () if span is None else range(span.first, span.last + 1):
        centre = bar.valve_map.centre_x_mm(valve)
        covered = min(high, centre + half_pitch) - max(low, centre - half_pitch)
        if covered > 0.0:
            shares[valve] = covered / max(width_mm, 1e-6)
    return shares
