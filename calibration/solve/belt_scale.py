"""Zero and span of a belt scale: from raw counts to grams."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.belt_plane import Float64Array
from calibration.errors import ProcedureError

_FEWEST: Final = 5
_LARGEST_BEND: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltScale:
    """A belt scale's zero and span.

    Attributes:
        zero_counts: raw reading of the empty running belt.
        grams_per_count: span.
        zero_sd_g: spread of the empty belt, in grams.
        linearity_share: largest departure from a straight line over the largest weight.
    """

    zero_counts: float
    grams_per_count: float
    zero_sd_g: float
    linearity_share: float

    def grams(self, counts: float) -> float:
        """Return the mass on the scale."""
        return (counts - self.zero_counts) * self.grams_per_count


def fit_belt_scale(
    empty_counts: Float64Array, weights_g: Float64Array, weighed_counts: Float64Array
) -> BeltScale:
    """Fit zero and span.

    Args:
        empty_counts: (n,) readings of the empty running belt over a whole turn.
        weights_g: (m,) test weights.
        weighed_counts: (m,) mean readings under them.

    Raises:
        ProcedureError: too few readings, no weight, a load cell that does not answer, is wired the
            wrong way round or is bent.
    """
    if len(empty_counts) < _FEWEST:
        msg = f"{len(empty_counts)} readings of the empty belt"
        raise ProcedureError(msg, "let the empty belt run a whole turn while it is read")
    if not len(weights_g) or float(weights_g.max()) <= 0:
        raise ProcedureError("no test weight was laid on", "lay a known weight onto the scale")
    zero, noise = float(np.median(empty_counts)), float(empty_counts.std(ddof=1))
    rise = weighed_counts - zero
    span = float(weights_g @ rise / (rise @ rise)) if rise.any() else 0.0
    if not rise.any() or abs(float(rise.max(initial=0.0, where=rise > 0))) <= 3 * noise:
        if float(rise.min()) < -3 * noise:
            msg = "the reading falls under a weight"
            raise ProcedureError(msg, "swap the load cell's signal wires")
        msg = "the reading does not change under a weight"
        raise ProcedureError(msg, "check the load cell's cable and that nothing supports the belt")
    bend = float(np.abs(rise * span - weights_g).max() / weights_g.max())
    if bend > _LARGEST_BEND:
        msg = f"the weights depart from a straight line by {bend:.1%}"
        raise ProcedureError(msg, "look for something that touches the weighing table")
    return BeltScale(
        zero_counts=zero,
        grams_per_count=span,
        zero_sd_g=noise * span,
        linearity_share=bend,
    )
