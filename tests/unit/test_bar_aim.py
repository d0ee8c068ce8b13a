"""Measured valves in the planner: slow ones fire earlier, silent ones are covered beside."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.valve_response import BarResponse, ValveHealth, ValveResponse, covered
from controller.bar_aim import BarAim
from controller.config import RecipeConfig
from controller.planner import StationPlanner, Target
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

TRAVEL_MM = 10_000.0
PER_MS = TICKS_PER_S / 1000.0
STATUS = LineStatus(
    may_fire=True,
    now_tick=TRAVEL_MM / MM_PER_TICK + 100.0,
    tick_sd=0.5,
    ticks_per_s=TICKS_PER_S,
    frame_age_ms=20.0,
)


def response(dead: tuple[int, ...] = (), slow: dict[int, float] | None = None) -> BarResponse:
    """A bar of 80 valves with an open lag of 4 ms, some dead, some with another lag."""
    lags = dict.fromkeys(range(80), 4.0) | (slow or {})
    healths = covered(
        tuple(ValveHealth.DEAD if valve in dead else ValveHealth.OK for valve in range(80))
    )
    return BarResponse(
        station="plastic",
        measured_at_utc="2026-01-05T08:00:00+00:00",
        measured_by="test",
        method="pressure",
        valves=tuple(
            ValveResponse(
                valve=valve,
                health=healths[valve],
                shots=20,
                open_lag_ms=lags[valve],
                open_lag_sd_ms=0.1,
                close_lag_ms=4.0,
                close_lag_sd_ms=0.1,
                jitter_ms=0.5,
                jitter_sd_ms=0.1,
                strength=1.0 if healths[valve].blows else 0.0,
            )
            for valve in range(80)
        ),
    )


def fire(
    measured: BarResponse | None,
    *items: LyingItem,
    wishes: RecipeConfig | None = None,
    line: LineStatus = STATUS,
) -> tuple[DecisionReason, tuple[EjectionCommand, ...]]:
    """Plan the first item as target; the others are not wanted."""
    planner = StationPlanner(
        0,
        station(),
        wishes or recipe(),
        LIMITS,
        TrackerConfig(),
        mm_per_tick=MM_PER_TICK,
        response=measured,
    )
    belt = scene(list(items), travel_mm=TRAVEL_MM)
    around = Surroundings(
        timing=planner.timing(TICKS_PER_S),
        scene=belt,
        arrival=planner.arrival(belt, TICKS_PER_S),
        foreign=np.array([0.0] + [1.0] * (len(items) - 1)),
        suspects=np.empty(0, dtype=np.intp),
        status=line,
    )
    plan = planner.plan([Target(row=0, track_id=1, gentle=False)], around, next_pulse_id=1)
    return plan.outcomes[1].reason, tuple(pulse.command for pulse in plan.planned)


def valves_of(commands: tuple[EjectionCommand, ...]) -> list[int]:
    return sorted(v for c in commands for v in range(c.valves.first, c.valves.last + 1))


ITEM = LyingItem(x_mm=506.25, y_mm=TRAVEL_MM - 200.0, width_mm=60.0)


def test_a_slow_valve_is_fired_earlier_in_a_pulse_of_its_own() -> None:
    _, usual = fire(None, ITEM)
    _, aimed = fire(response(slow={40: 12.0}), ITEM)
    assert valves_of(aimed) == valves_of(usual)
    own = next(c for c in aimed if c.valves.first <= 40 <= c.valves.last)
    beside = next(c for c in aimed if c.valves.first <= 39 <= c.valves.last)
    assert own.valves.first == own.valves.last == 40
    assert beside.open_tick - own.open_tick == round(8.0 * PER_MS)
    assert beside.close_tick == own.close_tick


def test_a_slow_valve_is_fired_no_earlier_than_a_command_can_be_there() -> None:
    slow = response(slow={40: 12.0})
    _, aimed = fire(slow, ITEM)
    beside = next(c for c in aimed if c.valves.first <= 39 <= c.valves.last)
    lead_tick = LIMITS.command_lead_ms * PER_MS
    hurry = replace(STATUS, now_tick=beside.open_tick - 3.5 - lead_tick)
    _, hurried = fire(slow, ITEM, line=hurry)
    own = next(c for c in hurried if c.valves.first <= 40 <= c.valves.last)
    assert own.valves.first == own.valves.last == 40
    assert own.open_tick == beside.open_tick - 3


def test_ordinary_spread_between_valves_splits_no_pulse() -> None:
    spread = {valve: 4.0 + 0.9 * (-1) ** valve for valve in range(80)}
    _, aimed = fire(response(slow=spread), ITEM)
    assert len(aimed) == 1


def test_a_dead_valve_at_the_edge_is_covered_by_the_one_beside_it_and_not_fired() -> None:
    _, usual = fire(None, ITEM)
    edge = valves_of(usual)[0]
    _, aimed = fire(response(dead=(edge,)), ITEM)
    assert edge not in valves_of(aimed)
    assert edge - 1 in valves_of(aimed)


def test_an_item_over_one_dead_valve_is_met_from_both_sides() -> None:
    narrow = LyingItem(x_mm=506.25, y_mm=TRAVEL_MM - 200.0, width_mm=10.0)
    _, aimed = fire(response(dead=(40,)), narrow)
    assert valves_of(aimed) == [39, 41]


def test_a_dead_valve_is_not_covered_where_that_costs_more_than_the_recipe_allows() -> None:
    _, usual = fire(None, ITEM)
    edge = valves_of(usual)[0]
    beside = LyingItem(x_mm=436.0, y_mm=ITEM.y_mm, width_mm=80.0, length_mm=90.0)
    strict = recipe(max_by_catch_ratio=0.05)
    _, aimed = fire(response(dead=(edge,)), ITEM, beside, wishes=strict)
    assert edge - 1 not in valves_of(aimed)


def test_an_item_that_no_living_valve_reaches_is_blocked_for_that_reason() -> None:
    reason, aimed = fire(response(dead=tuple(range(80))), ITEM)
    assert reason is DecisionReason.VALVE_DEAD
    assert aimed == ()


def test_an_item_over_a_dead_valve_between_costly_neighbours_is_blocked_by_it() -> None:
    small = LyingItem(x_mm=506.25, y_mm=ITEM.y_mm, width_mm=20.0, length_mm=20.0)
    beside = [
        LyingItem(x_mm=506.25 + off_mm, y_mm=ITEM.y_mm, width_mm=60.0, length_mm=120.0)
        for off_mm in (-38.0, 38.0)
    ]
    reason, aimed = fire(response(dead=(40,)), small, *beside)
    assert reason is DecisionReason.VALVE_DEAD
    assert aimed == ()


def test_measured_lags_replace_those_of_the_line_file() -> None:
    aim = BarAim(station(), response(slow=dict.fromkeys(range(80), 7.0) | {3: 15.0}))
    assert aim.open_lag_ms == pytest.approx(7.0)
    assert aim.jitter_ms == pytest.approx(0.5)
    assert aim.open_shift_ms[3] == 8.0
    assert aim.lead_ms == pytest.approx(7.0 + 8.0 + 1.0)


def test_a_valve_test_of_another_bar_is_refused() -> None:
    with pytest.raises(ValueError, match=r"40 valves, but the valve test of .* has 80"):
        BarAim(station(valve_count=40), response())


def test_a_dead_valve_between_dead_valves_is_covered_by_nobody() -> None:
    ok, dead, covered_by = (
        ValveHealth.OK,
        ValveHealth.DEAD,
        ValveHealth.WIDENED_BY_NEIGHBOURS,
    )
    assert covered((ok, dead, dead, dead, ok)) == (ok, covered_by, dead, covered_by, ok)
