"""A line with jets, a soft flap and a reject gate on the twin: everything ends in its account."""

import itertools

import pytest

from controller.types import ActionPolicy, ItemOutcome
from tests.support.lockstep_rig import shipped_line, shipped_run, with_share
from twin.lockstep import SimulationResult, run_lockstep
from vision.types import Fraction

JETS, FLAP, GATE = 0, 1, 2


@pytest.fixture(scope="module")
def result() -> SimulationResult:
    _, config = shipped_line("flap-gate")
    config = with_share(config, Fraction.MERCURY_LAMP, 0.06)
    return run_lockstep(shipped_run("flap-gate", items=150, config=config))


def test_the_balance_closes_over_all_kinds_of_station(result: SimulationResult) -> None:
    totals = result.totals
    assert totals.closes
    assert totals.seen == 150
    assert all(taken > 0 for taken in totals.ejected)


def test_each_station_takes_what_the_recipe_sends_it(result: SimulationResult) -> None:
    scores = dict(result.fractions or ())
    for fraction in (Fraction.PLASTIC, Fraction.WEEE, Fraction.FOOD):
        recovery = scores[fraction].recovery_count
        purity = scores[fraction].purity_count
        assert recovery is not None
        assert purity is not None
        assert recovery >= 0.85, fraction
        assert purity >= 0.7, fraction


def test_lamps_leave_by_the_soft_flap_and_no_jet_touches_one(result: SimulationResult) -> None:
    assert result.lamps is not None
    assert result.lamps >= 5
    assert result.lamps_jetted == 0
    lamps = [r for r in result.records if r.decision.fraction is Fraction.MERCURY_LAMP]
    diverted = [r for r in lamps if r.decision.action is ActionPolicy.DIVERT]
    assert len(diverted) == len(lamps)
    for record in diverted:
        assert record.decision.station == FLAP
        assert record.outcome is ItemOutcome.EJECTED
        assert {pulse.station for pulse in record.pulses} == {FLAP}


def test_pulses_of_one_plate_never_overlap(result: SimulationResult) -> None:
    for station in (FLAP, GATE):
        pulses = {p.pulse_id: p for r in result.records for p in r.pulses if p.station == station}
        ordered = sorted(pulses.values(), key=lambda p: p.open_tick)
        for before, after in itertools.pairwise(ordered):
            assert before.close_tick <= after.open_tick
