"""The doctor command on the twin: everything walked, nothing wrong cried, what is wrong named."""

import json
import socket
from dataclasses import replace

import cv2
import numpy as np
import pytest

import run_line
from calibration import line_calibration
from calibration.nominal import nominal_calibration
from tests.support.filmed_belt import line_text
from tests.support.line_process import ROOT
from tests.support.plc_wire import free_port
from twin.doctor_eyes import examine_calibrations
from twin.whole_line import load_line

pytestmark = pytest.mark.wire

PARTS = [
    *("calibration", "plc", "camera", "light", "ticks", "belt", "encoder", "valves", "bars"),
    *("bundle", "processor", "latency", "disk", "clock"),
]
HOST = {"processor", "disk", "clock"}
"""Parts whose verdict belongs to the computer that the test runs on."""


def examined(folder, capsys, port, **changes):
    line = folder / "demo.toml"
    usual = {
        "../../models": str(ROOT / "models"),
        "../../var/demo/": "",
        "port = 5502": f"port = {port}",
        "stall_after_ms = 500": "stall_after_ms = 2000",
        "heartbeat_timeout_ms = 300": "heartbeat_timeout_ms = 1000",
    }
    line.write_text(line_text(usual | changes))
    code = run_line.main(["doctor", str(line), "--json"])
    document = json.loads(capsys.readouterr().out)
    return code, document, {check["part"]: check for check in document["checks"]}


def test_a_line_on_the_twin_is_walked_through_without_a_false_warning(tmp_path, capsys):
    code, document, found = examined(tmp_path, capsys, free_port())
    assert [check["part"] for check in document["checks"]] == PARTS
    wrong = {p: c for p, c in found.items() if c["verdict"] != "pass" and p not in HOST}
    assert wrong == {}
    assert document["line"] == "demo"
    assert code == (document["verdict"] == "fail")
    assert "4 of 4 test pulses fired" in found["valves"]["found"]
    assert "counts upwards" in found["encoder"]["found"]


def test_what_keeps_a_line_from_sorting_fails_with_its_remedy(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, document, found = examined(
            tmp_path, capsys, port, **{"models/bundles/default": "models/bundles/lost"}
        )
    assert code == 1
    assert document["verdict"] == "fail"
    assert found["devices"]["verdict"] == "fail"
    assert str(port) in found["devices"]["found"]
    assert found["bundle"]["verdict"] == "fail"
    assert "detector.bundle" in found["bundle"]["remedy"]
    assert found["latency"]["verdict"] == "pass"


TWO_CAMERAS = """
[[cameras]]
source = "images"
path = "{folder}/seen"
camera_id = "left"
frames_per_s = 20
exposure_ms = 0.5
transfer_ms = 2.0
stall_after_ms = 500

[[cameras]]
source = "genicam"
device = "Nobody-1234"
transport = "aravis"
camera_id = "right"
frames_per_s = 20
exposure_ms = 0.5
transfer_ms = 2.0
stall_after_ms = 500

"""


def two_camera_line(folder, calibrations):
    """A line under an image folder and a camera that is not there, with a PLC that is off."""
    (folder / "seen").mkdir()
    for number in range(120):
        path = str(folder / "seen" / f"{number}.png")
        cv2.imwrite(path, np.full((48, 64, 3), 90 + number % 9, np.uint8))
    files = ", ".join(f'"{folder / name}"' for name in calibrations)
    document = (ROOT / "deploy/lines/example-plant.toml").read_text()
    head, _, rest = document.partition("[camera]")
    rest = rest[rest.index("[detector]") :]
    before, _, after = rest.partition("[calibration]")
    text = head + TWO_CAMERAS.format(folder=folder) + before
    text += f'[calibration]\nkind = "file"\npath = [{files}]\n\n' + after[after.index("[plc]") :]
    text = text.replace("../../models", str(ROOT / "models")).replace("../../var/line-1/", "")
    text = text.replace('"192.0.2.10", port = 502', f'"127.0.0.1", port = {free_port()}')
    line = folder / "two.toml"
    line.write_text(text)
    return line


def calibration_for(camera_id, folder, **changes):
    usual = {"image_width_px": 64, "image_height_px": 48, "belt_width_mm": 1000.0}
    taken = nominal_calibration(
        camera_id=camera_id, belt_id="belt-1", **(usual | {"mm_per_tick": 0.5} | changes)
    )
    line_calibration.save(replace(taken, residual_mm=0.3), folder / f"{camera_id}.json")
    return f"{camera_id}.json"


def doctor(line, capsys):
    code = run_line.main(["doctor", str(line), "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    return code, {check["part"]: check for check in checks}


def test_every_camera_is_walked_by_its_name_though_others_and_the_plc_are_missing(tmp_path, capsys):
    names = [calibration_for(name, tmp_path) for name in ("left", "stranger")]
    code, found = doctor(two_camera_line(tmp_path, names), capsys)
    assert code == 1
    verdicts = {part: check["verdict"] for part, check in found.items()}
    assert verdicts["calibration left"] == verdicts["camera left"] == "pass"
    assert verdicts["calibration right"] == verdicts["camera right"] == "fail"
    assert verdicts["plc"] == "fail"
    assert "'stranger'" in found["calibration right"]["found"]
    assert "--camera right" in found["calibration right"]["remedy"]
    assert "Nobody-1234" in found["camera right"]["found"]


def test_two_cameras_that_contradict_each_others_scale_fail(tmp_path):
    names = [calibration_for("left", tmp_path), calibration_for("right", tmp_path, mm_per_tick=0.6)]
    checks, _ = examine_calibrations(load_line(two_camera_line(tmp_path, names)))
    (scale,) = (check for check in checks if check.part == "scale")
    assert scale.verdict.value == "fail"
    assert "one encoder has one scale" in scale.found
