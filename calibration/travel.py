"""Belt travel: between encoder ticks, belt coordinates and positions beside the belt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltTravel:
    """The belt's scale.

    The belt coordinate of a point is the travel at which it passes the camera reference line
    (s = 0), so it stays constant while the point lies still on the belt and grows upstream.

    Attributes:
        mm_per_tick: belt travel in mm for one encoder tick, positive downstream.
    """

    mm_per_tick: float

    def __post_init__(self) -> None:
        """Refuse a scale that is zero or negative.

        Raises:
            ValueError: mm_per_tick is not positive.
        """
        if not self.mm_per_tick > 0:
            msg = f"mm_per_tick must be positive, got {self.mm_per_tick}"
            raise ValueError(msg)

    def travel_mm(self, tick: float) -> float:
        """Return the belt travel in mm at `tick`."""
        return tick * self.mm_per_tick

    def belt_y_mm(self, s_mm: float, tick: float) -> float:
        """Return the belt coordinate of a point seen at machine position `s_mm` at `tick`."""
        return tick * self.mm_per_tick - s_mm

    def position_s_mm(self, y_mm: float, tick: float) -> float:
        """Return where a point at belt coordinate `y_mm` is beside the belt at `tick`."""
        return tick * self.mm_per_tick - y_mm

    def arrival_tick(self, y_mm: float, distance_mm: float) -> float:
        """Return the (fractional) tick at which a point lying still reaches s = `distance_mm`."""
        return (y_mm + distance_mm) / self.mm_per_tick
