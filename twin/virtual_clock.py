"""The clock of lockstep runs: it stands still until the run moves it."""

import threading

from calibration.units import MonotonicNs


class VirtualClock:
    """Clock port over a time that is set from outside; one thread."""

    def __init__(self, start_ns: MonotonicNs) -> None:
        """Set the first instant."""
        self._now_ns = start_ns

    def now_ns(self) -> MonotonicNs:
        """Return the instant set last."""
        return self._now_ns

    def wait(self, event: threading.Event, timeout_s: float) -> bool:  # noqa: ARG002 - no time passes
        """Return at once: in lockstep nobody else could set the event meanwhile."""
        return event.is_set()

    def move_to(self, at_ns: MonotonicNs) -> None:
        """Set the time.

        Raises:
            ValueError: the instant lies in the past.
        """
        if at_ns < self._now_ns:
            msg = f"virtual time is {self._now_ns} ns, it cannot go back to {at_ns} ns"
            raise ValueError(msg)
        self._now_ns = at_ns
