"""The test strip: powdered paper between two tags, and the bare spots that jets blew into it."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.board.printing import TAG_MM, TAGS
from calibration.board.sighting import find_tags
from calibration.board.spec import Float64Array, Image
from calibration.errors import ProcedureError

_PX_PER_MM: Final = 2.0
_HALF_HEIGHT_MM: Final = 60.0
"""How far from the line between the tags spots are looked for."""
_BESIDE_TAG_MM: Final = 20.0
_DARK_SHARE: Final = 0.3
"""Of the strip's brightness that a spot must lack."""
_LEAST_SPOT_MM2: Final = 12.0
_BACKGROUND_MM: Final = 45.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StripSighting:
    """The strip as it lies in one photograph.

    Attributes:
        middle_mm: (2,) x and s of the middle between the tags, machine frame.
        turn_rad: of the line from the left to the right tag against the x axis.
        spots_mm: (n, 2) bare spots from the middle: along that line, and to its left (downstream
            where the strip lies straight); sorted from left to right.
    """

    middle_mm: Float64Array
    turn_rad: float
    spots_mm: Float64Array


def find_strip(image: Image, plane: BeltPlane) -> StripSighting:
    """Find the strip and its spots.

    Raises:
        ProcedureError: a tag is missing or the strip lies the wrong way round.
    """
    tags = find_tags(image)
    missing = [str(number) for number in TAGS if number not in tags]
    if missing:
        msg = f"test strip missing: tag {' and '.join(missing)} is not to be seen"
        raise ProcedureError(msg, "lay the strip across the belt, both tags face up in the view")
    left, right = (plane.to_machine_mm(tags[number]).mean(axis=0) for number in TAGS)
    along = right - left
    if along[0] < 0:
        msg = f"the test strip lies the wrong way round: tag {TAGS[0]} is at the right"
        raise ProcedureError(msg, "turn the strip by half a turn")
    middle, half = (left + right) / 2, float(np.hypot(*along)) / 2
    turn = float(np.arctan2(along[1], along[0]))
    reach = half - TAG_MM / 2 - _BESIDE_TAG_MM
    return StripSighting(
        middle_mm=middle, turn_rad=turn, spots_mm=_spots(image, plane, middle, turn, reach)
    )


def _spots(
    image: Image, plane: BeltPlane, middle: Float64Array, turn: float, reach_mm: float
) -> Float64Array:
    across = np.arange(-reach_mm, reach_mm, 1 / _PX_PER_MM)
    up = np.arange(_HALF_HEIGHT_MM, -_HALF_HEIGHT_MM, -1 / _PX_PER_MM)
    grid_x, grid_y = np.meshgrid(across, up)
    cos, sin = np.cos(turn), np.sin(turn)
    places = np.column_stack(
        (
            middle[0] + cos * grid_x.ravel() - sin * grid_y.ravel(),
            middle[1] + sin * grid_x.ravel() + cos * grid_y.ravel(),
        )
    )
    at_px = (plane.to_image_px(places) - 0.5).reshape(*grid_x.shape, 2).astype(np.float32)
    grey = image if image.ndim == 2 else image[..., 1]
    flat = cv2.remap(np.ascontiguousarray(grey), at_px[..., 0], at_px[..., 1], cv2.INTER_LINEAR)
    smooth = cv2.GaussianBlur(flat.astype(np.float32), (0, 0), 1.0 * _PX_PER_MM)
    size = round(_BACKGROUND_MM * _PX_PER_MM) | 1
    # The strip without its spots: the brightest within reach of every place.
    paper = cv2.blur(cv2.dilate(smooth, np.ones((size, size), np.uint8)), (size, size))
    lack = np.asarray((paper - smooth) / np.maximum(paper, 1.0), dtype=np.float64)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((lack > _DARK_SHARE).astype(np.uint8))
    spots = []
    least = _LEAST_SPOT_MM2 * _PX_PER_MM**2
    for number in range(1, len(stats)):
        if stats[number, cv2.CC_STAT_AREA] >= least:
            rows, columns = np.nonzero(labels == number)
            weights = lack[rows, columns] - _DARK_SHARE
            spots.append(
                (weights @ across[columns] / weights.sum(), weights @ up[rows] / weights.sum())
            )
    return np.array(sorted(spots), dtype=np.float64).reshape(-1, 2)
