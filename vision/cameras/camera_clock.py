"""A camera's own clock laid onto this computer's monotonic clock, drift included."""

import math
from collections import deque
from typing import Final

import numpy as np

from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs


class CameraClockTimes:
    """Frame times from the camera's clock, by the frames that came through fastest.

    arrival = stamp + offset(t) + delay with delay >= 0, and the offset drifts by the difference of
    two crystals. The smallest (arrival - stamp) of each second is kept for a minute; the line under
    these minima is the offset plus the least delay, so load on the network or this computer does
    not matter. The least delay cannot be seen from here: the exposure and the configured transfer
    time stand for it, whether the camera stamps the start or the end of its exposure.
    """

    SECONDS_KEPT: Final = 60
    """Long enough that 1 ms of jitter in the minima leaves 20 ppm of slope, 1 us over a frame."""
    SETTLED_FRAMES: Final = 8
    """One of the first frames comes through undelayed with all but certainty."""
    DRIFT_PPM: Final = 200.0
    """Two ordinary crystals differ by less; a steeper line is noise of a short record."""

    def __init__(self, *, exposure_ms: float, transfer_ms: float) -> None:
        """Take the delays between exposure and arrival."""
        self._before_arrival_ns = round((transfer_ms + exposure_ms / 2) * NS_PER_MS)
        self._minima: deque[tuple[int, int]] = deque(maxlen=self.SECONDS_KEPT)
        self._origin_ns: int | None = None
        self._frames = 0
        self._slope = 0.0

    @property
    def settled(self) -> bool:
        """True once enough frames were seen to know the least delay."""
        return self._frames >= self.SETTLED_FRAMES

    def observe(self, stamp_ms: float, arrival_ns: MonotonicNs) -> MonotonicNs:
        """Return the middle of the exposure; a NaN stamp (no clock) leaves only the arrival."""
        self._frames += 1
        if math.isnan(stamp_ms):
            return MonotonicNs(arrival_ns - self._before_arrival_ns)
        if self._origin_ns is None:
            self._origin_ns = int(arrival_ns)
        stamp_ns = round(stamp_ms * NS_PER_MS)
        since_ns = arrival_ns - self._origin_ns
        self._keep(since_ns, arrival_ns - stamp_ns)
        least = min(delay - self._slope * at for at, delay in self._minima)
        offset_ns = round(least + self._slope * since_ns)
        return MonotonicNs(stamp_ns + offset_ns - self._before_arrival_ns)

    def _keep(self, since_ns: int, delay_ns: int) -> None:
        second = since_ns // NS_PER_S
        if self._minima and self._minima[-1][0] // NS_PER_S == second:
            if delay_ns < self._minima[-1][1]:
                self._minima[-1] = (since_ns, delay_ns)
            return
        self._fit()
        self._minima.append((since_ns, delay_ns))

    def _fit(self) -> None:
        """Fit the drift once a second, over the whole seconds kept."""
        if len(self._minima) < 3:
            return
        at, delay = np.array(self._minima, dtype=np.float64).T
        slope = float(np.polyfit(at - at.mean(), delay - delay.min(), 1)[0])
        limit = self.DRIFT_PPM * 1e-6
        self._slope = min(max(slope, -limit), limit)
