import numpy as np
import pytest

from tests.support.belt_scenes import (
    CALIBRATION,
    PERIOD_NS,
    SPEED_MM_PER_S,
    LyingItem,
    detections,
    stamp,
    steady_stamp,
)
from vision.locate import BeltLocator
from vision.tracker import Tracker
from vision.tracker_config import TrackerConfig
from vision.tracking.scene import BeltScene
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp

LOCATOR = BeltLocator(CALIBRATION, border_px=2.0)
KEEP_UNTIL_MM = 900.0
STEP_MM = SPEED_MM_PER_S * PERIOD_NS / 1e9


class Belt:
    """A tracker fed frame by frame."""

    def __init__(self, items: list[LyingItem], config: TrackerConfig | None = None) -> None:
        self.items = items
        self.tracker = Tracker(
            config or TrackerConfig(), CALIBRATION, keep_until_s_mm=KEEP_UNTIL_MM
        )

    def show(self, frame: FrameStamp, boxes: Detections | None = None) -> BeltScene:
        seen = detections(self.items, frame) if boxes is None else boxes
        return self.tracker.update(frame, LOCATOR.locate(frame, seen))

    def run(self, first: int, last: int) -> BeltScene:
        scenes = [self.show(steady_stamp(seq)) for seq in range(first, last + 1)]
        return scenes[-1]


def entering(x_mm: float = 500.0, **changes: object) -> LyingItem:
    """An item whose leading edge enters the view at about frame 1."""
    return LyingItem(x_mm=x_mm, y_mm=290.0, **changes)  # type: ignore[arg-type]


def test_an_item_is_one_track_with_one_id_from_first_view_to_last_bar() -> None:
    belt = Belt([entering()])
    ids = {int(i) for seq in range(1, 22) for i in belt.run(seq, seq).track_id if i}
    assert ids == {1}
    assert len(belt.tracker.scene()) == 1


def test_an_item_entering_the_view_gets_an_unbiased_centre_from_its_first_views() -> None:
    item = entering(length_mm=150.0)
    belt = Belt([item])
    for seq in range(1, 6):
        scene = belt.run(seq, seq)
        lead_y_mm = scene.states.position_mm[1] - scene.extent_mm[1] / 2
        assert lead_y_mm == pytest.approx([item.y_mm - 75.0], abs=4.0), seq
    assert not scene.open_ended.any()
    assert scene.states.position_mm[1] == pytest.approx([item.y_mm], abs=2.0)
    assert scene.extent_mm[1] == pytest.approx([150.0], abs=4.0)


def test_an_item_leaving_the_view_keeps_its_length_and_place() -> None:
    item = entering(length_mm=150.0)
    belt = Belt([item])
    scene = belt.run(1, 12)
    assert scene.travel_mm - item.y_mm > CALIBRATION.view_s_max_mm
    assert scene.states.position_mm[1] == pytest.approx([item.y_mm], abs=2.0)
    assert scene.extent_mm[1] == pytest.approx([150.0], abs=4.0)


def test_an_item_longer_than_the_view_is_measured_once_its_end_has_come() -> None:
    item = LyingItem(x_mm=500, y_mm=610.0, length_mm=700.0)
    belt = Belt([item])
    assert belt.run(1, 12).open_ended.all()
    scene = belt.run(13, 18)
    assert not scene.open_ended.any()
    assert scene.extent_mm[1] == pytest.approx([700.0], abs=8.0)
    assert scene.states.position_mm[1] == pytest.approx([610.0], abs=6.0)


def test_a_single_view_is_no_item_yet_and_two_are() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0)])
    assert belt.show(stamp(1, travel_mm=0)).track_id.tolist() == [0]
    assert belt.show(stamp(2, travel_mm=56)).track_id.tolist() == [1]


def test_a_candidate_not_seen_again_is_dropped_and_its_id_never_given() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0)])
    belt.show(stamp(1, travel_mm=0))
    belt.items = []
    assert len(belt.show(stamp(30, travel_mm=10))) == 0
    belt.items = [LyingItem(x_mm=200, y_mm=0)]
    belt.show(stamp(31, travel_mm=10))
    assert belt.show(stamp(32, travel_mm=10)).track_id.tolist() == [1]


def test_a_strong_single_view_at_the_exit_is_an_item() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=-190, score=0.9)])
    assert belt.show(stamp(1, travel_mm=30)).track_id.tolist() == [1]


