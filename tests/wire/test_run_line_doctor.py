"""The doctor command on the twin: everything walked, nothing wrong cried, what is wrong named."""

import json
import socket

import pytest

import run_line
from tests.support.filmed_belt import line_text
from tests.support.line_process import ROOT
from tests.support.plc_wire import free_port

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
