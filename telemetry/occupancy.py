"""How much of the belt items cover, over the newest half minute."""

from collections import deque
from typing import Final

from calibration.clock import seconds_between
from calibration.units import MonotonicNs
from controller.snapshot import BeltUse

SPAN_S: Final = 30.0
LEAST_TRAVEL_MM: Final = 500.0
"""Less belt than this says nothing: a few items decide."""


class OccupancyWindow:
    """Takes the belt's running totals; one thread."""

    def __init__(self) -> None:
        self._uses: deque[tuple[MonotonicNs, BeltUse]] = deque()

    def add(self, at_ns: MonotonicNs, use: BeltUse) -> None:
        """Take the totals of an instant; those of another session begin anew."""
        if self._uses and use.travelled_mm < self._uses[-1][1].travelled_mm:
            self._uses.clear()
        self._uses.append((at_ns, use))
        while seconds_between(self._uses[0][0], at_ns) > SPAN_S:
            self._uses.popleft()

    @property
    def occupancy(self) -> float | None:
        """Covered over usable belt area, 0 to 1; None while too little belt has passed."""
        if not self._uses:
            return None
        first, last = self._uses[0][1], self._uses[-1][1]
        travelled_mm = last.travelled_mm - first.travelled_mm
        if travelled_mm < LEAST_TRAVEL_MM:
            return None
        covered_mm2 = last.covered_mm2 - first.covered_mm2
        return min(1.0, covered_mm2 / (travelled_mm * last.width_mm))
