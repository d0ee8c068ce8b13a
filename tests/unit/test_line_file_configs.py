"""Line files that must be refused (tests/configs), and those that need more than text."""

import dataclasses
import json
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

import run_line
from calibration import line_calibration
from tests.support.cell_network import write_bundle
from tests.support.coded_frames import write_folder, write_video
from tests.support.filmed_belt import line_text
from tests.support.lockstep_rig import LINES, shipped_line
from twin.viewpoint import true_calibration

CONFIGS = Path(__file__).parents[1] / "configs"
ROOT = Path(__file__).parents[2]


def check(capsys, path):
    capsys.readouterr()
    code = run_line.main(["check", str(path)])
    out, err = capsys.readouterr()
    return code, out, err


def write(folder, changes):
    path = folder / "line.toml"
    path.write_text(line_text(changes))
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_a_bad_line_file_is_refused_with_every_problem_and_its_key(capsys, tmp_path, path):
    bad = tomllib.loads(path.read_text())
    bundle = {"../../models": str(ROOT / "models")}
    replace = bad["replace"] if path.stem == "missing_bundle" else bad["replace"] | bundle
    code, out, err = check(capsys, write(tmp_path, replace))
    assert code == 2
    for words in bad["expect"]:
        assert words in err
    assert out == ""
    assert all(line.startswith("error ") for line in err.splitlines())


def test_only_what_is_wrong_is_reported(capsys, tmp_path):
    bad = tomllib.loads((CONFIGS / "out_of_range.toml").read_text())
    _, _, err = check(capsys, write(tmp_path, bad["replace"]))
    assert len(err.splitlines()) == len(bad["expect"])


@pytest.mark.parametrize("name", ["demo", "standard", "downstream"])
def test_the_shipped_line_files_are_in_order_and_show_their_budgets(capsys, name):
    code, out, err = check(capsys, LINES / f"{name}.toml")
    assert code == 0, err
    assert "station plastic: transit 350 mm" in out
    assert "ms to spare" in out


def test_a_line_file_that_is_not_there_is_named(capsys):
    code, _, err = check(capsys, "/no/such/line.toml")
    assert code == 2
    assert "/no/such/line.toml: No such file or directory; name an existing line file" in err


def test_every_command_that_takes_a_line_file_refuses_a_bad_one(capsys, tmp_path):
    path = write(tmp_path, {"unit_id = 1\n": ""})
    for command in ("run", "demo", "simulate", "check"):
        assert run_line.main([command, str(path)]) == 2
        assert "plc.unit_id: missing key" in capsys.readouterr().err


@pytest.fixture
def measured(tmp_path):
    """A line with a recorded camera, a bundle and a calibration file of its own."""
    write_bundle(tmp_path / "bundle")
    write_video(tmp_path / "film.avi", 3, 25.0)
    calibration = true_calibration(shipped_line("demo")[1], mm_per_tick=0.5)
    calibration = dataclasses.replace(calibration, camera_id="twin-camera", belt_id="demo-belt")
    line_calibration.save(calibration, tmp_path / "calibration.json")
    return {
        "../../models/bundles/default": "bundle",
        'backend = "openvino"': 'backend = "onnxruntime"',
        'source = "twin"': 'source = "video"\npath = "film.avi"',
        'kind = "twin"\nmm_per_tick = 0.5': 'kind = "file"\npath = "calibration.json"',
        'mercury_lamp = { action = "stop_and_alarm"': 'mercury_lamp = { action = "pass"',
    }


def test_the_budget_is_checked_for_a_measured_calibration(capsys, tmp_path, measured):
    code, out, err = check(capsys, write(tmp_path, measured))
    assert code == 0, err
    assert "station food: transit 1850 mm" in out
    close = measured | {"distance_mm = 600": "distance_mm = 280"}
    code, _, err = check(capsys, write(tmp_path, close))
    assert code == 2
    assert "transit 30 mm at 1500 mm/s = 20.0 ms" in err


SECOND_PLC = """
[[plc]]
name = "second"
stations = ["paper", "food"]
transport = { kind = "tcp", host = "127.0.0.1", port = 5503 }
unit_id = 1
timeout_ms = 100
cycle_ms = 10
heartbeat_timeout_ms = 300
max_ticks_per_s = 12000
encoder_stall_ms = 1500

[limits]
"""


