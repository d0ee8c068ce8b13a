import numpy as np
import pytest

from vision.tracker_config import TrackerConfig
from vision.tracking.passage import Passage, predict_passage

CONFIG = TrackerConfig(edge_sd_mm=0.5)


def passage(slip_mm_per_s: float, noise_mm: float = 0.0) -> Passage:
    """Thirty views in 0.15 s of an item on a belt at 1 m/s, then 44 mm unseen."""
    rng = np.random.default_rng(1)
    times = np.arange(30) * 0.005
    s_mm = (1000.0 - slip_mm_per_s) * times + rng.normal(0.0, noise_mm, 30)
    x_mm = 100.0 + rng.normal(0.0, noise_mm, 30)
    return predict_passage(
        times.tolist(),
        x_mm.tolist(),
        s_mm.tolist(),
        distance_mm=float(145.0 + 44.0),
        speed_mm_per_s=1000.0,
        config=CONFIG,
    )


def test_an_item_lying_still_passes_when_the_belt_brings_it() -> None:
    found = passage(0.0)
    assert found.at_s == pytest.approx(0.189, abs=1e-5)
    assert found.x_mm == pytest.approx(100.0)


def test_a_slipping_item_is_predicted_within_a_millisecond() -> None:
    found = passage(50.0, noise_mm=0.3)
    truth_s = 189.0 / 950.0
    assert found.at_s == pytest.approx(truth_s, abs=1e-3)
    assert found.x_mm == pytest.approx(100.0, abs=1.0)
    assert 0.0 < found.at_sd_s < 2e-3
    assert found.x_sd_mm < 2.0


def test_one_observation_is_enough_and_none_is_refused() -> None:
    found = predict_passage(
        [0.0], [100.0], [0.0], distance_mm=100.0, speed_mm_per_s=1000.0, config=CONFIG
    )
    assert found.at_s == pytest.approx(0.1)
    with pytest.raises(ValueError, match="observations"):
        predict_passage([], [], [], distance_mm=1.0, speed_mm_per_s=1.0, config=CONFIG)
