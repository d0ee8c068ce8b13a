"""Belts that trackers lose: blind starts, swapped looks, stops, gaps, slip, a knocked camera."""

import numpy as np
import pytest

from calibration.units import MonotonicNs
from controller.pipeline import SortingPipeline
from controller.types import ActionPolicy, DecisionReason
from tests.support.belt_scenes import (
    CALIBRATION,
    LIMITS,
    MM_PER_TICK,
    SPEED_MM_PER_S,
    TICKS_PER_S,
    LyingItem,
    detections,
    recipe,
    stamp,
    station,
    status,
)
from vision.locate import BeltLocator
from vision.tracker import Tracker
from vision.tracker_config import TrackerConfig
from vision.types import Detections, Fraction, FrameStamp

STEP_MM = SPEED_MM_PER_S * 0.02


def _pipeline():
    return SortingPipeline(
        calibration=CALIBRATION,
        stations=(station(),),
        recipe=recipe(),
        limits=LIMITS,
        tracker=TrackerConfig(),
    )


def _frame(seq, travel_mm):
    return stamp(seq, travel_mm=travel_mm)


def _run(items, travels, *, bump=None):
    """Step a pipeline along a belt; `bump` is (seq, px) by which all boxes move from then on."""
    line = _pipeline()
    results = []
    for seq, travel_mm in enumerate(travels, start=1):
        frame = _frame(seq, travel_mm)
        seen = detections(items, frame)
        if bump is not None and seq >= bump[0]:
            seen = Detections(
                boxes_px=seen.boxes_px + np.float32([*bump[1], *bump[1]]), scores=seen.scores
            )
        speed = (travels[seq - 1] - travels[seq - 2]) / 0.02 if seq > 1 else SPEED_MM_PER_S
        now = status(
            frame, ticks_per_s=max(speed, 0.0) / MM_PER_TICK, now_tick=frame.tick + 0.025 * speed
        )
        results.append(line.step(frame, seen, now))
    return results


def _decided(results):
    return [item for result in results for item in result.decided]


def test_an_item_first_seen_in_the_blind_end_of_the_view_is_decided_once_and_not_fired_late():
    """The detector finds it only after its leading edge has left the view."""
    item = LyingItem(x_mm=400.0, y_mm=300.0, length_mm=120.0)
    line, decided = _pipeline(), []
    for seq in range(1, 40):
        frame = _frame(seq, STEP_MM * seq)
        s_mm = STEP_MM * seq - item.y_mm
        seen = detections([item], frame) if s_mm > 200.0 else detections([], frame)
        now = status(frame)
        result = line.step(frame, seen, now)
        decided += result.decided
        for pulse in result.planned:
            assert pulse.command.open_tick >= now.now_tick + LIMITS.command_lead_ms * (
                TICKS_PER_S / 1000.0
            )
    assert len(decided) == 1


def test_two_items_whose_looks_are_swapped_midway_keep_their_identities():
    """Classes change places from one frame on; places say who is who."""
    left = LyingItem(x_mm=300.0, y_mm=500.0, fraction=Fraction.PLASTIC)
    right = LyingItem(x_mm=420.0, y_mm=500.0, fraction=Fraction.FOOD)
    swapped = [
        LyingItem(x_mm=300.0, y_mm=500.0, fraction=Fraction.FOOD),
        LyingItem(x_mm=420.0, y_mm=500.0, fraction=Fraction.PLASTIC),
    ]
    tracker = Tracker(TrackerConfig(), CALIBRATION, keep_until_s_mm=900.0)
    locator = BeltLocator(CALIBRATION, border_px=2.0)
    places = {}
    for seq in range(4, 14):
        frame = _frame(seq, STEP_MM * seq)
        items = [left, right] if seq < 9 else swapped
        order = items if seq % 2 else items[::-1]
        scene = tracker.update(frame, locator.locate(frame, detections(order, frame)))
        for row in np.flatnonzero(scene.track_id > 0):
            places.setdefault(int(scene.track_id[row]), []).append(
                float(scene.states.position_mm[0, row])
            )
    assert len(places) == 2
    assert all(np.ptp(x) < 15.0 for x in places.values())


def test_items_that_pass_close_to_each_other_are_not_exchanged():
    """One rolls past the other with 20 mm between them."""
    still = LyingItem(x_mm=400.0, y_mm=500.0, width_mm=60.0, length_mm=60.0)
    rolling = LyingItem(
        x_mm=480.0,
        y_mm=470.0,
        width_mm=60.0,
        length_mm=60.0,
        slip_y_mm_per_s=150.0,
        fraction=Fraction.FOOD,
    )
    tracker = Tracker(TrackerConfig(), CALIBRATION, keep_until_s_mm=900.0)
    locator = BeltLocator(CALIBRATION, border_px=2.0)
    fractions = {}
    for seq in range(4, 16):
        frame = _frame(seq, STEP_MM * seq)
        scene = tracker.update(frame, locator.locate(frame, detections([still, rolling], frame)))
        for row in np.flatnonzero(scene.track_id > 0):
            side = float(scene.states.position_mm[0, row]) > 440.0
            fractions.setdefault(int(scene.track_id[row]), set()).add(side)
    assert len(fractions) == 2
    assert all(len(sides) == 1 for sides in fractions.values())


