"""Which box of a frame belongs to which track: gating, optimal assignment, merged boxes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from vision.tracking.table import TrackTable
from vision.types import LocatedDetections

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_UNSEEN_VAR = 1e12
"""Variance, mm², of a coordinate that a box does not show; so large that nothing is learnt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Matched tracks and boxes, struct of arrays over m pairs.

    Attributes:
        rows: (m,) columns of the track table.
        boxes: (m,) indices of the detections.
    """

    rows: IndexArray
    boxes: IndexArray


def overlap_areas(
    centre_a: Float64Array, extent_a: Float64Array, centre_b: Float64Array, extent_b: Float64Array
) -> Float64Array:
    """Return (n, m) areas, mm², that n boxes share with m boxes; centres and extents are (2, ·)."""
    half_a, half_b = extent_a / 2, extent_b / 2
    high = np.minimum((centre_a + half_a)[:, :, None], (centre_b + half_b)[:, None, :])
    low = np.maximum((centre_a - half_a)[:, :, None], (centre_b - half_b)[:, None, :])
    shared = np.maximum(high - low, 0.0)
    return np.asarray(shared[0] * shared[1], dtype=np.float64)


def without_duplicates(located: LocatedDetections, iou: float) -> LocatedDetections:
    """Drop boxes that overlap a better scored box of the same frame by more than `iou`."""
    n = len(located)
    if n < 2:
        return located
    centre = np.stack((located.x_mm, located.y_mm))
    extent = np.stack((located.width_mm, located.length_mm))
    shared = overlap_areas(centre, extent, centre, extent)
    area = extent[0] * extent[1]
    close = shared > iou * (area[:, None] + area[None, :] - shared)
    if np.count_nonzero(close) == n:
        return located
    best = located.scores.max(axis=1)
    better = (best[None, :] > best[:, None]) | (
        (best[None, :] == best[:, None]) & (np.arange(n)[None, :] < np.arange(n)[:, None])
    )
    keep = ~np.any(close & better, axis=1)
    return located.chosen(keep)


def innovations(
    table: TrackTable,
    rows: IndexArray,
    located: LocatedDetections,
    boxes: IndexArray,
    edge_var: float,
) -> tuple[Float64Array, Float64Array]:
    """Compare boxes with predicted tracks by the edges that both show.

    A box cut by the view's border tells nothing of its centre: the edge inside the view is
    compared with the same edge of the track. Axis 1 and above broadcast `rows` against `boxes`.

    Args:
        table: predicted tracks.
        rows: columns of the table.
        located: detections of the frame.
        boxes: indices of the detections.
        edge_var: variance of one box edge, mm².

    Returns:
        Innovation (2, ...) in mm and its measurement variance (2, ...) in mm².
    """
    by_lead = located.cut_upstream[boxes] | table.open_upstream[rows]
    by_trail = located.cut_downstream[boxes] | table.open_downstream[rows]
    x = located.x_mm[boxes] - table.position_mm[0, rows]
    found = np.empty((2, *x.shape))
    found[0] = x
    y = found[1]
    np.subtract(located.y_mm[boxes], table.position_mm[1, rows], out=y)
    variance = np.full(found.shape, edge_var / 2.0)
    if by_lead.any() or by_trail.any():
        half_step = (located.length_mm[boxes] - table.extent_mm[1, rows]) / 2.0
        y += half_step * (by_trail.astype(np.float64) - by_lead)
        variance[1] += (by_trail ^ by_lead) * (edge_var / 2.0 + _length_var(table, rows, edge_var))
        variance[1] += (by_trail & by_lead) * _UNSEEN_VAR
    return found, variance


def _length_var(table: TrackTable, rows: IndexArray, edge_var: float) -> Float64Array:
    """Return the variance of half the length, mm², where an edge stands in for the centre."""
    views = np.maximum(table.full_views[rows], 1)
    return np.where(table.open_upstream[rows] ^ table.open_downstream[rows], 0.0, 0.5) * (
        edge_var / views
    )


def assign(
    table: TrackTable, rows: IndexArray, located: LocatedDetections, *, edge_var: float, gate: float
) -> Pairs:
    """Pair tracks with boxes at the least total squared Mahalanobis distance.

    Args:
        table: predicted tracks.
        rows: (t,) columns that are in view.
        located: detections of the frame.
        edge_var: variance of one box edge, mm².
        gate: largest distance of a pair, in standard deviations.

    Returns:
        The pairs inside the gate.
    """
    n_boxes = len(located)
    if not len(rows) or not n_boxes:
        empty = np.empty(0, dtype=np.intp)
        return Pairs(rows=empty, boxes=empty)
    boxes = np.arange(n_boxes)
    innovation, noise = innovations(table, rows[:, None], located, boxes[None, :], edge_var)
    total = table.position_var[:, rows, None] + noise
    cost = (innovation * innovation / total).sum(axis=0)
    inside = cost <= gate * gate
    if inside.sum(axis=0).max() <= 1 and inside.sum(axis=1).max() <= 1:
        at, box = np.nonzero(inside)
    else:
        at, box = _optimal(cost, inside, gate)
    return Pairs(rows=rows[at], boxes=box)


def _optimal(cost: Float64Array, inside: BoolArray, gate: float) -> tuple[IndexArray, IndexArray]:
    # Outside the gate every pair costs the same and more than all gated pairs together, so that
    # the assignment first takes as many gated pairs as it can, then the cheapest of them.
    outside = gate * gate * (min(cost.shape) + 1)
    at, box = linear_sum_assignment(np.where(inside, cost, outside))
    kept = inside[at, box]
    return at[kept], box[kept]
