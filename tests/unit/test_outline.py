"""Outlines as sixteen limits: boxes exact, discs nearly, cuts where they should be."""

import numpy as np
import pytest

from vision.outline import DIRECTIONS, area_mm2, chords_mm, support_of, support_of_boxes
from vision.types import Detections

BOX = support_of_boxes(np.array([[60.0], [30.0]]))
TURN = np.linspace(0, 2 * np.pi, 64, endpoint=False)
DISC = support_of(np.stack((50 * np.cos(TURN), 50 * np.sin(TURN)), axis=1)[None]).T


def _turned_box(angle):
    cos, sin = np.cos(angle), np.sin(angle)
    corners = np.array([[-60, -10], [60, -10], [60, 10], [-60, 10]]) @ [[cos, sin], [-sin, cos]]
    return support_of(corners[None]).T


def test_an_upright_box_is_exact():
    assert area_mm2(BOX) == pytest.approx([1800.0])
    low, high = chords_mm(BOX, np.array([[-29.0, 0.0, 29.0]]))
    assert low == pytest.approx(np.full((1, 3), -15.0))
    assert high == pytest.approx(np.full((1, 3), 15.0))


def test_a_disc_is_a_little_too_large():
    assert area_mm2(DISC)[0] == pytest.approx(np.pi * 2500, rel=0.03)
    low, high = chords_mm(DISC, np.array([[40.0]]))
    assert high[0, 0] - low[0, 0] == pytest.approx(60.0, rel=0.12)


def test_a_cut_beside_the_outline_finds_nothing():
    low, high = chords_mm(BOX, np.array([[31.0, -31.0]]))
    assert (low > high).all()


@pytest.mark.parametrize("angle", [0.4, np.pi / 4, 1.2])
def test_a_turned_bar_is_far_smaller_than_the_box_around_it(angle):
    bar = _turned_box(angle)
    around = 2 * bar[0, 0] * 2 * bar[DIRECTIONS // 4, 0]
    assert area_mm2(bar)[0] < 0.75 * around
    assert area_mm2(bar)[0] >= 0.95 * 2400.0


def test_outlines_must_fit_their_boxes():
    boxes, scores = np.zeros((2, 4), np.float32), np.zeros((2, 6), np.float32)
    with pytest.raises(ValueError, match="outlines"):
        Detections(boxes_px=boxes, scores=scores, outlines_px=np.zeros((3, 4, 2), np.float32))
