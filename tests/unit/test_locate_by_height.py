"""Items of known height are placed by their feet once the height model was checked."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.nominal import nominal_calibration
from vision.locate import BeltLocator
from vision.types import FRACTIONS, Detections, FrameStamp

FLAT = nominal_calibration(
    camera_id="c",
    belt_id="b",
    image_width_px=1000,
    image_height_px=500,
    belt_width_mm=1000.0,
    mm_per_tick=0.5,
)
CHECKED = replace(FLAT, camera_mm=(500.0, 0.0, 1000.0))
STAMP = FrameStamp(seq=1, exposed_ns=1, tick=0.0)


def located(calibration, heights):
    detections = Detections(
        boxes_px=np.array([[800, 200, 900, 300]], np.float32),
        scores=np.full((1, len(FRACTIONS)), 0.1, np.float32),
        heights_mm=None if heights is None else np.array(heights, np.float32),
    )
    return BeltLocator(calibration, border_px=2.0).locate(STAMP, detections)


def test_a_tall_item_is_moved_towards_the_camera_by_what_leans_outwards():
    flat, tall = located(FLAT, [100.0]), located(CHECKED, [100.0])
    # Its right side shows its upper edge, 400 mm from below the camera: a tenth of that leans out.
    assert flat.x_mm[0] - tall.x_mm[0] == pytest.approx(20.0, abs=0.5)
    assert flat.width_mm[0] - tall.width_mm[0] == pytest.approx(40.0, abs=1.0)


@pytest.mark.parametrize("heights", [None, [float("nan")]])
def test_an_item_of_unknown_height_stays_where_it_was(heights):
    assert located(CHECKED, heights).x_mm == pytest.approx(located(FLAT, heights).x_mm)
