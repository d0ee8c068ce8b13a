"""What a purity costs and how much feed it bears."""

import json

import pytest

import run_line
from twin.advise_command import Point, best_at, most_feed


def _point(occupancy, purity, recovery, ratio=1.0):
    return Point(
        occupancy=occupancy,
        max_by_catch_ratio=ratio,
        purity=purity,
        recovery=recovery,
        items_per_h=1000.0,
    )


def test_the_best_point_has_the_most_recovery_among_those_pure_enough():
    points = [_point(0.1, 0.99, 0.7), _point(0.1, 0.96, 0.9), _point(0.1, 0.93, 0.95)]
    assert best_at(points, 0.95) is points[1]
    assert best_at(points, 0.999) is None
    assert best_at([_point(0.1, None, 0.0)], 0.5) is None


def test_the_most_feed_is_the_greatest_load_that_reaches_both():
    points = [_point(0.05, 0.99, 0.95), _point(0.10, 0.96, 0.9), _point(0.20, 0.96, 0.6)]
    assert most_feed(points, 0.95, 0.85) is points[1]
    assert most_feed(points, 0.95, 0.5) is points[2]
    assert most_feed(points, 0.999, 0.5) is None


def test_advise_prints_curve_and_advice(capsys):
    words = ["advise", "--fraction", "plastic", "--purity", "0.5", "--items", "12"]
    words += ["--recovery", "0.1", "--json"]
    assert run_line.main(words) == 0
    found = json.loads(capsys.readouterr().out)
    ratios = [point["max_by_catch_ratio"] for point in found["curve"]]
    assert ratios == sorted(ratios)
    assert found["feed"]["purity"] >= 0.5


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--fraction", "plastic", "--purity", "95"], "--purity 95: give a share"),
        (["--fraction", "paper", "--purity", "0.9"], "the recipe takes it to no station"),
    ],
)
def test_wrong_arguments_are_named_with_what_to_give(capsys, words, answer):
    assert run_line.main(["advise", *words]) == 2
    assert answer in capsys.readouterr().err
