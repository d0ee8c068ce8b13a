"""The guided valve test where a line has several PLCs, and where it has plain remote I/O."""

import json
import re
from pathlib import Path

import pytest

import run_line
from calibration.clock import MonotonicClock
from calibration.valve_response import ValveHealth
from controller.plc_assembly import valve_benches
from controller.stations import JetBarConfig
from controller.valve_test import ValveTestRequest, run_valve_test
from plc.direct.direct_valve_bench import DirectPressureBench
from plc.errors import PlcError
from plc.modbus_link import open_transport
from tests.support.direct_rig import BELT_COIL, direct_setup, remote_io_setup
from tests.support.plc_wire import free_port
from twin.config import AirConfig
from twin.remote_io.launch import RemoteIoProcess
from twin.valve_truth import draw_valves, valve_seed
from twin.whole_line import load_line

pytestmark = pytest.mark.wire
ROOT = Path(__file__).parents[2]
CLOCK = MonotonicClock()
DEAD, SLOW, VALVES = 1, 2, 4
AIR = AirConfig(lag_spread_ms=0.5, dead_valves=(DEAD,), slow_valves=(SLOW,))
PLC = """[[plc]]
name = "{name}"
stations = ["{station}"]
transport = {{ kind = "tcp", host = "127.0.0.1", port = {port} }}
unit_id = 1
timeout_ms = 140
cycle_ms = 10
heartbeat_timeout_ms = 300
max_ticks_per_s = 12000
encoder_stall_ms = 1500
"""


def bar(text: str) -> JetBarConfig:
    """Return a short bar like the standard line's."""
    station = load_line(ROOT / "deploy/lines/standard.toml").line.stations[0]
    assert isinstance(station, JetBarConfig)
    return station.model_copy(update={"name": text, "valve_count": VALVES})


def asked(index: int = 0, valves: int = VALVES) -> ValveTestRequest:
    return ValveTestRequest(
        index=index,
        station=bar("bar"),
        valves=tuple(range(valves)),
        shots=6,
        by="anna",
        at_utc="2026-01-05T08:00:00+00:00",
    )


@pytest.fixture
def two_plcs(tmp_path: Path) -> Path:
    """Return a line of two bars, each on a PLC of its own, the second bar on the first PLC."""
    text = (ROOT / "deploy/lines/four-bars.toml").read_text(encoding="utf-8")
    head, _, rest = text.partition("[plc]\n")
    _, _, tail = rest.partition("\n\n")
    names = [line.split('"')[1] for line in text.splitlines() if line.startswith("name = ")]
    plcs = [
        PLC.format(name="north", station='", "'.join(names[1::-1]), port=free_port()),
        PLC.format(name="south", station='", "'.join(names[2:]), port=free_port()),
    ]
    text = "\n".join([head, *plcs, tail])
    text = text.replace("../../models", str(ROOT / "models"))
    text = text.replace("../recipes", str(ROOT / "deploy/recipes"))
    text = re.sub(r"\.\./\.\./var/[\w-]+", str(tmp_path / "var"), text)
    text = text.replace("valve_count = 80", f"valve_count = {VALVES}")
    path = tmp_path / "line.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_bar_is_tested_on_the_plc_that_drives_it(
    two_plcs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = load_line(two_plcs).line
    driven = [stations for _, stations in valve_benches(line, CLOCK)]
    assert driven == [{0, 1}, {2, 3}]
    name = line.station_names[3]
    words = ["valves", "test", str(two_plcs), "--twin", "--station", name, "--valves", "0"]
    assert run_line.main([*words, "--shots", "6", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["bars"]
    assert (found["station"], found["tested_valves"]) == (name, [0])


@pytest.fixture
def remote():
    setup = remote_io_setup(
        air=AIR, nozzles_mm=(1.5, 1.5, 1.5), valve_counts=(VALVES, 1, 1), watchdog_ms=2000.0
    )
    with RemoteIoProcess(setup) as process:
        yield process


def bench(port: int, *, pressure_inputs=(0, 1, 2)) -> DirectPressureBench:
    device = direct_setup(port).device.model_copy(update={"pressure_inputs": pressure_inputs})
    return DirectPressureBench(open_transport(device, CLOCK), device, CLOCK)


def test_remote_io_s_dead_and_slow_valves_are_found_by_its_pressure_inputs(remote) -> None:
    truth = draw_valves(AIR, VALVES, valve_seed(remote_io_setup().belt_seed, 0))
    with bench(remote.port) as wired:
        valves = run_valve_test(wired, asked()).response.valves
        assert wired.scan_ms < 10.0
    assert valves[DEAD].health is ValveHealth.WIDENED_BY_NEIGHBOURS
    assert valves[SLOW].health is ValveHealth.SLOW
    for valve in (valves[0], valves[3]):
        assert valve.health is ValveHealth.OK
        assert valve.open_lag_ms == pytest.approx(truth.open_lag_ms[valve.valve], abs=3.0)


def test_remote_io_whose_outputs_are_on_or_whose_circuit_is_open_is_not_tested(remote) -> None:
    device = direct_setup(remote.port).device
    master = open_transport(device, CLOCK)
    master.open()
    master.write_coils(BELT_COIL, [True])
    with pytest.raises(PlcError, match=f"output {BELT_COIL} of the remote I/O is on"):
        bench(remote.port).__enter__()
    master.write_coils(BELT_COIL, [False])
    master.close()
    remote.set_safety(ok=False)
    with pytest.raises(PlcError, match="safety circuit is open"):
        bench(remote.port).__enter__()


def test_remote_io_without_sensors_says_which_key_names_them(remote) -> None:
    with (
        bench(remote.port, pressure_inputs=()) as wired,
        pytest.raises(PlcError, match=r"plc\.pressure_inputs"),
    ):
        wired.check(0)
    unwired = bench(remote.port, pressure_inputs=(40, 41, 42))
    with unwired, pytest.raises(PlcError, match="no pressure sensor at station 0"):
        unwired.check(0)
