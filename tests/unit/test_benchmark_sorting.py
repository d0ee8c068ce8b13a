"""The sorting benchmark: points, sums over seeds, intervals, keys, and runs that repeat."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import __main__ as runner
from benchmarks import sorting
from benchmarks.result import CannotRunError
from benchmarks.sorting_runs import ABLATIONS, Method, Point, Tally, simulate
from benchmarks.spread import spread
from twin.simulation import DetectorChoice

POINT = Point(occupancy=0.10, detector=DetectorChoice.PERFECT, items=30)


def _tally(*, air_valve_s=10.0, caught=80.0):
    count = [[caught, 100 - caught], [10, 390]]
    bins = np.array([count, np.multiply(count, 20.0), np.multiply(count, 600.0)])
    return Tally(
        bins=bins,
        items=500,
        unclosed=0,
        lamps_jetted=0,
        taken_for_lamps=2,
        air_valve_s=air_valve_s,
        belt_s=40.0,
        wall_s=2.0,
    )


def test_the_quick_and_the_full_run_have_the_agreed_points():
    for quick in (True, False):
        own = {p.suffix for p in sorting.points(quick=quick) if p.method is Method.OURS}
        assert {"_05", "_10", "_20", "_05_shipped", "_10_shipped", "_20_shipped"} <= own
    full = sorting.points(quick=False)
    assert {p.method for p in full} == set(Method)
    assert {p.speed_mm_per_s for p in full} == {2000.0, 2800.0, 4000.0}
    assert len({(p.suffix, p.seed) for p in full}) == len(full)


def test_figures_carry_the_agreed_keys_and_air_saved_beside_fixed_windows():
    outcomes = [(p, _tally()) for p in sorting.points(quick=True)]
    outcomes = [
        (p, replace(t, air_valve_s=40.0) if p.method is Method.FIXED_WINDOWS else t)
        for p, t in outcomes
    ]
    figures = dict(sorting.figures_of(sorting.gathered(outcomes)))
    for occupancy in ("05", "10", "20"):
        for eyes in ("", "_shipped"):
            assert figures[f"recovery_{occupancy}{eyes}"] == pytest.approx(0.8)
            assert figures[f"purity_{occupancy}{eyes}"] == pytest.approx(80 / 90)
            assert figures[f"by_catch_{occupancy}{eyes}"] == pytest.approx(10 / 400)
    assert figures["purity_10_low"] < figures["purity_10"] < figures["purity_10_high"]
    assert figures["air_saving"] == pytest.approx(0.75)
    assert figures["taken_for_lamps_10_shipped"] == 2
    assert figures["x_real_time_perfect"] == 20.0
    assert figures["unclosed"] == figures["lamps_jetted"] == 0


def test_what_is_not_known_is_not_written_as_a_number():
    nothing = replace(_tally(), bins=np.zeros((3, 2, 2)))
    figures = dict(sorting.figures_of(sorting.gathered([(POINT, nothing)])))
    assert "purity_10" not in figures
    assert "air_saving" not in figures


def test_an_interval_by_mass_is_wider_than_by_count_and_narrows_with_seeds():
    one = sorting.shares(_tally())
    assert one["purity"].low < one["purity_count"].low
    two = sorting.shares(_tally() + _tally())
    assert two["purity"].value == pytest.approx(one["purity"].value)
    assert two["purity"].high - two["purity"].low < one["purity"].high - one["purity"].low


def test_seeds_add_up_whatever_their_order():
    pair = [(replace(POINT, seed=s), _tally(caught=c)) for s, c in ((1, 80.0), (2, 60.0))]
    first, again = (sorting.gathered(order) for order in (pair, pair[::-1]))
    assert first.keys() == again.keys()
    assert np.array_equal(next(iter(first.values())).bins, next(iter(again.values())).bins)
    assert len(sorting.surface(first).rows) == 1


def test_a_small_simulated_point_closes_its_balance_and_repeats():
    first, again = simulate(POINT), simulate(POINT)
    assert first.unclosed == first.lamps_jetted == 0
    assert first.bins[0].sum() == 30
    assert np.array_equal(first.bins, again.bins)
    assert first.air_valve_s == again.air_valve_s


@pytest.mark.parametrize("method", [Method.NAIVE, Method.FIXED_WINDOWS, *ABLATIONS])
def test_every_line_sorts_the_same_belt(method):
    tally = simulate(replace(POINT, method=method))
    assert tally.unclosed == 0
    assert tally.bins[0].sum() == 30
    assert tally.air_valve_s > 0


def test_ray_that_is_not_installed_or_asked_of_another_benchmark_is_said(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(CannotRunError, match="pip install ray"):
        list(spread(simulate, [POINT], ray_address="auto"))
    with pytest.raises(SystemExit):
        runner.main(["planning", "--ray", "auto"])
    assert "sorting" in capsys.readouterr().err
