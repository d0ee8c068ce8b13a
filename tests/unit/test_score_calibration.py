"""Scores into probabilities by temperature or by a rising curve; wrong curves are refused."""

import numpy as np
import pytest
from pydantic import ValidationError

from vision.score_calibration import ScoreCalibration, ScoreCurve, calibrated
from vision.types import Fraction

CLASSES = (Fraction.PLASTIC, Fraction.PAPER)
SCORES = np.array([[0.9, 0.1], [0.5, 0.5], [0.0, 1.0]], np.float32)


def test_without_a_calibration_scores_stay_as_they_are():
    assert calibrated(SCORES, CLASSES, None) is SCORES


def test_a_temperature_above_one_makes_scores_less_sure_and_keeps_their_order():
    found = calibrated(SCORES, CLASSES, ScoreCalibration(temperature=2.0))
    assert found[0, 0] == pytest.approx(0.75)
    assert found[1, 0] == pytest.approx(0.5)
    assert (np.argsort(found[:, 0]) == np.argsort(SCORES[:, 0])).all()
    assert found.min() > 0.0
    assert found.max() < 1.0


def test_a_curve_is_read_off_and_leaves_other_classes_to_the_temperature():
    curve = ScoreCurve(scores=(0.0, 0.5, 1.0), shares=(0.0, 0.2, 0.9))
    found = calibrated(SCORES, CLASSES, ScoreCalibration(curves={Fraction.PLASTIC: curve}))
    assert found[:, 0] == pytest.approx([0.76, 0.2, 0.0])
    assert found[0, 1] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("scores", "shares", "message"),
    [
        ((0.0, 1.0), (0.0, 0.5, 1.0), "2 scores but 3 shares"),
        ((0.0, 1.0), (0.5, 0.2), "must not fall"),
        ((0.5, 0.5), (0.1, 0.2), "must rise"),
    ],
)
def test_a_curve_that_does_not_rise_is_refused(scores, shares, message):
    with pytest.raises(ValidationError, match=message):
        ScoreCurve(scores=scores, shares=shares)
