"""Compares a calibration with what a rig truly is. Only judges may import this."""

from dataclasses import dataclass

import numpy as np

from calibration.line_calibration import LineCalibration
from twin.rig.truth import RigTruth

_STEP_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How far a calibration is off.

    Attributes:
        belt_rms_mm: root mean square error of a place on the belt, over the whole view.
        belt_p99_mm: 99th percentile of it.
        mm_per_tick_error_pct: of the belt's scale, absolute.
        delay_error_ms: of the camera's delay, absolute.
        valve_error_mm: of the worst valve's place, along or across.
    """

    belt_rms_mm: float
    belt_p99_mm: float
    mm_per_tick_error_pct: float
    delay_error_ms: float
    valve_error_mm: float

    @property
    def words(self) -> str:
        """The verdict in one line."""
        return (
            f"against the truth: places on the belt {self.belt_rms_mm:.2f} mm rms, "
            f"{self.belt_p99_mm:.2f} mm at the 99th percentile; scale "
            f"{self.mm_per_tick_error_pct:.3f} %; delay {self.delay_error_ms:.2f} ms; worst valve "
            f"{self.valve_error_mm:.2f} mm"
        )


def judge(calibration: LineCalibration, truth: RigTruth) -> Verdict:
    """Return how far a calibration is off; what it does not hold counts as zero off."""
    errors = belt_errors_mm(calibration, truth)
    scale = calibration.travel.mm_per_tick / truth.mm_per_tick - 1.0
    return Verdict(
        belt_rms_mm=float(np.sqrt((errors**2).mean())),
        belt_p99_mm=float(np.percentile(errors, 99)),
        mm_per_tick_error_pct=abs(scale) * 100.0,
        delay_error_ms=abs(calibration.camera_delay_ms - truth.camera_delay_ms),
        valve_error_mm=_worst_valve_mm(calibration, truth),
    )


def belt_errors_mm(
    calibration: LineCalibration, truth: RigTruth
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the error of every sixteenth pixel that shows belt, mm."""
    width, height = truth.image_size_px
    u, v = np.meshgrid(
        np.arange(0, width + 1, _STEP_PX, dtype=np.float64),
        np.arange(0, height + 1, _STEP_PX, dtype=np.float64),
    )
    grid = np.column_stack((u.ravel(), v.ravel()))
    true = truth.plane.to_machine_mm(grid)
    on_belt = (true[:, 0] >= 0) & (true[:, 0] <= truth.belt_width_mm)
    off = (calibration.plane.to_machine_mm(grid) - true)[on_belt]
    return np.asarray(np.hypot(*off.T), dtype=np.float64)


def _worst_valve_mm(calibration: LineCalibration, truth: RigTruth) -> float:
    worst = 0.0
    bars = {bar.name: bar for bar in truth.stations}
    for station in calibration.stations:
        bar = bars[station.name]
        for valve in range(bar.count):
            x_mm, s_mm = bar.place_mm(valve)
            off = (station.valve_x_mm(valve) - x_mm, station.valve_s_mm(valve) - s_mm)
            worst = max(worst, *(abs(value) for value in off))
    return worst
