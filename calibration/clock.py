"""The only place that reads or waits on the machine's monotonic clock."""

import threading
import time
from typing import Protocol

from calibration.units import NS_PER_S, MonotonicNs


class Clock(Protocol):
    """Monotonic time and waiting on it; real time on a line, virtual time in lockstep."""

    def now_ns(self) -> MonotonicNs:
        """Return the present monotonic time. Never blocks."""
        ...

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Block the calling thread until `event` is set or `timeout_s` has passed.

        Returns:
            True if the event is set.
        """
        ...


class MonotonicClock:
    """The host's CLOCK_MONOTONIC, immune to steps of the wall clock."""

    def now_ns(self) -> MonotonicNs:
        """Return the present monotonic time. Never blocks."""
        return MonotonicNs(time.monotonic_ns())

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Block the calling thread until `event` is set or `timeout_s` has passed."""
        return event.wait(max(0.0, timeout_s))


def seconds_between(start_ns: MonotonicNs, end_ns: MonotonicNs) -> float:
    """Return the time from `start_ns` to `end_ns` in seconds."""
    return (end_ns - start_ns) / NS_PER_S
