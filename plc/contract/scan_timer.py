"""Waiting by the PLC's own time: a PLC that scans slowly is slow, not wrong."""

from calibration.clock import Clock
from calibration.units import NS_PER_S
from plc.codec import WORD_MASK, StatusBlock

_REAL_LIMIT_S = 30.0
"""Longest wait by this PC's clock, whatever the PLC's own scans say."""
_RATE_WINDOW_US = 110_000
"""A little longer than the 100 ms over which the PLC measures its encoder's rate."""


class ScanTimer:
    """Counts scans between readings of the status."""

    def __init__(self, clock: Clock, status: StatusBlock, *, plc_ms: float) -> None:
        """Begin at a status, for so many milliseconds of the PLC's time."""
        self._clock = clock
        self._limit_ns = clock.now_ns() + int(_REAL_LIMIT_S * NS_PER_S)
        self._plc_ms = plc_ms
        self._last = status.scan_counter
        self._scans = 0

    def is_over(self, status: StatusBlock) -> bool:
        """Return whether the time has passed, given a newer status."""
        self._scans += (status.scan_counter - self._last) & WORD_MASK
        self._last = status.scan_counter
        passed_ms = self._scans * max(1, status.scan_period_us) / 1e3
        return passed_ms > self._plc_ms or self._clock.now_ns() > self._limit_ns


class SteadyRate:
    """Says when the encoder's rate changes no more, as when a belt has come up to speed."""

    def __init__(self) -> None:
        """Begin without a reading."""
        self._before: StatusBlock | None = None

    def is_steady(self, status: StatusBlock) -> bool:
        """Return whether two rates, a measuring window apart, differ by less than a twentieth."""
        before = self._before
        if before is None:
            self._before = status
            return False
        scans = (status.scan_counter - before.scan_counter) & WORD_MASK
        if scans * max(1, status.scan_period_us) < _RATE_WINDOW_US:
            return False
        self._before = status
        change = abs(status.encoder_ticks_per_s - before.encoder_ticks_per_s)
        return 20 * change < status.encoder_ticks_per_s
