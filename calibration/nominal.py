"""A calibration from a tape measure: the belt's width fills the image, the camera hangs plumb."""

import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.line_calibration import LineCalibration
from calibration.travel import BeltTravel


def nominal_calibration(
    *,
    camera_id: str,
    belt_id: str,
    image_width_px: int,
    image_height_px: int,
    belt_width_mm: float,
    mm_per_tick: float,
    seen_mm: float | None = None,
    left_mm: float = 0.0,
    middle_mm: float = 0.0,
) -> LineCalibration:
    """Return the calibration of an ideal camera that sees the belt's width and nothing beside it.

    The image's top edge is taken as downstream and its left edge as the belt's left edge seen
    looking downstream; the middle of the image is at `middle_mm`. Good enough to look at
    recordings and to begin with on a new line; not good enough to aim jets, which `residual_mm` =
    infinity says.

    Args:
        camera_id: identity of the camera.
        belt_id: identity of the belt.
        image_width_px: width of the raw image.
        image_height_px: height of the raw image.
        belt_width_mm: width of the belt.
        mm_per_tick: belt travel per encoder tick.
        seen_mm: belt width seen across the image; None: all of it.
        left_mm: where the image's left edge is, from the belt's left edge.
        middle_mm: where the image's middle is along the belt, machine frame.
    """
    scale = (belt_width_mm if seen_mm is None else seen_mm) / image_width_px
    half_length_mm = image_height_px * scale / 2
    return LineCalibration(
        camera_id=camera_id,
        belt_id=belt_id,
        measured_on="nominal",
        plane=BeltPlane(
            camera_matrix=np.array(
                [
                    [image_width_px, 0.0, image_width_px / 2],
                    [0.0, image_width_px, image_height_px / 2],
                    [0.0, 0.0, 1.0],
                ]
            ),
            distortion=np.zeros(5),
            homography=np.array(
                [[scale, 0.0, left_mm], [0.0, -scale, middle_mm + half_length_mm], [0.0, 0.0, 1.0]]
            ),
            image_width_px=image_width_px,
            image_height_px=image_height_px,
        ),
        travel=BeltTravel(mm_per_tick=mm_per_tick),
        view_s_min_mm=middle_mm - half_length_mm,
        view_s_max_mm=middle_mm + half_length_mm,
        belt_width_mm=belt_width_mm,
        residual_mm=float("inf"),
    )
