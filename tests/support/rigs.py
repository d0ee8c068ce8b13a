"""Geometry of the standard scenario, for tests that need a camera over a belt."""

import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.line_calibration import LineCalibration
from calibration.travel import BeltTravel


def standard_plane() -> BeltPlane:
    """Return a 640 x 320 px camera over 1000 x 500 mm of belt, mild distortion and tilt."""
    homography = np.array(
        [[1.5625, 0.012, 0.0], [0.004, 1.5625, -250.0], [0.0, 2.0e-6, 1.0]], dtype=np.float64
    )
    return BeltPlane(
        camera_matrix=np.array([[700.0, 0.0, 320.0], [0.0, 700.0, 160.0], [0.0, 0.0, 1.0]]),
        distortion=np.array([-0.08, 0.02, 0.0005, -0.0004, 0.0]),
        homography=homography,
        image_width_px=640,
        image_height_px=320,
    )


def standard_calibration() -> LineCalibration:
    """Return the calibration that goes with the standard plane."""
    return LineCalibration(
        camera_id="camera-1",
        belt_id="belt-1",
        measured_on="2026-11-23",
        plane=standard_plane(),
        travel=BeltTravel(mm_per_tick=0.5),
        view_s_min_mm=-240.0,
        view_s_max_mm=240.0,
        belt_width_mm=1000.0,
        residual_mm=0.3,
    )
