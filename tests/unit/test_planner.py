import math

import numpy as np
import pytest

from controller.planner import StationPlan, StationPlanner, Target
from controller.stations import JetBarConfig
from controller.step import LineStatus
from controller.surroundings import Surroundings
from controller.types import DecisionReason
from plc.types import EjectionCommand
from tests.support.belt_scenes import (
    LIMITS,
    MM_PER_TICK,
    TICKS_PER_S,
    LyingItem,
    recipe,
    scene,
    station,
)
from vision.tracker_config import TrackerConfig
from vision.types import Fraction

TRAVEL_MM = 10_000.0
PER_MS = TICKS_PER_S / 1000.0


def at(s_mm: float, x_mm: float = 500.0, **changes: object) -> LyingItem:
    """An item whose centre is at machine position `s_mm`."""
    return LyingItem(x_mm=x_mm, y_mm=TRAVEL_MM - s_mm, **changes)  # type: ignore[arg-type]


def status(**changes: float | bool) -> LineStatus:
    values: dict[str, float | bool] = {
        "may_fire": True,
        "now_tick": TRAVEL_MM / MM_PER_TICK + 100.0,
        "tick_sd": 0.5,
        "ticks_per_s": TICKS_PER_S,
        "frame_age_ms": 20.0,
    }
    values.update(changes)
    return LineStatus(**values)  # type: ignore[arg-type]


class Plan:
    """One planning step on a made-up belt; the first item is the target."""

    def __init__(
        self,
        *items: LyingItem,
        bar: JetBarConfig | None = None,
        index: int = 0,
        **recipe_changes: object,
    ) -> None:
        self.items = list(items)
        self.track_ids = list(range(1, len(items) + 1))
        self.bar = bar or station()
        self.planner = StationPlanner(
            index,
            self.bar,
            recipe(**recipe_changes),
            LIMITS,
            TrackerConfig(),
            mm_per_tick=MM_PER_TICK,
        )

    def around(self, suspects: list[int], line: LineStatus) -> Surroundings:
        belt = scene(self.items, travel_mm=TRAVEL_MM, track_ids=self.track_ids)
        foreign = np.array([float(i.fraction is not Fraction.PLASTIC) for i in self.items])
        return Surroundings(
            timing=self.planner.timing(line.ticks_per_s),
            scene=belt,
            arrival=self.planner.arrival(belt, line.ticks_per_s),
            foreign=foreign,
            suspects=np.array(suspects, dtype=np.intp),
            status=line,
        )

    def run(
        self,
        rows: tuple[int, ...] = (0,),
        *,
        suspects: tuple[int, ...] = (),
        gentle: bool = False,
        line: LineStatus | None = None,
    ) -> StationPlan:
        targets = [Target(row=row, track_id=row + 1, gentle=gentle) for row in rows]
        around = self.around(list(suspects), line or status())
        return self.planner.plan(targets, around, next_pulse_id=7)


def only(plan: StationPlan) -> EjectionCommand:
    (pulse,) = plan.planned
    assert plan.outcomes[1].reason is DecisionReason.TARGET
    assert plan.outcomes[1].pulses == (pulse.command,)
    return pulse.command


def reason(plan: StationPlan) -> DecisionReason:
    assert plan.planned == ()
    assert plan.outcomes[1].pulses == ()
    return plan.outcomes[1].reason


def test_the_pulse_covers_the_item_with_its_margins_lags_taken_off() -> None:
    command = only(Plan(at(200.0)).run())
    assert command.pulse_id == 7
    lead_tick = (TRAVEL_MM + 360.0) / MM_PER_TICK
    trail_tick = (TRAVEL_MM + 440.0) / MM_PER_TICK
    lag, margin = 4.0 * PER_MS, 2.0 * PER_MS
    assert command.open_tick < lead_tick - lag - margin
    assert command.open_tick > lead_tick - lag - margin - 4.0 * PER_MS
    assert command.close_tick > trail_tick - lag + margin
    assert command.close_tick < trail_tick - lag + margin + 4.0 * PER_MS
    assert command.valves.first <= math.ceil((460.0 - 6.25) / 12.5)
    assert command.valves.last >= math.floor((540.0 - 6.25) / 12.5)
    assert command.valves.last - command.valves.first + 1 <= math.ceil(100.0 / 12.5)


def test_a_tiny_item_gets_the_shortest_pulse_its_valve_follows() -> None:
    tiny = at(200.0, width_mm=4.0, length_mm=4.0)
    command = only(Plan(tiny, bar=station(min_open_ms=30.0)).run())
    assert (command.close_tick - command.open_tick) / PER_MS == pytest.approx(30.0, abs=0.4)
    assert command.valves.first <= 40 <= command.valves.last + 1