def test_a_weak_single_view_at_the_exit_is_dropped() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=-190, score=0.3)])
    assert belt.show(stamp(1, travel_mm=30)).track_id.tolist() == [0]
    belt.items = []
    assert len(belt.show(stamp(2, travel_mm=130))) == 0


def test_an_item_missed_for_300_ms_coasts_and_goes_on_under_its_id() -> None:
    item = LyingItem(x_mm=500, y_mm=0)
    belt = Belt([item])
    for seq, travel_mm in ((1, -150), (2, -130), (3, -110)):
        belt.show(stamp(seq, travel_mm=travel_mm))
    belt.items = []
    missed = belt.show(stamp(10, travel_mm=0))
    assert missed.track_id.tolist() == [1]
    belt.items = [item]
    scene = belt.show(stamp(18, travel_mm=120))
    assert scene.track_id.tolist() == [1]
    assert scene.states.position_mm[1] == pytest.approx([0], abs=3.0)


def test_slip_is_learnt_and_predicted() -> None:
    belt = Belt([entering(slip_y_mm_per_s=60.0, slip_x_mm_per_s=-40.0)])
    scene = belt.run(1, 10)
    assert scene.states.slip_mm_per_s[:, 0] == pytest.approx([-40.0, 60.0], abs=20.0)


def test_a_standing_belt_does_not_make_positions_uncertain() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0)])
    for seq in range(1, 5):
        belt.show(stamp(seq, travel_mm=0))
    belt.items = []
    spread = [
        float(belt.show(stamp(seq, travel_mm=0)).states.position_var.max())
        for seq in (200, 400, 3000)
    ]
    assert spread[1] == pytest.approx(spread[0], rel=0.01)
    assert spread[2] == pytest.approx(spread[1], rel=0.01)


def test_two_boxes_on_one_item_make_one_track() -> None:
    item = LyingItem(x_mm=500, y_mm=0)
    belt = Belt([item, LyingItem(x_mm=504, y_mm=3, fraction=Fraction.PAPER, score=0.5)])
    belt.show(stamp(1, travel_mm=0))
    scene = belt.show(stamp(2, travel_mm=20))
    assert len(scene) == 1
    assert FRACTIONS[int(scene.posterior[:, 0].argmax())] is Fraction.PLASTIC


def test_equal_boxes_leave_the_first() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0), LyingItem(x_mm=500, y_mm=0)])
    assert len(belt.show(stamp(1, travel_mm=0))) == 1


def test_a_second_box_later_on_a_known_item_is_no_new_item() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0)])
    belt.show(stamp(1, travel_mm=0))
    belt.show(stamp(2, travel_mm=20))
    belt.items = [LyingItem(x_mm=494, y_mm=0), LyingItem(x_mm=512, y_mm=0, score=0.4)]
    assert len(belt.show(stamp(3, travel_mm=40))) == 1


def test_touching_items_reported_as_one_box_stay_two() -> None:
    left, right = LyingItem(x_mm=400, y_mm=0), LyingItem(x_mm=490, y_mm=10)
    both = LyingItem(x_mm=445, y_mm=5, width_mm=170, length_mm=90, fraction=Fraction.FOOD)
    belt = Belt([left, right])
    for seq in (1, 2, 3):
        belt.show(stamp(seq, travel_mm=20.0 * seq))
    belt.items = [both]
    for seq in (4, 5):
        scene = belt.show(stamp(seq, travel_mm=20.0 * seq))
    assert sorted(scene.track_id.tolist()) == [1, 2]
    belt.items = [left, right]
    scene = belt.show(stamp(6, travel_mm=120))
    assert sorted(scene.track_id.tolist()) == [1, 2]
    assert sorted(scene.states.position_mm[0]) == pytest.approx([400, 490], abs=4.0)
    assert scene.extent_mm[0] == pytest.approx([80, 80], abs=4.0)
    assert [FRACTIONS[i] for i in scene.posterior.argmax(axis=0)] == [Fraction.PLASTIC] * 2


