"""Hazards under way on the crawling belt."""

from controller.slow_pick import SlowPick
from tests.support.belt_scenes import MM_PER_TICK
from tests.unit.test_miss_watch import decided


def carried() -> SlowPick:
    pick = SlowPick(place_mm=1500.0, mm_per_tick=MM_PER_TICK)
    pick.add([decided(1, 500.0, 1000.0, 40, 2).track])
    return pick


def test_a_hazard_that_reaches_its_place_is_told_once() -> None:
    pick = carried()
    leading_tick = (1000.0 - 30.0 + 1500.0) / MM_PER_TICK
    assert pick.reached(leading_tick - 1.0) == 0
    assert pick.count == 1
    assert pick.reached(leading_tick) == 1
    assert pick.reached(leading_tick + 100.0) == pick.count == 0


def test_picked_hazards_are_under_way_no_more() -> None:
    pick = carried()
    assert pick.clear() == 1
    assert pick.count == 0


def test_a_line_without_a_place_reaches_none() -> None:
    pick = SlowPick(place_mm=None, mm_per_tick=MM_PER_TICK)
    pick.add([decided(1, 500.0, 1000.0, 40, 2).track])
    assert pick.reached(1e9) == 0
