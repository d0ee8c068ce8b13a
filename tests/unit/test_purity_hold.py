"""A product's purity is estimated from samples and held by the price of impurity."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from calibration.units import NS_PER_S, MonotonicNs
from controller.config import RecipeConfig
from controller.policy import SortPolicy
from controller.purity.config import HoldConfig
from controller.purity.estimate import PurityEstimate, SampleFound
from controller.purity.hold import CHEAPEST, DEAREST, PurityHold
from controller.purity.keeper import PurityKeeper
from tests.support.belt_scenes import recipe
from tests.support.lockstep_rig import shipped_line
from vision.types import FRACTIONS, Fraction

MINUTE = 60 * NS_PER_S


def logistic(log_odds):
    return 1.0 / (1.0 + math.exp(-log_odds))


class Belt:
    """A product whose purity answers to the price, sampled every ten minutes of belt time."""

    def __init__(self, wanted, *, log_odds, answer, seed=1, pieces=200, delay_min=5):
        self.hold = PurityHold(HoldConfig(purity=wanted))
        self.log_odds, self.answer, self.pieces = log_odds, answer, pieces
        self.rng, self.now_ns, self.delay_ns = np.random.default_rng(seed), 0, delay_min * MINUTE
        self.waiting = []
        self.purities = []

    def run(self, samples):
        for _ in range(samples):
            began_ns, self.now_ns = self.now_ns, self.now_ns + 10 * MINUTE
            purity = logistic(self.log_odds + self.answer * self.hold.g)
            self.purities.append(purity)
            good = int(self.rng.binomial(self.pieces, purity))
            self.waiting.append((good, began_ns, self.now_ns))
            if len(self.waiting) > 1:
                self.take(*self.waiting.pop(0))
        return self.purities[-samples:]

    def take(self, good, began_ns, ended_ns):
        self.hold.sampled(
            SampleFound(
                target_g=20.0 * good, other_g=20.0 * (self.pieces - good), pieces=self.pieces
            ),
            from_ns=MonotonicNs(began_ns),
            until_ns=MonotonicNs(ended_ns),
            now_ns=MonotonicNs(self.now_ns),
        )


@pytest.mark.parametrize(
    ("log_odds", "answer"), [(1.5, 0.5), (2.0, 1.0), (1.2, 0.8), (3.2, 0.5), (2.5, 0.3)]
)
def test_the_purity_comes_to_what_is_wanted_from_wherever_the_line_begins(log_odds, answer):
    belt = Belt(0.92, log_odds=log_odds, answer=answer)
    belt.run(30)
    held = belt.run(30)
    assert np.mean(held) == pytest.approx(0.92, abs=0.015)


def test_a_step_of_the_composition_is_survived_without_oscillation():
    belt = Belt(0.92, log_odds=2.4, answer=0.6)
    belt.run(40)
    belt.log_odds -= 0.9
    after = belt.run(40)
    assert after[0] < 0.87
    assert np.mean(after[12:]) == pytest.approx(0.92, abs=0.015)
    # No hunting: from two hours on it stays on its side of the wanted purity by at most this.
    assert min(after[12:]) > 0.89
    assert max(after[12:]) < 0.95


def test_samples_that_come_late_do_not_make_it_hunt():
    belt = Belt(0.92, log_odds=1.6, answer=0.7, pieces=2000)
    belt.run(60)
    held = belt.run(30)
    assert max(held) - min(held) < 0.03


def test_what_no_price_can_hold_is_told_at_the_highest_price():
    belt = Belt(0.99, log_odds=1.0, answer=0.2)
    belt.run(60)
    assert belt.hold.g == DEAREST
    assert "slow the feed" in belt.hold.trouble


def test_a_product_purer_than_wanted_gives_recovery_back_down_to_the_lowest_price():
    belt = Belt(0.8, log_odds=4.5, answer=0.3)
    belt.run(40)
    assert belt.hold.g == CHEAPEST
    assert belt.hold.trouble is None


def test_prices_move_no_further_than_doubling_at_once_and_not_before_their_time():
    belt = Belt(0.99, log_odds=1.0, answer=0.5, delay_min=0)
    belt.take(100, 0, MINUTE)
    assert belt.hold.g == pytest.approx(0.7)
    belt.now_ns += 5 * MINUTE
    belt.take(100, MINUTE, 2 * MINUTE)
    assert belt.hold.g == pytest.approx(0.7)


def test_a_sample_speaks_of_the_price_under_which_its_product_was_made():
    belt = Belt(0.99, log_odds=1.0, answer=0.5)
    belt.now_ns = 10 * MINUTE
    belt.take(100, 0, 10 * MINUTE)
    before, after = MonotonicNs(0), MonotonicNs(20 * MINUTE)
    assert belt.hold.mean_g(before, MonotonicNs(10 * MINUTE)) == 0.0
    assert belt.hold.mean_g(before, after) == pytest.approx(0.35)
    assert belt.hold.mean_g(MonotonicNs(15 * MINUTE), after) == pytest.approx(0.7)


def test_the_curve_shows_purity_at_every_price_and_recovery_where_it_was_sorted():
    belt = Belt(0.92, log_odds=2.0, answer=0.6)
    belt.hold.closed(100.0, ejected=True)
    belt.hold.closed(100.0, ejected=False)
    belt.run(5)
    standing = belt.hold.standing("plastic")
    purities = [point.purity.purity for point in standing.curve]
    assert purities == sorted(purities)
    assert all(p.purity.low < p.purity.purity < p.purity.high for p in standing.curve)
    at_recipe = next(p for p in standing.curve if p.price == 1.0)
    assert at_recipe.recovery == pytest.approx(0.5, abs=0.01)
    assert sum(p.recovery is not None for p in standing.curve) == 1


def test_a_pure_sample_is_no_proof_of_purity():
    few, many = PurityEstimate(), PurityEstimate()
    few.sampled(SampleFound(target_g=100.0, other_g=0.0, pieces=10), 0.0)
    many.sampled(SampleFound(target_g=9000.0, other_g=0.0, pieces=900), 0.0)
    assert few.at(0.0).purity < many.at(0.0).purity < 1.0
    assert few.at(0.0).low < 0.93


@pytest.mark.parametrize(
    "wrong",
    [
        {"target_g": -1.0},
        {"target_g": math.nan},
        {"other_g": math.inf},
        {"target_g": 0.0, "other_g": 0.0},
        {"pieces": 0},
    ],
)
def test_what_no_sample_can_be_is_refused(wrong):
    with pytest.raises(ValueError, match="a sample of"):
        SampleFound(**{"target_g": 10.0, "other_g": 1.0, "pieces": 3, **wrong})


def held_recipe(**holds):
    line, _ = shipped_line("standard")
    document = line.recipe.model_dump()
    return RecipeConfig.model_validate({**document, "hold": holds})


def test_only_an_ejected_products_purity_can_be_held():
    with pytest.raises(ValidationError, match=r"hold\.food: only the purity of an ejected product"):
        held_recipe(food={"purity": 0.9})


@pytest.mark.parametrize("purity", [0.3, 1.0, -1])
def test_a_purity_that_cannot_be_wanted_is_refused(purity):
    with pytest.raises(ValidationError):
        held_recipe(plastic={"purity": purity})


def keeper():
    line, _ = shipped_line("standard")
    return PurityKeeper(held_recipe(plastic={"purity": 0.9}), line.stations)


def test_a_keeper_says_why_it_takes_no_sample_of_a_product_that_is_not_held():
    sample = SampleFound(target_g=1.0, other_g=0.0, pieces=1)
    refusal = keeper().sampled(
        Fraction.PAPER, sample, began_s_ago=10.0, ended_s_ago=0.0, now_ns=MonotonicNs(0)
    )
    assert "paper is not held (held: plastic)" in refusal
    assert "[recipe.hold.paper]" in refusal


def test_a_keeper_refuses_a_sample_that_ended_before_it_began():
    sample = SampleFound(target_g=1.0, other_g=0.0, pieces=1)
    refusal = keeper().sampled(
        Fraction.PLASTIC, sample, began_s_ago=10.0, ended_s_ago=20.0, now_ns=MonotonicNs(0)
    )
    assert "give when its product began" in refusal


def test_the_managers_word_moves_the_price_from_what_is_known():
    held = keeper()
    sample = SampleFound(target_g=900.0, other_g=100.0, pieces=500)
    now_ns = MonotonicNs(20 * MINUTE)
    held.sampled(Fraction.PLASTIC, sample, began_s_ago=60.0, ended_s_ago=0.0, now_ns=now_ns)
    before = dict(held.prices).get(0, 0.0)
    later_ns = MonotonicNs(40 * MINUTE)
    assert held.want(Fraction.PLASTIC, 0.97, later_ns) is None
    assert dict(held.prices)[0] > before
    assert "give a share" in held.want(Fraction.PLASTIC, 1.5, later_ns)


def test_a_price_moves_thresholds_and_costs_of_its_station_and_no_alarm():
    line, _ = shipped_line("standard")
    policy = SortPolicy(line.recipe, line.stations)
    dear = ((0, math.log(3.0)),)
    plastic, lamp = FRACTIONS.index(Fraction.PLASTIC), FRACTIONS.index(Fraction.MERCURY_LAMP)
    before, after = policy._thresholds(()), policy._thresholds(dear)
    # Odds of one to one become three to one.
    assert before[plastic] == pytest.approx(0.5)
    assert after[plastic] == pytest.approx(0.75)
    assert after[lamp] == before[lamp]
    posterior = np.eye(len(FRACTIONS))
    assert policy.cost_at_station(posterior, 0, dear) == pytest.approx(
        3.0 * policy.cost_at_station(posterior, 0)
    )


def test_what_costs_are_weighed_against_goes_with_the_price_too():
    costs = {Fraction.PLASTIC: {Fraction.PAPER: 1.0}}
    line, _ = shipped_line("standard")
    policy = SortPolicy(recipe(costs=costs, fractions=dict(line.recipe.fractions)), line.stations)
    posterior = np.zeros((len(FRACTIONS), 1))
    posterior[FRACTIONS.index(Fraction.PLASTIC)] = 0.6
    posterior[FRACTIONS.index(Fraction.PAPER)] = 0.4
    plastic = np.array([FRACTIONS.index(Fraction.PLASTIC)])
    assert policy._worth(posterior, plastic, ())[0]
    assert not policy._worth(posterior, plastic, ((0, math.log(2.0)),))[0]


def test_a_recipe_without_holds_keeps_nothing():
    line, _ = shipped_line("standard")
    nothing = PurityKeeper(line.recipe, line.stations)
    assert nothing.prices == ()
    assert nothing.standings == ()
    assert nothing.trouble is None
