"""The whole line on the twin in virtual time: figures, balance, safety of lamps, determinism."""

import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.support.lockstep_rig import shipped_line, shipped_run, with_air, with_share
from twin.config import OperatorConfig
from twin.lockstep import LockstepError, SimulationResult, run_lockstep
from vision.types import Fraction

FLOORS = tomllib.loads((Path(__file__).parent / "floors.toml").read_text())


def _scores(result: SimulationResult):
    assert result.fractions is not None
    return dict(result.fractions)


def _assert_everything_is_accounted_for(setup, result):
    totals = result.totals
    assert totals.closes
    assert totals.in_flight == 0
    assert len(result.records) == totals.seen
    assert [r.record_seq for r in result.records] == list(range(1, totals.seen + 1))
    assert len({r.track.track_id for r in result.records}) == totals.seen
    assert setup.world.bins.items == setup.world.fed == result.items


@pytest.mark.parametrize("name", FLOORS)
def test_scenario_reaches_its_floors_and_every_item_is_accounted_for(name):
    scenario = dict(FLOORS[name])
    line = scenario.pop("line")
    config = shipped_line(line)[1].with_changes(occupancy=scenario.pop("occupancy"))
    setup = shipped_run(
        line,
        items=scenario.pop("items"),
        config=config,
        max_by_catch_ratio=scenario.pop("max_by_catch_ratio"),
    )
    result = run_lockstep(setup)
    _assert_everything_is_accounted_for(setup, result)
    scores = _scores(result)
    reached = {f: asdict(scores[Fraction(f)]) for f in scenario}
    missed = {
        f"{fraction} {figure}": (reached[fraction][figure], floor)
        for fraction, floors in scenario.items()
        for figure, floor in floors.items()
        if reached[fraction][figure] is None or reached[fraction][figure] < floor
    }
    assert not missed
    assert result.lamps_jetted == 0


def test_same_seed_gives_the_same_run_bit_for_bit_and_another_seed_another():
    config = shipped_line("standard")[1]
    first, same = (run_lockstep(shipped_run(items=60, config=config)) for _ in range(2))
    other = run_lockstep(shipped_run(items=60, config=config.with_changes(seed=2)))
    assert first.records == same.records
    assert first.fractions == same.fractions
    assert first.belt_s == same.belt_s
    assert first.records != other.records


def test_lamps_stop_the_belt_are_taken_by_hand_and_never_struck_by_a_jet():
    config = with_share(shipped_line("demo")[1], Fraction.MERCURY_LAMP, 0.05)
    config = config.model_copy(update={"operator": OperatorConfig(reaction_s=1.0)})
    setup = shipped_run("demo", items=80, config=config)
    result = run_lockstep(setup)
    _assert_everything_is_accounted_for(setup, result)
    assert result.lamps is not None
    assert result.lamps >= 2
    assert result.lamps_jetted == 0
    assert result.lamps_picked == result.lamps == result.totals.removed
    assert _scores(result)[Fraction.MERCURY_LAMP].recovery_mass == 1.0


def test_dead_valves_and_low_pressure_cost_recovery_and_nothing_is_lost():
    config = shipped_line("standard")[1]
    healthy = run_lockstep(shipped_run(items=400, config=config))
    setup = shipped_run(items=400, config=with_air(config, dead_valve_share=0.4, nozzle_kpa=150.0))
    impaired = run_lockstep(setup)
    _assert_everything_is_accounted_for(setup, impaired)
    recovered = [_scores(r)[Fraction.PLASTIC].recovery_mass for r in (healthy, impaired)]
    assert recovered[1] < recovered[0] - 0.05


def test_the_truth_in_the_bins_agrees_with_the_line_when_nothing_is_by_catch():
    config = shipped_line("standard")[1].with_changes(occupancy=0.01)
    apart = config.feed.model_copy(update={"overlap_share": 0.0, "split_share": 0.0})
    config = config.model_copy(update={"feed": apart})
    setup = shipped_run(items=60, config=config)
    result = run_lockstep(setup)
    bins = setup.world.bins
    blown_off = sum(bins.count(0, fraction) for fraction in Fraction)
    assert blown_off == result.totals.ejected[0]
    assert _scores(result)[Fraction.PLASTIC].purity_count == 1.0


def test_a_line_that_never_starts_is_given_up_with_its_state_and_reason():
    setup = replace(shipped_run(items=5), patience_s=3.0)
    setup.plant.plc.set_safety(ok=False)
    with pytest.raises(LockstepError, match=r"no item closed for 3 s .* safety circuit"):
        run_lockstep(setup)


def test_progress_is_told_while_the_run_goes_on():
    told = []
    run_lockstep(shipped_run(items=40), told.append)
    assert told == sorted(told)
    assert told[-1] <= 40
    assert len(told) >= 3
