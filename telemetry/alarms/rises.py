"""When alarms rose in the last day: what flood, chatter and frequency are counted from."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from controller.snapshot import AlarmKind
from telemetry.alarms.types import AlarmCount

KEPT: Final = timedelta(hours=24)
KEPT_RISES: Final = 20_000
"""Bound on memory: a rise every four seconds for a day, far beyond any flood."""
FLOOD_SPAN: Final = timedelta(minutes=10)
FLOOD_RISES: Final = 10
"""More than this within ten minutes is a flood (ISA-18.2 clause 16; EEMUA 191)."""
CHATTER_SPAN: Final = timedelta(minutes=1)
CHATTER_RISES: Final = 3
"""So many rises of one alarm within a minute are chatter (ISA-18.2 clause 16)."""
CHATTER_KEPT: Final = timedelta(hours=1)
MOST_FREQUENT: Final = 10


class Rises:
    """Rises in order of time. A wall clock set back only shortens what is counted."""

    def __init__(self, rises: Iterable[tuple[datetime, AlarmKind]] = ()) -> None:
        self._rises = deque(rises, maxlen=KEPT_RISES)

    def add(self, at: datetime, kind: AlarmKind) -> None:
        """Count one more."""
        self._rises.append((at, kind))

    def forget(self, now: datetime) -> None:
        """Drop what is older than a day."""
        while self._rises and self._rises[0][0] <= now - KEPT:
            self._rises.popleft()

    def within(self, span: timedelta, now: datetime) -> int:
        """Return how many there were within the last span."""
        return sum(at > now - span for at, _ in self._rises)

    @property
    def count(self) -> int:
        """All that are kept."""
        return len(self._rises)

    def peak(self) -> int:
        """Return the most within any ten minutes."""
        most, first = 0, 0
        times = [at for at, _ in self._rises]
        for last, at in enumerate(times):
            while times[first] <= at - FLOOD_SPAN:
                first += 1
            most = max(most, last - first + 1)
        return most

    def chattering(self, now: datetime) -> tuple[AlarmKind, ...]:
        """Return the alarms that chattered within the last hour."""
        recent: dict[AlarmKind, list[datetime]] = {}
        for at, kind in self._rises:
            if at > now - CHATTER_KEPT:
                recent.setdefault(kind, []).append(at)
        return tuple(kind for kind, times in recent.items() if _chatters(times))

    def most_frequent(self) -> tuple[AlarmCount, ...]:
        """Return the ten most frequent with their share."""
        counted = Counter(kind for _, kind in self._rises)
        return tuple(
            AlarmCount(kind=kind, rises=rises, share=rises / self.count)
            for kind, rises in counted.most_common(MOST_FREQUENT)
        )


def _chatters(times: list[datetime]) -> bool:
    apart = CHATTER_RISES - 1
    pairs = zip(times[:-apart], times[apart:], strict=True) if len(times) > apart else ()
    return any(later - earlier <= CHATTER_SPAN for earlier, later in pairs)
