"""A lamp on a line that crawls instead of stopping: carried slowly, held where it is picked."""

from dataclasses import replace

import pytest

from controller.config import FractionRule
from controller.stations import BeltRequestConfig
from controller.types import ActionPolicy, ItemOutcome
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line, with_share
from twin.assembly import twin_run
from twin.items import PlainCatalogue
from twin.lockstep import LockstepSetup, SimulationResult, run_lockstep
from vision.types import Fraction

PLACE_MM = 1500.0


def setup(items: int) -> LockstepSetup:
    line, config = shipped_line("standard")
    rules = dict(line.recipe.fractions)
    rules[Fraction.MERCURY_LAMP] = FractionRule(
        action=ActionPolicy.SLOW_AND_ALARM, min_probability=0.8
    )
    recipe = line.recipe.model_copy(update={"fractions": rules})
    picker = BeltRequestConfig(kind="belt", name="picker", distance_mm=PLACE_MM)
    config = with_share(config, Fraction.MERCURY_LAMP, 0.04)
    return twin_run(
        replace(line, recipe=recipe, stations=(*line.stations, picker)),
        config,
        mm_per_tick=MM_PER_TICK,
        catalogue=PlainCatalogue(),
        items=items,
    )


class Watched:
    """A run whose belt speed and requests are noted at every step."""

    def __init__(self) -> None:
        self.setup = setup(80)
        self.slow_asked = 0
        self.crawled = 0
        core, plant = self.setup.core, self.setup.plant
        asked = core.plc_request

        def plc_request():
            request = asked()
            self.slow_asked += request.belt_slow
            speed = plant.drive.speed_mm_per_s(plant.clock.now_ns())
            nominal = plant.nominal_speed_mm_per_s
            self.crawled += request.belt_slow and 0.2 * nominal < speed < 0.4 * nominal
            return request

        core.plc_request = plc_request  # type: ignore[method-assign]
        self.result: SimulationResult = run_lockstep(self.setup)


@pytest.fixture(scope="module")
def watched() -> Watched:
    return Watched()


def test_the_belt_crawls_while_a_lamp_is_under_way(watched: Watched) -> None:
    assert watched.slow_asked > 0
    assert watched.crawled > 0


def test_every_lamp_is_taken_off_by_hand_and_none_is_struck(watched: Watched) -> None:
    result = watched.result
    assert result.lamps is not None
    assert result.lamps >= 2
    assert result.lamps_jetted == 0
    assert result.lamps_picked == result.lamps
    lamps = [r for r in result.records if r.decision.action is ActionPolicy.SLOW_AND_ALARM]
    assert lamps
    assert all(record.outcome is ItemOutcome.REMOVED for record in lamps)


def test_the_balance_closes_over_crawling_and_standing(watched: Watched) -> None:
    assert watched.result.totals.closes
    assert watched.result.totals.removed >= 2
