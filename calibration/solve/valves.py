"""Where a bar's valves are and how late they open, from bare spots on a powdered strip.

A jet that is switched from tick a to tick b while the belt runs at v blows at what lies under it
lag later. With m = (a + b) / 2 its spot's middle has the belt coordinate

    y = mm_per_tick m + v lag - s_valve

so that spots made at two speeds tell the nozzle's place from its lag. The camera's delay takes no
part: the strip is photographed at rest.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.board.spec import Float64Array
from calibration.errors import ProcedureError
from calibration.station import MeasuredStation

_FEWEST: Final = 4
_OUTLIER_MM: Final = 8.0
_LEAST_SPEED_RATIO: Final = 1.3
_SPOT_SD_MM: Final = 0.3
"""How well a spot's middle is found."""
_JITTER_MS: Final = 0.7
"""Usual jitter of fast valves; it only weighs spots of different speeds against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotTable:
    """Spots and what made them, struct of arrays over n spots.

    Attributes:
        valve: (n,) index on the bar.
        x_mm: (n,) where the spot is across the belt.
        y_mm: (n,) belt coordinate of its middle.
        middle_tick: (n,) mean of the ticks between which the valve was switched on.
        speed_mm_per_s: (n,) of the belt.
    """

    valve: Float64Array
    x_mm: Float64Array
    y_mm: Float64Array
    middle_tick: Float64Array
    speed_mm_per_s: Float64Array


def fit_station(
    name: str, spots: SpotTable, *, mm_per_tick: float, valve_count: int
) -> MeasuredStation:
    """Fit the bar's place, tilt, pitch and lag.

    Args:
        name: of the station.
        spots: at two speeds at least.
        mm_per_tick: belt scale.
        valve_count: valves of the bar.

    Raises:
        ProcedureError: too few spots, from one speed only, or spots that make no bar.
    """
    if len(np.unique(spots.valve)) < _FEWEST:
        msg = f"station {name}: spots of {len(np.unique(spots.valve))} valves were found"
        raise ProcedureError(
            msg, "powder the strip evenly, check air pressure and the valves' wiring"
        )
    ratio = float(spots.speed_mm_per_s.max() / max(spots.speed_mm_per_s.min(), 1e-9))
    if ratio < _LEAST_SPEED_RATIO:
        msg = f"station {name}: all spots were made at one speed"
        raise ProcedureError(
            msg, "set the belt to about a third of its speed for one of the passes"
        )
    lateral, across_residual, across_sd = _line(spots.valve, spots.x_mm)
    middle = (valve_count - 1) / 2
    middle_x = lateral[0] + lateral[1] * middle
    offset_m = (lateral[0] + lateral[1] * spots.valve - middle_x) / 1000.0
    # s_valve - v lag = mm_per_tick m - y
    seen = mm_per_tick * spots.middle_tick - spots.y_mm
    design = np.column_stack((np.ones(len(seen)), offset_m, -spots.speed_mm_per_s / 1000.0))
    spot_sd = np.hypot(_SPOT_SD_MM, _JITTER_MS * spots.speed_mm_per_s / 1000.0)
    solution, residual, along_sd = _robust(design, seen, spot_sd)
    worst = float(np.abs(across_residual).max())
    if worst > _OUTLIER_MM:
        msg = f"station {name}: a spot lies {worst:.0f} mm beside its valve's place"
        raise ProcedureError(msg, "check the order of the valves' cables; index 0 is at the left")
    fast = spots.speed_mm_per_s > spots.speed_mm_per_s.max() / _LEAST_SPEED_RATIO
    spread_ms = float(
        np.sqrt((residual[fast] ** 2).mean() / (spots.speed_mm_per_s[fast] ** 2).mean())
    )
    return MeasuredStation(
        name=name,
        distance_mm=float(solution[0]),
        middle_x_mm=float(middle_x),
        tilt_mm_per_m=float(solution[1]),
        first_valve_x_mm=float(lateral[0]),
        valve_pitch_mm=float(lateral[1]),
        open_lag_ms=float(solution[2]),
        hit_sd_ms=spread_ms * 1e3,
        position_sd_mm=math.hypot(across_sd, along_sd),
    )


def _line(valve: Float64Array, x_mm: Float64Array) -> tuple[Float64Array, Float64Array, float]:
    design = np.column_stack((np.ones(len(valve)), valve))
    return _robust(design, x_mm, np.full(len(x_mm), _SPOT_SD_MM))


def _robust(
    design: Float64Array, seen: Float64Array, expected_sd: Float64Array
) -> tuple[Float64Array, Float64Array, float]:
    """Return parameters, residuals and the worst prediction's standard deviation."""
    weights = expected_sd**-2
    solution: Float64Array = np.zeros(design.shape[1])
    residual = seen
    for _ in range(6):
        root = np.sqrt(weights)
        found, *_ = np.linalg.lstsq(design * root[:, None], seen * root, rcond=None)
        solution = np.asarray(found, dtype=np.float64)
        residual = seen - design @ solution
        off = np.abs(residual) / expected_sd
        scale = max(1.4826 * float(np.median(off)), 0.2)
        weights = expected_sd**-2 / np.maximum(1.0, off / (2.0 * scale))
    covariance = np.linalg.pinv((design * weights[:, None]).T @ design)
    unit = float(weights @ residual**2) / max(1, len(seen) - design.shape[1])
    variance = np.einsum("ni,ij,nj->n", design, covariance, design) * unit
    return solution, np.asarray(residual), float(np.sqrt(variance.max()))


def valve_positions(first: tuple[int, float], second: tuple[int, float]) -> tuple[float, float]:
    """Return the place of valve 0 and the pitch from two valves measured by tape.

    Args:
        first: (index, x in mm) of one valve.
        second: of another, as far from it as possible.

    Raises:
        ProcedureError: both are the same valve, or the bar would run backwards.
    """
    (index0, x0), (index1, x1) = first, second
    if index0 == index1:
        msg = f"valve {index0} was measured twice"
        raise ProcedureError(msg, "measure two valves, best the first and the last of the bar")
    pitch = (x1 - x0) / (index1 - index0)
    if pitch <= 0:
        msg = "the valves would count from right to left"
        raise ProcedureError(msg, "measure from the left edge, seen looking downstream")
    return x0 - pitch * index0, pitch
