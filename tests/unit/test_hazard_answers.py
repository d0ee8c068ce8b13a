"""What the line does about hazards, by the site's choice: stop, crawl, or carry on."""

import dataclasses

import pytest

from calibration.units import NS_PER_S
from controller.config import FractionRule
from controller.hazard_budget import hazard_budget
from controller.snapshot import AlarmKind, LampRemoved
from controller.states import LineState
from controller.types import ActionPolicy, ItemOutcome
from tests.support.belt_scenes import recipe, station
from tests.support.core_bench import CoreBench
from tests.unit.test_health import WELL, monitor_of
from vision.types import Fraction


def _running(action):
    lamp = FractionRule(action=action, min_probability=0.5)
    rules = {**recipe().fractions, Fraction.MERCURY_LAMP: lamp}
    bench = CoreBench(recipe=recipe(fractions=rules))
    bench.start()
    return bench


def _confirm(bench):
    reply = bench.core.operator(LampRemoved(operator="test"), bench.now_ns)
    bench.run(50)
    return reply


def test_a_lamp_makes_the_belt_crawl_until_its_pick_is_confirmed():
    bench = _running(ActionPolicy.SLOW_AND_ALARM)
    bench.lay(500.0, fraction=Fraction.MERCURY_LAMP)
    bench.run(400)
    assert bench.state is LineState.EXECUTE
    assert bench.core.plc_request().belt_slow
    assert "hazard_crawls" in bench.alarms()
    bench.items.clear()
    bench.run(600)
    assert _confirm(bench).accepted
    assert not bench.core.plc_request().belt_slow
    assert [r.outcome for r in bench.records] == [ItemOutcome.REMOVED]
    assert "hazard_crawls" not in bench.alarms()


def test_a_lamp_may_be_carried_past_with_an_alarm_and_the_belt_runs_on():
    bench = _running(ActionPolicy.PASS_AND_ALARM)
    bench.lay(500.0, fraction=Fraction.MERCURY_LAMP)
    bench.run(900)
    assert bench.state is LineState.EXECUTE
    request = bench.core.plc_request()
    assert request.belt_run
    assert not request.belt_slow
    assert "hazard_passes" in bench.alarms()
    assert [r.outcome for r in bench.records] == [ItemOutcome.PASSED]
    assert _confirm(bench).accepted
    assert "hazard_passes" not in bench.alarms()


@pytest.mark.parametrize("action", [ActionPolicy.SLOW_AND_ALARM, ActionPolicy.PASS_AND_ALARM])
def test_no_jet_comes_near_a_lamp_whatever_the_site_chose(action):
    bench = _running(action)
    bench.lay(500.0, fraction=Fraction.MERCURY_LAMP)
    lamp = bench.items[0]
    bench.items.append(dataclasses.replace(lamp, x_mm=600.0, fraction=Fraction.PLASTIC))
    bench.items.append(dataclasses.replace(lamp, x_mm=120.0, fraction=Fraction.PLASTIC))
    bench.run(4000)
    assert bench.snapshot().pulses_commanded == 1


def test_nothing_is_confirmed_where_no_hazard_is():
    bench = _running(ActionPolicy.PASS_AND_ALARM)
    assert _confirm(bench).reason == "no hazardous item is on the line"


def test_more_stops_than_agreed_within_an_hour_raise_an_alarm_that_goes_with_time():
    monitor = monitor_of()

    def alarms(stops, at_s):
        seen = dataclasses.replace(WELL, hazard_stops=stops, now_ns=at_s * NS_PER_S)
        return {alarm.kind: alarm.detail for alarm in monitor.observe(seen)}

    assert AlarmKind.HAZARD_STOPS_OFTEN not in alarms(6, 100)
    assert alarms(7, 200)[AlarmKind.HAZARD_STOPS_OFTEN] == "7 within an hour, agreed are 6"
    assert AlarmKind.HAZARD_STOPS_OFTEN in alarms(7, 3600)
    assert AlarmKind.HAZARD_STOPS_OFTEN not in alarms(7, 3701)


def test_response_longer_than_the_way_to_the_jets_is_a_problem_with_its_sum():
    def budget(speed_mm_per_s):
        return hazard_budget(
            [station()],
            view_s_min_mm=-250.0,
            speed_mm_per_s=speed_mm_per_s,
            confirm_views=2,
            frame_period_ms=20.0,
            rest_ms=47.5,
        )

    normal = budget(2800.0)
    assert normal.response_mm == pytest.approx(301.0)
    assert normal.problem is None
    assert "= 108 ms, 1075 mm at 10000 mm/s, but the first jets are 850 mm" in budget(1e4).problem
    assert (
        hazard_budget(
            [],
            view_s_min_mm=0.0,
            speed_mm_per_s=1.0,
            confirm_views=2,
            frame_period_ms=1.0,
            rest_ms=1.0,
        )
        is None
    )
