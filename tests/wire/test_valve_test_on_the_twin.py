"""The guided valve test against the soft PLC over Modbus TCP, its true valves hidden."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import run_line
from calibration.clock import MonotonicClock
from calibration.valve_response import ValveHealth
from calibration.valve_store import ValveStore
from controller.stations import JetBarConfig
from controller.valve_test import ValveTestAbortedError, ValveTestRequest, run_valve_test
from plc.errors import PlcError, PlcLeaseError
from plc.modbus_link import open_link
from plc.types import PlcRequest, PlcState
from plc.valve_bench import PressureBench
from tests.support.line_process import wait_for
from tests.support.plc_wire import free_port
from twin.soft_plc.launch import SoftPlcProcesses, launch
from twin.soft_plc.line_setup import setup_of
from twin.valve_truth import draw_valves, valve_seed
from twin.whole_line import WholeLine, load_line

pytestmark = pytest.mark.wire
ROOT = Path(__file__).parents[2]
DEAD, SLOW = 2, 4


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> WholeLine:
    folder = tmp_path_factory.mktemp("line")
    text = (ROOT / "deploy/lines/standard.toml").read_text(encoding="utf-8")
    text = text.replace("../../models", str(ROOT / "models"))
    text = text.replace("../../var/standard", str(folder))
    text = text.replace("port = 5502", f"port = {free_port()}")
    text = text.replace("valve_count = 80", "valve_count = 6")
    text += f"[twin.air]\nlag_spread_ms = 0.5\ndead_valves = [{DEAD}]\nslow_valves = [{SLOW}]\n"
    path = folder / "line.toml"
    path.write_text(text, encoding="utf-8")
    return load_line(path)


@pytest.fixture(scope="module")
def plc(line: WholeLine):
    with launch(setup_of(line.line, line.twin, MonotonicClock().now_ns(), line.path)) as processes:
        yield processes


def bar(line: WholeLine) -> JetBarConfig:
    station = line.line.stations[0]
    assert isinstance(station, JetBarConfig)
    return station


def request(line: WholeLine, valves: tuple[int, ...], shots: int = 6) -> ValveTestRequest:
    return ValveTestRequest(
        index=0,
        station=bar(line),
        valves=valves,
        shots=shots,
        by="anna",
        at_utc="2026-01-05T08:00:00+00:00",
    )


def bench(line: WholeLine) -> PressureBench:
    clock = MonotonicClock()
    return PressureBench(open_link(line.line.queue_plc, clock), clock)


def is_free(line: WholeLine) -> bool:
    try:
        with bench(line):
            return True
    except PlcLeaseError:
        return False


def test_hidden_dead_and_slow_valves_are_found_and_the_lags_of_the_others(
    line: WholeLine, plc: SoftPlcProcesses
) -> None:
    truth = draw_valves(line.twin.air, 6, valve_seed(line.twin.seed, 0))
    with bench(line) as wired:
        result = run_valve_test(wired, request(line, tuple(range(6)), shots=6))
    valves = result.response.valves
    assert valves[DEAD].health is ValveHealth.WIDENED_BY_NEIGHBOURS
    assert valves[SLOW].health is ValveHealth.SLOW
    for valve in valves:
        if valve.health.blows:
            # The soft PLC's scan is late by a millisecond or two on a busy machine.
            assert valve.open_lag_ms == pytest.approx(truth.open_lag_ms[valve.valve], abs=2.5)
    store = ValveStore(line.path.parent / "valves", line_id=line.line.line.id)
    store.keep(result.response)
    assert store.bars() == (result.response,)


def test_the_command_prints_what_to_change_and_keeps_it(
    line: WholeLine, plc: SoftPlcProcesses, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["valves", "test", str(line.path), "--station", "plastic", "--valves", f"{DEAD}-3"]
    assert run_line.main([*words, "--shots", "6", "--by", "anna", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (found,) = document["bars"]
    assert found["tested_by"] == "anna"
    assert found["tested_valves"] == [DEAD, 3]
    place = next(change for change in found["change"] if change["valve"] == DEAD)
    assert place["place_mm"] == pytest.approx(6.25 + 12.5 * DEAD)
    assert len(found["valves"][3]["curve"]) == 3
    assert run_line.main(["valves", "show", str(line.path)]) == 0
    shown = capsys.readouterr().out
    assert f"CHANGE valve {DEAD} at 31 mm" in shown


def test_a_broken_off_test_closes_everything_and_leaves_maintenance(
    line: WholeLine, plc: SoftPlcProcesses
) -> None:
    with pytest.raises(ValveTestAbortedError, match="nothing was stored"), bench(line) as wired:
        run_valve_test(wired, request(line, (0, 1)), stopped=iter((False, True, True)).__next__)
    clock = MonotonicClock()
    link = open_link(line.line.queue_plc, clock)
    link.connect()
    try:
        assert link.service.test_result().pulses_done > 0
        status = link.exchange(PlcRequest(run=False, belt_run=False), ()).status
        assert status.state is not PlcState.MAINTENANCE
    finally:
        link.close()


def test_ctrl_c_ends_the_command_with_130_and_the_mode_left(
    line: WholeLine, plc: SoftPlcProcesses
) -> None:
    command = [sys.executable, str(ROOT / "run_line.py"), "valves", "test", str(line.path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        assert "0 of 6 valves tested" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "broken off: every valve closed, maintenance mode left" in errors
    wait_for(lambda: is_free(line), "the PLC's next scan to take in that its master left")
    with bench(line) as wired:
        wired.check(0)


def test_while_another_master_has_the_plc_nothing_is_tested(
    line: WholeLine, plc: SoftPlcProcesses, capsys: pytest.CaptureFixture[str]
) -> None:
    with bench(line):
        assert run_line.main(["valves", "test", str(line.path)]) == 1
    assert "another master" in capsys.readouterr().err


def test_an_open_safety_circuit_keeps_the_plc_out_of_maintenance(
    line: WholeLine, plc: SoftPlcProcesses
) -> None:
    plc.set_safety(ok=False)
    try:
        with pytest.raises(PlcError, match="safety circuit is open"), bench(line):
            pass
    finally:
        plc.set_safety(ok=True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--valves", "3"], 2, "--valves needs --station"),
        (["--station", "paper"], 2, "no jet bar of that name; the line has 'plastic'"),
        (["--station", "plastic", "--valves", "6"], 2, "valve 6 asked for, it has valves 0 to 5"),
        (["--station", "plastic", "--valves", "x"], 2, "is no number or range"),
        (["--shots", "2"], 2, "are too few"),
    ],
)
def test_what_the_line_does_not_have_is_refused_by_name(
    line: WholeLine,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    assert run_line.main(["valves", "test", str(line.path), *arguments]) == code
    assert words in capsys.readouterr().err


def test_no_plc_is_said_in_plain_words(
    line: WholeLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = line.path.read_text(encoding="utf-8")
    port = line.line.queue_plc.transport.port  # type: ignore[union-attr]
    path = tmp_path / "line.toml"
    path.write_text(text.replace(f"port = {port}", f"port = {free_port()}"), encoding="utf-8")
    assert run_line.main(["valves", "test", str(path)]) == 1
    assert "127.0.0.1" in capsys.readouterr().err
