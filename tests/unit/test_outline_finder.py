"""Outlines from pictures: right where the item stands out, the box where it does not."""

import cv2
import numpy as np
import pytest

from tests.support.belt_scenes import CALIBRATION
from vision.locate import BeltLocator
from vision.outline import area_mm2, support_of_boxes
from vision.outline_finder import OutliningDetector, with_outlines
from vision.types import Detections, FrameStamp

SCORES = np.full((1, 6), 0.5, np.float32)


def _picture(corners, colour=(40, 90, 200), noise=3.0):
    rng = np.random.default_rng(1)
    image = np.full((320, 640, 3), 90.0) + rng.normal(0, noise, (320, 640, 3))
    image = np.clip(image, 0, 255).astype(np.uint8)
    cv2.fillPoly(image, [np.array(corners, np.int32)], colour)
    return image


def _found(image, box):
    boxes = np.array([box], np.float32)
    return with_outlines(image, Detections(boxes_px=boxes, scores=SCORES)).outlines_px[0]


def test_a_slanted_bar_is_outlined_closely():
    corners = [(200, 100), (215, 90), (300, 190), (285, 200)]
    outline = _found(_picture(corners), (198, 88, 302, 202))
    found = cv2.convexHull(outline)
    true = cv2.convexHull(np.array(corners, np.float32))
    shared, _ = cv2.intersectConvexConvex(found, true)
    together = cv2.contourArea(found) + cv2.contourArea(true) - shared
    assert shared / together > 0.75


@pytest.mark.parametrize("colour", [(90, 90, 90), (94, 92, 91)])
def test_an_item_that_looks_like_the_belt_keeps_its_box(colour):
    outline = _found(_picture([(200, 100), (260, 100), (260, 160)], colour), (198, 98, 262, 162))
    assert np.ptp(outline, axis=0).max() == 0.0


def test_a_box_of_a_few_pixels_or_beside_the_image_keeps_its_box():
    image = _picture([(0, 0), (10, 0), (10, 10)])
    for box in ((5, 5, 9, 9), (630, 310, 700, 400), (-20, -20, 2, 2)):
        assert np.ptp(_found(image, box), axis=0).max() <= 12.0


def test_the_locator_takes_the_box_where_there_is_no_outline_and_the_outline_where_there_is():
    corners = [(200, 100), (215, 90), (300, 190), (285, 200)]
    boxes = np.array([(198, 88, 302, 202), (400, 100, 460, 160)], np.float32)
    scores = np.full((2, 6), 0.5, np.float32)
    seen = with_outlines(_picture(corners), Detections(boxes_px=boxes, scores=scores))
    stamp = FrameStamp(seq=1, exposed_ns=0, tick=1000.0)
    located = BeltLocator(CALIBRATION, border_px=2.0).locate(stamp, seen)
    extent = np.stack((located.width_mm, located.length_mm))
    area, box = area_mm2(located.support_mm.T), area_mm2(support_of_boxes(extent))
    assert area[0] < 0.5 * box[0]
    assert area[1] == pytest.approx(box[1])


class _Fixed:
    bundle_id = "fixed"

    def detect(self, image):
        return Detections(boxes_px=np.array([(198, 98, 262, 162)], np.float32), scores=SCORES)


def test_a_detector_is_given_outlines_and_keeps_its_name():
    outlining = OutliningDetector(_Fixed())
    found = outlining.detect(_picture([(200, 100), (260, 100), (260, 160)]))
    assert outlining.bundle_id == "fixed"
    assert found.outlines_px.shape == (1, 16, 2)
