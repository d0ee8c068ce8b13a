"""The belt drive: ramps, slow speed drift and travel in closed form, the same in every process.

Travel is the integral of target speed x ramp x (1 + drift), with a ramp that is linear between
commands and a drift that is a fixed sum of sines, so any process that knows the configuration and
the commands computes the same travel for the same instant, to the bit.
"""

import math
import random
from bisect import bisect_right
from dataclasses import dataclass

from calibration.units import NS_PER_S, BeltTick, MonotonicNs
from twin.config import BeltConfig

_HARMONICS = 3
_SHORTEST_PERIOD_S = 7.0
_LONGEST_PERIOD_S = 40.0


@dataclass(frozen=True, slots=True)
class _Sine:
    amplitude: float
    rad_per_s: float
    phase: float


@dataclass(frozen=True, slots=True)
class _Segment:
    """From `start_s` after the start, with travel and ramp at its start."""

    start_s: float
    travel_mm: float
    ramp: float
    ramp_per_s: float


class BeltDrive:
    """Where the belt is at any instant, given the run and stop commands so far."""

    def __init__(
        self,
        *,
        config: BeltConfig,
        mm_per_tick: float,
        seed: int,
        start_ns: MonotonicNs,
        first_tick: int = 0,
    ) -> None:
        """Begin with the belt standing.

        Args:
            config: speed, ramps and drift.
            mm_per_tick: true belt travel per encoder tick.
            seed: of the drift.
            start_ns: instant of zero travel; nothing is known before it.
            first_tick: encoder count at zero travel.
        """
        self._speed_mm_per_s = config.speed_mm_per_s
        self._rise_per_s = config.acceleration_mm_per_s2 / config.speed_mm_per_s
        self._fall_per_s = config.deceleration_mm_per_s2 / config.speed_mm_per_s
        self._drift_share = config.drift_share
        self._slow_share = config.slow_share
        self._mm_per_tick = mm_per_tick
        self._first_tick = first_tick
        self._start_ns = start_ns
        draw = random.Random(seed)  # noqa: S311 - a reproducible disturbance, no secret
        shares = [draw.uniform(0.5, 1.0) for _ in range(_HARMONICS)]
        self._sines = tuple(
            _Sine(
                config.drift_share * share / sum(shares),
                2 * math.pi / draw.uniform(_SHORTEST_PERIOD_S, _LONGEST_PERIOD_S),
                draw.uniform(0, 2 * math.pi),
            )
            for share in shares
        )
        self._segments = [_Segment(0.0, 0.0, 0.0, 0.0)]
        self._starts_s = [0.0]
        self._last_command_s = 0.0
        self._solved_s = 0.0

    def command(self, *, run: bool, at_ns: MonotonicNs, slow: bool = False) -> None:
        """Start the ramp to full speed, to the drive's slow speed or to standstill.

        Raises:
            ValueError: `at_ns` lies before the start or before the previous command.
        """
        at_s = self._since_start_s(at_ns)
        if at_s < self._last_command_s:
            msg = f"belt command {self._last_command_s - at_s:.6f} s before the previous one"
            raise ValueError(msg)
        self._last_command_s = at_s
        while len(self._segments) > 1 and self._starts_s[-1] > at_s:
            self._segments.pop()
            self._starts_s.pop()
        segment = self._segments[-1]
        ramp = segment.ramp + segment.ramp_per_s * (at_s - segment.start_s)
        goal = (self._slow_share if slow else 1.0) if run else 0.0
        rate = self._rise_per_s if goal > ramp else -self._fall_per_s
        end_s = at_s + (goal - ramp) / rate
        self._append(at_s, ramp, rate)
        self._append(end_s, goal, 0.0)

    def travel_mm(self, at_ns: MonotonicNs) -> float:
        """Return the belt travel since the start."""
        return self._travel_at(self._since_start_s(at_ns))

    def speed_mm_per_s(self, at_ns: MonotonicNs) -> float:
        """Return the belt speed."""
        return self._speed_at(self._since_start_s(at_ns))

    def fractional_tick(self, at_ns: MonotonicNs) -> float:
        """Return the belt travel in ticks, before the encoder quantises it."""
        return self.travel_mm(at_ns) / self._mm_per_tick + self._first_tick

    def tick(self, at_ns: MonotonicNs) -> BeltTick:
        """Return the encoder count: the number of whole ticks travelled."""
        travelled = math.floor(self.travel_mm(at_ns) / self._mm_per_tick)
        return BeltTick(travelled + self._first_tick)

    def time_of_tick(self, tick: BeltTick) -> MonotonicNs | None:
        """Return the first nanosecond at which the encoder shows `tick` or more.

        Returns:
            The instant, or None if the belt comes to rest before, as commanded so far.
        """
        travel_mm = (tick - self._first_tick) * self._mm_per_tick
        if travel_mm <= 0:
            return self._start_ns
        if not self._reaches(travel_mm):
            return None
        estimate_ns = self._start_ns + round(self._time_of_travel_s(travel_mm) * NS_PER_S)
        step_ns, low_ns, high_ns = 1, estimate_ns, estimate_ns
        while self.tick(MonotonicNs(low_ns)) >= tick and low_ns > self._start_ns:
            low_ns, step_ns = low_ns - step_ns, step_ns * 2
        step_ns = 1
        while self.tick(MonotonicNs(high_ns)) < tick:
            high_ns, step_ns = high_ns + step_ns, step_ns * 2
        while high_ns - low_ns > 1:
            middle_ns = (low_ns + high_ns) // 2
            if self.tick(MonotonicNs(middle_ns)) >= tick:
                high_ns = middle_ns
            else:
                low_ns = middle_ns
        return MonotonicNs(high_ns)

    def _reaches(self, travel_mm: float) -> bool:
        last = self._segments[-1]
        return last.ramp > 0 or last.travel_mm >= travel_mm

    def _time_of_travel_s(self, travel_mm: float) -> float:
        """Solve travel(t) = `travel_mm` by Newton's method, kept inside a shrinking bracket."""
        index = bisect_right(self._segments, travel_mm, key=lambda s: s.travel_mm) - 1
        segment = self._segments[index]
        low_s = segment.start_s
        if index + 1 < len(self._segments):
            high_s = self._segments[index + 1].start_s
        else:
            slowest = self._speed_mm_per_s * segment.ramp * (1 - self._drift_share)
            high_s = low_s + (travel_mm - segment.travel_mm) / slowest
        guess_s = self._solved_s if low_s < self._solved_s < high_s else (low_s + high_s) / 2
        for _ in range(60):
            excess_mm = self._travel_at(guess_s) - travel_mm
            if abs(excess_mm) < 1e-6:
                break
            if excess_mm < 0:
                low_s = guess_s
            else:
                high_s = guess_s
            speed_mm_per_s = self._speed_at(guess_s)
            step_s = excess_mm / speed_mm_per_s if speed_mm_per_s else math.inf
            guess_s = (
                guess_s - step_s if low_s < guess_s - step_s < high_s else (low_s + high_s) / 2
            )
        self._solved_s = guess_s
        return guess_s

    def _since_start_s(self, at_ns: MonotonicNs) -> float:
        if at_ns < self._start_ns:
            msg = f"{self._start_ns - at_ns} ns before the belt drive's start"
            raise ValueError(msg)
        return (at_ns - self._start_ns) / NS_PER_S

    def _append(self, start_s: float, ramp: float, ramp_per_s: float) -> None:
        travel_mm = self._travel_at(start_s)
        self._segments.append(_Segment(start_s, travel_mm, ramp, ramp_per_s))
        self._starts_s.append(start_s)

    def _segment_at(self, at_s: float) -> _Segment:
        if at_s >= self._starts_s[-1]:
            return self._segments[-1]
        return self._segments[bisect_right(self._starts_s, at_s) - 1]

    def _speed_at(self, at_s: float) -> float:
        segment = self._segment_at(at_s)
        ramp = segment.ramp + segment.ramp_per_s * (at_s - segment.start_s)
        drift = 0.0
        for sine in self._sines:
            drift += sine.amplitude * math.sin(sine.rad_per_s * at_s + sine.phase)
        return self._speed_mm_per_s * ramp * (1.0 + drift)

    def _travel_at(self, at_s: float) -> float:
        segment = self._segment_at(at_s)
        if segment.ramp == 0.0 and segment.ramp_per_s == 0.0:
            return segment.travel_mm
        u_s = at_s - segment.start_s
        ramp, slope = segment.ramp, segment.ramp_per_s
        area = u_s * (ramp + slope * u_s / 2)
        for sine in self._sines:
            area += sine.amplitude * _ramp_times_sine(segment.start_s, u_s, ramp, slope, sine)
        return segment.travel_mm + self._speed_mm_per_s * area


def _ramp_times_sine(start_s: float, u_s: float, ramp: float, slope: float, sine: _Sine) -> float:
    """Integrate (ramp + slope x) sin(w (start + x) + phase) over x from 0 to u."""
    w = sine.rad_per_s
    at_start = w * start_s + sine.phase
    at_end = at_start + w * u_s
    value = (ramp * math.cos(at_start) - (ramp + slope * u_s) * math.cos(at_end)) / w
    if slope:
        value += slope * (math.sin(at_end) - math.sin(at_start)) / (w * w)
    return value
