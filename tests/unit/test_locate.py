import dataclasses

import numpy as np
import pytest

from calibration.belt_plane import BeltPlane
from tests.support.belt_scenes import CALIBRATION, LyingItem, detections, stamp
from vision.locate import BeltLocator
from vision.types import Detections, Fraction

LOCATOR = BeltLocator(CALIBRATION, border_px=2.0)


def test_a_whole_item_is_located_where_it_lies_whatever_the_lens_does() -> None:
    frame = stamp(1, travel_mm=5000.0)
    items = [LyingItem(x_mm=x, y_mm=y) for x in (80, 500, 920) for y in (4850, 5000, 5150)]
    located = LOCATOR.locate(frame, detections(items, frame))
    assert located.x_mm == pytest.approx([i.x_mm for i in items], abs=1.5)
    assert located.y_mm == pytest.approx([i.y_mm for i in items], abs=1.5)
    assert located.width_mm == pytest.approx([80.0] * 9, abs=3.0)
    assert located.length_mm == pytest.approx([80.0] * 9, abs=3.0)
    assert not located.cut_upstream.any()
    assert not located.cut_downstream.any()


def test_items_cut_by_the_views_ends_are_flagged_on_the_right_side() -> None:
    frame = stamp(1, travel_mm=5000.0)
    entering = LyingItem(x_mm=300, y_mm=5250)
    leaving = LyingItem(x_mm=600, y_mm=4750)
    located = LOCATOR.locate(frame, detections([entering, leaving], frame))
    assert located.cut_upstream.tolist() == [True, False]
    assert located.cut_downstream.tolist() == [False, True]


def test_a_camera_turned_round_gives_the_same_belt_coordinates() -> None:
    turned = dataclasses.replace(CALIBRATION, plane=_turned(CALIBRATION.plane, degrees=180))
    locator = BeltLocator(turned, border_px=2.0)
    frame = stamp(1, travel_mm=5000.0)
    items = [LyingItem(x_mm=300, y_mm=5250), LyingItem(x_mm=700, y_mm=5050)]
    located = locator.locate(frame, detections(items, frame, turned))
    assert located.cut_upstream.tolist() == [True, False]
    assert located.x_mm == pytest.approx([300, 700], abs=2.0)
    assert located.y_mm[1] == pytest.approx(5050, abs=2.0)


def test_a_camera_standing_sideways_finds_the_view_ends_left_and_right() -> None:
    plane = CALIBRATION.plane
    sideways = BeltPlane(
        camera_matrix=np.array([[700.0, 0, 160], [0, 700, 320], [0, 0, 1]]),
        distortion=np.zeros(5),
        homography=np.array([[0, 1.5625, 0], [1.5625, 0, -250], [0, 0, 1.0]]),
        image_width_px=plane.image_height_px,
        image_height_px=plane.image_width_px,
    )
    calibration = dataclasses.replace(CALIBRATION, plane=sideways)
    frame = stamp(1, travel_mm=5000.0)
    leaving = LyingItem(x_mm=600, y_mm=4750)
    located = BeltLocator(calibration, border_px=2.0).locate(
        frame, detections([leaving], frame, calibration)
    )
    assert located.cut_downstream.tolist() == [True]
    assert located.cut_upstream.tolist() == [False]
    assert located.x_mm == pytest.approx([600], abs=2.0)


def test_boxes_beside_the_belt_or_out_of_the_usable_view_are_dropped() -> None:
    frame = stamp(1, travel_mm=5000.0)
    narrow = dataclasses.replace(CALIBRATION, belt_width_mm=850.0, view_s_max_mm=150.0)
    items = [LyingItem(x_mm=900, y_mm=5000), LyingItem(x_mm=300, y_mm=4800)]
    seen = detections([*items, LyingItem(x_mm=400, y_mm=5000)], frame)
    located = BeltLocator(narrow, border_px=2.0).locate(frame, seen)
    assert len(seen) == 3
    assert located.x_mm == pytest.approx([400], abs=2.0)
    assert located.scores[0, list(Fraction).index(Fraction.PLASTIC)] == pytest.approx(0.9)


def test_an_empty_frame_and_an_empty_box_locate_nothing() -> None:
    frame = stamp(1, travel_mm=0.0)
    assert len(LOCATOR.locate(frame, detections([], frame))) == 0
    flat = Detections(
        boxes_px=np.array([[100, 100, 100, 120]], dtype=np.float32),
        scores=np.full((1, 6), 0.5, dtype=np.float32),
    )
    assert len(LOCATOR.locate(frame, flat)) == 0


def _turned(plane: BeltPlane, *, degrees: int) -> BeltPlane:
    assert degrees == 180
    width, height = plane.image_width_px, plane.image_height_px
    flip = np.array([[-1.0, 0, width], [0, -1, height], [0, 0, 1]])
    return dataclasses.replace(plane, homography=plane.homography @ flip, distortion=np.zeros(5))
