"""Which valve blows where: valve indices against the lateral belt axis."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveSpan:
    """A contiguous range of valves, both ends included, 0 at the left edge seen downstream."""

    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse an empty or negative range.

        Raises:
            ValueError: first is negative or greater than last.
        """
        if not 0 <= self.first <= self.last:
            msg = f"valve span {self.first}..{self.last} is empty or negative"
            raise ValueError(msg)

    def overlaps(self, other: "ValveSpan") -> bool:
        """Return whether the two spans share a valve."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveMap:
    """An equally pitched nozzle bar across the belt.

    Attributes:
        count: number of valves.
        pitch_mm: distance between neighbouring nozzle centres along x.
        first_centre_x_mm: x of the centre of valve 0, machine frame.
    """

    count: int
    pitch_mm: float
    first_centre_x_mm: float

    def centre_x_mm(self, valve: int) -> float:
        """Return the lateral position of a valve's centre, machine frame, mm."""
        return self.first_centre_x_mm + valve * self.pitch_mm

    def span(self, x_min_mm: float, x_max_mm: float) -> ValveSpan | None:
        """Return the valves whose pitch cell touches [x_min_mm, x_max_mm], or None off the bar."""
        cell_left_mm = self.first_centre_x_mm - self.pitch_mm / 2
        first = math.floor((x_min_mm - cell_left_mm) / self.pitch_mm)
        last = math.ceil((x_max_mm - cell_left_mm) / self.pitch_mm) - 1
        first, last = max(first, 0), min(max(last, first), self.count - 1)
        return ValveSpan(first=first, last=last) if first <= last else None
