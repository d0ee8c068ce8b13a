"""Finds a whole bar that blows late or weakly by the share of its items seen behind it.

Page's cumulative sum test, as for single valves (`controller/miss_watch.py`): a bar is called when
the sum of the evidence for a miss share that is `gain` above the usual one reaches
log(1 / false_alarm), which happens by chance once in at least 1 / false_alarm items. One dead valve
among a bar's eighty raises the share by less than a hundredth: the sum stays at nothing.
"""

import math
from typing import Final

from calibration.drift.alarm import DriftFinding, DriftKind

GAIN: Final = 0.2
"""Above the usual share of misses: the least that more than a single valve explains."""
_MEMORY: Final = 60.0
"""Items over which the share that is told goes back."""
_MENDED: Final = 0.5
"""Of the gain: below it a bar that was called is well again."""


class BarMissTest:
    """One bar's evidence. One thread; pure."""

    def __init__(self, name: str, *, usual_share: float, false_alarm: float) -> None:
        """Begin with no evidence.

        Args:
            name: of the bar.
            usual_share: of items that a sound bar misses.
            false_alarm: chance for each item that a sound bar is called.
        """
        raised = min(usual_share + GAIN, 0.99)
        self._name, self._usual = name, usual_share
        self._missed_gain = math.log(raised / usual_share)
        self._hit_gain = math.log((1.0 - raised) / (1.0 - usual_share))
        self._limit = -math.log(false_alarm)
        self._sum, self._share, self._called = 0.0, usual_share, False

    def add(self, *, missed: bool) -> None:
        """Take in an item that was fired at."""
        self._sum = max(0.0, self._sum + (self._missed_gain if missed else self._hit_gain))
        self._share += (missed - self._share) / _MEMORY
        if self._sum >= self._limit:
            self._called = True
        elif self._called and self._share < self._usual + _MENDED * GAIN:
            self._sum, self._called = 0.0, False

    @property
    def finding(self) -> DriftFinding | None:
        """What the bar loses, None while it is not called."""
        if not self._called:
            return None
        return DriftFinding(
            kind=DriftKind.VALVE_LAG,
            where=f"bar {self._name} by what is seen behind it",
            value=100.0 * self._share,
            limit=100.0 * (self._usual + GAIN),
            unit="% of the items blown at stay on the belt",
            loss_points=100.0 * max(self._share - self._usual, 0.0),
        )
