"""How sharp and how burnt out a photographed board is."""

import math

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Float64Array = npt.NDArray[np.float64]

_PATCH_PX = 7
BURNT = 252
"""Grey level from which a pixel counts as saturated."""
_WIDER_THAN_A_SQUARE = 1.25


def edge_blur_px(grey: Image, corners_px: Float64Array) -> float:
    """Return the spread of the edges that meet in chess corners.

    A step of contrast c blurred by a Gaussian of standard deviation d has the steepest slope
    c / (d sqrt(2 pi)); contrast and slope are measured in a patch about each corner.

    Args:
        grey: (height, width) uint8.
        corners_px: (n, 2) from pixel centres.

    Returns:
        The median standard deviation over the corners, px; infinite where none can be measured.
    """
    height, width = grey.shape
    spreads = []
    for u, v in np.rint(corners_px).astype(int):
        if not (_PATCH_PX <= u < width - _PATCH_PX and _PATCH_PX <= v < height - _PATCH_PX):
            continue
        patch = grey[v - _PATCH_PX : v + _PATCH_PX + 1, u - _PATCH_PX : u + _PATCH_PX + 1]
        low, high = np.percentile(patch, (10, 90))
        smooth = np.asarray(cv2.GaussianBlur(patch, (0, 0), 0.5), dtype=np.float64)
        slope = np.hypot(*np.gradient(smooth))
        steepest = float(np.percentile(slope[1:-1, 1:-1], 97))
        if steepest > 0:
            spreads.append((high - low) / steepest / math.sqrt(2 * math.pi))
    return float(np.median(spreads)) if spreads else math.inf


def sharpest_edge_px(grey: Image) -> float:
    """Return the spread of the sharpest edges of a whole photograph, standard deviation in px."""
    low, high = np.percentile(grey, (2, 98))
    smooth = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.5), dtype=np.float64)
    steepest = float(np.percentile(np.hypot(*np.gradient(smooth)), 99.5))
    return float(high - low) / steepest / math.sqrt(2 * math.pi) if steepest > 0 else math.inf


def burnt_share(grey: Image, corners_px: Float64Array) -> float:
    """Return the share of the board that a reflection burns out.

    White squares may saturate; a saturated patch wider than a square cannot be print.
    """
    points = corners_px.astype(np.float32)
    hull = cv2.convexHull(points).astype(np.int32)
    inside = np.zeros(grey.shape, np.uint8)
    cv2.fillConvexPoly(inside, hull, 1)
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    square_px = float(np.median(np.where(apart > 0, apart, np.inf).min(axis=1)))
    side = max(3, round(_WIDER_THAN_A_SQUARE * square_px) | 1)
    burnt = ((grey >= BURNT) & (inside > 0)).astype(np.uint8)
    patches = cv2.morphologyEx(burnt, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return float(patches.sum() / max(int(inside.sum()), 1))
