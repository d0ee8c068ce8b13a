"""Valves die or grow slow on the twin: seen downstream, named in the alarm, fired at no more."""

from dataclasses import replace
from pathlib import Path

import pytest

from controller.snapshot import AlarmKind
from controller.types import ItemOutcome
from controller.valves_config import ValvesConfig
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line, with_air, with_share
from twin.assembly import twin_run
from twin.items import PlainCatalogue
from twin.lockstep import SimulationResult, run_lockstep
from vision.types import Fraction

DEAD = range(20, 30)
SLOW = range(50, 60)


@pytest.fixture(scope="module")
def result() -> SimulationResult:
    line, config = shipped_line("standard")
    valves = ValvesConfig(folder=Path("unused"), downstream_mm=1500.0, miss_false_alarm=1e-4)
    config = with_share(config, Fraction.PLASTIC, 0.8).with_changes(occupancy=0.05)
    config = with_air(
        config, dead_valves=tuple(DEAD), slow_valves=tuple(SLOW), slow_valve_lag_ms=30.0
    )
    setup = twin_run(
        replace(line, valves=valves, downstream_camera=True),
        config,
        mm_per_tick=MM_PER_TICK,
        catalogue=PlainCatalogue(),
        items=600,
    )
    return run_lockstep(setup)


def test_dead_and_slow_valves_are_found_and_no_sound_one_is_called(
    result: SimulationResult,
) -> None:
    (bar,) = result.snapshot.bars
    found = set(bar.silent)
    assert found & set(DEAD)
    assert found & set(SLOW)
    assert found <= {*DEAD, *SLOW}


def test_every_shot_is_judged_and_every_item_seen_is_known(result: SimulationResult) -> None:
    count = result.snapshot.downstream
    assert count is not None
    fired = sum(1 for record in result.records if record.outcome is ItemOutcome.EJECTED)
    assert count.judged + count.unseen >= 0.98 * fired
    assert count.unknown <= 0.02 * count.seen
    assert 0 < count.missed < count.seen


def test_the_alarm_names_the_valve_and_its_place(result: SimulationResult) -> None:
    alarms = {alarm.kind: alarm for alarm in result.snapshot.alarms}
    first = result.snapshot.bars[0].silent[0]
    detail = alarms[AlarmKind.VALVE_FAULTY].detail
    assert f"station plastic valve {first} (at {6.25 + 12.5 * first:.0f} mm)" in detail
    assert "seen downstream" in detail


def test_a_valve_called_dead_is_not_fired_any_more_and_the_balance_closes(
    result: SimulationResult,
) -> None:
    assert result.totals.closes
    (bar,) = result.snapshot.bars
    last = [r for r in result.records if r.pulses][-40:]
    fired = {v for r in last for p in r.pulses for v in range(p.valve_first, p.valve_last + 1)}
    assert fired.isdisjoint(bar.silent)


def test_air_is_counted_per_tonne(result: SimulationResult) -> None:
    assert result.snapshot.air_nl_per_t is not None
    assert 1_000 < result.snapshot.air_nl_per_t < 1_000_000
