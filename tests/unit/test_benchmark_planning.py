"""The belt that the planning benchmark makes, and that a step on it takes time at all."""

from benchmarks import planning
from benchmarks.standard_line import standard_line
from twin.viewpoint import true_calibration


def test_planning_measures_a_full_belt_at_every_number_of_items():
    standard = standard_line()
    belt, step_mm = planning.made_belt(200, 20, standard)
    calibration = true_calibration(standard.twin, mm_per_tick=standard.mm_per_tick)
    assert step_mm == 28.0
    assert len(belt.seen(calibration, 1500.0)) > 60
    costs = planning.step_costs_ms(25, 5, standard)
    assert costs.shape == (3, 5)
    assert costs[:2].min() > 0
    assert (costs[0] < costs[1]).all()
