from controller.latency_budget import LatencyBudget, impossible, latency_budgets
from controller.stations import JetBarConfig
from tests.support.belt_scenes import LIMITS, recipe, station


def budgets(*stations: JetBarConfig, speed_mm_per_s: float = 2800.0) -> tuple[LatencyBudget, ...]:
    return latency_budgets(
        stations,
        recipe(),
        LIMITS,
        view_s_max_mm=250.0,
        speed_mm_per_s=speed_mm_per_s,
        exposure_ms=0.5,
        transfer_ms=2.0,
        inference_ms=20.0,
        planning_ms=2.0,
        frame_period_ms=20.0,
    )


def test_slack_is_transit_less_everything_on_the_way() -> None:
    (budget,) = budgets(station())
    assert budget.transit_ms == 125.0
    assert budget.slack_ms == 125.0 - 20.0 - 0.5 - 2.0 - 20.0 - 2.0 - 15.0 - 4.0 - 2.0
    assert impossible((budget,)) == ()


def test_an_impossible_geometry_is_refused_with_the_arithmetic() -> None:
    near, far = budgets(station(distance_mm=400.0), station("paper", 1100.0))
    assert near.slack_ms < 0 < far.slack_ms
    (text,) = impossible((near, far))
    assert "station plastic: transit 150 mm at 2800 mm/s = 53.6 ms" in text
    for part in ("exposure 0.5", "transfer 2", "inference 20", "planning 2", "link 15"):
        assert part in text
    assert "valve lag 4" in text
    assert "= -11.9 ms" in text


def test_a_slower_belt_makes_it_possible() -> None:
    assert impossible(budgets(station(distance_mm=400.0), speed_mm_per_s=2000.0)) == ()
