"""Outlines from the picture inside each box, for detectors that know boxes only.

The belt's colour is read along the box's rim, where the item covers the least; what differs from it
by more than the rim itself does is the item, and its convex hull the outline. Where that finds next
to nothing or nearly all of the box, the box stays what is known.
"""

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vision.ports import Detector
from vision.types import Detections

CORNERS: Final = 16
"""Corners kept of a hull, its farthest points in as many directions."""
_LARGEST_SIDE_PX: Final = 64
"""Boxes are shrunk to this before they are looked at: a hull needs no more, and time is short."""
_LEAST_SIDE_PX: Final = 6
_RIM_SHARE: Final = 0.06
_LEAST_DIFFERENCE: Final = 18.0
"""Grey levels, over three channels, that noise and compression reach."""
_RIM_SPREADS: Final = 3.0
_SMALLEST_SHARE, _LARGEST_SHARE = 0.15, 0.95
_ANGLES: Final = np.arange(CORNERS) * (2.0 * np.pi / CORNERS)
_DIRECTIONS: Final = np.stack((np.cos(_ANGLES), np.sin(_ANGLES))).astype(np.float32)


def with_outlines(image: npt.NDArray[np.uint8], detections: Detections) -> Detections:
    """Return the detections with an outline for each box.

    Args:
        image: (height, width, 3) uint8 BGR that they were found in.
        detections: boxes in its px.
    """
    outlines = np.empty((len(detections), CORNERS, 2), dtype=np.float32)
    height, width = image.shape[:2]
    for row, box in enumerate(detections.boxes_px):
        low = np.floor(np.maximum(box[:2], 0.0)).astype(int)
        high = np.ceil(np.minimum(box[2:], (width, height))).astype(int)
        hull = _hull(image[low[1] : high[1], low[0] : high[0]])
        # A point stands for "no outline": the locator then takes the box.
        outlines[row] = box[:2] if hull is None else hull + low
    return replace(detections, outlines_px=outlines)


def _hull(patch: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
    """Return (CORNERS, 2) corners in px of the patch, None where there is no telling."""
    height, width = patch.shape[:2]
    if min(height, width) < _LEAST_SIDE_PX:
        return None
    scale = min(1.0, _LARGEST_SIDE_PX / max(height, width))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(patch, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    mask = _item_mask(small)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    share = cv2.contourArea(cv2.convexHull(largest)) / (size[0] * size[1])
    if not _SMALLEST_SHARE <= share <= _LARGEST_SHARE:
        return None
    points = largest.reshape(-1, 2).astype(np.float32)
    # A contour runs through the middles of its outermost pixels: half a pixel is added around.
    outward = np.sign(points + 0.5 - np.array(size, np.float32) / 2)
    points = np.asarray(points + 0.5 + 0.5 * outward, dtype=np.float32)
    farthest = np.argmax(points @ _DIRECTIONS, axis=0)
    corners = points[farthest] * (np.array((width, height), np.float32) / size)
    return np.asarray(corners, dtype=np.float32)


def _item_mask(patch: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return (h, w) uint8, 255 where the patch differs from the belt along its rim."""
    rim = max(1, round(_RIM_SHARE * min(patch.shape[:2])))
    edge = np.concatenate(
        (
            patch[:rim].reshape(-1, 3),
            patch[-rim:].reshape(-1, 3),
            patch[:, :rim].reshape(-1, 3),
            patch[:, -rim:].reshape(-1, 3),
        )
    )
    belt = np.median(edge, axis=0)
    spread = float(np.median(np.abs(edge - belt).sum(axis=1)))
    difference = np.abs(patch - belt).sum(axis=2)
    limit = max(_LEAST_DIFFERENCE, _RIM_SPREADS * spread)
    mask = (difference > limit).astype(np.uint8) * 255
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return np.asarray(closed, dtype=np.uint8)


class OutliningDetector:
    """A detector with an outline for each of its boxes; see the port."""

    def __init__(self, detector: Detector) -> None:
        """Take the detector that finds the boxes."""
        self._detector = detector

    @property
    def bundle_id(self) -> str:
        """Of the detector that finds the boxes."""
        return self._detector.bundle_id

    def detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Find items and their outlines; see the port."""
        return with_outlines(image, self._detector.detect(image))
