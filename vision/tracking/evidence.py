"""Class evidence fused over all views of an item."""

import numpy as np
import numpy.typing as npt

from vision.tracker_config import TrackerConfig
from vision.tracking.table import TrackTable

Float64Array = npt.NDArray[np.float64]


def log_scores(scores: npt.NDArray[np.float32], config: TrackerConfig) -> Float64Array:
    """Turn class scores of single views into log likelihoods.

    Args:
        scores: (n, 6) class scores 0..1.
        config: the floor.

    Returns:
        (6, n) logarithms of the floored and normalised scores.
    """
    floored = scores.T.astype(np.float64) + config.score_floor
    return np.asarray(np.log(floored / floored.sum(axis=0)), dtype=np.float64)


def posterior(table: TrackTable, config: TrackerConfig) -> Float64Array:
    """Return (6, n) class probabilities from a uniform prior.

    Views of one item are alike: the same label, the same fold, the same light. n views with
    correlation r count as n / (1 + (n - 1) r) independent ones (the design effect of cluster
    sampling; Kish, Survey Sampling, 1965), so that confidence does not saturate with frame rate.
    """
    weight = np.maximum(table.weight, 1e-9)
    effective = 1.0 / (1.0 + np.maximum(weight - 1.0, 0.0) * config.view_correlation)
    fused = table.log_score * effective
    fused -= fused.max(axis=0, initial=-np.inf)
    np.exp(fused, out=fused)
    fused /= fused.sum(axis=0)
    return np.asarray(fused, dtype=np.float64)
