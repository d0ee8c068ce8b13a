"""Camera delay: how much later than the true exposure a frame's time stamp is.

A thing lying on the belt has one belt coordinate, whatever the belt's speed. Seen through stamps
that are late by d it seems to lie v d farther upstream when the belt runs at v: the slope of its
apparent coordinate over speed is the delay. No valve takes part.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.board.spec import Float64Array
from calibration.errors import ProcedureError

_FEWEST: Final = 8
_LEAST_SPEED_SPREAD_MM_PER_S: Final = 100.0
_LONGEST_MS: Final = 500.0
_OUTLIER: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerTrack:
    """Where a lying thing was seen, struct of arrays over sightings.

    Attributes:
        s_mm: (n,) machine frame.
        tick: (n,) count at the frame's stamp.
        ticks_per_s: (n,) belt speed then.
        passage: (n,) counts how often the thing had been laid anew.
    """

    s_mm: Float64Array
    tick: Float64Array
    ticks_per_s: Float64Array
    passage: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayFit:
    """The camera's delay.

    Attributes:
        delay_ms: stamps are later than the exposure by this.
        sd_ms: its standard deviation.
        scatter_mm: of the sightings about the fit.
        sightings: that were used.
    """

    delay_ms: float
    sd_ms: float
    scatter_mm: float
    sightings: int


def fit_delay(track: MarkerTrack, *, mm_per_tick: float) -> DelayFit:
    """Fit one delay and one belt coordinate for each passage.

    Sightings at rest are left where they are: within a tick nobody knows where a standing belt
    stands, which the fit allows for.

    Raises:
        ProcedureError: the belt did not run, or at one speed only, or the sightings scatter.
    """
    speed = track.ticks_per_s * mm_per_tick
    if len(speed) < _FEWEST:
        msg = f"the marker was seen in {len(speed)} photographs, {_FEWEST} are needed"
        raise ProcedureError(msg, "lay it at the upstream end of the view, in even light")
    if float(np.ptp(speed)) < _LEAST_SPEED_SPREAD_MM_PER_S:
        msg = f"the belt's speed varied by {np.ptp(speed):.0f} mm/s only"
        raise ProcedureError(msg, "start the belt from rest while the marker is in view")
    apparent = track.tick * mm_per_tick - track.s_mm
    keep = np.ones(len(apparent), dtype=bool)
    weights = np.where(speed < 1.0, 1.0, 4.0) / mm_per_tick**2
    slope, residuals, variance = _fit(apparent, speed, track.passage, weights)
    for _ in range(3):
        spread = 1.4826 * float(np.median(np.abs(residuals[keep])))
        keep = np.abs(residuals) <= _OUTLIER * max(spread, 0.05)
        slope, residuals, variance = _fit(apparent, speed, track.passage, weights * keep)
    if abs(slope) * 1e3 > _LONGEST_MS:
        msg = f"the delay would be {slope * 1e3:.0f} ms"
        raise ProcedureError(msg, "check that camera and PLC are of this line and both running")
    return DelayFit(
        delay_ms=slope * 1e3,
        sd_ms=variance**0.5 * 1e3,
        scatter_mm=float(np.std(residuals[keep])),
        sightings=int(keep.sum()),
    )


def _fit(
    apparent: Float64Array,
    speed: Float64Array,
    passage: npt.NDArray[np.intp],
    weights: Float64Array,
) -> tuple[float, Float64Array, float]:
    """Return slope (s), residuals (mm) and the slope's variance (s squared)."""
    groups = np.unique(passage)
    design = np.column_stack([speed, *((passage == group).astype(float) for group in groups)])
    root = np.sqrt(weights)
    solution, *_ = np.linalg.lstsq(design * root[:, None], apparent * root, rcond=None)
    residuals = apparent - design @ solution
    normal = (design * weights[:, None]).T @ design
    spare = max(1, int((weights > 0).sum()) - design.shape[1])
    unit = float(weights @ residuals**2) / spare
    variance = unit * float(np.linalg.pinv(normal)[0, 0])
    return float(solution[0]), np.asarray(residuals), variance
