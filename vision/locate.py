"""From detections in pixels to items on the belt in millimetres."""

from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.line_calibration import LineCalibration
from calibration.solve.height import feet_of_boxes
from vision.outline import support_of, support_of_boxes
from vision.types import Detections, FrameStamp, LocatedDetections

Float64Array = npt.NDArray[np.float64]

_CORNERS: Final = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])
_EDGE_TOLERANCE_MM: Final = 1.0
"""A box edge within this of the usable view's end counts as cut: below one raw pixel of a
usual line camera (1 to 2 mm per pixel). Boxes narrower than it are no items."""


class BeltLocator:
    """Places boxes on the belt plane. Stateless after construction; any thread.

    The side of the image that lies downstream is read from the calibration, never assumed.
    """

    def __init__(self, calibration: LineCalibration, *, border_px: float) -> None:
        """Prepare for one calibrated camera.

        Args:
            calibration: of this camera and belt.
            border_px: a box this near the image border is cut by it.
        """
        self._calibration = calibration
        self._border_px = border_px
        place = calibration.camera_mm
        self._camera_mm = None if place is None else np.array(place)
        plane = calibration.plane
        width, height = plane.image_width_px, plane.image_height_px
        middles = [[0, height / 2], [width / 2, 0], [width, height / 2], [width / 2, height]]
        s_mm = plane.to_machine_mm(middles)[:, 1]
        along_v = abs(s_mm[3] - s_mm[1]) > abs(s_mm[2] - s_mm[0])
        low, high = (1, 3) if along_v else (0, 2)
        self._size_px = height if along_v else width
        self._low, self._high = low, high
        self._across_px = width if along_v else height
        self._low_is_upstream = bool(s_mm[low] < s_mm[high])

    def locate(self, stamp: FrameStamp, detections: Detections) -> LocatedDetections:
        """Locate the detections of one frame; items off the belt or out of view are dropped.

        Args:
            stamp: when and at which belt tick the frame was exposed.
            detections: boxes in raw image px.

        Returns:
            Items in belt coordinates, in the order of the boxes kept.
        """
        boxes = detections.boxes_px.astype(np.float64)
        corners = self._calibration.plane.to_machine_mm(boxes[:, _CORNERS].reshape(-1, 2))
        # The two smaller coordinates belong to one side of the box whichever way the camera is
        # turned; their mean is the side's position, perspective and distortion averaged out.
        ordered = np.sort(corners.reshape(-1, 4, 2), axis=1)
        low_mm = (ordered[:, 0] + ordered[:, 1]) / 2
        high_mm = (ordered[:, 2] + ordered[:, 3]) / 2
        upstream, downstream = self._cuts(boxes, low_mm[:, 1], high_mm[:, 1])
        heights_mm = _heights(detections)
        if self._camera_mm is not None:
            low_mm, high_mm = feet_of_boxes(low_mm, high_mm, heights_mm, self._camera_mm)
        centre = (low_mm + high_mm) / 2
        extent = high_mm - low_mm
        view = self._calibration
        keep = (
            (centre[:, 0] >= 0.0)
            & (centre[:, 0] <= view.belt_width_mm)
            & (high_mm[:, 1] > view.view_s_min_mm)
            & (low_mm[:, 1] < view.view_s_max_mm)
            & (extent.min(axis=1, initial=np.inf) > _EDGE_TOLERANCE_MM)
        )
        return LocatedDetections(
            x_mm=centre[keep, 0],
            y_mm=view.travel.travel_mm(stamp.tick) - centre[keep, 1],
            width_mm=extent[keep, 0],
            length_mm=extent[keep, 1],
            support_mm=self._support(detections, centre, extent)[keep],
            height_mm=heights_mm[keep],
            scores=detections.scores[keep],
            cut_upstream=upstream[keep],
            cut_downstream=downstream[keep],
            cut_sideways=self._cut_sideways(boxes)[keep],
        )

    def _support(
        self, detections: Detections, centre: Float64Array, extent: Float64Array
    ) -> Float64Array:
        """Return (n, 16) reaches of the outlines; of the boxes where there is no outline."""
        boxes = support_of_boxes(extent.T).T
        outlines = detections.outlines_px
        if outlines is None or not len(outlines):
            return boxes
        n, corners = outlines.shape[:2]
        place = self._calibration.plane.to_machine_mm(
            outlines.reshape(n * corners, 2).astype(np.float64)
        ).reshape(n, corners, 2)
        # Along the belt machine positions grow downstream and belt coordinates upstream.
        about = (place - centre[:, None, :]) * np.array((1.0, -1.0))
        known = np.ptp(outlines, axis=1).min(axis=1) > 0.0
        return np.where(known[:, None], np.minimum(support_of(about), boxes), boxes)

    def _cut_sideways(self, boxes: Float64Array) -> npt.NDArray[np.bool_]:
        low, high = (0, 2) if self._low == 1 else (1, 3)
        return np.asarray(
            (boxes[:, low] <= self._border_px)
            | (boxes[:, high] >= self._across_px - self._border_px),
            dtype=np.bool_,
        )

    def _cuts(
        self, boxes: Float64Array, s_low_mm: Float64Array, s_high_mm: Float64Array
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        at_low = boxes[:, self._low] <= self._border_px
        at_high = boxes[:, self._high] >= self._size_px - self._border_px
        upstream, downstream = (at_low, at_high) if self._low_is_upstream else (at_high, at_low)
        view = self._calibration
        return (
            upstream | (s_low_mm <= view.view_s_min_mm + _EDGE_TOLERANCE_MM),
            downstream | (s_high_mm >= view.view_s_max_mm - _EDGE_TOLERANCE_MM),
        )


def _heights(detections: Detections) -> Float64Array:
    if detections.heights_mm is None:
        return np.full(len(detections), np.nan)
    return detections.heights_mm.astype(np.float64)
