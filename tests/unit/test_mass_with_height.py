"""A height above the belt, where a sensor tells it, makes the mass another and surer one."""

import numpy as np
import pytest

from tests.support.belt_scenes import CALIBRATION
from vision.locate import BeltLocator
from vision.mass import estimate_mass_g, heavy_probability
from vision.tracker import Tracker
from vision.tracker_config import TrackerConfig
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp

FOOD = np.eye(len(FRACTIONS))[:, [FRACTIONS.index(Fraction.FOOD)]]
EXTENT = np.array([[80.0], [60.0]])


def test_a_flat_and_a_tall_item_of_one_size_weigh_differently():
    flat, _ = estimate_mass_g(FOOD, EXTENT, np.array([10.0]))
    tall, _ = estimate_mass_g(FOOD, EXTENT, np.array([50.0]))
    assert tall[0] == pytest.approx(5 * flat[0])


def test_a_known_height_narrows_the_mass_and_an_unknown_one_changes_nothing():
    mass, sd = estimate_mass_g(FOOD, EXTENT, np.array([25.0]))
    blind, blind_sd = estimate_mass_g(FOOD, EXTENT)
    unknown, _ = estimate_mass_g(FOOD, EXTENT, np.array([np.nan]))
    assert unknown[0] == blind[0]
    assert sd[0] / mass[0] < blind_sd[0] / blind[0]


def test_the_probability_of_being_too_heavy_grows_with_the_mass_and_with_doubt():
    mass = np.array([50.0, 200.0, 800.0])
    found = heavy_probability(mass, 0.5 * mass, 400.0)
    assert (np.diff(found) > 0).all()
    assert heavy_probability(mass[:2], 1.5 * mass[:2], 400.0)[0] > found[0]


def test_a_height_told_once_stays_with_the_item():
    tracker = Tracker(TrackerConfig(), CALIBRATION, keep_until_s_mm=900.0)
    locator = BeltLocator(CALIBRATION, border_px=2.0)
    masses = []
    for seq, height in enumerate((np.nan, 40.0, np.nan), start=1):
        scores = np.full((1, 6), 0.02, np.float32)
        scores[0, FRACTIONS.index(Fraction.FOOD)] = 0.9
        shift = 10.0 * seq
        seen = Detections(
            boxes_px=np.array([[300, 200 - shift, 350, 240 - shift]], np.float32),
            scores=scores,
            heights_mm=np.array([height], np.float32),
        )
        s_mm = float(CALIBRATION.plane.to_machine_mm([[325.0, 220.0 - shift]])[0, 1])
        stamp = FrameStamp(seq=seq, exposed_ns=seq * 20_000_000, tick=(500.0 + s_mm) / 0.5)
        masses.append(float(tracker.update(stamp, locator.locate(stamp, seen)).mass_g[0]))
    assert masses[1] != pytest.approx(masses[0], rel=0.05)
    assert masses[2] == pytest.approx(masses[1], rel=0.1)


def test_heights_must_fit_their_boxes():
    with pytest.raises(ValueError, match="heights"):
        Detections(
            boxes_px=np.zeros((2, 4), np.float32),
            scores=np.zeros((2, 6), np.float32),
            heights_mm=np.zeros(3, np.float32),
        )
