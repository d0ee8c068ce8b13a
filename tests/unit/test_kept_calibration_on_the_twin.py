"""A line on the twin that names a kept calibration sorts with it, for better or worse."""

import dataclasses
import json

import numpy as np
import pytest

import run_line
from calibration import line_calibration
from controller.config_report import UsageError
from controller.line_file import NominalCalibration
from tests.support.filmed_belt import line_text
from tests.support.line_process import ROOT
from twin.known_calibration import known_calibration
from twin.viewpoint import true_calibration
from twin.whole_line import LINES, load_line

STANDARD = load_line(LINES / "standard.toml")
TRUE = dataclasses.replace(
    true_calibration(STANDARD.twin, mm_per_tick=0.5),
    camera_id="twin-camera",
    belt_id="standard-belt",
)


@pytest.fixture
def simulated(tmp_path, capsys):
    """Simulate the standard line with a calibration in a file; returns code, out and err."""

    def run(calibration):
        path = tmp_path / "current.json"
        if calibration is not None:
            line_calibration.save(calibration, path)
        changes = {
            'kind = "twin"\nmm_per_tick = 0.5': f'kind = "file"\npath = "{path}"',
            "../../models": str(ROOT / "models"),
            "../../var/standard/": "",
        }
        line = tmp_path / "line.toml"
        line.write_text(line_text(changes, "standard"))
        words = ["simulate", str(line), "--items", "60", "--detector", "perfect", "--json"]
        code = run_line.main([*words, "--seed", "5"])
        return code, *capsys.readouterr()

    return run


def shifted(along_mm):
    """The true calibration with every place believed farther downstream."""
    move = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, along_mm], [0.0, 0.0, 1.0]])
    plane = dataclasses.replace(TRUE.plane, homography=move @ TRUE.plane.homography)
    return dataclasses.replace(TRUE, plane=plane)


def recovery(result):
    code, out, err = result
    assert code == 0, err
    return json.loads(out)["fractions"]["plastic"]["recovery_mass"]


def test_a_kept_calibration_that_is_true_sorts_and_one_that_is_off_misses(simulated):
    assert recovery(simulated(TRUE)) > 0.8
    assert recovery(simulated(shifted(120.0))) < 0.5


def test_a_calibration_that_is_missing_or_of_another_camera_is_refused(simulated):
    code, out, err = simulated(None)
    assert (code, out) == (2, "")
    assert "current.json" in " ".join(err.split()).replace(" ", "")
    code, _, err = simulated(dataclasses.replace(TRUE, camera_id="another"))
    assert code == 2
    assert "another" in err


def test_a_calibration_of_another_image_size_is_refused(simulated):
    plane = dataclasses.replace(TRUE.plane, image_width_px=1280)
    code, _, err = simulated(dataclasses.replace(TRUE, plane=plane))
    assert code == 2
    assert "calibrate again" in " ".join(err.split())


def test_a_nominal_line_is_not_one_of_the_twins():
    nominal = NominalCalibration(kind="nominal", belt_width_mm=1000.0, mm_per_tick=0.5)
    line = STANDARD.line.model_copy(update={"calibration": nominal})
    with pytest.raises(UsageError, match="needs"):
        known_calibration(line, STANDARD.twin)
