"""A detector that is told the truth: boxes of what the camera can see, without any image."""

import numpy as np

from calibration.belt_plane import BeltPlane
from twin.heap import visible_shares
from twin.items import OUTLINE_POINTS, Float64Array
from twin.world import World
from vision.types import FRACTIONS, Detections

MIN_VISIBLE = 0.25
"""Share of an item's box that must lie in the image for it to be found, as in the training data,
and share of its outline that nothing on it may hide."""

SURE, UNSURE = 0.95, 0.01
"""Scores of the true class and of every other."""


class PerfectDetector:
    """Reads boxes off the world instead of an image."""

    def __init__(self, *, world: World, plane: BeltPlane, middle_mm: float = 0.0) -> None:
        """Take the world to look at and the camera to look through, and where it looks."""
        self._world, self._plane = world, plane
        half_mm = world.config.camera.view_length_mm / 2
        self._s_min_mm, self._s_max_mm = middle_mm - 1.2 * half_mm, middle_mm + 1.2 * half_mm

    @property
    def bundle_id(self) -> str:
        """Name written into records in place of a model bundle's."""
        return "perfect"

    def detect_now(self) -> Detections:
        """Return what a perfect detector would find in an image exposed at this instant."""
        world = self._world
        items = world.items_between(self._s_min_mm, self._s_max_mm)
        n = len(items)
        outline = items.outline_mm + items.origins_mm(world.travel_mm)[:, None, :]
        outline[:, :, 1] = world.travel_mm - outline[:, :, 1]
        corners = self._plane.to_image_px(outline.reshape(-1, 2)).reshape(n, OUTLINE_POINTS, 2)
        whole = np.concatenate((corners.min(axis=1), corners.max(axis=1)), axis=1)
        size = np.array([self._plane.image_width_px, self._plane.image_height_px] * 2)
        boxes = np.clip(whole, 0.0, size)
        seen = _area(boxes) >= MIN_VISIBLE * _area(whole)
        seen &= visible_shares(items, world.travel_mm) >= MIN_VISIBLE
        scores = np.full((n, len(FRACTIONS)), UNSURE, dtype=np.float32)
        scores[np.arange(n), items.fraction] = SURE
        return Detections(
            boxes_px=boxes[seen].astype(np.float32),
            scores=scores[seen],
            outlines_px=np.clip(corners[seen], 0.0, size[:2]).astype(np.float32),
        )


def _area(boxes: Float64Array) -> Float64Array:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1], dtype=np.float64)