@pytest.mark.parametrize(
    "changes",
    [
        {
            "[plc]\n": '[[plc]]\nname = "first"\nstations = ["plastic", "weee"]\n',
            "[limits]\n": SECOND_PLC,
        },
        {
            "unit_id = 1\n": 'unit_id = 1\nmode = "direct"\ncoil_count = 328\nbelt_coil = 320\n'
            "first_coils = [0, 80, 160, 240]\nwatchdog_ms = 500\nmax_open_ms = 200\n",
            "[limits]\n": '[encoder]\nkind = "register"\naddress = 0\n\n[limits]\n',
        },
    ],
    ids=["two PLCs", "remote I/O"],
)
def test_other_plcs_than_the_twins_are_in_order_but_not_for_the_twin(capsys, tmp_path, changes):
    path = write(tmp_path, changes | {"../../models": str(ROOT / "models")})
    code, _, err = check(capsys, path)
    assert code == 0, err
    for command in ("demo", "simulate"):
        assert run_line.main([command, str(path)]) == 2
        assert "the twin has one PLC with a program" in capsys.readouterr().err


def test_files_that_are_not_there_are_all_named(capsys, tmp_path, measured):
    (tmp_path / "film.avi").unlink()
    (tmp_path / "calibration.json").unlink()
    code, _, err = check(capsys, write(tmp_path, measured))
    assert code == 2
    assert f"camera.path: no video file {tmp_path / 'film.avi'}" in err
    assert f"calibration.path: no file {tmp_path / 'calibration.json'}; calibrate the line" in err
    images = measured | {'source = "twin"': 'source = "images"\npath = "none"\nframes_per_s = 25.0'}
    _, _, err = check(capsys, write(tmp_path, images))
    assert f"camera.path: no folder {tmp_path / 'none'}" in err


def test_an_altered_or_foreign_calibration_is_refused(capsys, tmp_path, measured):
    path = write(tmp_path, measured)
    file = tmp_path / "calibration.json"
    text = file.read_text()
    file.write_text(text.replace("demo-belt", "demo-belt-2"))
    assert "does not match its hash" in check(capsys, path)[2]
    calibration = line_calibration.from_text(text, "x")
    line_calibration.save(dataclasses.replace(calibration, camera_id="another"), file)
    code, _, err = check(capsys, path)
    assert code == 2
    assert "taken for camera_id 'another', this line has 'twin-camera'" in err


def test_a_nominal_calibration_says_that_the_budget_waits_for_the_camera(
    capsys, tmp_path, measured
):
    nominal = {
        'kind = "twin"\nmm_per_tick = 0.5': 'kind = "nominal"\nbelt_width_mm = 1000\n'
        "mm_per_tick = 0.5"
    }
    code, out, _ = check(capsys, write(tmp_path, measured | nominal))
    assert code == 0
    assert "latency budget: not checked" in out


def test_a_bundle_that_does_not_know_a_fraction_of_the_recipe_is_refused_naming_both(
    capsys, tmp_path, measured
):
    del measured['mercury_lamp = { action = "stop_and_alarm"']
    path = write(tmp_path, measured)
    code, _, err = check(capsys, path)
    assert code == 2
    assert "recipe.fractions.mercury_lamp: action stop_and_alarm, but bundle 'cells' does" in err
    assert "it knows weee, plastic, food, paper" in err
    shots = write_folder(tmp_path / "shots", 2)
    assert run_line.main(["simulate", str(path), "--source", str(shots)]) == 2
    assert "does not know mercury_lamp" in capsys.readouterr().err


def test_a_corrupt_bundle_or_one_with_foreign_classes_is_refused(capsys, tmp_path, measured):
    path = write(tmp_path, measured)
    network = tmp_path / "bundle" / "network.onnx"
    network.write_bytes(network.read_bytes()[:-100])
    code, _, err = check(capsys, path)
    assert code == 2
    assert "the file was altered or cut short" in err
    write_bundle(tmp_path / "bundle", classes=["glass"], thresholds={"glass": 0.3})
    code, _, err = check(capsys, path)
    assert code == 2
    assert "classes" in err


def test_a_real_camera_with_the_twin_s_calibration_is_refused(capsys, tmp_path, measured):
    del measured['kind = "twin"\nmm_per_tick = 0.5']
    assert run_line.main(["run", str(write(tmp_path, measured))]) == 2
    assert 'calibration.kind: "twin" goes with camera.source "twin"' in capsys.readouterr().err


def test_a_calibration_of_another_image_size_is_refused(capsys, tmp_path, measured):
    assert run_line.main(["run", str(write(tmp_path, measured))]) == 2
    err = capsys.readouterr().err
    assert "taken at 640x320 px, the camera delivers 320x160" in err


