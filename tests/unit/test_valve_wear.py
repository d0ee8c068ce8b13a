"""Cycles, duty and air from what fired; kept over restarts; set back with a line in the log."""

import json

import pytest

from calibration.nozzle import air_nl_per_s
from calibration.units import BeltTick, MonotonicNs
from calibration.valve_map import ValveSpan
from controller.valve_wear import ValveWear
from controller.wear_file import WearError, WearFile
from plc.types import EjectionCommand, EjectionReport, PulseOutcome
from tests.support.belt_scenes import TICKS_PER_S, station


def pulse(pulse_id: int, first: int, last: int, length_tick: int = 56) -> EjectionCommand:
    return EjectionCommand(
        pulse_id=pulse_id,
        station=0,
        valves=ValveSpan(first=first, last=last),
        open_tick=BeltTick(1000),
        close_tick=BeltTick(1000 + length_tick),
    )


def report(command: EjectionCommand, outcome: PulseOutcome) -> EjectionReport:
    return EjectionReport(
        pulse_id=command.pulse_id,
        outcome=outcome,
        open_tick=command.open_tick,
        close_tick=command.close_tick,
    )


def fired(wear: ValveWear, *commands: EjectionCommand) -> None:
    for command in commands:
        wear.commanded(command)
        wear.reported(report(command, PulseOutcome.FIRED), TICKS_PER_S)


def test_only_fired_pulses_wear_and_each_by_its_valves() -> None:
    wear = ValveWear([station()], rated_cycles=100)
    fired(wear, pulse(1, 3, 5), pulse(2, 5, 5))
    late = pulse(3, 0, 79)
    wear.commanded(late)
    wear.reported(report(late, PulseOutcome.LATE), TICKS_PER_S)
    (count,) = wear.since_new()
    assert [count.cycles[v] for v in (2, 3, 4, 5, 6)] == [0, 1, 1, 2, 0]
    assert count.open_s[5] == pytest.approx(0.02)
    (bar,) = wear.bars({0: frozenset({9})})
    assert (bar.worn_valve, bar.cycles_max, bar.life_share) == (5, 2, 0.02)
    assert bar.silent == (9,)


def test_a_report_told_twice_counts_once() -> None:
    wear = ValveWear([station()], rated_cycles=100)
    fired(wear, pulse(1, 3, 3))
    wear.reported(report(pulse(1, 3, 3), PulseOutcome.FIRED), TICKS_PER_S)
    assert wear.since_new()[0].cycles[3] == 1


def test_air_is_open_time_times_choked_flow_and_set_against_throughput() -> None:
    assert air_nl_per_s(nozzle_mm=1.5, nozzle_kpa=300.0) == pytest.approx(1.29, abs=0.01)
    assert air_nl_per_s(nozzle_mm=3.0, nozzle_kpa=300.0) == pytest.approx(5.17, abs=0.04)
    wear = ValveWear([station()], rated_cycles=100)
    assert wear.air_nl_per_t is None
    fired(wear, pulse(1, 0, 9, length_tick=560))
    wear.seen(50.0)
    (bar,) = wear.bars({})
    assert bar.air_nl == pytest.approx(10 * 0.1 * 1.2935, rel=1e-3)
    assert wear.air_nl_per_t == pytest.approx(bar.air_nl / 50e-6)


def test_duty_is_open_time_over_the_sessions_time() -> None:
    wear = ValveWear([station()], rated_cycles=100)
    wear.at(MonotonicNs(1_000_000_000))
    fired(wear, pulse(1, 7, 7, length_tick=2800))
    wear.at(MonotonicNs(3_000_000_000))
    (bar,) = wear.bars({})
    assert bar.duty_max == pytest.approx(0.25)
    assert bar.duty == pytest.approx(0.25 / 80)


def test_counts_go_on_after_a_restart(tmp_path) -> None:
    file = WearFile(tmp_path / "valves", line_id="line-1")
    assert file.read() == {}
    wear = ValveWear([station()], rated_cycles=100, since_new=file.read())
    fired(wear, pulse(1, 3, 3))
    file.write(wear.since_new())
    again = ValveWear([station()], rated_cycles=100, since_new=file.read())
    fired(again, pulse(1, 3, 3))
    assert again.since_new()[0].cycles[3] == 2


def test_a_changed_valve_begins_at_zero_and_the_log_says_who_when_and_why(tmp_path) -> None:
    file = WearFile(tmp_path, line_id="line-1")
    wear = ValveWear([station()], rated_cycles=100)
    fired(wear, pulse(1, 3, 4))
    file.write(wear.since_new())
    change = file.change_valve(
        "plastic", 3, by="anna", at_utc="2026-01-05T08:00:00+00:00", note="coil burnt"
    )
    assert (change.cycles, change.by, change.note) == (1, "anna", "coil burnt")
    assert file.read()["plastic"].cycles[3:5] == (0, 1)
    assert file.changes() == (change,)
    line = json.loads((tmp_path / "changes.jsonl").read_text())
    assert line["valve"] == 3


def test_bad_counter_files_are_refused_with_the_way_out(tmp_path) -> None:
    file = WearFile(tmp_path, line_id="line-1")
    with pytest.raises(WearError, match="nothing is counted for valve 3"):
        file.change_valve("plastic", 3, by="anna", at_utc="", note="")
    file.path.write_text("{")
    with pytest.raises(WearError, match="move the file away to begin at zero"):
        file.read()
    file.path.write_text(json.dumps({"line_id": "line-2", "bars": []}))
    with pytest.raises(WearError, match="counters of line 'line-2', this is 'line-1'"):
        file.read()
