"""Tags, a block of known height and a scale on rigs that hide their truth, done well and badly."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.board.spec import board_named
from calibration.errors import ProcedureError
from calibration.procedures.height import calibrate_height
from calibration.procedures.markers import calibrate_markers
from calibration.procedures.steps import say_nothing
from calibration.procedures.weighing import calibrate_scale, weights_of
from calibration.solve.height import feet_of_boxes
from calibration.solve.markers import fit_markers
from twin.rig.bench import RigBench
from twin.rig.scale import RigScale, TrueScale
from twin.rig.truth import random_rig

BOARD = board_named("A3")
PLACES = {
    number: np.array(place, dtype=float)
    for number, place in zip(
        (202, 203, 204, 205, 206, 207),
        ((150, -120), (850, -120), (150, 110), (850, 110), (500, -120), (500, 110)),
        strict=True,
    )
}


@pytest.fixture
def rig():
    truth = random_rig(4)
    return truth, RigBench(truth, BOARD, seed=4)


def markers(rig, places=PLACES):
    truth, bench = rig
    return calibrate_markers(bench, truth.plane, truth.mm_per_tick, places, say_nothing)


def height(rig, block_mm):
    truth, bench = rig
    return calibrate_height(bench, truth.plane, truth.mm_per_tick, block_mm, say_nothing)


def test_six_tags_place_the_belt(rig):
    found = markers(rig)
    grid = np.array([[u, v] for u in range(20, 640, 60) for v in range(10, 320, 60)], float)
    off = found.fit.plane.to_machine_mm(grid) - rig[0].plane.to_machine_mm(grid)
    assert np.sqrt((off**2).sum(axis=1).mean()) < 0.5
    assert abs(found.turn_deg) < 0.05


def test_a_slip_of_the_tape_names_the_tag():
    plane = random_rig(4).plane
    seen = {number: plane.to_image_px(place[None])[0] for number, place in PLACES.items()}
    wrong = {**PLACES, 204: PLACES[204] + (0.0, 20.0)}
    with pytest.raises(ProcedureError, match="from where the tape has them"):
        fit_markers(plane, seen, wrong)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({n: PLACES[n] for n in (202, 203, 204)}, "3 tags on the belt, 4 are needed"),
        (
            {
                n: np.array([x, 0.0])
                for n, x in zip((202, 203, 204, 205), (100, 300, 600, 900), strict=True)
            },
            "on one line",
        ),
    ],
)
def test_tags_that_make_no_plane_are_refused(places, words):
    seen = random_rig(4).plane.to_image_px(list(places.values()))
    with pytest.raises(ProcedureError, match=words):
        fit_markers(random_rig(4).plane, dict(zip(places, seen, strict=True)), places)


def test_a_tag_out_of_view_is_named(rig):
    with pytest.raises(ProcedureError, match="tag 205 is not to be seen"):
        markers(rig, {**PLACES, 205: np.array([850.0, 420.0])})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (("stuck", True), r"while the tags stayed where they were|did not move"),
        (("encoder_sign", -1), "swap the encoder's channels A and B"),
    ],
)
def test_a_belt_or_encoder_that_does_not_do_its_part_is_named(rig, spoil, words):
    setattr(rig[1].belt, *spoil)
    with pytest.raises(ProcedureError, match=words):
        markers(rig)


def test_a_block_comes_out_as_high_as_it_is(rig):
    found = height(rig, 80.0)
    assert found.ride.height_mm == pytest.approx(80.0, abs=3.0)
    assert found.camera_mm[2] == pytest.approx(abs((rig[0].turn.T @ rig[0].shift_mm)[2]))


def test_a_block_of_another_height_than_told_is_refused(rig):
    _, bench = rig
    asked = bench.ask
    bench.ask = lambda task: asked(replace(task, value=140.0) if task.value == 80.0 else task)
    with pytest.raises(ProcedureError, match="the rule says 80 mm"):
        height(rig, 80.0)


def test_a_block_on_a_belt_that_stands_is_refused(rig):
    rig[1].belt.stuck = True
    with pytest.raises(ProcedureError, match=r"seems|did not move|against"):
        height(rig, 80.0)


def test_boxes_of_known_height_stand_where_they_are():
    camera = np.array([500.0, 0.0, 1000.0])
    # A box from 100 to 200 across, left of the camera: its left side shows its upper edge.
    low, high = feet_of_boxes(
        np.array([[100.0 - 400.0 * 0.25, -50.0]]),
        np.array([[200.0, 50.0]]),
        np.array([200.0]),
        camera,
    )
    assert low[0, 0] == pytest.approx(100.0)
    assert high[0, 0] == pytest.approx(200.0)
    assert low[0, 1] == pytest.approx(-40.0)
    flat = feet_of_boxes(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]]), np.array([np.nan]), camera)
    assert np.array_equal(np.array(flat), [[[1.0, 2.0]], [[3.0, 4.0]]])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_scale_that_hides_its_span_is_found_to_a_fifth_of_a_per_cent(seed):
    truth = TrueScale.drawn(seed)
    found = calibrate_scale(RigScale(truth, seed=seed), (10.0, 20.0, 20.0), say_nothing)
    assert found.grams_per_count * truth.shown_share == pytest.approx(1.0, abs=2e-3)


def test_a_scale_that_shows_nothing_of_a_weight_is_named():
    dead = TrueScale(shown_share=0.0, creep_g=0.0, noise_g=2.0)
    with pytest.raises(ProcedureError, match="does not change under a weight"):
        calibrate_scale(RigScale(dead, seed=1), (10.0,), say_nothing)


@pytest.mark.parametrize("text", ["", "ten", "10,-3", "10,,20", "nan", "inf"])
def test_weights_that_are_none_are_refused(text):
    with pytest.raises(ProcedureError, match="--weights-kg"):
        weights_of(text)