def test_a_measured_calibration_serves_a_recording_of_its_size(capsys, tmp_path, measured):
    shots = tmp_path / "shots"
    shots.mkdir()
    for number in range(2):
        assert cv2.imwrite(str(shots / f"{number}.png"), np.full((320, 640, 3), 90, np.uint8))
    path = write(tmp_path, measured)
    assert run_line.main(["simulate", str(path), "--source", str(shots), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["balance"]["seen"] == 0


def test_run_refuses_the_twin_s_camera_and_points_to_the_demo(capsys):
    assert run_line.main(["run", str(LINES / "demo.toml")]) == 2
    told = capsys.readouterr().err
    assert "use demo" in told
    assert "run LINE.toml --source twin" in told


def test_run_refuses_several_cameras_of_the_twin_and_points_to_simulate(capsys):
    assert run_line.main(["run", str(LINES / "wide.toml")]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "twin-camera-left" in told
    assert "run_line.py simulate LINE.toml" in told
    assert "use demo" not in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {
                'transport = { kind = "tcp", host = "127.0.0.1", port = 5502 }': "transport = "
                '{ kind = "rtu", device = "/dev/x", baud = 115200, parity = "even", stop_bits = 1 }'
            },
            'plc.transport.kind "tcp"',
        ),
        (
            {
                'kind = "twin"\nmm_per_tick = 0.5': 'kind = "nominal"\nbelt_width_mm = 1000\n'
                "mm_per_tick = 0.5"
            },
            'calibration.kind "twin"',
        ),
    ],
)
def test_the_demo_says_what_kind_of_line_file_it_needs(capsys, tmp_path, changes, words):
    path = write(tmp_path, changes | {"../../models": str(ROOT / "models")})
    assert run_line.main(["demo", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_a_typo_in_a_command_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        run_line.main(["simulat"])
    assert ended.value.code == 2
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["", "demo", "run", *run_line.PACKAGE_COMMANDS])
def test_help_tells_a_newcomer_what_each_command_does(capsys, command):
    with pytest.raises(SystemExit) as ended:
        run_line.main([*command.split(), "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) > 5
    assert all(len(line) <= 100 for line in text.splitlines())


TWO_CAMERAS = """[[cameras]]
source = "video"
path = "film.avi"
camera_id = "twin-camera"
exposure_ms = 0.5
transfer_ms = 2.0
stall_after_ms = 500

[[cameras]]
source = "video"
path = "other.avi"
camera_id = "right"
exposure_ms = 0.5
transfer_ms = 2.0
stall_after_ms = 500
"""


def under_two_cameras(tmp_path, measured, paths):
    path = write(tmp_path, measured)
    text = path.read_text()
    start, end = text.index("[camera]"), text.index("[detector]")
    listed = text[:start] + TWO_CAMERAS + "\n" + text[end:]
    assert 'path = "calibration.json"' in listed
    path.write_text(listed.replace('path = "calibration.json"', f"path = {paths}"))
    return path


def test_each_of_several_cameras_has_its_own_file_and_one_scale(capsys, tmp_path, measured):
    (tmp_path / "other.avi").touch()
    first = line_calibration.load(
        tmp_path / "calibration.json", camera_id="twin-camera", belt_id="demo-belt"
    )
    other = dataclasses.replace(first, camera_id="right")
    line_calibration.save(other, tmp_path / "right.json")
    both = '["calibration.json", "right.json"]'
    path = under_two_cameras(tmp_path, measured, both)
    code, out, err = check(capsys, path)
    assert code == 0, err
    assert "pairing of cameras 40" in out
    scale = dataclasses.replace(other.travel, mm_per_tick=0.52)
    line_calibration.save(dataclasses.replace(other, travel=scale), tmp_path / "right.json")
    code, _, err = check(capsys, path)
    assert code == 2
    assert "'right' was calibrated with 0.5200 mm per tick" in err
    (tmp_path / "right.json").unlink()
    (tmp_path / "other.avi").unlink()
    code, _, err = check(capsys, path)
    assert code == 2
    assert f"cameras[1].path: no video file {tmp_path / 'other.avi'}" in err
    assert f"calibration.path: no file {tmp_path / 'right.json'}" in err


def test_calibrations_that_do_not_go_with_the_cameras_are_refused(capsys, tmp_path, measured):
    code, _, err = check(capsys, under_two_cameras(tmp_path, measured, '["calibration.json"]'))
    assert code == 2
    assert "calibration.path: 1 file(s) for 2 camera(s); name one for each camera" in err
    single = '"calibration.json"\nmore_paths = ["right.json"]'
    code, _, err = check(capsys, under_two_cameras(tmp_path, measured, single))
    assert code == 2
    assert "more_paths: unknown key" in err
