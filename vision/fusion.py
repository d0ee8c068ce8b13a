"""Several cameras over one belt: each places its boxes, and one item seen by two stays one.

Cameras side by side overlap; cameras in series look at the belt one after the other. All of them
are placed in belt coordinates by their own calibration and their own exposure's belt tick, so a
difference of exposure between cameras moves nothing. What two cameras say of one item is merged
here; that an item leaves one view and enters another is the tracker's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from calibration.line_calibration import LineCalibration
from vision.locate import BeltLocator
from vision.outline import moved_support
from vision.tracking.association import overlap_areas
from vision.types import Detections, FrameStamp, LocatedDetections

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_SAME_SHARE: Final = 0.4
"""Share of the smaller of two boxes that the other camera's covers, from which both are one item.
Two views of one whole item share nearly everything; neighbours that touch share little."""
_SAME_PIECE: Final = 0.5
"""Of two boxes that their images' edges cut sideways: share of the shorter one's length that both
cover, where they meet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """One camera's frame.

    Attributes:
        camera: index in the order of the line file.
        stamp: when and at which belt tick it was exposed.
        detections: boxes in that camera's raw image px.
    """

    camera: int
    stamp: FrameStamp
    detections: Detections


def whole_view(calibrations: Sequence[LineCalibration]) -> LineCalibration:
    """Return the first camera's calibration with the view of all cameras together."""
    return replace(
        calibrations[0],
        view_s_min_mm=min(c.view_s_min_mm for c in calibrations),
        view_s_max_mm=max(c.view_s_max_mm for c in calibrations),
    )


class BeltFusion:
    """Places and merges the boxes of all cameras. Stateless after construction; any thread."""

    def __init__(self, calibrations: Sequence[LineCalibration], *, border_px: float) -> None:
        """Prepare for the cameras of a line.

        Args:
            calibrations: one for each camera, in the order of the line file.
            border_px: a box this near an image border is cut by it.
        """
        self._locators = tuple(BeltLocator(c, border_px=border_px) for c in calibrations)

    def locate(self, views: Sequence[CameraView]) -> LocatedDetections:
        """Locate the detections of frames exposed at about the same time.

        Args:
            views: at least one; no camera twice.

        Returns:
            Items in belt coordinates, one for each item however many cameras see it.
        """
        placed = [self._locators[view.camera].locate(view.stamp, view.detections) for view in views]
        if len(placed) == 1:
            return placed[0]
        camera = np.repeat([view.camera for view in views], [len(items) for items in placed])
        items = joined(placed)
        return _merged(items, camera)


def joined(parts: Sequence[LocatedDetections]) -> LocatedDetections:
    """Return the items of several frames one after the other."""
    return LocatedDetections(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in fields(LocatedDetections)
        }
    )


def _merged(items: LocatedDetections, camera: npt.NDArray[np.int64]) -> LocatedDetections:
    same = _same_item(items) & (camera[:, None] != camera[None, :])
    if not same.any():
        return items
    count, group = connected_components(coo_array(same), directed=False)
    sizes = np.bincount(group, minlength=count)
    single = items.chosen(sizes[group] == 1)
    several = [np.flatnonzero(group == g) for g in np.flatnonzero(sizes > 1)]
    return joined([single, *(_one_of(items.chosen(rows)) for rows in several)])


def _same_item(items: LocatedDetections) -> BoolArray:
    """Return (n, n) which boxes may be views of one item."""
    centre = np.stack((items.x_mm, items.y_mm))
    extent = np.stack((items.width_mm, items.length_mm))
    area = extent[0] * extent[1]
    shared = overlap_areas(centre, extent, centre, extent)
    alike = shared >= _SAME_SHARE * np.minimum(area[:, None], area[None, :])
    cut = items.cut_sideways
    low, high = centre - extent / 2, centre + extent / 2
    both = np.minimum(high[:, :, None], high[:, None, :]) - np.maximum(
        low[:, :, None], low[:, None, :]
    )
    shorter = np.minimum(extent[1][:, None], extent[1][None, :])
    pieces = (cut[:, None] & cut[None, :]) & (both[0] > 0.0) & (both[1] >= _SAME_PIECE * shorter)
    return np.asarray(alike | pieces, dtype=np.bool_)


def _one_of(views: LocatedDetections) -> LocatedDetections:
    """Return one item from its boxes: the mean of those that show it whole, else their union."""
    hidden = views.cut_sideways | views.cut_upstream | views.cut_downstream
    if not hidden.all():
        views = views.chosen(~hidden)
    whole = not hidden.all()
    left, right = _ends(views.x_mm, views.width_mm, mean=whole)
    low, high = _ends(views.y_mm, views.length_mm, mean=whole)
    x_mm, y_mm = (left + right) / 2, (low + high) / 2
    support = moved_support(views.support_mm, views.x_mm - x_mm, views.y_mm - y_mm)
    return LocatedDetections(
        x_mm=np.array([x_mm]),
        y_mm=np.array([y_mm]),
        width_mm=np.array([right - left]),
        length_mm=np.array([high - low]),
        support_mm=(support.mean(axis=0) if whole else support.max(axis=0))[None],
        height_mm=_known_mean(views.height_mm),
        scores=views.scores.mean(axis=0)[None],
        cut_upstream=np.array([views.cut_upstream.all()]),
        cut_downstream=np.array([views.cut_downstream.all()]),
        cut_sideways=np.array([False]),
    )


def _known_mean(values: Float64Array) -> Float64Array:
    known = values[np.isfinite(values)]
    return np.array([known.mean() if len(known) else np.nan])


def _ends(middle: Float64Array, extent: Float64Array, *, mean: bool) -> tuple[float, float]:
    low, high = middle - extent / 2, middle + extent / 2
    if mean:
        return float(low.mean()), float(high.mean())
    return float(low.min()), float(high.max())
