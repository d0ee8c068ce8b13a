"""The only place that knows the wall clock: maps monotonic time to UTC at receipt."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from calibration.clock import Clock
from calibration.units import MonotonicNs

WallClock = Callable[[], datetime]
"""Returns an aware datetime; it may be stepped at any moment, forwards or back."""


def utc_now() -> datetime:
    """Return the machine's wall time; it may be stepped at any moment."""
    return datetime.now(UTC)


class UtcMapper:
    """Turns monotonic instants of this boot into wall time as the clock shows it now.

    A stepped wall clock moves only what is mapped afterwards; intervals and order are always taken
    from the monotonic time kept beside it.
    """

    def __init__(self, *, clock: Clock, now: WallClock = utc_now) -> None:
        self._clock = clock
        self._now = now

    def at_utc(self, instant_ns: MonotonicNs) -> datetime:
        """Return the wall time of a monotonic instant."""
        age_us = (self._clock.now_ns() - instant_ns) / 1000
        return self._now() - timedelta(microseconds=age_us)