def test_a_belt_that_stops_with_items_in_flight_moves_no_pulse_on_the_belt():
    """Pulses are ticks: whether the belt stops in between changes when they fire, not where."""
    items = [LyingItem(x_mm=200.0 + 150 * i, y_mm=600.0) for i in range(4)]
    through = [STEP_MM * seq for seq in range(1, 40)]
    slowing = [*through[:14]]
    speed = STEP_MM
    while speed > 1.0:
        speed -= 8.0
        slowing.append(slowing[-1] + max(speed, 0.0))
    slowing += [slowing[-1]] * 15
    while slowing[-1] < through[-1]:
        slowing.append(slowing[-1] + STEP_MM)
    straight, stopped = _decided(_run(items, through)), _decided(_run(items, slowing))
    assert len(straight) == len(stopped) == 4
    assert all(item.decision.reason is DecisionReason.TARGET for item in straight)
    by_place = {round(i.track.x_mm, -1): i for i in stopped}
    for item in straight:
        again = by_place[round(item.track.x_mm, -1)]
        middle, later = (
            np.mean([(p.open_tick + p.close_tick) / 2 for p in i.pulses] or [np.nan])
            for i in (item, again)
        )
        if again.decision.reason is DecisionReason.TARGET:
            assert later == pytest.approx(middle, abs=40.0)
        else:
            assert again.decision.action is ActionPolicy.PASS


@pytest.mark.parametrize("gap_frames", [3, 10, 15])
def test_frames_missing_for_up_to_300_ms_split_no_item(gap_frames):
    slow_mm = STEP_MM / 5
    items = [LyingItem(x_mm=200.0 + 120 * i, y_mm=300.0 + 15 * i) for i in range(5)]
    line, decided = _pipeline(), []
    for seq in range(1, 130):
        if 40 <= seq < 40 + gap_frames:
            continue
        frame = _frame(seq, slow_mm * seq)
        now = status(frame, ticks_per_s=TICKS_PER_S / 5, now_tick=frame.tick + 10.0)
        decided += line.step(frame, detections(items, frame), now).decided
    assert len(decided) == 5
    assert {item.decision.reason for item in decided} == {DecisionReason.TARGET}


def test_an_encoder_that_slips_by_a_twentieth_is_followed_as_slip_of_everything():
    """The belt goes 5 % farther than it says: items seem to run ahead, and pulses come earlier."""
    items = [LyingItem(x_mm=200.0 + 150 * i, y_mm=500.0) for i in range(4)]
    line, decided = _pipeline(), []
    for seq in range(1, 40):
        said_mm = STEP_MM * seq
        true = _frame(seq, 1.05 * said_mm)
        frame = FrameStamp(
            seq=seq, exposed_ns=MonotonicNs(seq * 20_000_000), tick=said_mm / MM_PER_TICK
        )
        decided += line.step(frame, detections(items, true), status(frame)).decided
    assert len(decided) == 4
    for item in decided:
        assert item.decision.reason is DecisionReason.TARGET
        # The item truly passes the bar, 600 mm on, when the encoder says 1100 / 1.05.
        opened = min(p.open_tick for p in item.pulses) * MM_PER_TICK
        closed = max(p.close_tick for p in item.pulses) * MM_PER_TICK
        assert opened < (500.0 + 600.0) / 1.05 < closed + 0.008 * SPEED_MM_PER_S
        assert item.track.slip_y_mm_per_s < -60.0


@pytest.mark.parametrize("px", [(6.5, 0.0), (0.0, 6.5), (-5.0, 5.0)])
def test_a_camera_knocked_by_10_mm_is_noticed_at_once_and_nothing_is_planned(px):
    rng = np.random.default_rng(5)
    items = [
        LyingItem(
            x_mm=float(rng.uniform(80, 920)),
            y_mm=300.0 + 70 * i,
            width_mm=50,
            length_mm=50,
        )
        for i in range(24)
    ]
    travels = [STEP_MM * seq for seq in range(1, 45)]
    results = _run(items, travels, bump=(22, px))
    bumped = [seq for seq, result in enumerate(results, start=1) if result.bump_mm is not None]
    assert bumped
    assert bumped[0] == 22
    assert results[21].planned == ()
    assert 5.0 < np.hypot(*results[21].bump_mm) < 15.0


def test_an_unmoved_camera_raises_no_such_alarm_on_rolling_items_and_changing_speed():
    rng = np.random.default_rng(6)
    items = [
        LyingItem(
            x_mm=float(rng.uniform(80, 920)),
            y_mm=300.0 + 70 * i,
            slip_y_mm_per_s=float(rng.normal(0, 80)),
            slip_x_mm_per_s=float(rng.normal(0, 40)),
        )
        for i in range(24)
    ]
    travels = list(np.cumsum([STEP_MM * (1 + 0.3 * np.sin(seq / 6)) for seq in range(60)]))
    assert all(result.bump_mm is None for result in _run(items, travels))
