"""Where the twin's camera stands: its true lens and belt plane, and the calibration of it."""

import cv2
import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.line_calibration import LineCalibration
from calibration.travel import BeltTravel
from twin.config import TwinConfig

CAMERA_ID = "twin"
BELT_ID = "twin"

_VIEW_MARGIN = 0.02
"""The image shows this share more than belt width and view on each side, so that the lens's barrel
cuts nothing off."""


def view_across_mm(config: TwinConfig, index: int = 0) -> tuple[float, float]:
    """Return the left and right end of what a camera shall see, machine frame."""
    camera, width_mm = config.camera, config.belt.width_mm
    each_mm = (width_mm + (camera.count - 1) * camera.overlap_mm) / camera.count
    left_mm = index * (each_mm - camera.overlap_mm)
    return left_mm, left_mm + each_mm


def true_plane(config: TwinConfig, index: int = 0, middle_mm: float = 0.0) -> BeltPlane:
    """Return the camera model that the renderer draws by, of one of the cameras.

    The camera looks straight down with the image's top downstream, so that x runs to the right in
    the image as it does seen looking downstream; a slight keystone narrows the downstream end. The
    middle of its view lies at `middle_mm` along the belt, machine frame.
    """
    camera, (left_mm, right_mm) = config.camera, view_across_mm(config, index)
    width_px, height_px = float(camera.width_px), float(camera.height_px)
    half_mm = camera.view_length_mm / 2
    across_mm, along_mm = (right_mm - left_mm) * _VIEW_MARGIN, 2 * half_mm * _VIEW_MARGIN
    left, right = left_mm - across_mm, right_mm + across_mm
    near, far = middle_mm - half_mm - along_mm, middle_mm + half_mm + along_mm
    inset_px = camera.keystone * width_px / 2
    corners_px = np.array(
        [[0, height_px], [width_px, height_px], [width_px - inset_px, 0], [inset_px, 0]],
        dtype=np.float32,
    )
    corners_mm = np.array([[left, near], [right, near], [right, far], [left, far]], np.float32)
    homography = cv2.getPerspectiveTransform(corners_px, corners_mm)
    focal_px = 1.2 * width_px
    return BeltPlane(
        camera_matrix=np.array(
            [[focal_px, 0, width_px / 2], [0, focal_px, height_px / 2], [0, 0, 1]]
        ),
        distortion=np.array([camera.distortion_k1, 0.0, 0.0, 0.0, 0.0]),
        homography=np.asarray(homography, dtype=np.float64),
        image_width_px=camera.width_px,
        image_height_px=camera.height_px,
    )


def true_calibration(
    config: TwinConfig, *, mm_per_tick: float, index: int = 0, middle_mm: float = 0.0
) -> LineCalibration:
    """Return the calibration that a perfect measurement of the twin would give.

    Args:
        config: of the world.
        mm_per_tick: the encoder's scale.
        index: of the camera, from the left.
        middle_mm: where the middle of its view is along the belt, machine frame.
    """
    half_mm = config.camera.view_length_mm / 2
    return LineCalibration(
        camera_id=CAMERA_ID,
        belt_id=BELT_ID,
        measured_on="2026-01-01",
        plane=true_plane(config, index, middle_mm),
        travel=BeltTravel(mm_per_tick=mm_per_tick),
        view_s_min_mm=middle_mm - half_mm,
        view_s_max_mm=middle_mm + half_mm,
        belt_width_mm=config.belt.width_mm,
        residual_mm=0.0,
    )


def downstream_calibration(
    config: TwinConfig, *, mm_per_tick: float, middle_mm: float
) -> LineCalibration:
    """Return the calibration of the camera behind the bars: alone across the whole belt.

    Args:
        config: of the world.
        mm_per_tick: the encoder's scale.
        middle_mm: where the middle of its view is along the belt, machine frame.
    """
    alone = config.camera.model_copy(update={"count": 1})
    return true_calibration(
        config.model_copy(update={"camera": alone}), mm_per_tick=mm_per_tick, middle_mm=middle_mm
    )
