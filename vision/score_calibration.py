"""What a detector's scores are worth: scores into probabilities, as measured for the bundle."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

from vision.types import Fraction

Float32Array = npt.NDArray[np.float32]
Probability = Annotated[float, Field(ge=0, le=1)]

_EDGE: Final = 1e-4
"""Scores are kept this far from 0 and 1, where their log odds would be infinite."""


class ScoreCurve(BaseModel):
    """Of one class: score against the share of its boxes that truly are of it, both rising."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scores: tuple[Probability, ...] = Field(min_length=2)
    shares: tuple[Probability, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _rises(self) -> "ScoreCurve":
        if len(self.scores) != len(self.shares):
            msg = f"{len(self.scores)} scores but {len(self.shares)} shares"
            raise ValueError(msg)
        rising = all(np.diff(self.scores) > 0) and all(np.diff(self.shares) >= 0)
        if not rising:
            msg = "scores must rise and shares must not fall (isotonic regression)"
            raise ValueError(msg)
        return self


class ScoreCalibration(BaseModel):
    """Optional part of a bundle's manifest; without it scores count as probabilities."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(default=1.0, gt=0.05, le=20.0)
    """Divides the log odds of every score: above 1 for a network that is too sure (Guo et al., On
    Calibration of Modern Neural Networks, 2017)."""
    curves: dict[Fraction, ScoreCurve] = Field(default={})
    """Of classes for which a curve was measured; they are used instead of the temperature."""


def calibrated(
    scores: Float32Array, classes: Sequence[Fraction], calibration: ScoreCalibration | None
) -> Float32Array:
    """Return class scores as probabilities.

    Args:
        scores: (n, classes) as the network gives them.
        classes: of the columns.
        calibration: of the bundle, None where it has none.
    """
    if calibration is None:
        return scores
    clipped = np.clip(scores.astype(np.float64), _EDGE, 1.0 - _EDGE)
    odds = np.log(clipped / (1.0 - clipped)) / calibration.temperature
    found = 1.0 / (1.0 + np.exp(-odds))
    curves: Mapping[Fraction, ScoreCurve] = calibration.curves
    for column, fraction in enumerate(classes):
        if (curve := curves.get(fraction)) is not None:
            found[:, column] = np.interp(scores[:, column], curve.scores, curve.shares)
    return np.asarray(found, dtype=np.float32)
