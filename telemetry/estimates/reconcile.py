"""Brings masses from pictures into agreement with a scale; both figures are kept.

Best linear unbiased combination (generalised least squares with one linear constraint measured
with error; the same arithmetic as data reconciliation in process plants: Narasimhan and Jordache,
Data Reconciliation and Gross Error Detection, chapter 3). What pictures know badly moves most.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry.estimates.errors import EstimateError
from telemetry.estimates.types import MassFigure, Method

Float64Array = npt.NDArray[np.float64]
DISAGREEMENT: Final = 3.0
"""Standard deviations between scale and pictures from which the two contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconciled:
    """Three figures for one total, and the parts that go with the third.

    Attributes:
        vision: the total from pictures alone.
        scale: the total that the scale showed.
        total: the two put together.
        parts_kg: (n,) parts that add up to `total`, none negative.
        parts_sd_kg: (n,) their standard deviations.
        vision_parts_kg: (n,) the parts before.
        z: how many standard deviations scale and pictures are apart.
    """

    vision: MassFigure
    scale: MassFigure
    total: MassFigure
    parts_kg: Float64Array
    parts_sd_kg: Float64Array
    vision_parts_kg: Float64Array
    z: float

    @property
    def agree(self) -> bool:
        """Whether scale and pictures can both be right; if not, neither explains the other."""
        return abs(self.z) <= DISAGREEMENT


def reconcile(
    parts_kg: Float64Array, covariance_kg2: Float64Array, scale: MassFigure
) -> Reconciled:
    """Reconcile parts with a weighed total.

    Args:
        parts_kg: (n,) masses from pictures, for instance by fraction.
        covariance_kg2: (n, n) theirs.
        scale: what was weighed, with its standard deviation.

    Raises:
        EstimateError: shapes differ, a figure is negative or not finite, or nothing is uncertain.
    """
    n = len(parts_kg)
    if covariance_kg2.shape != (n, n) or not np.isfinite(covariance_kg2).all():
        raise EstimateError(f"{n} parts need a finite {n} x {n} covariance")
    if not np.isfinite(parts_kg).all() or (parts_kg < 0).any():
        raise EstimateError("a part's mass is negative or not finite")
    if not (np.isfinite(scale.kg) and scale.kg >= 0 and scale.sd_kg >= 0):
        raise EstimateError(f"the scale shows {scale.kg} kg, sd {scale.sd_kg}")
    spread = covariance_kg2.sum(axis=1)
    variance = float(spread.sum())
    if variance + scale.sd_kg**2 <= 0:
        raise EstimateError("neither pictures nor scale admit any error")
    apart = scale.kg - float(parts_kg.sum())
    parts, after = _moved(parts_kg, covariance_kg2, apart, scale.sd_kg**2)
    return Reconciled(
        vision=MassFigure(
            kg=float(parts_kg.sum()), sd_kg=float(np.sqrt(variance)), method=Method.VISION
        ),
        scale=scale,
        total=MassFigure(
            kg=float(parts.sum()),
            sd_kg=float(np.sqrt(max(after.sum(), 0.0))),
            method=Method.SCALE_RECONCILED,
        ),
        parts_kg=parts,
        parts_sd_kg=np.sqrt(np.maximum(np.diag(after), 0.0)),
        vision_parts_kg=parts_kg,
        z=apart / float(np.sqrt(variance + scale.sd_kg**2)),
    )


def _moved(
    parts: Float64Array, covariance: Float64Array, apart: float, scale_variance: float
) -> tuple[Float64Array, Float64Array]:
    """Move the parts; what would become negative is zero, and the rest carries the difference.

    The covariance is that of the unbounded move: the bound adds knowledge, which is not claimed.
    """
    total = covariance.sum(axis=1)
    after = covariance - np.outer(total, total) / (float(total.sum()) + scale_variance)
    free: npt.NDArray[np.bool_] = np.full(len(parts), fill_value=True)
    moved = parts.copy()
    for _ in range(len(parts)):
        spread = np.where(np.outer(free, free), covariance, 0.0).sum(axis=1)
        whole = float(spread.sum()) + scale_variance
        if whole <= 0:
            break
        rest = apart + float(parts[~free].sum())
        moved = np.where(free, parts + spread * (rest / whole), 0.0)
        negative = free & (moved < 0)
        if not negative.any():
            break
        free &= ~negative
    return np.maximum(moved, 0.0), after
