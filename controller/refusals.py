"""The newest requests of operators that were refused, so that people see why."""

from collections import deque
from typing import Final

from calibration.units import MonotonicNs
from controller.snapshot import RefusedRequest

KEPT: Final = 5
"""Shown for a few seconds each; telemetry sees every snapshot, so more would serve nobody."""


class Refusals:
    """Keeps a few. One thread."""

    def __init__(self) -> None:
        self._newest: deque[RefusedRequest] = deque(maxlen=KEPT)
        self._count = 0

    def add(self, at_ns: MonotonicNs, operator: str, reason: str) -> None:
        """Keep one more; the oldest goes."""
        self._count += 1
        self._newest.append(
            RefusedRequest(seq=self._count, at_ns=at_ns, operator=operator, reason=reason)
        )

    def all(self) -> tuple[RefusedRequest, ...]:
        """Return those kept, oldest first."""
        return tuple(self._newest)
