"""Hazards carried on a crawling belt to the person who picks them; the belt stands if nobody does.

A site may prefer a belt that crawls to one that stops for every lamp. The drive is asked for its
slow speed as soon as a hazard is believed and until its removal is confirmed. A hazard that reaches
the place of the request unpicked is held there like any other.
"""

from collections.abc import Iterable

from vision.types import Track


class SlowPick:
    """The hazards under way to the place where they are to be picked. One thread; pure."""

    def __init__(self, *, place_mm: float | None, mm_per_tick: float) -> None:
        """Begin with none.

        Args:
            place_mm: where they are to be picked at the latest, machine frame; None on a line
                without such a place.
            mm_per_tick: belt scale.
        """
        self._place_mm, self._mm_per_tick = place_mm, mm_per_tick
        self._leading_y_mm: dict[int, float] = {}

    @property
    def count(self) -> int:
        """Hazards under way."""
        return len(self._leading_y_mm)

    def add(self, tracks: Iterable[Track]) -> None:
        """Take hazards under way, at their leading edges."""
        for track in tracks:
            self._leading_y_mm[track.track_id] = track.y_mm - track.length_mm / 2

    def reached(self, tick: float) -> int:
        """Return how many have reached the place by a belt tick; they are under way no more."""
        if self._place_mm is None:
            return 0
        travel_mm = tick * self._mm_per_tick
        here = [i for i, y_mm in self._leading_y_mm.items() if travel_mm - y_mm >= self._place_mm]
        for track_id in here:
            del self._leading_y_mm[track_id]
        return len(here)

    def clear(self) -> int:
        """A person has picked them all; returns how many there were."""
        count = self.count
        self._leading_y_mm.clear()
        return count
