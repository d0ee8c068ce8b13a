"""Watches the camera's delay and the bars' by what the PLC itself says of triggers and pulses.

A camera whose trigger the PLC latches has two witnesses of each exposure: the latched count and the
camera's stamp, laid onto ticks by the clock fit. They part when the stamp's delay changes. A pulse
has two as well: the tick it was asked for and the tick at which the PLC says that it opened.
"""

import statistics
from collections.abc import Mapping
from typing import Final

from calibration.drift.alarm import MEMORY, DriftFinding, DriftKind
from calibration.drift.lag import LagWatch, SecondMeans
from plc.clock_fit import ClockEstimate

_LEAST_MM_PER_S: Final = 50.0
"""On a slower belt a tick takes longer than the delays that are looked for."""
_MOST_MM_PER_S2: Final = 300.0
"""While the belt gathers speed the clock fit lags behind the encoder."""
_BASELINE_S: Final = round(2 * MEMORY)
"""Seconds after which a witness with an offset of its own is known."""


class _Delay:
    """One delay by one witness."""

    def __init__(self, kind: DriftKind, where: str) -> None:
        self._means, self._watch = SecondMeans(), LagWatch(kind, where)
        self._first: list[float] = []

    def add(self, late_ms: float, at_s: float, *, exact: bool) -> None:
        """Take a delay in; one without an exact witness is compared with the session's start."""
        mean = self._means.add(late_ms, at_s)
        if mean is None:
            return
        if exact:
            self._watch.add(mean)
        elif len(self._first) < _BASELINE_S:
            self._first.append(mean)
        else:
            self._watch.add(mean - statistics.median(self._first))

    def findings(self, speed_mm_per_s: float) -> tuple[DriftFinding, ...]:
        return self._watch.findings(speed_mm_per_s)


class DelayWatch:
    """A line's delays. One thread; pure."""

    def __init__(self, bars: Mapping[int, str], *, mm_per_tick: float) -> None:
        """Begin with everything as calibrated.

        Args:
            bars: name of each jet bar by its station's index.
            mm_per_tick: belt scale.
        """
        self._mm_per_tick, self._speed_mm_per_s = mm_per_tick, 0.0
        self._camera = _Delay(DriftKind.DELAY_CHANGED, "camera against its trigger")
        self._bars = {
            index: _Delay(DriftKind.VALVE_LAG, f"bar {name} by the PLC's reports")
            for index, name in bars.items()
        }

    def frame(self, late_tick: float, clock: ClockEstimate, *, exact: bool) -> None:
        """Take in a frame whose trigger is known.

        Args:
            late_tick: how much later than by its trigger its stamp places it.
            clock: ticks by time at that frame.
            exact: the trigger was latched in hardware; else the latch is late by the PLC's scan,
                and the change since the session's start is watched.
        """
        speed = abs(clock.ticks_per_s) * self._mm_per_tick
        ramp = abs(2 * clock.half_acceleration) * self._mm_per_tick
        if speed < _LEAST_MM_PER_S or ramp > _MOST_MM_PER_S2:
            return
        self._speed_mm_per_s = speed
        late_ms = 1000.0 * late_tick / abs(clock.ticks_per_s)
        self._camera.add(late_ms, clock.newest_ns / 1e9, exact=exact)

    def pulse(self, station: int, *, late_tick: int, at_tick: int, ticks_per_s: float) -> None:
        """Take in a fired pulse.

        Args:
            station: index of its bar.
            late_tick: tick at which it opened less the one asked for.
            at_tick: tick at which it opened.
            ticks_per_s: of the belt.
        """
        bar, speed = self._bars.get(station), ticks_per_s * self._mm_per_tick
        if bar is None or speed < _LEAST_MM_PER_S:
            return
        self._speed_mm_per_s = speed
        bar.add(1000.0 * late_tick / ticks_per_s, at_tick / ticks_per_s, exact=False)

    def findings(self) -> tuple[DriftFinding, ...]:
        """Return the delays that changed by more than their cost allows, and surely so."""
        if not self._speed_mm_per_s:
            return ()
        delays = (self._camera, *self._bars.values())
        return tuple(f for delay in delays for f in delay.findings(self._speed_mm_per_s))
