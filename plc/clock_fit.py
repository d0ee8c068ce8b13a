"""Belt ticks against monotonic time: a robust sliding regression over the PLC's readings.

Each reading says "the encoder stood at this count some time within this round trip". A weighted
quadratic over about a second follows drift and ramps; readings that took long weigh little,
readings that contradict the rest are left out, and the estimate says how sure it is. The idea of
regressing a remote counter on local send times, with outliers rejected, is Klipper's (clocksync).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.units import NS_PER_S, BeltTick, MonotonicNs

_CAPACITY: Final = 128
_MIN_READINGS: Final = 8
_MIN_INLIER_SHARE: Final = 0.6
_REJECT_SIGMA: Final = 4.0
"""One in 16,000 good readings lies beyond four standard deviations."""
_INCOHERENT_SCALE: Final = 3.0
"""Residuals this many times what round trips and scans explain: no line goes through them."""
_SUSPECT_SIGMA: Final = 5.0
"""Distance from what was expected at which a reading is left out until others confirm it."""
_CONTRADICTED: Final = 2
"""Suspect readings in a row from which the estimate is not trusted."""
_CONFIRMED: Final = 5
"""Suspect readings in a row from which they are believed and what came before is not."""
_NEWEST: Final = 6
_BENT_SIGMA: Final = 3.2
"""Mean residual of the newest readings, in its standard deviations, from which the window is
taken to be bent by the start or end of a ramp and is cut short."""
_UNBENT: Final = 16
"""Readings that a bent window is cut to."""
_VARIANCE_UNIFORM: Final = 1 / 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockUnsure:
    """There is no trustworthy relation between ticks and time at present; nothing may fire.

    Attributes:
        reason: why, with figures.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockEstimate:
    """Belt ticks as a function of monotonic time, valid near `newest_ns`.

    tick(t) = tick + ticks_per_s t + half_acceleration t^2, with t in s since `newest_ns`.

    Attributes:
        newest_ns: time of the newest reading.
        tick: fitted (fractional) tick at that time.
        ticks_per_s: fitted belt speed at that time.
        half_acceleration: half the fitted acceleration, ticks per s^2.
        covariance: upper triangle (00, 01, 02, 11, 12, 22) of the three coefficients' covariance.
        acceleration_sd: what the belt may do beyond the newest reading, ticks per s^2.
    """

    newest_ns: MonotonicNs
    tick: float
    ticks_per_s: float
    half_acceleration: float
    covariance: tuple[float, float, float, float, float, float]
    acceleration_sd: float

    def tick_at(self, at_ns: MonotonicNs) -> float:
        """Return the fractional belt tick at a time."""
        t_s = (at_ns - self.newest_ns) / NS_PER_S
        return self.tick + t_s * (self.ticks_per_s + t_s * self.half_acceleration)

    def sd_tick_at(self, at_ns: MonotonicNs) -> float:
        """Return the standard deviation of `tick_at`, growing with extrapolation."""
        t_s = (at_ns - self.newest_ns) / NS_PER_S
        c00, c01, c02, c11, c12, c22 = self.covariance
        t2 = t_s * t_s
        fitted = c00 + 2 * t_s * c01 + t2 * (2 * c02 + c11) + 2 * t2 * t_s * c12 + t2 * t2 * c22
        ahead_s = max(0.0, t_s)
        unseen = self.acceleration_sd * ahead_s * ahead_s / 2
        return math.sqrt(max(0.0, fitted) + unseen * unseen)


