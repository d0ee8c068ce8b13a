"""A clock for recordings: waiting takes no time, it only moves the hands."""

import threading

from calibration.units import NS_PER_S, MonotonicNs


class PlaybackClock:
    """Virtual time that advances by what is waited for, or by `advance`."""

    def __init__(self) -> None:
        self._now_ns = 5 * NS_PER_S

    def now_ns(self) -> MonotonicNs:
        return MonotonicNs(self._now_ns)

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        if not event.is_set():
            self._now_ns += max(0, round(timeout_s * NS_PER_S))
        return event.is_set()

    def advance(self, duration_s: float) -> None:
        self._now_ns += round(duration_s * NS_PER_S)