def test_an_item_beside_the_bar_is_off_bar() -> None:
    half_bar = station(valve_count=40)
    assert reason(Plan(at(200.0, x_mm=600.0), bar=half_bar).run()) is DecisionReason.OFF_BAR


def test_a_pulse_that_cannot_be_there_in_time_is_too_late() -> None:
    late = status(now_tick=(TRAVEL_MM + 340.0) / MM_PER_TICK)
    assert reason(Plan(at(200.0)).run(line=late)) is DecisionReason.TOO_LATE


def test_a_pulse_is_shortened_at_its_margin_when_time_is_short() -> None:
    whole = only(Plan(at(200.0)).run())
    lead_ticks = LIMITS.command_lead_ms * PER_MS
    hurry = status(now_tick=whole.open_tick + 5.0 - lead_ticks)
    command = only(Plan(at(200.0)).run(line=hurry))
    assert command.open_tick == whole.open_tick + 5
    assert command.close_tick == whole.close_tick


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"may_fire": False}, DecisionReason.NOT_RUNNING),
        ({"frame_age_ms": 130.0}, DecisionReason.STALE),
        ({"tick_sd": 9.0}, DecisionReason.STALE),
    ],
)
def test_nothing_is_planned_while_the_line_may_not_fire_or_knows_too_little(
    changes: dict[str, float | bool], expected: DecisionReason
) -> None:
    assert reason(Plan(at(200.0)).run(line=status(**changes))) is expected


def test_a_line_just_within_its_limits_is_still_good_enough() -> None:
    edge = status(frame_age_ms=LIMITS.max_frame_age_ms, tick_sd=LIMITS.max_tick_sd)
    only(Plan(at(200.0)).run(line=edge))


def test_each_target_is_told_why_nothing_is_planned() -> None:
    plan = Plan(at(200.0), at(400.0)).run((0, 1), line=status(may_fire=False))
    assert [plan.outcomes[i].reason for i in (1, 2)] == [DecisionReason.NOT_RUNNING] * 2


def test_a_tilted_bar_is_met_later_where_it_lies_further_down() -> None:
    tilted, straight = station(tilt_mm_per_m=20.0), station()
    across = [at(200.0, x_mm=straight.middle_x_mm + off) for off in (-250.0, 0.0, 250.0)]
    belt = scene(across, travel_mm=TRAVEL_MM)
    met, usual = (
        Plan(*across, bar=bar).planner.arrival(belt, TICKS_PER_S).tick for bar in (tilted, straight)
    )
    assert (met - usual) * MM_PER_TICK == pytest.approx([-5.0, 0.0, 5.0], abs=1e-6)


def test_pulses_name_their_station_and_are_sent_until_they_close() -> None:
    plan = Plan(at(200.0), index=2)
    command = only(plan.run())
    assert command.station == 2
    assert plan.planner.sent_after(command.close_tick - 1) == (command,)
    assert plan.planner.sent_after(command.close_tick) == ()


def test_valves_found_silent_are_left_out_while_they_are_and_the_belt_scale_stays() -> None:
    planner = Plan(at(200.0)).planner
    found = planner.timing(TICKS_PER_S, frozenset({3, 40}))
    assert found.aim.silent == {3, 40}
    assert planner.timing(2 * TICKS_PER_S, frozenset({3, 40})).aim is found.aim
    usual = planner.timing(TICKS_PER_S)
    assert usual.aim.silent == frozenset()
    assert (found.ticks_per_ms, found.mm_per_tick) == pytest.approx((PER_MS, MM_PER_TICK))


def test_no_jet_opens_near_a_lamp() -> None:
    lamp = at(200.0, x_mm=560.0, fraction=Fraction.MERCURY_LAMP, width_mm=30.0)
    assert reason(Plan(at(200.0), lamp).run(suspects=(1,))) is DecisionReason.NEAR_HAZARD


def test_the_pulse_draws_back_from_a_lamp_as_far_as_the_keep_out_asks() -> None:
    lamp = at(200.0, x_mm=575.0, fraction=Fraction.MERCURY_LAMP, width_mm=10.0)
    free = only(Plan(at(200.0)).run())
    plan = Plan(at(200.0), lamp, hazard_keep_out_mm=20.0)
    command = only(plan.run(suspects=(1,)))
    assert command.valves.last < free.valves.last
    right_mm = plan.bar.first_valve_x_mm + (command.valves.last + 0.5) * plan.bar.valve_pitch_mm
    assert right_mm <= 575.0 - 5.0 - 20.0


