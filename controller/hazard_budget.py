"""Whether the belt can be asked to stop before a hazard has come from first sight to the jets."""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.stations import JetBarConfig, StationConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class HazardBudget:
    """The way from first sight to the first jets, and what of it the answer takes.

    Attributes:
        available_mm: from the view's upstream border to the nearest jet bar.
        speed_mm_per_s: fastest belt speed.
        views: sightings that a belief needs, and one frame that may just have missed it.
        frame_period_ms: time between frames.
        rest_ms: exposure, transfer, detector, planning, and the link to the PLC.
    """

    available_mm: float
    speed_mm_per_s: float
    views: int
    frame_period_ms: float
    rest_ms: float

    @property
    def response_ms(self) -> float:
        """Time from first sight to the belt-stop request at the PLC, at the longest."""
        return self.views * self.frame_period_ms + self.rest_ms

    @property
    def response_mm(self) -> float:
        """Way that the hazard goes in that time."""
        return self.response_ms * self.speed_mm_per_s / 1000.0

    @property
    def problem(self) -> str | None:
        """The arithmetic where the answer comes too late, else None."""
        if self.response_mm <= self.available_mm:
            return None
        return (
            f"hazards: first sight to stop request takes {self.views} frames x "
            f"{self.frame_period_ms:g} ms + {self.rest_ms:g} ms = {self.response_ms:.0f} ms, "
            f"{self.response_mm:.0f} mm at {self.speed_mm_per_s:g} mm/s, but the first jets are "
            f"{self.available_mm:.0f} mm behind the view's beginning; move them downstream, slow "
            "the belt, or take frames faster"
        )


def hazard_budget(
    stations: Sequence[StationConfig],
    *,
    view_s_min_mm: float,
    speed_mm_per_s: float,
    confirm_views: int,
    frame_period_ms: float,
    rest_ms: float,
) -> HazardBudget | None:
    """Return the budget of a line's hazards, None for a line without jets.

    Args:
        stations: of the line.
        view_s_min_mm: upstream end of the usable view, machine frame.
        speed_mm_per_s: fastest belt speed.
        confirm_views: sightings that make a candidate an item.
        frame_period_ms: time between frames.
        rest_ms: everything after the exposure's middle until the PLC has the request.
    """
    bars = [s.distance_mm for s in stations if isinstance(s, JetBarConfig)]
    if not bars:
        return None
    return HazardBudget(
        available_mm=min(bars) - view_s_min_mm,
        speed_mm_per_s=speed_mm_per_s,
        views=confirm_views + 1,
        frame_period_ms=frame_period_ms,
        rest_ms=rest_ms,
    )
