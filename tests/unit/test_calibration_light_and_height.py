"""Grey card, belt scale, heights, joined cameras and the doctor's verdicts on made-up figures."""

import numpy as np
import pytest

from calibration.errors import ProcedureError
from calibration.solve.belt_scale import fit_belt_scale
from calibration.solve.height import camera_place_mm, foot_of, height_from_two_views
from calibration.solve.light import check_strip, fit_light
from calibration.solve.overlap import join
from controller.doctor.devices import check_light
from controller.doctor.link import check_plc, check_tick_clock
from controller.doctor.verdict import Verdict, as_document, failed, passed, warned, worst
from twin.rig.truth import random_rig


def card(level=118.0, *, blue=1.0, slope=0.0, seed=1):
    rng = np.random.default_rng(seed)
    across = 1.0 - slope * np.linspace(0, 1, 640)[None, :, None]
    colour = np.array([blue, 1.0, 1.0])
    return [
        np.clip(level * across * colour + rng.normal(0, 2, (320, 640, 3)), 0, 255).astype(np.uint8)
        for _ in range(3)
    ]


def test_an_even_grey_card_asks_for_nothing():
    fit = fit_light(card())
    assert fit.exposure_factor == 1.0
    assert fit.gain.max() < 1.05
    assert fit.noise_levels == pytest.approx(2.0, abs=0.3)


def test_a_blue_cast_and_a_slope_are_measured():
    fit = fit_light(card(blue=0.8, slope=0.2))
    assert fit.white_balance[0] == pytest.approx(1.25, abs=0.03)
    assert fit.gain.max() == pytest.approx(1.24, abs=0.04)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (card(8.0), "lengthen the exposure"),
        (card(253.0), "shorten the exposure"),
        (card(blue=0.4), "neutral grey card"),
        (card(slope=0.6), "fill the whole view"),
        (card()[:1], "take two at least"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused(images, words):
    with pytest.raises(ProcedureError, match=words):
        fit_light(images)


def test_the_strip_tells_light_from_colour():
    was = np.array([50.0, 100.0, 200.0])
    assert check_strip(was * 1.02, was).good
    assert "light or exposure" in check_strip(was * 0.8, was).words
    assert "colour of the light" in check_strip(was * (0.8, 1.0, 1.2), was).words


def test_a_belt_scale_comes_from_zero_and_span():
    rng = np.random.default_rng(2)
    weights = np.array([500.0, 1000.0, 2000.0])
    scale = fit_belt_scale(8000 + rng.normal(0, 2, 50), weights, 8000 + weights / 0.25)
    assert scale.grams_per_count == pytest.approx(0.25, rel=1e-3)
    assert scale.grams(8000 + 400) == pytest.approx(100.0, abs=1.0)


@pytest.mark.parametrize(
    ("counts", "words"),
    [((0.0, 0.0), "does not change"), ((-400.0, -800.0), "swap"), ((400.0, 500.0), "touches")],
)
def test_a_load_cell_that_is_wrong_is_refused(counts, words):
    empty = 8000 + np.random.default_rng(3).normal(0, 1, 50)
    with pytest.raises(ProcedureError, match=words):
        fit_belt_scale(empty, np.array([100.0, 200.0]), 8000 + np.array(counts))


def test_the_camera_s_place_and_a_known_height_give_the_true_foot():
    truth = random_rig(4)
    camera = camera_place_mm(truth.plane)
    assert camera == pytest.approx(np.abs(-truth.turn.T @ truth.shift_mm), abs=2.0)
    foot, height = np.array([[200.0, 100.0]]), 120.0
    seen = camera[:2] + (foot - camera[:2]) * camera[2] / (camera[2] - height)
    assert foot_of(seen, np.array([height]), camera) == pytest.approx(foot, abs=0.01)


def test_two_views_give_a_height():
    cameras = (np.array([300.0, 0.0, 1200.0]), np.array([700.0, 0.0, 1200.0]))
    foot, height = np.array([520.0, 80.0]), 90.0
    seen = [c[:2] + (foot - c[:2]) * c[2] / (c[2] - height) for c in cameras]
    found, place = height_from_two_views(*seen, *cameras)
    assert found == pytest.approx(height, abs=0.01)
    assert place == pytest.approx(foot, abs=0.01)
    with pytest.raises(ProcedureError, match="same place"):
        height_from_two_views(seen[0], seen[0], cameras[0], cameras[0])


def test_a_second_camera_is_joined_through_shared_points():
    plane = random_rig(4).plane
    shared = np.array([[100.0, 80.0], [500.0, 90.0], [480.0, 260.0], [120.0, 240.0]])
    angle, shift = 0.02, np.array([950.0, -3.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    there = plane.to_machine_mm(shared) @ turn.T + shift
    fit = join(plane, shared, there)
    assert fit.plane.to_machine_mm(shared) == pytest.approx(there, abs=1e-6)
    with pytest.raises(ProcedureError, match="disagree"):
        join(plane, shared, there[::-1])


def test_the_worst_verdict_stands_for_all():
    checks = [passed("a", "well"), warned("b", "so so", "look"), failed("c", "broken", "mend")]
    assert worst(checks) is Verdict.FAIL
    assert worst(checks[:2]) is Verdict.WARN
    document = as_document("line", checks)
    assert document["verdict"] == "fail"
    assert document["checks"][2] == {
        "part": "c",
        "verdict": "fail",
        "found": "broken",
        "remedy": "mend",
    }


def test_darkness_and_silence_fail_with_a_remedy():
    assert check_light(np.zeros((20, 20, 3), np.uint8)).verdict is Verdict.FAIL
    assert check_light(np.full((20, 20, 3), 255, np.uint8)).verdict is Verdict.WARN
    assert check_plc([], "no answer", timeout_ms=100).verdict is Verdict.FAIL
    assert check_tick_clock(None, limit_tick=8, moving=True).verdict is Verdict.FAIL
    assert check_tick_clock(1.0, limit_tick=8, moving=False).verdict is Verdict.WARN
