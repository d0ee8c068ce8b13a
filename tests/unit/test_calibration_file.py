"""Calibration files: whole, unaltered, and of this camera and belt, or refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from calibration import line_calibration
from calibration.errors import CalibrationError
from calibration.nominal import nominal_calibration
from tests.support.rigs import standard_calibration


def test_calibration_survives_the_file(tmp_path: Path):
    path = tmp_path / "calibration.json"
    line_calibration.save(standard_calibration(), path)
    loaded = line_calibration.load(path, camera_id="camera-1", belt_id="belt-1")
    assert np.array_equal(loaded.plane.homography, standard_calibration().plane.homography)
    assert loaded.travel == standard_calibration().travel


@pytest.mark.parametrize(
    ("camera_id", "belt_id", "named"),
    [("camera-2", "belt-1", "camera_id"), ("camera-1", "belt-2", "belt_id")],
)
def test_calibration_of_another_device_is_refused(
    tmp_path: Path, camera_id: str, belt_id: str, named: str
):
    path = tmp_path / "calibration.json"
    line_calibration.save(standard_calibration(), path)
    with pytest.raises(CalibrationError, match=named):
        line_calibration.load(path, camera_id=camera_id, belt_id=belt_id)


def test_calibration_altered_by_hand_is_refused(tmp_path: Path):
    path = tmp_path / "calibration.json"
    line_calibration.save(standard_calibration(), path)
    path.write_text(path.read_text().replace('"mm_per_tick": 0.5', '"mm_per_tick": 0.6'))
    with pytest.raises(CalibrationError, match="altered"):
        line_calibration.load(path, camera_id="camera-1", belt_id="belt-1")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"calibration": 1}'])
def test_other_files_are_refused_by_name(tmp_path: Path, text: str):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(CalibrationError, match="not a calibration file"):
        line_calibration.load(path, camera_id="camera-1", belt_id="belt-1")


def test_incomplete_calibration_is_refused(tmp_path: Path):
    path = tmp_path / "calibration.json"
    line_calibration.save(standard_calibration(), path)
    body = json.loads(path.read_text())["calibration"]
    del body["homography"]
    digest = line_calibration.digest_of(body)
    path.write_text(json.dumps({"sha256": digest, "calibration": body}))
    with pytest.raises(CalibrationError, match="homography"):
        line_calibration.load(path, camera_id="camera-1", belt_id="belt-1")


def test_nominal_camera_sees_the_belt_from_edge_to_edge():
    calibration = nominal_calibration(
        camera_id="camera-1",
        belt_id="belt-1",
        image_width_px=640,
        image_height_px=320,
        belt_width_mm=1000.0,
        mm_per_tick=0.5,
    )
    corners_px = [[0, 0], [640, 0], [640, 320], [0, 320]]
    expected_mm = [[0, 250], [1000, 250], [1000, -250], [0, -250]]
    assert np.allclose(calibration.plane.to_machine_mm(corners_px), expected_mm, atol=1e-6)
    assert (calibration.view_s_min_mm, calibration.view_s_max_mm) == (-250.0, 250.0)


def test_missing_calibration_file_is_named(tmp_path: Path):
    with pytest.raises(CalibrationError, match="cannot be read"):
        line_calibration.load(tmp_path / "absent.json", camera_id="camera-1", belt_id="belt-1")
