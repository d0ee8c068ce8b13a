"""Figures of the Concept and the Ecological Code, one by one."""

from datetime import date

import numpy as np
import pytest

from telemetry.measures.air import (
    Limits,
    dew_point_c,
    dew_point_margin_c,
    filter_efficiency,
)
from telemetry.measures.banned import Part, banned_in_residue
from telemetry.measures.capacity import (
    Equipment,
    availability,
    capacity_coverage,
    capacity_utilisation,
    throughput,
)
from telemetry.measures.definition import DEFINITIONS, MeasureName
from telemetry.measures.food import FEWEST_SHIFTS, ShiftSample, food_driver
from telemetry.measures.landfill import PATH_PCT, landfill_standing
from telemetry.measures.season import DayComposition, Season, season_of, seasonal_composition
from telemetry.measures.sorting import residue_share, sorted_out_share
from telemetry.measures.storage import StockMove, add_months, storage_state
from telemetry.measures.weee import WeeeCategory, propose
from vision.types import FRACTIONS, Fraction


def test_every_measure_has_unit_formula_and_source():
    assert set(DEFINITIONS) == set(MeasureName)
    assert all(d.unit and d.formula and d.source for d in DEFINITIONS.values())


def test_sorted_out_share_is_products_over_received_and_has_none_without_any_received():
    assert sorted_out_share(291, 1000).value == 0.291
    assert sorted_out_share(0, 0).reason == "nothing_received"
    assert residue_share(700, 1000).value == 0.7


def test_the_two_readings_of_equipment_load_have_two_names_and_different_values():
    equipment = Equipment(
        rated_t_per_h=10, hours_planned=100, hours_run=80, received_t=500, processed_t=400
    )
    assert capacity_coverage(equipment).value == 2.0
    assert capacity_utilisation(equipment).value == 0.4
    assert availability(equipment).value == 0.8
    assert throughput(equipment).value == 5.0


@pytest.mark.parametrize("figure", [capacity_utilisation, availability])
def test_without_planned_hours_there_is_no_figure_but_a_reason(figure):
    nothing = Equipment(rated_t_per_h=10, hours_planned=0, hours_run=0, received_t=5, processed_t=0)
    assert (figure(nothing).value, figure(nothing).reason) == (None, "no_hours_planned")


@pytest.mark.parametrize(
    ("year", "target"), [(2026, -2), (2027, -4), (2028, -6), (2029, -8), (2030, -10)]
)
def test_landfill_is_set_against_2025_by_share_and_by_volume_along_the_path(year, target):
    standing = landfill_standing(
        year=year, landfilled_t=900, received_t=1200, base_landfilled_t=1000, base_received_t=1250
    )
    assert standing.target_pct == PATH_PCT[year] == target
    assert standing.volume_change.value == pytest.approx(-10.0)
    assert standing.share_change.value == pytest.approx(-6.25)
    assert standing.on_path_by_volume is True
    assert standing.on_path_by_share is (target >= -6)


def test_landfill_outside_the_path_or_without_a_baseline_claims_nothing():
    later = landfill_standing(
        year=2031, landfilled_t=1, received_t=2, base_landfilled_t=1, base_received_t=2
    )
    assert (later.target_pct, later.on_path_by_share) == (None, None)
    no_base = landfill_standing(
        year=2026, landfilled_t=1, received_t=2, base_landfilled_t=None, base_received_t=None
    )
    assert no_base.share.value == 0.5
    assert no_base.volume_change.reason == "no_baseline"


def test_banned_material_in_the_residue_is_told_by_item_of_article_351():
    parts = [
        Part(material="plastic", mass_g=50, low_g=40, high_g=60),
        Part(material="food", mass_g=200, low_g=150, high_g=260),
        Part(material="metal", mass_g=10),
        Part(material="other", mass_g=700),
    ]
    shares = {share.item: share for share in banned_in_residue(parts, 1000)}
    assert {item: share.share for item, share in shares.items()} == {10: 0.05, 15: 0.01, 20: 0.2}
    assert (shares[20].low, shares[20].high) == (0.15, 0.26)
    assert shares[15].low is None
    assert banned_in_residue(parts, 0) == ()


@pytest.mark.parametrize(
    ("month", "season"),
    [(12, "winter"), (2, "winter"), (3, "spring"), (8, "summer"), (9, "autumn"), (11, "autumn")],
)
def test_seasons_follow_the_calendar_month(month, season):
    assert season_of(date(2026, month, 15)) == season


