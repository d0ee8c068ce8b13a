"""A monotonic clock and a wall clock that a test moves."""

import threading
from datetime import UTC, datetime, timedelta

from calibration.units import NS_PER_S, MonotonicNs
from telemetry.wall import UtcMapper

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class MovedTime:
    """Both clocks together; `step_wall` moves the wall clock alone."""

    def __init__(self) -> None:
        self._ns = 10**12
        self._wall = START
        self.utc = UtcMapper(clock=self, now=self.now)

    def now_ns(self) -> MonotonicNs:
        return MonotonicNs(self._ns)

    def now(self) -> datetime:
        return self._wall

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.pass_s(seconds)
        return event.is_set()

    def pass_s(self, seconds: float) -> None:
        self._ns += round(seconds * NS_PER_S)
        self._wall += timedelta(seconds=seconds)

    def step_wall(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds)
