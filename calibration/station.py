"""A jet bar as measured: where its nozzles are over the belt, and how well its pulses hit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredStation:
    """Geometry and timing of one bar, machine frame.

    Attributes:
        name: of the station in the line file.
        distance_mm: nozzle line from the camera reference line (s = 0) where x is `middle_x_mm`.
        middle_x_mm: lateral place that `distance_mm` holds for, the bar's middle.
        tilt_mm_per_m: how much farther downstream the nozzle line is for each metre of x.
        first_valve_x_mm: lateral position of valve 0.
        valve_pitch_mm: distance between neighbouring valves along x.
        open_lag_ms: from the commanded tick to air on the belt.
        hit_sd_ms: spread of the hits about their aim, as time at the speed they were tested at.
        position_sd_mm: standard deviation of a valve's position, worst valve of the bar.
    """

    name: str
    distance_mm: float
    middle_x_mm: float
    tilt_mm_per_m: float
    first_valve_x_mm: float
    valve_pitch_mm: float
    open_lag_ms: float
    hit_sd_ms: float
    position_sd_mm: float

    def valve_x_mm(self, valve: float) -> float:
        """Return the lateral position of a valve."""
        return self.first_valve_x_mm + valve * self.valve_pitch_mm

    def valve_s_mm(self, valve: float) -> float:
        """Return the distance of a valve's nozzle from the camera reference line."""
        across_mm = self.valve_x_mm(valve) - self.middle_x_mm
        return self.distance_mm + self.tilt_mm_per_m * across_mm / 1000.0