def test_composition_by_season_adds_up_to_one_in_each_season_that_has_data():
    autumn, winter = date(2026, 10, 1), date(2026, 12, 1)
    seen = [
        DayComposition(day=autumn, fraction=Fraction.FOOD, mass_g=60, items=6),
        DayComposition(day=autumn, fraction=Fraction.PLASTIC, mass_g=40, items=14),
        DayComposition(day=winter, fraction=Fraction.PAPER, mass_g=10, items=1),
    ]
    shares = seasonal_composition(seen)
    assert {share.season for share in shares} == {Season.AUTUMN, Season.WINTER}
    food = next(s for s in shares if s.season == "autumn" and s.fraction == "food")
    assert (food.mass_share, food.count_share, food.days) == (0.6, 0.3, 1)
    for season in (Season.AUTUMN, Season.WINTER):
        mine = [share for share in shares if share.season is season]
        assert len(mine) == len(FRACTIONS)
        assert sum(share.mass_share for share in mine) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("fraction", "longest_mm", "possible"),
    [
        (Fraction.MERCURY_LAMP, 120, {3}),
        (Fraction.WEEE, 180, {1, 2, 5, 6}),
        (Fraction.WEEE, 620, {1, 2, 4}),
        (Fraction.WEEE, 500, {1, 2, 4, 5, 6}),
    ],
)
def test_size_and_class_leave_only_some_of_the_six_categories(fraction, longest_mm, possible):
    proposal = propose(fraction, longest_mm, sd_mm=8.0)
    assert {int(category) for category in proposal.possible} == possible
    assert proposal.decided == (WeeeCategory.LAMPS if possible == {3} else None)


def test_what_is_no_equipment_has_no_category():
    assert propose(Fraction.PLASTIC, 200) is None


def test_food_drives_contamination_with_the_slope_that_was_put_in_inside_its_interval():
    rng = np.random.default_rng(5)
    food = rng.uniform(0.2, 0.6, 40)
    samples = [
        ShiftSample(food_share=float(f), contamination=float(0.02 + 0.25 * f + rng.normal(0, 0.01)))
        for f in food
    ]
    driver = food_driver(samples)
    assert driver.slope.low < 0.25 < driver.slope.high
    assert driver.slope.high - driver.slope.low < 0.1
    assert driver.r_squared > 0.7
    assert driver.shifts == 40


def test_too_few_shifts_or_a_constant_food_share_give_a_reason_and_no_slope():
    few = [ShiftSample(food_share=0.1 * n, contamination=0.1) for n in range(FEWEST_SHIFTS - 1)]
    assert food_driver(few).slope.reason == "few_audited_shifts"
    same = [ShiftSample(food_share=0.4, contamination=0.01 * n) for n in range(FEWEST_SHIFTS)]
    assert food_driver(same).slope.reason == "same_food_share"


def move(month, day, kg, *, counted=False):
    return StockMove(day=date(2026, month, day), mass_g=kg * 1000, counted=counted)


def test_stock_ages_first_in_first_out_and_is_overdue_after_three_months():
    moves = [move(1, 10, 500), move(2, 1, 300), move(3, 1, -600), move(4, 1, 100)]
    state = storage_state(moves, on=date(2026, 4, 30), months=3)
    assert (state.stock_g, state.oldest, state.due) == (300_000, date(2026, 2, 1), date(2026, 5, 1))
    assert (state.overdue_g, state.due_soon_g) == (0, 200_000)
    assert storage_state(moves, on=date(2026, 5, 1), months=3).overdue_g == 0
    assert storage_state(moves, on=date(2026, 5, 2), months=3).overdue_g == 200_000


def test_a_count_by_hand_sets_the_stock_and_what_was_taken_beyond_it_is_missing():
    moves = [move(1, 1, 500), move(1, 5, 200, counted=True), move(1, 6, -300)]
    state = storage_state(moves, on=date(2026, 1, 31), months=3)
    assert (state.stock_g, state.missing_g, state.oldest) == (0, 100_000, None)


def test_three_months_after_the_end_of_november_is_the_end_of_february():
    assert add_months(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert add_months(date(2027, 11, 30), 3) == date(2028, 2, 29)


@pytest.mark.parametrize(("t", "rh", "dew"), [(20, 50, 9.3), (-10, 90, -11.3), (25, 100, 25.0)])
def test_dew_points_are_those_of_the_tables(t, rh, dew):
    assert dew_point_c(t, rh) == pytest.approx(dew, abs=0.1)
    assert dew_point_margin_c(t, rh) == pytest.approx(t - dew, abs=0.1)


@pytest.mark.parametrize(("t", "rh"), [(20, 0), (20, 101), (80, 50)])
def test_what_the_formula_does_not_hold_for_is_refused(t, rh):
    with pytest.raises(ValueError, match="outside what the formula holds for"):
        dew_point_c(t, rh)


def test_filter_efficiency_needs_dust_to_filter():
    assert filter_efficiency(100, 1) == 0.99
    assert filter_efficiency(0, 0) is None


def test_an_alarm_ends_only_well_inside_its_limit():
    limits = Limits(highest=10.0, lowest=2.0, hysteresis=1.0)
    assert limits.exceeded(10.5, standing=False)
    assert not limits.exceeded(9.5, standing=False)
    assert limits.exceeded(9.5, standing=True)
    assert not limits.exceeded(8.9, standing=True)
    assert limits.exceeded(2.5, standing=True)
    assert limits.exceeded(1.9, standing=False)
