"""Laws of the pipeline that hold for any belt load, on made-up belts."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from controller.config import FractionRule
from controller.ledger import ItemLedger
from controller.pipeline import SortingPipeline
from controller.step import StepResult
from controller.types import ActionPolicy
from plc.types import EjectionCommand, EjectionReport, PulseOutcome
from tests.support.belt_scenes import (
    CALIBRATION,
    LIMITS,
    MM_PER_TICK,
    TICKS_PER_S,
    LyingItem,
    detections,
    recipe,
    station,
    status,
    steady_stamp,
)
from vision.tracker_config import TrackerConfig
from vision.types import Fraction

STATIONS = (station("plastic", 600.0), station("paper", 1000.0))
FRAMES = 45
LAWS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
"""Derandomised, so that runs are alike; not shrunk, since that takes minutes on a belt."""
PER_MS = TICKS_PER_S / 1000.0

items = st.builds(
    LyingItem,
    x_mm=st.floats(40, 960),
    y_mm=st.floats(300, 1400),
    width_mm=st.floats(15, 260),
    length_mm=st.floats(15, 260),
    fraction=st.sampled_from(list(Fraction)),
    score=st.floats(0.3, 1.0),
    slip_x_mm_per_s=st.floats(-30, 30),
    slip_y_mm_per_s=st.floats(-60, 60),
)
belts = st.lists(items, max_size=25)


def pipeline() -> SortingPipeline:
    rules = dict(recipe().fractions)
    rules[Fraction.PAPER] = FractionRule(
        action=ActionPolicy.EJECT, station="paper", min_probability=0.5
    )
    rules[Fraction.FOOD] = FractionRule(
        action=ActionPolicy.DIVERT, station="paper", min_probability=0.5
    )
    return SortingPipeline(
        calibration=CALIBRATION,
        stations=STATIONS,
        recipe=recipe(fractions=rules, max_by_catch_ratio=5.0),
        limits=LIMITS,
        tracker=TrackerConfig(),
    )


def results(belt: list[LyingItem]) -> list[StepResult]:
    line = pipeline()
    found = []
    for seq in range(1, FRAMES + 1):
        frame = steady_stamp(seq)
        found.append(line.step(frame, detections(belt, frame), status(frame)))
    return found


def commands(found: Iterable[StepResult]) -> list[EjectionCommand]:
    return [pulse.command for result in found for pulse in result.planned]


@LAWS
@given(belts)
def test_pulses_never_overlap_on_a_valve_and_respect_its_limits(belt: list[LyingItem]) -> None:
    open_times: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    pulses = commands(results(belt))
    assert [c.pulse_id for c in pulses] == list(range(1, len(pulses) + 1))
    for command in pulses:
        bar = STATIONS[command.station]
        length_ms = (command.close_tick - command.open_tick) / PER_MS
        assert bar.min_open_ms <= length_ms <= bar.max_open_ms
        assert 0 <= command.valves.first <= command.valves.last < bar.valve_count
        for valve in range(command.valves.first, command.valves.last + 1):
            open_times[command.station, valve].append((command.open_tick, command.close_tick))
    for times in open_times.values():
        for (_, close_tick), (open_tick, _) in itertools.pairwise(sorted(times)):
            assert open_tick > close_tick


@LAWS
@given(belts)
def test_no_pulse_is_planned_into_the_past_or_too_near_to_reach_the_plc(
    belt: list[LyingItem],
) -> None:
    line = pipeline()
    for seq in range(1, FRAMES + 1):
        frame = steady_stamp(seq)
        now = status(frame)
        for pulse in line.step(frame, detections(belt, frame), now).planned:
            assert pulse.command.open_tick >= now.now_tick + LIMITS.command_lead_ms * PER_MS


@LAWS
@given(belts)
def test_every_track_gets_exactly_one_decision_with_the_pulses_it_needs(
    belt: list[LyingItem],
) -> None:
    found = results(belt)
    decided = [item for result in found for item in result.decided]
    counts = Counter(item.track.track_id for item in decided)
    assert all(count == 1 for count in counts.values())
    known = {command.pulse_id for command in commands(found)}
    for item in decided:
        taken = item.decision.action in (ActionPolicy.EJECT, ActionPolicy.DIVERT)
        assert taken == bool(item.pulses) == (item.decision.station is not None)
        assert {command.pulse_id for command in item.pulses} <= known
        assert all(command.station == item.decision.station for command in item.pulses)


@LAWS
@given(belts, st.floats(60, 940), st.floats(300, 1400))
def test_no_pulse_comes_near_a_lamp_known_when_it_was_planned(
    belt: list[LyingItem], lamp_x_mm: float, lamp_y_mm: float
) -> None:
    lamp = LyingItem(
        x_mm=lamp_x_mm,
        y_mm=lamp_y_mm,
        width_mm=120,
        length_mm=30,
        fraction=Fraction.MERCURY_LAMP,
        score=0.95,
    )
    others = [i for i in belt if i.fraction is not Fraction.FOOD and not _on(i, lamp)]
    found = results([lamp, *others])
    late = {c.pulse_id for result in found for c in result.conflicts}
    keep_mm = recipe().hazard_keep_out_mm
    for command in commands(found):
        if command.pulse_id in late:
            continue
        bar = STATIONS[command.station]
        left_mm = bar.first_valve_x_mm + (command.valves.first - 0.5) * bar.valve_pitch_mm
        right_mm = bar.first_valve_x_mm + (command.valves.last + 0.5) * bar.valve_pitch_mm
        first_mm = (command.open_tick + 4.0 * PER_MS) * MM_PER_TICK - bar.distance_mm
        last_mm = (command.close_tick + 4.0 * PER_MS) * MM_PER_TICK - bar.distance_mm
        beside = right_mm < lamp.x_mm - 60 - keep_mm or left_mm > lamp.x_mm + 60 + keep_mm
        apart = last_mm < lamp.y_mm - 15 - keep_mm or first_mm > lamp.y_mm + 15 + keep_mm
        assert beside or apart


def _on(item: LyingItem, lamp: LyingItem) -> bool:
    """Whether an item hides the lamp from a detector that would then take them for one."""
    drift_x_mm = abs(item.slip_x_mm_per_s) + abs(item.slip_y_mm_per_s)
    return (
        abs(item.x_mm - lamp.x_mm) < (item.width_mm + lamp.width_mm) / 2 + drift_x_mm
        and abs(item.y_mm - lamp.y_mm) < (item.length_mm + lamp.length_mm) / 2 + drift_x_mm
    )


words = st.sampled_from([*PulseOutcome, None])


@LAWS
@given(belts, st.lists(words, min_size=1, max_size=40))
def test_the_books_close_after_every_entry_and_every_item_gets_one_record(
    belt: list[LyingItem], outcomes: list[PulseOutcome | None]
) -> None:
    book = ItemLedger(
        session_id="session", bundle_id="bundle", station_count=2, confirm_timeout_ms=100.0
    )
    records = []
    waiting: list[EjectionCommand] = []
    word = itertools.cycle(outcomes)
    for seq, result in enumerate(results(belt), start=1):
        frame = steady_stamp(seq)
        waiting += commands([result])
        for item in result.decided:
            records += book.decided(item, frame.exposed_ns)
            assert book.totals.closes
        for command in [c for c in waiting if c.close_tick < frame.tick]:
            waiting.remove(command)
            outcome = next(word)
            if outcome is not None:
                report = EjectionReport(
                    pulse_id=command.pulse_id,
                    outcome=outcome,
                    open_tick=command.open_tick,
                    close_tick=command.close_tick,
                )
                records += book.reported(report, frame.exposed_ns)
        records += book.expire(frame.tick, frame.exposed_ns)
        assert book.totals.closes
    records += book.abandon(frame.exposed_ns)
    assert all(record.totals.closes for record in records)
    assert book.totals.in_flight == 0
    assert book.totals.closes
    assert [r.record_seq for r in records] == list(range(1, book.totals.seen + 1))
    assert len({r.decision.track_id for r in records}) == book.totals.seen
