"""Each camera of a line is calibrated on its own and keeps its own calibrations."""

import json
import shutil

import pytest

import run_line
from calibration import line_calibration
from tests.unit.test_run_line_calibrate import Ran
from twin.calibrated_camera import camera_of
from twin.whole_line import LINES, load_line

WIDE = LINES / "wide.toml"
MIDDLE = "twin-camera-middle"


@pytest.fixture
def ran(capsys):
    return lambda *words: Ran(capsys, *words)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The middle camera of three, lens and belt plane."""
    folder = tmp_path_factory.mktemp("wide")
    words = ("calibrate", str(WIDE), "belt", "--camera", MIDDLE, "--store", str(folder))
    assert run_line.main([*words, "--by", "anna"]) == 0
    return folder


def test_a_camera_in_the_middle_is_calibrated_where_it_looks(kept):
    path = kept / "cameras" / MIDDLE / "current.json"
    found = line_calibration.load(path, camera_id=MIDDLE, belt_id=load_line(WIDE).line.line.belt_id)
    left, right = found.plane.to_machine_mm([[0.0, 160.0], [found.plane.image_width_px, 160.0]])
    assert left[0] == pytest.approx(730.0, abs=40.0)
    assert right[0] == pytest.approx(1670.0, abs=40.0)
    assert found.belt_width_mm == 2400.0


def test_a_camera_shows_its_own_versions_only(ran, kept):
    shown = json.loads(ran(WIDE, "show", "--camera", MIDDLE, "--store", kept, "--json").out)
    assert shown["procedures"] == ["camera", "belt"]
    first = ran(WIDE, "show", "--store", kept)
    assert first.code == 2
    assert "no calibration is kept yet" in first.said


def test_another_cameras_calibration_is_refused(ran, kept, tmp_path):
    shutil.copy(kept / "cameras" / MIDDLE / "current.json", tmp_path / "current.json")
    refused = ran(WIDE, "show", "--store", tmp_path)
    assert refused.code == 2
    assert f"taken for camera_id '{MIDDLE}', this line has 'twin-camera-left'" in refused.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("belt", "--camera", "right"), "its cameras are: twin-camera-left, twin-camera-middle"),
        (("valves", "--camera", MIDDLE), "measured with the line's first camera"),
    ],
)
def test_a_camera_that_cannot_do_it_is_named(ran, tmp_path, words, said):
    refused = ran(WIDE, *words, "--store", tmp_path)
    assert refused.code == 2
    assert said in refused.said


def test_all_of_another_camera_leaves_out_the_bars():
    whole = load_line(WIDE)
    assert "valves" in camera_of(whole, None).procedures("all")
    assert "valves" not in camera_of(whole, MIDDLE).procedures("all")
    assert "delay" in camera_of(whole, MIDDLE).procedures("all")


def test_a_file_named_for_each_camera_is_where_its_calibrations_are_kept(tmp_path):
    text = WIDE.read_text().replace("../..", str(LINES.parents[1]))
    files = ", ".join(f'"{tmp_path}/{name}/current.json"' for name in "abc")
    named = text.replace('kind = "twin"\nmm_per_tick = 0.5', f'kind = "file"\npath = [{files}]')
    (tmp_path / "line.toml").write_text(named)
    whole = load_line(tmp_path / "line.toml")
    assert camera_of(whole, MIDDLE).store(None).folder == tmp_path / "b"
    assert camera_of(whole, None).store(None).folder == tmp_path / "a"