class ClockFit:
    """Collects readings and keeps the estimate current; one thread, about 40 us per reading."""

    def __init__(
        self,
        *,
        window_ms: float = 1000.0,
        scan_ms: float = 1.0,
        acceleration_sd_tick_per_s2: float = 4000.0,
    ) -> None:
        """Begin without readings.

        Args:
            window_ms: readings older than this before the newest are forgotten.
            scan_ms: time between two encoder updates of the PLC, its quantisation in time.
            acceleration_sd_tick_per_s2: plausible belt acceleration; the default is 2 m/s^2 at
                0.5 mm per tick, a brisk start ramp.
        """
        self._window_ns = window_ms * 1e6
        self._scan_s = scan_ms / 1e3
        self._acceleration_sd = acceleration_sd_tick_per_s2
        self._at_ns = np.zeros(_CAPACITY, dtype=np.int64)
        self._tick = np.zeros(_CAPACITY, dtype=np.int64)
        self._round_trip_s = np.zeros(_CAPACITY)
        self._powers = np.ones((5, _CAPACITY))
        self._fitted: ClockEstimate | ClockUnsure = ClockUnsure(reason="no readings yet")
        self._estimate: ClockEstimate | ClockUnsure = self._fitted
        self._suspect = np.zeros(_CAPACITY, dtype=np.bool_)
        self._suspects_in_a_row = 0
        self._count = 0
        self._speed = 0.0

    @property
    def estimate(self) -> ClockEstimate | ClockUnsure:
        """The relation as of the last reading, or why there is none."""
        return self._estimate

    def reset(self, reason: str) -> None:
        """Forget everything, as after an encoder fault or a restarted PLC."""
        self._count = 0
        self._suspects_in_a_row = 0
        self._speed = 0.0
        self._fitted = ClockUnsure(reason=reason)
        self._estimate = self._fitted

    def add(self, *, read_ns: MonotonicNs, round_trip_ns: int, tick: BeltTick) -> None:
        """Take one reading and refit.

        Raises:
            ValueError: `read_ns` is not after the previous reading.
        """
        if self._count and read_ns <= self._at_ns[-1]:
            msg = f"reading at {read_ns} ns is not after the one at {self._at_ns[-1]} ns"
            raise ValueError(msg)
        round_trip_s = round_trip_ns / NS_PER_S
        suspect = self._is_suspect(read_ns, round_trip_s, tick)
        self._append(read_ns, round_trip_s, tick, suspect=suspect)
        if suspect:
            self._suspects_in_a_row += 1
        elif self._is_sharp(round_trip_s):
            self._suspects_in_a_row = 0
        if self._suspects_in_a_row == _CONFIRMED:
            self._count, self._suspects_in_a_row = _CONFIRMED, 0
            self._suspect[-_CONFIRMED:] = False
        self._fitted = self._fit()
        self._estimate = self._fitted
        if self._suspects_in_a_row >= _CONTRADICTED:
            reason = f"the last {self._suspects_in_a_row} readings contradict those before"
            self._estimate = ClockUnsure(reason=reason)

    def _is_suspect(self, read_ns: MonotonicNs, round_trip_s: float, tick: BeltTick) -> bool:
        """Compare a reading with what the readings before it make expect."""
        if not isinstance(self._fitted, ClockEstimate):
            return False
        speed2 = self._fitted.ticks_per_s**2
        variance = _VARIANCE_UNIFORM * (1 + speed2 * (round_trip_s**2 + self._scan_s**2))
        spread = math.hypot(self._fitted.sd_tick_at(read_ns), math.sqrt(variance))
        return abs(tick - self._fitted.tick_at(read_ns)) > _SUSPECT_SIGMA * spread

    def _is_sharp(self, round_trip_s: float) -> bool:
        """Return whether a reading says enough about the belt to acquit those before it."""
        quickest_s = float(self._round_trip_s[-self._count :].min())
        return round_trip_s <= 2 * (quickest_s + self._scan_s)

    def _append(
        self, read_ns: MonotonicNs, round_trip_s: float, tick: BeltTick, *, suspect: bool
    ) -> None:
        for array, value in (
            (self._at_ns, read_ns),
            (self._tick, tick),
            (self._round_trip_s, round_trip_s),
            (self._suspect, suspect),
        ):
            array[:-1] = array[1:]
            array[-1] = value
        oldest_ns = read_ns - self._window_ns
        self._count = min(self._count + 1, _CAPACITY)
        self._count -= int(np.searchsorted(self._at_ns[-self._count :], oldest_ns))

    def _fit(self) -> ClockEstimate | ClockUnsure:
        if self._count < _MIN_READINGS:
            return ClockUnsure(reason=f"{self._count} of {_MIN_READINGS} readings")
        window = slice(_CAPACITY - self._count, _CAPACITY)
        t_s = (self._at_ns[window] - self._at_ns[-1]) / NS_PER_S
        y = (self._tick[window] - self._tick[-1]).astype(np.float64)
        powers = self._powers[:, : self._count]
        for order in range(1, 5):
            np.multiply(powers[order - 1], t_s, out=powers[order])
        weights = self._weights(self._round_trip_s[window])
        believed = weights * ~self._suspect[window]
        coefficients, covariance = self._solve(powers, believed, y)
        residuals = (y - coefficients @ powers[:3]) * np.sqrt(believed)
        z = np.abs(residuals)
        scale = max(1.0, 1.4826 * float(np.partition(z, len(z) // 2)[len(z) // 2]))
        inliers = (z <= _REJECT_SIGMA * scale) & ~self._suspect[window]
        share = float(inliers.mean())
        if share < 1.0:
            coefficients, covariance = self._solve(powers, believed * inliers, y)
        self._speed = float(coefficients[1])
        bias_variance = self._forget_bend(residuals / scale, weights)
        if share < _MIN_INLIER_SHARE or scale > _INCOHERENT_SCALE:
            self._count = max(self._count // 2, _MIN_READINGS - 1)
            return ClockUnsure(reason=f"{share:.0%} of readings agree, spread {scale:.1f} sd")
        c0, c1, c2 = (float(value) for value in coefficients)
        covariance = covariance * scale * scale
        covariance[0, 0] += _VARIANCE_UNIFORM + bias_variance
        return ClockEstimate(
            newest_ns=MonotonicNs(int(self._at_ns[-1])),
            tick=c0 + int(self._tick[-1]),
            ticks_per_s=c1,
            half_acceleration=c2,
            covariance=_upper_triangle(covariance),
            acceleration_sd=self._acceleration_sd,
        )

    def _weights(self, round_trip_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Inverse variances: count, scan and round trip are each uniform errors."""
        speed2 = max(self._speed * self._speed, self._mean_speed() ** 2)
        spread = round_trip_s * round_trip_s + self._scan_s * self._scan_s
        return np.asarray(1.0 / (_VARIANCE_UNIFORM * (1.0 + speed2 * spread)))

    def _mean_speed(self) -> float:
        first = _CAPACITY - self._count
        span_s = (self._at_ns[-1] - self._at_ns[first]) / NS_PER_S
        return float((self._tick[-1] - self._tick[first]) / span_s)

    def _solve(
        self,
        powers: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64],
        y: npt.NDArray[np.float64],
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weighted least squares of three coefficients, the acceleration held near zero."""
        m0, m1, m2, m3, m4 = powers @ weights
        prior = (2 / self._acceleration_sd) ** 2
        normal = np.array(((m0, m1, m2), (m1, m2, m3), (m2, m3, m4 + prior)))
        covariance = np.linalg.inv(normal)
        return covariance @ (powers[:3] @ (weights * y)), covariance

    def _forget_bend(
        self, residuals: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
    ) -> float:
        """Cut a window short whose newest readings leave the curve together.

        Returns:
            Variance (ticks squared) to add for the bend, zero where there is none.
        """
        mean = abs(float(residuals[-_NEWEST:].sum())) / _NEWEST
        if mean * np.sqrt(_NEWEST) < _BENT_SIGMA:
            return 0.0
        self._count = min(self._count, _UNBENT)
        return mean * mean / float(weights[-_NEWEST:].mean())


def _upper_triangle(
    matrix: npt.NDArray[np.float64],
) -> tuple[float, float, float, float, float, float]:
    (c00, c01, c02), (_, c11, c12), (_, _, c22) = matrix.tolist()
    return c00, c01, c02, c11, c12, c22
