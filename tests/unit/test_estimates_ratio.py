import numpy as np
import pytest
from scipy import stats

from benchmarks.portion_conditions import portion_conditions
from telemetry.estimates.audit_plan import items_without_error, plan_audit, samples_for_mean
from telemetry.estimates.errors import EstimateError
from telemetry.estimates.ratio import block_ratio, design_effect
from telemetry.estimates.types import Basis, Evidence, NoShare, Share

EVIDENCE = Evidence(n_blocks=0, n_objects=1000)


def _share(parts: object, wholes: object, n_objects: int = 1000, **more: object) -> Share:
    evidence = Evidence(n_blocks=0, n_objects=n_objects)
    told = block_ratio(parts, wholes, basis=Basis.MASS, evidence=evidence, **more)
    assert isinstance(told, Share)
    return told


def test_the_estimate_is_the_ratio_of_sums_and_not_the_mean_of_ratios() -> None:
    share = _share([1.0, 4.0], [2.0, 5.0])
    assert share.value == pytest.approx(5 / 7)
    assert (share.basis, share.evidence.n_blocks) == (Basis.MASS, 2)


def test_the_variance_is_that_of_the_published_formula() -> None:
    rng = np.random.default_rng(1)
    wholes = rng.uniform(20, 80, 400)
    parts = wholes * np.clip(rng.normal(0.7, 0.1, 400), 0, 1)
    share = _share(parts, wholes, n_objects=40_000)
    ratio = parts.sum() / wholes.sum()
    variance = ((parts - ratio * wholes) ** 2).sum() / 399 / 400 / wholes.mean() ** 2
    assert share.half_width == pytest.approx(1.96 * np.sqrt(variance), rel=0.03)


def test_clumped_blocks_give_a_wider_interval_than_independent_items() -> None:
    clumped = _share([0, 50, 50, 0, 50, 0, 0, 50] * 3, [50] * 24)
    mixed = _share([25, 24, 26, 25, 27, 23, 25, 25] * 3, [50] * 24)
    assert clumped.half_width > 5 * mixed.half_width


def test_a_slow_change_is_not_taken_for_many_independent_blocks() -> None:
    slow = np.where(np.arange(60) < 30, 40.0, 20.0)
    mixed = np.where(np.arange(60) % 2 < 1, 40.0, 20.0)
    assert (
        _share(slow, np.full(60, 50.0)).half_width > 2 * _share(mixed, np.full(60, 50.0)).half_width
    )


def test_no_error_found_still_admits_errors() -> None:
    share = _share([10.0] * 20, [10.0] * 20)
    assert share.value == share.high == 1.0
    # 1,000 items in blocks of 50 that are alike by 0.01 count as 671; mid-P: 0.05 ** (1 / 671).
    assert share.low == pytest.approx(0.05 ** (1.49 / 1000))
    nothing = _share([0.0] * 20, [10.0] * 20)
    assert (nothing.low, nothing.high) == (0.0, pytest.approx(1 - 0.05 ** (1.49 / 1000)))


def test_items_of_unequal_mass_tell_less_where_no_error_was_found() -> None:
    rng = np.random.default_rng(6)
    lows = []
    for spread in (0.01, 0.3):
        wholes = rng.normal(10.0, 10.0 * spread, 20)
        share = block_ratio(wholes, wholes, basis=Basis.MASS, evidence=EVIDENCE)
        assert isinstance(share, Share)
        lows.append(share.low)
    assert 1.0 - lows[1] > 2.0 * (1.0 - lows[0])


def test_only_portions_that_hold_an_error_tell_of_the_variance() -> None:
    wholes = np.full(30, 30.0)
    right = wholes - np.array([5.0] + [0.0] * 29)
    share = _share(right, wholes, n_objects=900)
    value = 895 / 900
    independent = value * (1 - value) / 900
    residual = right - value * wholes
    seen = (residual @ residual) / 29 / 30 / 30.0**2
    # One telling portion beside an assumption that weighs four, correlation 0.01.
    mean = (seen + 4 * (1 + 0.01 * 29) * independent) / 5
    t_ratio = stats.t.ppf(0.975, 5) / stats.norm.ppf(0.975)
    items = value * (1 - value) / (mean * t_ratio**2)
    beta = stats.beta(value * items + 0.5, (1 - value) * items + 0.5)
    assert (share.low, share.high) == pytest.approx((beta.ppf(0.025), beta.ppf(0.975)))


