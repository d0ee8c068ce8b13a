"""Tags, join, height, scale and mass by the calibrate command, and words gone wrong."""

import json

import pytest

from tests.support.kept_truth import keep_truth
from tests.unit.test_run_line_calibrate import LINE, Ran
from twin.whole_line import LINES
from vision.types import FRACTIONS

WIDE = LINES / "wide.toml"
MIDDLE = "twin-camera-middle"
MARKERS = "202=150,-120:203=850,-120:204=150,110:205=850,110"


@pytest.fixture
def ran(capsys):
    return lambda *words: Ran(capsys, *words)


@pytest.fixture
def kept(tmp_path):
    keep_truth(LINE, tmp_path)
    return tmp_path


def procedures(ran, line, store, *more):
    return json.loads(ran(line, "show", "--store", store, "--json", *more).out)


def test_the_belt_plane_comes_from_tags_and_is_kept(ran, kept):
    done = ran(LINE, "markers", "--source", "twin", "--store", kept, "--markers", MARKERS)
    assert done.code == 0
    assert "against the truth" in done.said
    found = procedures(ran, LINE, kept)
    assert found["procedures"] == ["markers"]
    assert found["findings"]["markers.markers_residual_mm"] < 1.0
    assert "drift is watched against" in done.said


def test_a_block_checks_the_height_model_that_the_line_then_uses(ran, kept):
    done = ran(LINE, "height", "--source", "twin", "--store", kept, "--block-mm", "80")
    assert done.code == 0
    assert "items of known height are placed by their feet" in done.said
    assert procedures(ran, LINE, kept)["findings"]["height.block_found_mm"] == pytest.approx(
        80, abs=4
    )


def test_a_camera_is_joined_to_the_first_by_one_board(ran, tmp_path):
    keep_truth(WIDE, tmp_path)
    keep_truth(WIDE, tmp_path, MIDDLE)
    done = ran(WIDE, "join", "--camera", MIDDLE, "--store", tmp_path)
    assert done.code == 0
    found = procedures(ran, WIDE, tmp_path, "--camera", MIDDLE)
    assert found["procedures"] == ["join"]
    assert found["findings"]["join.join_residual_mm"] < 0.5
    assert abs(found["findings"]["join.join_shift_x_mm"]) < 0.5


def test_cameras_that_share_no_belt_cannot_be_joined(ran, tmp_path):
    keep_truth(WIDE, tmp_path)
    keep_truth(WIDE, tmp_path, "twin-camera-right")
    done = ran(WIDE, "join", "--camera", "twin-camera-right", "--store", tmp_path)
    assert done.code == 2
    assert "0 mm of the belt in common" in done.said


def test_the_scale_is_found_and_kept_beside_the_rest(ran, kept):
    done = ran(LINE, "scale", "--source", "twin", "--store", kept, "--weights-kg", "10,20,20")
    assert done.code == 0
    assert "span 0.0" in done.said.partition("against the truth:")[2]
    assert procedures(ran, LINE, kept)["findings"]["scale.span_factor"] > 0


def test_weighed_items_become_a_mass_model_to_name_in_the_line_file(ran, kept):
    rows = ["weighing,fraction,width_mm,length_mm,height_mm,mass_g"]
    for number in range(24):
        fraction = FRACTIONS[number % len(FRACTIONS)].value
        side = 60 + 10 * (number // len(FRACTIONS)) + number
        rows.append(f"{number},{fraction},{side},{side},,{side * side * 0.004:.1f}")
    samples = kept / "weighed.csv"
    samples.write_text("\n".join(rows) + "\n")
    done = ran(LINE, "mass", "--store", kept, "--samples", samples)
    assert done.code == 0
    assert 'tracker.mass_model = "' in done.said
    assert list((kept / "masses").glob("mass-*.json"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["markers"], "as in --markers 202=150,-120"),
        (["markers", "--markers", "202=1"], "write TAG=X,S"),
        (["markers", "--markers", "7=1,2"], "none of the belt's, which are 202 to 207"),
        (["markers", "--markers", "202=1,2:202=3,4"], "named twice"),
        (["markers", "--markers", "202=1,2"], "4 are needed"),
        (["height"], "as in --block-mm 80"),
        (["height", "--block-mm", "tall"], "as in --block-mm 80"),
        (["height", "--block-mm", "nan"], "as in --block-mm 80"),
        (["scale"], "as in --weights-kg 10,20,20"),
        (["mass"], "as in --samples weighed.csv"),
        (["mass", "--samples", "nowhere.csv"], "nowhere.csv"),
        (["join"], "name it with --camera"),
        (["light", "--block-mm", "80"], "--block-mm goes with the action height only"),
    ],
)
def test_words_that_make_no_sense_are_answered_with_what_would(ran, kept, words, said):
    done = ran(LINE, *words, "--source", "twin", "--store", kept)
    assert done.code == 2
    assert said in done.said


def test_a_line_without_a_scale_says_where_to_name_one(ran, tmp_path):
    plant = LINES / "example-plant.toml"
    done = ran(plant, "scale", "--weights-kg", "10", "--store", tmp_path)
    assert done.code == 2
    assert "no calibration is kept yet" in done.said
    without = ran(LINE, "scale", "--weights-kg", "10", "--store", keep(tmp_path))
    assert without.code == 2
    assert "[accounts.belt_scale]" in without.said


def keep(folder):
    keep_truth(LINE, folder / "own")
    return folder / "own"