def test_touching_items_merged_while_one_leaves_the_view_stay_two() -> None:
    left, right = LyingItem(x_mm=400, y_mm=0), LyingItem(x_mm=490, y_mm=10)
    both = LyingItem(x_mm=445, y_mm=5, width_mm=170, length_mm=90)
    belt = Belt([left, right])
    for seq, travel_mm in ((1, 100), (2, 120), (3, 140)):
        belt.show(stamp(seq, travel_mm=travel_mm))
    belt.items = [both]
    scene = belt.show(stamp(4, travel_mm=220))
    assert sorted(scene.track_id.tolist()) == [1, 2]
    assert sorted(scene.states.position_mm[1]) == pytest.approx([0, 10], abs=3.0)


def test_an_item_whose_box_falls_apart_keeps_its_id_on_the_larger_part() -> None:
    whole = LyingItem(x_mm=500, y_mm=0, width_mm=200)
    belt = Belt([whole])
    for seq in (1, 2, 3):
        belt.show(stamp(seq, travel_mm=20.0 * seq))
    belt.items = [
        LyingItem(x_mm=465, y_mm=0, width_mm=130),
        LyingItem(x_mm=570, y_mm=0, width_mm=60),
    ]
    for seq in (4, 5, 6):
        scene = belt.show(stamp(seq, travel_mm=20.0 * seq))
    assert scene.track_id.tolist() == [1, 2]
    assert scene.states.position_mm[0] == pytest.approx([465, 570], abs=6.0)
    assert scene.extent_mm[0] == pytest.approx([130, 60], abs=10.0)


def test_evidence_of_all_views_outweighs_one_wrong_view() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0, score=0.8)])
    for seq in (1, 2, 3, 4):
        belt.show(stamp(seq, travel_mm=20.0 * seq))
    belt.items = [LyingItem(x_mm=500, y_mm=0, fraction=Fraction.PAPER, score=0.95)]
    scene = belt.show(stamp(5, travel_mm=100))
    assert FRACTIONS[int(scene.posterior[:, 0].argmax())] is Fraction.PLASTIC
    assert scene.posterior[:, 0].sum() == pytest.approx(1.0)


def test_confidence_does_not_saturate_with_frame_rate() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0, score=0.35)])
    for seq in range(1, 80):
        scene = belt.show(stamp(seq, travel_mm=0))
    assert 0.9 < scene.posterior.max() < 0.999


def test_a_decided_item_stays_a_neighbour_until_it_is_past_the_last_bar() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0)])
    belt.show(stamp(1, travel_mm=0))
    belt.show(stamp(2, travel_mm=20))
    belt.tracker.mark_decided(frozenset({1}))
    belt.items = []
    assert len(belt.show(stamp(3, travel_mm=600))) == 1
    assert len(belt.show(stamp(4, travel_mm=KEEP_UNTIL_MM + 60))) == 0


def test_an_undecided_item_is_never_dropped() -> None:
    belt = Belt([LyingItem(x_mm=500, y_mm=0)])
    belt.show(stamp(1, travel_mm=0))
    belt.show(stamp(2, travel_mm=20))
    belt.items = []
    assert len(belt.show(stamp(3, travel_mm=5000))) == 1


def test_forgotten_items_are_gone_and_their_ids_not_used_again() -> None:
    item = LyingItem(x_mm=500, y_mm=0)
    belt = Belt([item])
    belt.show(stamp(1, travel_mm=0))
    belt.show(stamp(2, travel_mm=20))
    belt.tracker.forget(frozenset({1}))
    assert len(belt.tracker.scene()) == 0
    belt.show(stamp(3, travel_mm=40))
    assert belt.show(stamp(4, travel_mm=60)).track_id.tolist() == [2]


def test_a_hundred_items_at_once_keep_their_ids() -> None:
    rng = np.random.default_rng(5)
    items = [
        LyingItem(x_mm=60 + 95.0 * (i % 10), y_mm=300 + 95.0 * (i // 10), width_mm=70, length_mm=70)
        for i in rng.permutation(100).tolist()
    ]
    belt = Belt(items)
    tracks: dict[int, tuple[float, float]] = {}
    for seq in range(1, 26):
        scene = belt.run(seq, seq)
        for row in np.flatnonzero(scene.track_id > 0).tolist():
            place = (float(scene.states.position_mm[0, row]), 0.0)
            first = tracks.setdefault(int(scene.track_id[row]), place)
            assert place[0] == pytest.approx(first[0], abs=12.0)
    assert len(tracks) == 100
    track = scene.track(int(np.flatnonzero(scene.track_id > 0)[0]))
    assert track.views > 2
    assert track.fraction is Fraction.PLASTIC
    assert track.last_seq >= track.first_seq
