"""Detection figures from boxes and truths: matching, average precision, thresholds, lamp recall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

IOU_STEPS = np.arange(0.5, 1.0, 0.05)
"""COCO's ten intersection-over-union steps."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Truth and detections of one picture.

    Attributes:
        truth_px: (m, 4) boxes, image frame.
        truth_class: (m,) class index.
        boxes_px: (n, 4) detected boxes, image frame.
        scores: (n, classes).
    """

    truth_px: F32
    truth_class: npt.NDArray[np.intp]
    boxes_px: F32
    scores: F32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassResult:
    """Figures of one class.

    Attributes:
        truths: items of the class.
        ap50: average precision at intersection over union 0.5; NaN without truths.
        ap50_95: mean over ten steps.
        score: detections' scores of this class, best first.
        hit: whether each found an item of this class at 0.5.
    """

    truths: int
    ap50: float
    ap50_95: float
    score: F64
    hit: npt.NDArray[np.bool_]

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall at a score threshold."""
        kept = self.hit[self.score >= threshold]
        precision = float(kept.mean()) if kept.size else 1.0
        return precision, float(kept.sum()) / max(self.truths, 1)


def iou_matrix(first_px: F32, second_px: F32) -> F32:
    """Intersection over union of every pair: (m, n)."""
    corner0 = np.maximum(first_px[:, None, :2], second_px[None, :, :2])
    corner1 = np.minimum(first_px[:, None, 2:], second_px[None, :, 2:])
    overlap = np.prod(np.clip(corner1 - corner0, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first_px, second_px)]
    union = areas[0][:, None] + areas[1][None, :] - overlap
    return np.asarray(overlap / np.maximum(union, 1e-9), np.float32)


def class_result(pictures: Sequence[Picture], class_index: int) -> ClassResult:
    """Score one class: a detection belongs to the class it scores highest."""
    scores: list[F64] = []
    hits: list[npt.NDArray[np.bool_]] = []
    truths = 0
    for picture in pictures:
        mine = picture.truth_class == class_index
        truths += int(mine.sum())
        named = picture.scores.argmax(axis=1) == class_index if len(picture.scores) else mine[:0]
        score = picture.scores[named, class_index].astype(np.float64)
        order = np.argsort(-score, kind="stable")
        overlap = iou_matrix(picture.boxes_px[named][order], picture.truth_px[mine])
        scores.append(score[order])
        hits.append(np.stack([_match(overlap, step) for step in IOU_STEPS], axis=1))
    score = np.concatenate(scores) if scores else np.zeros(0)
    hit = np.concatenate(hits) if hits else np.zeros((0, len(IOU_STEPS)), bool)
    order = np.argsort(-score, kind="stable")
    precisions = [_average_precision(hit[order, k], truths) for k in range(len(IOU_STEPS))]
    return ClassResult(
        truths=truths,
        ap50=precisions[0],
        ap50_95=float(np.mean(precisions)),
        score=score[order],
        hit=hit[order, 0],
    )


def _match(overlap: F32, least_iou: float) -> npt.NDArray[np.bool_]:
    """Greedy by score: each truth is found once; rows are detections, best first."""
    hit = np.zeros(len(overlap), bool)
    free = np.ones(overlap.shape[1], bool)
    for k, row in enumerate(overlap):
        candidates = np.where(free, row, 0.0)
        if candidates.size and candidates.max() >= least_iou:
            free[int(candidates.argmax())] = False
            hit[k] = True
    return hit


def _average_precision(hit: npt.NDArray[np.bool_], truths: int) -> float:
    """Area under the precision envelope at COCO's 101 recalls."""
    if truths == 0:
        return float("nan")
    found = np.cumsum(hit)
    recall = found / truths
    precision = found / np.arange(1, len(hit) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    padded = np.append(envelope, 0.0)
    return float(padded[np.minimum(places, len(hit))].mean())


def best_threshold(result: ClassResult, *, recall_weight: float) -> float:
    """Score with the best F-beta on the given scenes, between 0.05 and 0.8.

    Args:
        result: of the validation scenes.
        recall_weight: beta; 1 weighs both alike, 3 counts recall nine times.
    """
    grid = np.arange(0.05, 0.8, 0.01)
    beta2 = recall_weight**2
    values = []
    for threshold in grid:
        precision, recall = result.at(float(threshold))
        values.append((1 + beta2) * precision * recall / max(beta2 * precision + recall, 1e-9))
    top = np.asarray(values)
    plateau = grid[top >= top.max() - 1e-3]
    return round(float(plateau.mean()), 2)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % Wilson interval of a share; all of it without trials (Wilson, JASA 22, 1927)."""
    if trials == 0:
        return 0.0, 1.0
    z2 = 1.959964**2
    share = successes / trials
    centre = share + z2 / (2 * trials)
    spread = np.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials**2)))
    return (
        float((centre - spread) / (1 + z2 / trials)),
        float((centre + spread) / (1 + z2 / trials)),
    )


def wilson_lower(successes: int, trials: int) -> float:
    """Lower end of the 95 % Wilson interval of a share; 0 without trials."""
    return wilson_interval(successes, trials)[0]
