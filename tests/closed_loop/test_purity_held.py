"""A line whose product is sampled holds the purity that its manager wants."""

from dataclasses import replace

import pytest

from controller.purity.config import HoldConfig
from controller.snapshot import ProductSampled, SetPurity
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line
from twin.assembly import twin_run
from twin.config import ProductSamplesConfig
from twin.items import PlainCatalogue
from twin.lockstep import LockstepSetup, SimulationResult, run_lockstep
from vision.types import Fraction

WANTED = 0.97


def setup(items: int) -> LockstepSetup:
    line, config = shipped_line("standard")
    recipe = line.recipe.model_copy(
        update={
            "hold": {Fraction.PLASTIC: HoldConfig(purity=WANTED, interval_min=0.1)},
            "max_by_catch_ratio": 2.0,
        }
    )
    samples = ProductSamplesConfig(every_min=0.1, pieces=100, delay_min=0.02)
    feed = config.feed.model_copy(update={"occupancy": 0.15})
    return twin_run(
        replace(line, recipe=recipe),
        config.model_copy(update={"feed": feed, "samples": samples}),
        mm_per_tick=MM_PER_TICK,
        catalogue=PlainCatalogue(),
        items=items,
    )


@pytest.fixture(scope="module")
def held() -> tuple[LockstepSetup, SimulationResult]:
    run = setup(1500)
    return run, run_lockstep(run)


def test_samples_of_a_product_that_is_too_impure_make_impurity_dearer(held) -> None:
    _, result = held
    (hold,) = result.snapshot.holds
    assert hold.fraction == "plastic"
    assert hold.samples >= 3
    assert hold.price > 1.5
    assert hold.belief.low < hold.belief.purity < hold.belief.high


def test_every_item_is_still_accounted_for(held) -> None:
    _, result = held
    totals = result.totals
    ends = (*totals.ejected, totals.passed, totals.late, totals.blocked, totals.removed)
    assert totals.seen == sum(ends)
    assert any(point.recovery is not None for point in result.snapshot.holds[0].curve)


def test_the_line_answers_the_managers_and_the_samplers_requests(held) -> None:
    run, _ = held
    now_ns = run.plant.clock.now_ns()
    wish = SetPurity(fraction=Fraction.PLASTIC, purity=0.9, operator="manager")
    assert run.core.operator(wish, now_ns).accepted
    reply = run.core.operator(replace(wish, fraction=Fraction.FOOD), now_ns)
    assert not reply.accepted
    assert "is not held" in reply.reason
    absurd = ProductSampled(
        fraction=Fraction.PLASTIC,
        target_g=-5.0,
        other_g=1.0,
        pieces=3,
        began_s_ago=60.0,
        ended_s_ago=0.0,
        operator="sampler",
    )
    reply = run.core.operator(absurd, now_ns)
    assert not reply.accepted
    assert "give weighed masses" in reply.reason
