"""Whatever comes down the belt, a plate is never told two things at once."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.planner import Target
from controller.stations import FlapConfig, GateConfig
from controller.swing_planner import BeltAhead, SwingPlanner
from controller.types import DecisionReason
from plc.types import EjectionCommand
from tests.support.belt_scenes import (
    LIMITS,
    MM_PER_TICK,
    TICKS_PER_S,
    LyingItem,
    recipe,
    scene,
    status,
    steady_stamp,
)
from vision.tracker_config import TrackerConfig
from vision.types import Fraction

PER_MS = TICKS_PER_S / 1000.0
DISTANCE_MM = 2000.0
ITEMS = st.lists(
    st.tuples(
        st.floats(0.0, 600.0),
        st.floats(50.0, 950.0),
        st.floats(20.0, 200.0),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


def flap(**changes: object) -> FlapConfig:
    values: dict[str, object] = {
        "kind": "flap",
        "name": "flap",
        "distance_mm": DISTANCE_MM,
        "x_min_mm": 0.0,
        "x_max_mm": 1000.0,
        "lead_ms": 100.0,
        "return_ms": 80.0,
        "min_open_ms": 110.0,
        "max_open_ms": 900.0,
        "soft": True,
    }
    return FlapConfig(**values | changes)  # type: ignore[arg-type]


class Belt:
    """A plate planned for over several frames."""

    def __init__(self, station: FlapConfig | GateConfig, **recipe_changes: object) -> None:
        self.planner = SwingPlanner(
            1,
            station,
            recipe(max_by_catch_ratio=1e9, **recipe_changes),
            LIMITS,
            TrackerConfig(),
            mm_per_tick=MM_PER_TICK,
        )
        self.given: list[EjectionCommand] = []
        self.reasons: dict[int, DecisionReason] = {}
        self.served: dict[int, tuple[EjectionCommand, ...]] = {}
        self._ids = itertools.count(1)

    def frame(self, number: int, items: list[LyingItem], *, suspects: tuple[int, ...] = ()) -> int:
        """Plan for the plastic items among `items`; returns how many outcomes there were."""
        at = steady_stamp(number)
        belt = scene(items, travel_mm=at.tick * MM_PER_TICK, track_ids=[*self._take(len(items))])
        ahead = BeltAhead(
            scene=belt,
            arrival=self.planner.arrival(belt, TICKS_PER_S),
            foreign=np.array([float(i.fraction is not Fraction.PLASTIC) for i in items]),
            suspects=np.array(suspects, dtype=np.intp),
            status=status(at),
        )
        targets = [
            Target(row=row, track_id=int(belt.track_id[row]), gentle=True)
            for row, item in enumerate(items)
            if item.fraction is Fraction.PLASTIC
        ]
        plan = self.planner.plan(targets, ahead, next_pulse_id=len(self.given) + 1)
        self.given += [pulse.command for pulse in plan.planned]
        for track_id, outcome in plan.outcomes.items():
            assert track_id not in self.reasons
            self.reasons[track_id] = outcome.reason
            self.served[track_id] = outcome.pulses
        assert set(plan.outcomes) == {target.track_id for target in targets}
        return len(plan.outcomes)

    def _take(self, count: int) -> list[int]:
        return [next(self._ids) for _ in range(count)]


def lying(frame: int, rows: list[tuple[float, float, float, bool]]) -> list[LyingItem]:
    travel_mm = steady_stamp(frame).tick * MM_PER_TICK
    return [
        LyingItem(
            x_mm=x_mm,
            y_mm=travel_mm - 250.0 + behind_mm,
            length_mm=length_mm,
            fraction=Fraction.PLASTIC if wanted else Fraction.PAPER,
        )
        for behind_mm, x_mm, length_mm, wanted in rows
    ]


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(ITEMS, min_size=1, max_size=5))
def test_orders_of_one_plate_never_contradict(
    frames: list[list[tuple[float, float, float, bool]]],
) -> None:
    station = flap()
    belt = Belt(station)
    for number, rows in enumerate(frames, start=1):
        frame = 10 * number
        before = len(belt.given)
        belt.frame(frame, lying(frame, rows))
        now_tick = status(steady_stamp(frame)).now_tick
        assert all(pulse.open_tick > now_tick for pulse in belt.given[before:])
    ordered = sorted(belt.given, key=lambda pulse: pulse.open_tick)
    for first, second in itertools.pairwise(ordered):
        gap_ms = (second.open_tick - first.close_tick) / PER_MS
        assert gap_ms == 0 or gap_ms >= station.return_ms
    for group in _without_pause(ordered):
        assert (group[-1].close_tick - group[0].open_tick) / PER_MS <= station.max_open_ms
    for pulse in ordered:
        assert (pulse.close_tick - pulse.open_tick) / PER_MS >= station.min_open_ms


def _without_pause(ordered: list[EjectionCommand]) -> list[list[EjectionCommand]]:
    groups: list[list[EjectionCommand]] = []
    for pulse in ordered:
        if groups and groups[-1][-1].close_tick == pulse.open_tick:
            groups[-1].append(pulse)
        else:
            groups.append([pulse])
    return groups


def test_two_close_items_are_taken_without_a_return_in_between() -> None:
    belt = Belt(flap())
    belt.frame(10, lying(10, [(0.0, 500.0, 80.0, True), (200.0, 500.0, 80.0, True)]))
    first, second = belt.given
    assert second.open_tick == first.close_tick


def test_the_second_of_two_close_items_passes_where_what_lies_between_is_worth_more() -> None:
    belt = Belt(flap())
    belt.planner._recipe = recipe(max_by_catch_ratio=0.1)
    rows = [
        (0.0, 500.0, 60.0, True),
        (240.0, 500.0, 60.0, False),
        (440.0, 500.0, 60.0, True),
    ]
    belt.frame(10, lying(10, rows))
    assert belt.reasons[1] is DecisionReason.TARGET
    assert belt.reasons[3] is DecisionReason.BY_CATCH
    assert len(belt.given) == 1


def test_an_item_between_two_orders_that_both_stand_shares_what_is_given() -> None:
    belt = Belt(flap())
    belt.frame(10, lying(10, [(0.0, 500.0, 300.0, True)]))
    belt.frame(10, lying(10, [(60.0, 200.0, 60.0, True)]))
    assert len(belt.given) == 1
    assert belt.served[2] == tuple(belt.given)


def test_an_item_beside_the_flap_passes_and_a_gate_takes_it_anywhere() -> None:
    rows = [(0.0, 900.0, 80.0, True)]
    beside = Belt(flap(x_max_mm=500.0))
    beside.frame(10, lying(10, rows))
    assert beside.reasons[1] is DecisionReason.OFF_BAR
    gate = GateConfig(
        kind="gate",
        name="reject",
        distance_mm=DISTANCE_MM,
        lead_ms=100.0,
        return_ms=80.0,
        min_open_ms=110.0,
        max_open_ms=900.0,
    )
    across = Belt(gate)
    across.frame(10, lying(10, rows))
    assert across.reasons[1] is DecisionReason.TARGET


def test_a_plate_that_is_no_place_for_lamps_stays_clear_of_suspects() -> None:
    belt = Belt(flap())
    belt.frame(10, lying(10, [(0.0, 500.0, 80.0, True), (40.0, 800.0, 80.0, False)]), suspects=(1,))
    assert belt.reasons[1] is DecisionReason.NEAR_HAZARD


def test_an_item_too_near_for_the_plate_is_too_late() -> None:
    belt = Belt(flap(distance_mm=600.0))
    belt.frame(10, lying(10, [(-150.0, 500.0, 80.0, True)]))
    assert belt.reasons[1] is DecisionReason.TOO_LATE
