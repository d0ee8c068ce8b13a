"""From the network's output tensor to detections, vectorised over all candidates."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vision.errors import BundleError
from vision.letterbox import Letterbox
from vision.manifest import BundleManifest
from vision.score_calibration import calibrated
from vision.types import FRACTIONS, Detections

MAX_ITEMS: Final = 300
"""Most boxes kept of one frame, best first: five times the busiest view of the benchmark."""


class Decoder:
    """Decodes the layout `cxcywh_scores` of one bundle."""

    def __init__(self, manifest: BundleManifest, min_score: float) -> None:
        """Take the bundle's classes, thresholds and suppression.

        Args:
            manifest: of the bundle.
            min_score: floor under the manifest's thresholds.
        """
        self._rows = 4 + len(manifest.classes)
        self._columns = np.array([FRACTIONS.index(c) for c in manifest.classes], dtype=np.intp)
        self._thresholds = np.array(
            [max(manifest.thresholds[c], min_score) for c in manifest.classes], dtype=np.float32
        )
        self._floor = float(self._thresholds.min())
        self._classes, self._calibration = manifest.classes, manifest.calibration
        self._nms_iou = manifest.decode.nms_iou if manifest.decode.needs_nms else None

    def check_rows(self, shape: tuple[int, ...]) -> None:
        """Check a first output of the network against the manifest's classes.

        Args:
            shape: of the output tensor.

        Raises:
            BundleError: it is not (1, 4 + classes, n).
        """
        if len(shape) != 3 or shape[:2] != (1, self._rows):
            msg = (
                f"the network returns {shape}, but its manifest names {self._rows - 4} classes, "
                f"so (1, {self._rows}, n) was expected; export the bundle again"
            )
            raise BundleError(msg)

    def decode(self, output: npt.NDArray[np.float32], letterbox: Letterbox) -> Detections:
        """Return the items in the network's output, best score first.

        Args:
            output: (1, 4 + classes, n) float32: cx, cy, w, h in input px, then class scores;
                `check_rows` has passed on this network.
            letterbox: maps boxes back onto the image.
        """
        candidates = output[0]
        kept = np.flatnonzero(candidates[4:].max(axis=0) >= self._floor)
        class_scores = candidates[4:, kept]
        best = class_scores.argmax(axis=0)
        score = class_scores[best, np.arange(len(kept))]
        passed = np.flatnonzero(score >= self._thresholds[best])
        # Stable: equal scores stay in the network's order, so results never depend on the sort.
        order = passed[np.argsort(-score[passed], kind="stable")[:MAX_ITEMS]]
        boxes = _corners(candidates[:4, kept[order]])
        if self._nms_iou is not None and len(order):
            survivors = _suppress(boxes, score[order], self._nms_iou)
            order, boxes = order[survivors], boxes[survivors]
        return self._detections(letterbox.to_image_px(boxes), class_scores[:, order].T)

    def _detections(
        self, boxes_px: npt.NDArray[np.float32], class_scores: npt.NDArray[np.float32]
    ) -> Detections:
        scores = np.zeros((len(boxes_px), len(FRACTIONS)), dtype=np.float32)
        scores[:, self._columns] = calibrated(class_scores, self._classes, self._calibration)
        real = (boxes_px[:, 2] > boxes_px[:, 0]) & (boxes_px[:, 3] > boxes_px[:, 1])
        boxes_px, scores = boxes_px[real], scores[real]
        boxes_px.setflags(write=False)
        scores.setflags(write=False)
        return Detections(boxes_px=boxes_px, scores=scores)


def _corners(cxcywh: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    centres, half = cxcywh[:2], cxcywh[2:] * np.float32(0.5)
    return np.concatenate((centres - half, centres + half)).T


def _suppress(
    boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], iou: float
) -> npt.NDArray[np.intp]:
    # Over all classes together: one item, one box, whatever two classes think of it.
    sizes = boxes[:, 2:] - boxes[:, :2]
    rectangles = np.column_stack((boxes[:, :2], sizes)).tolist()
    kept = cv2.dnn.NMSBoxes(rectangles, scores.tolist(), 0.0, iou)
    return np.sort(np.asarray(kept, dtype=np.intp).ravel())