def test_clumped_errors_near_one_do_not_pass_for_a_sure_purity() -> None:
    held = [
        condition.coverage
        for condition in portion_conditions(60)
        if (condition.purity, condition.alike) == (0.99, 0.05)
    ]
    assert min(held) > 0.85


def test_a_census_has_nothing_left_to_sample() -> None:
    rng = np.random.default_rng(2)
    parts = rng.uniform(5, 9, 30)
    whole = _share(parts, np.full(30, 10.0), sampled_share=0.99)
    assert whole.half_width < 0.2 * _share(parts, np.full(30, 10.0)).half_width


def test_one_block_that_holds_nearly_all_shows_no_variation() -> None:
    told = block_ratio([1e-7, 375.0], [1e-6, 1000.0], basis=Basis.COUNT, evidence=EVIDENCE)
    assert isinstance(told, NoShare)
    assert "nearly all" in told.reason


def test_blocks_that_agree_better_than_chance_are_no_surer_than_independent_items() -> None:
    share = _share([25.0] * 20, [50.0] * 20, n_objects=100)
    assert share.half_width == pytest.approx(1.96 * 0.5 / np.sqrt(100), rel=0.1)


def test_empty_blocks_are_not_evidence() -> None:
    told = block_ratio([0, 3, 0], [0, 5, 0], basis=Basis.COUNT, evidence=EVIDENCE)
    assert isinstance(told, NoShare)
    assert "1 blocks" in told.reason


@pytest.mark.parametrize(
    ("parts", "wholes", "more", "said"),
    [
        ([1.0, -1.0], [2.0, 2.0], {}, "not negative"),
        ([1.0, np.nan], [2.0, 2.0], {}, "finite"),
        ([3.0, 1.0], [2.0, 2.0], {}, "more of what belongs"),
        ([1.0], [2.0, 2.0], {}, "do not go together"),
        ([1.0, 1.0], [2.0, 2.0], {"level": 95.0}, "level 95"),
    ],
)
def test_figures_that_make_no_sense_are_refused(
    parts: list[float], wholes: list[float], more: dict[str, float], said: str
) -> None:
    with pytest.raises(EstimateError, match=said):
        block_ratio(parts, wholes, basis=Basis.MASS, evidence=EVIDENCE, **more)


def test_the_design_effect_of_independent_items_is_one() -> None:
    rng = np.random.default_rng(3)
    wholes = np.full(500, 100)
    independent = design_effect(rng.binomial(100, 0.8, 500), wholes, 50_000)
    clumped = design_effect(rng.binomial(100, rng.beta(8, 2, 500)), wholes, 50_000)
    assert independent == pytest.approx(1.0, abs=0.15)
    assert clumped == pytest.approx(1 + 99 / 11, rel=0.2)


def test_a_planned_audit_is_as_sure_as_it_says() -> None:
    plan = plan_audit(
        expected_share=0.9,
        half_width=0.02,
        design_effect=1.5,
        items_per_portion=100,
        mean_item_g=40,
    )
    # 1.96^2 p (1 - p) / e^2 = 865 independent items.
    assert plan.items == pytest.approx(865 * 1.5, rel=0.02)
    assert plan.portions == -(-plan.items // 100)
    assert plan.kg == pytest.approx(plan.items * 0.04)
    assert plan.half_width <= 0.02


def test_the_rule_of_three_comes_out() -> None:
    assert items_without_error(share=0.99) == 299
    assert items_without_error(share=0.97, level=0.9) == 76


def test_samples_follow_the_iterated_t() -> None:
    n = samples_for_mean(relative_error=0.1, variation=0.3)
    # t for 37 degrees of freedom is 2.0262: (2.0262 * 3)^2 = 36.9; for 36 it is 37.02 > 37.
    assert n == 38
    assert samples_for_mean(relative_error=0.1, variation=0.3, level=0.9) < n


def test_an_impossible_audit_says_so() -> None:
    with pytest.raises(EstimateError, match="no audit"):
        plan_audit(
            expected_share=0.5,
            half_width=1e-5,
            design_effect=1,
            items_per_portion=10,
            mean_item_g=1,
        )
    with pytest.raises(EstimateError, match="more than"):
        samples_for_mean(relative_error=1e-4, variation=2)