def test_a_suspect_is_not_jetted_itself_but_may_be_diverted() -> None:
    lamp = at(200.0, fraction=Fraction.MERCURY_LAMP)
    assert reason(Plan(lamp).run(suspects=(0,))) is DecisionReason.NEAR_HAZARD
    only(Plan(lamp).run(suspects=(0,), gentle=True))


def test_the_window_shrinks_on_the_side_of_a_neighbour() -> None:
    alone = only(Plan(at(200.0)).run())
    behind = at(112.0, fraction=Fraction.FOOD)
    command = only(Plan(at(200.0), behind).run())
    assert command.close_tick < alone.close_tick
    assert command.open_tick == alone.open_tick


def test_a_pulse_that_would_take_more_along_than_it_gains_is_skipped() -> None:
    film = at(200.0, width_mm=30.0, length_mm=30.0)
    pizza_box = at(200.0, fraction=Fraction.PAPER, width_mm=300.0, length_mm=300.0)
    assert reason(Plan(film, pizza_box).run()) is DecisionReason.BY_CATCH
    only(Plan(film, pizza_box, max_by_catch_ratio=1000.0).run())


def test_neighbours_that_go_to_the_same_bin_are_no_by_catch() -> None:
    alone = only(Plan(at(200.0)).run())
    assert only(Plan(at(200.0), at(112.0)).run()) == alone


def a_box_between_a_heavy_and_a_light_target() -> Plan:
    box = at(200.0, fraction=Fraction.PAPER, width_mm=200.0, length_mm=200.0)
    heavy = at(200.0, x_mm=440.0, width_mm=200.0, length_mm=200.0)
    plan = Plan(heavy, box, at(200.0, x_mm=560.0, width_mm=40.0, length_mm=40.0))
    plan.track_ids = [2, 1, 3]
    return plan


def test_what_a_pulse_already_sent_takes_along_costs_the_next_target_nothing_more() -> None:
    alone = a_box_between_a_heavy_and_a_light_target().run((2,))
    assert alone.outcomes[3].reason is DecisionReason.BY_CATCH
    plan = a_box_between_a_heavy_and_a_light_target()
    only(plan.run((0,)))
    after = plan.run((2,))
    assert after.outcomes[3].reason is DecisionReason.TARGET
    assert after.outcomes[3].pulses == tuple(p.command for p in after.planned) != ()


def test_what_is_sent_over_one_candidate_is_not_held_to_sweep_another() -> None:
    plan = a_box_between_a_heavy_and_a_light_target()
    # Things not yet taken for items have no identity of their own: all carry 0.
    plan.track_ids[1] = 0
    only(plan.run((0,)))
    assert plan.run((2,)).outcomes[3].reason is DecisionReason.BY_CATCH


def test_two_targets_side_by_side_share_the_valves_between_them() -> None:
    plan = Plan(at(200.0), at(180.0, x_mm=585.0)).run((0, 1))
    shared = [p for p in plan.planned if p.track_ids == (1, 2)]
    assert len(shared) == 1
    assert shared[0].command in plan.outcomes[1].pulses
    assert shared[0].command in plan.outcomes[2].pulses
    ids = [p.command.pulse_id for p in plan.planned]
    assert sorted(ids) == list(range(7, 7 + len(ids)))


def test_a_valve_that_has_worked_too_much_rests() -> None:
    busy = station(max_duty=0.05)
    assert reason(Plan(at(200.0, length_mm=300.0), bar=busy).run()) is DecisionReason.VALVE_DUTY


def test_an_item_inside_a_pulse_already_sent_for_another_shares_it() -> None:
    plan = Plan(
        at(200.0, width_mm=200.0, length_mm=200.0), at(200.0, width_mm=40.0, length_mm=40.0)
    )
    first = only(plan.run((0,)))
    second = plan.run((1,))
    assert second.planned == ()
    assert second.outcomes[2].pulses == (first,)


def test_an_item_for_which_the_valves_leave_no_time_is_refused_not_squeezed_in() -> None:
    found = set()
    for s_mm in np.arange(115.0, 145.0, 1.0).tolist():
        plan = Plan(at(200.0), at(s_mm, length_mm=4.0, width_mm=4.0))
        first = only(plan.run((0,)))
        second = plan.run((1,))
        found.add(second.outcomes[2].reason)
        for pulse in second.planned:
            assert pulse.command.open_tick > first.close_tick
    assert found == {DecisionReason.TARGET, DecisionReason.VALVE_DUTY}
