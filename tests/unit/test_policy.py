import dataclasses

import numpy as np
import pytest

from controller.config import FractionRule
from controller.policy import NO_STATION, SortPolicy
from controller.types import ActionPolicy, DecisionReason
from tests.support.belt_scenes import LyingItem, recipe, scene, station
from vision.types import FRACTIONS, Fraction

STATIONS = (station("plastic", 600.0), station("paper", 1100.0))
PLASTIC, PAPER, FOOD = (
    FRACTIONS.index(f) for f in (Fraction.PLASTIC, Fraction.PAPER, Fraction.FOOD)
)


def policy(**rules: FractionRule) -> SortPolicy:
    base = recipe()
    fractions = dict(base.fractions) | {Fraction(name): rule for name, rule in rules.items()}
    return SortPolicy(recipe(fractions=fractions), STATIONS)


def item(fraction: Fraction, probability: float, size_mm: float = 80.0) -> LyingItem:
    return LyingItem(
        x_mm=500, y_mm=0, fraction=fraction, score=probability, width_mm=size_mm, length_mm=size_mm
    )


def test_each_fraction_goes_to_its_station_from_its_threshold() -> None:
    found = policy(
        paper=FractionRule(action=ActionPolicy.DIVERT, station="paper", min_probability=0.8)
    ).wishes(
        scene(
            [
                item(Fraction.PLASTIC, 0.6),
                item(Fraction.PAPER, 0.9),
                item(Fraction.PAPER, 0.7),
                item(Fraction.OTHER, 0.9),
            ],
            travel_mm=0,
        )
    )
    assert found.station.tolist() == [0, 1, NO_STATION, NO_STATION]
    assert found.fraction.tolist()[:2] == [PLASTIC, PAPER]
    assert not found.suspect.any()


def test_items_too_heavy_for_the_jets_stay_but_diverters_take_them() -> None:
    heavy = item(Fraction.FOOD, 0.95, size_mm=300.0)
    eject = FractionRule(action=ActionPolicy.EJECT, station="paper", min_probability=0.5)
    assert policy(food=eject).wishes(scene([heavy], travel_mm=0)).station[0] == NO_STATION
    divert = FractionRule(action=ActionPolicy.DIVERT, station="paper", min_probability=0.5)
    diverting = policy(food=divert)
    assert diverting.wishes(scene([heavy], travel_mm=0)).station[0] == 1
    assert diverting.diverts(FOOD)


def test_a_lamp_is_suspect_before_it_is_believed() -> None:
    found = policy().wishes(
        scene([item(Fraction.MERCURY_LAMP, p) for p in (0.1, 0.3, 0.6)], travel_mm=0)
    )
    assert found.suspect.tolist() == [False, True, True]
    assert found.believed.tolist() == [False, False, True]
    assert (found.station == NO_STATION).tolist()[2]


def test_a_site_may_stop_for_other_fractions_too() -> None:
    stopping = policy(weee=FractionRule(action=ActionPolicy.STOP_AND_ALARM, min_probability=0.5))
    found = stopping.wishes(scene([item(Fraction.WEEE, 0.7)], travel_mm=0))
    assert found.believed.all()
    track = scene([item(Fraction.WEEE, 0.7)], travel_mm=0).track(0)
    decision = stopping.hazard_decision(track)
    assert decision.fraction is Fraction.WEEE
    assert decision.action is ActionPolicy.STOP_AND_ALARM
    assert decision.reason is DecisionReason.HAZARD


@pytest.mark.parametrize(
    ("fraction", "probability", "mass_g", "reason"),
    [
        (FRACTIONS.index(Fraction.OTHER), 0.9, 10.0, DecisionReason.NOT_TARGET),
        (PLASTIC, 0.4, 10.0, DecisionReason.LOW_CONFIDENCE),
        (PLASTIC, 0.9, 900.0, DecisionReason.TOO_HEAVY),
        (PLASTIC, 0.9, 10.0, DecisionReason.NOT_TARGET),
    ],
)
def test_an_item_that_stays_says_why(
    fraction: int, probability: float, mass_g: float, reason: DecisionReason
) -> None:
    track = scene([item(FRACTIONS[fraction], probability)], travel_mm=0).track(0)
    track = dataclasses.replace(track, mass_g=mass_g, mass_sd_g=0.5 * mass_g)
    assert policy().reason_to_stay(track) is reason


def test_a_recipe_for_another_line_is_refused() -> None:
    rule = FractionRule(action=ActionPolicy.EJECT, station="glass", min_probability=0.5)
    with pytest.raises(ValueError, match="'glass', the line has plastic, paper"):
        policy(paper=rule)


def test_what_belongs_in_a_product_costs_nothing_and_the_rest_its_probability() -> None:
    both = policy(
        paper=FractionRule(action=ActionPolicy.EJECT, station="plastic", min_probability=0.5)
    )
    posterior = np.array([[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]]).T
    assert both.cost_at_station(posterior, 0) == pytest.approx([0.3])


def test_a_lamp_in_paper_is_not_a_cup_in_paper() -> None:
    rules = dict(recipe().fractions)
    rules[Fraction.PAPER] = FractionRule(
        action=ActionPolicy.EJECT, station="paper", min_probability=0.5
    )
    costs = {Fraction.PAPER: {Fraction.MERCURY_LAMP: 100.0, Fraction.FOOD: 0.2}}
    careful = SortPolicy(recipe(fractions=rules, costs=costs, max_by_catch_ratio=1.0), STATIONS)
    maybe_lamp = np.array([[0.0, 0.95, 0.0, 0.0, 0.05, 0.0]]).T
    maybe_cup = np.array([[0.05, 0.95, 0.0, 0.0, 0.0, 0.0]]).T
    assert careful.cost_at_station(maybe_lamp, 1) == pytest.approx([5.0])
    assert careful.cost_at_station(maybe_cup, 1) == pytest.approx([0.05])
    belt = scene([item(Fraction.PAPER, 0.95)] * 2, travel_mm=0)
    belt = dataclasses.replace(belt, posterior=np.hstack((maybe_lamp, maybe_cup)))
    assert careful.wishes(belt).station.tolist() == [NO_STATION, 1]
    assert careful.reason_to_stay(belt.track(0)) is DecisionReason.TOO_COSTLY


def test_an_item_that_is_perhaps_too_heavy_is_not_fired_at() -> None:
    belt = scene([item(Fraction.PLASTIC, 0.95)] * 2, travel_mm=0)
    belt = dataclasses.replace(
        belt, mass_g=np.array([300.0, 300.0]), mass_sd_g=np.array([10.0, 300.0])
    )
    careful = SortPolicy(recipe(max_heavy_probability=0.1), STATIONS)
    assert careful.wishes(belt).station.tolist() == [0, NO_STATION]
    assert careful.reason_to_stay(belt.track(1)) is DecisionReason.TOO_HEAVY


def test_an_empty_belt_has_no_wishes() -> None:
    found = policy().wishes(scene([], travel_mm=0))
    assert len(found.station) == 0
    assert dataclasses.fields(found)
