"""A rig's belt between standstills, and the encoder as the line reads it."""

from typing import Final

import numpy as np

from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from twin.belt_drive import BeltDrive
from twin.config import BeltConfig
from twin.rig.truth import RigTruth

_READ_NS: Final = 10 * NS_PER_MS
_READ_JITTER_MS: Final = 0.15
"""Half a millisecond of round trip leaves its middle uncertain by this much."""
_LONG_NS: Final = 3600 * NS_PER_S


class RigBelt:
    """Travel and encoder of one rig; runs and stops when told to. One thread."""

    def __init__(self, truth: RigTruth, *, seed: int) -> None:
        """Begin at rest."""
        self._truth = truth
        self._rng = np.random.default_rng([seed, 0xBE17])
        self._runs = 0
        self.now_ns = MonotonicNs(NS_PER_S)
        self.speed_mm_per_s = truth.speed_mm_per_s
        self.encoder_sign = 1
        """-1 where somebody swapped the channels."""
        self.stuck = False
        """The drive turns and the belt does not move."""
        self.slip = 0.0
        """Share of the belt's way that the encoder's wheel does not follow."""
        # Where within a tick the belt stands when the day begins is anybody's guess.
        self._base_mm = float(self._rng.uniform(0, 1000))
        self._drive = self._new_drive()

    def _new_drive(self) -> BeltDrive:
        self._runs += 1
        self._begun_ns = self.now_ns
        return BeltDrive(
            config=BeltConfig(speed_mm_per_s=self.speed_mm_per_s),
            mm_per_tick=self._truth.mm_per_tick,
            seed=self._runs,
            start_ns=self.now_ns,
        )

    def begin(self, wait_s: float = 0.0) -> MonotonicNs:
        """Start the belt after a wait; returns when. Nothing moves on until `end`."""
        self._base_mm = self.travel_mm(self.now_ns)
        self._drive = self._new_drive()
        start_ns = MonotonicNs(self.now_ns + round(wait_s * NS_PER_S))
        if not self.stuck:
            self._drive.command(run=True, at_ns=start_ns)
        return start_ns

    def end(self, at_ns: MonotonicNs) -> None:
        """Stop the belt and wait until it rests."""
        if not self.stuck:
            self._drive.command(run=False, at_ns=at_ns)
        self.now_ns = MonotonicNs(at_ns + 3 * NS_PER_S)

    def jog(self, travel_mm: float) -> None:
        """Run for about a distance and stop."""
        config = BeltConfig(speed_mm_per_s=self.speed_mm_per_s)
        up, down = config.acceleration_mm_per_s2, config.deceleration_mm_per_s2
        peak = min((2 * travel_mm / (1 / up + 1 / down)) ** 0.5, self.speed_mm_per_s)
        ramps_mm = peak**2 / 2 * (1 / up + 1 / down)
        run_s = peak / up + (travel_mm - ramps_mm) / peak
        start_ns = self.begin()
        self.end(MonotonicNs(start_ns + round(run_s * NS_PER_S)))

    def travel_mm(self, at_ns: int) -> float:
        """Return the true travel; before the last start the belt lay where it started from."""
        return self._base_mm + self._drive.travel_mm(MonotonicNs(max(at_ns, self._begun_ns)))

    def speed_at(self, at_ns: int) -> float:
        """Return the true speed, mm/s."""
        return self._drive.speed_mm_per_s(MonotonicNs(max(at_ns, self._begun_ns)))

    def count(self, at_ns: int) -> int:
        """Return the encoder's count."""
        counted = self.travel_mm(at_ns) * (1.0 - self.slip) / self._truth.mm_per_tick
        return self.encoder_sign * int(np.floor(counted))

    def read_tick(self, at_ns: int) -> float:
        """Return the count as the line interpolates it between readings ten milliseconds apart."""
        first = at_ns - at_ns % _READ_NS
        early, late = (self.count(first + k * _READ_NS + self._reading_error_ns()) for k in (0, 1))
        share = (at_ns - first) / _READ_NS
        # A count is of whole ticks passed: the belt is half a tick farther on average.
        return early + (late - early) * share + 0.5 * self.encoder_sign

    def _reading_error_ns(self) -> int:
        return round(float(self._rng.normal(0, _READ_JITTER_MS)) * NS_PER_MS)

    def time_of_count(self, tick: int) -> MonotonicNs:
        """Return when the running belt reaches a count."""
        low, high = int(self.now_ns), int(self.now_ns) + _LONG_NS
        while high - low > 1:
            middle = (low + high) // 2
            if self.count(middle) >= tick:
                high = middle
            else:
                low = middle
        return MonotonicNs(high)
