"""What optimal assignment leaves over: boxes that cover several tracks, tracks that fell apart."""

import numpy as np
import numpy.typing as npt

from vision.tracker_config import TrackerConfig
from vision.tracking.association import Pairs, overlap_areas
from vision.tracking.motion import correct
from vision.tracking.table import TrackTable
from vision.types import LocatedDetections

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_MERGED_AREA_RATIO = 1.25
"""A box that covers several tracks is larger than each of them by at least this."""
_MERGED_NOISE = 9.0
"""Variance factor of a position read from a merged box: three times the usual spread."""
_UNSEEN_VAR = 1e12


def _boxes(located: LocatedDetections) -> tuple[Float64Array, Float64Array]:
    return (
        np.stack((located.x_mm, located.y_mm)),
        np.stack((located.width_mm, located.length_mm)),
    )


def settle_merged(
    table: TrackTable,
    rows: IndexArray,
    located: LocatedDetections,
    pairs: Pairs,
    config: TrackerConfig,
) -> tuple[Pairs, IndexArray, IndexArray]:
    """Find boxes that cover several tracks and move those tracks along together.

    Neither extents nor classes are learnt from such a box, and none of its tracks is lost.

    Args:
        table: predicted tracks, positions changed in place.
        rows: columns that are in view.
        located: detections of the frame.
        pairs: the optimal assignment.
        config: thresholds.

    Returns:
        The pairs that stay, the columns that merged boxes accounted for, and those boxes.
    """
    centre, extent = _boxes(located)
    own_extent = table.extent_mm[:, rows]
    shared = overlap_areas(table.position_mm[:, rows], own_extent, centre, extent)
    area = own_extent[0] * own_extent[1]
    partner = np.full(len(rows), -1)
    for row, box in zip(pairs.rows, pairs.boxes, strict=True):
        partner[rows == row] = box
    known = (table.track_id[rows] > 0) & ~table.open_upstream[rows]
    covered = (shared >= config.covered_share * area[:, None]) & known[:, None]
    merged_boxes, merged_rows = [], []
    for box in np.flatnonzero(covered.sum(axis=0) >= 2):
        group = covered[:, box] & ((partner == box) | (partner < 0))
        large = extent[0, box] * extent[1, box] >= _MERGED_AREA_RATIO * area[group].max(initial=0.0)
        if group.sum() >= 2 and large:
            _move_together(table, rows[group], located, int(box), config)
            merged_boxes.append(int(box))
            merged_rows.extend(rows[group].tolist())
    stays = ~np.isin(pairs.boxes, merged_boxes)
    return (
        Pairs(rows=pairs.rows[stays], boxes=pairs.boxes[stays]),
        np.array(merged_rows, dtype=np.intp),
        np.array(merged_boxes, dtype=np.intp),
    )


def _move_together(
    table: TrackTable,
    group: IndexArray,
    located: LocatedDetections,
    box: int,
    config: TrackerConfig,
) -> None:
    half = table.extent_mm[:, group] / 2
    position = table.position_mm[:, group]
    middle = ((position + half).max(axis=1) + (position - half).min(axis=1)) / 2
    offset = np.array([located.x_mm[box], located.y_mm[box]]) - middle
    noise = np.full(2, _MERGED_NOISE * config.edge_sd_mm**2)
    if located.cut_upstream[box] or located.cut_downstream[box]:
        noise[1] = _UNSEEN_VAR
    count = len(group)
    correct(
        table,
        group,
        np.repeat(offset[:, None], count, axis=1),
        np.repeat(noise[:, None], count, axis=1),
    )


def recover(
    table: TrackTable,
    rows: IndexArray,
    located: LocatedDetections,
    boxes: IndexArray,
    config: TrackerConfig,
) -> Pairs:
    """Pair tracks with boxes that lie on them though their centres are outside the gate.

    So a track whose box fell apart, grew, or jumped goes on under the same identity. Positions of
    the tracks returned are made uncertain by the jump, their extents are learnt anew.

    Args:
        table: predicted tracks, spreads changed in place.
        rows: columns without a box.
        located: detections of the frame.
        boxes: detections without a track.
        config: thresholds.

    Returns:
        Pairs in the order of the largest overlap.
    """
    centre, extent = _boxes(located)
    centre, extent = centre[:, boxes], extent[:, boxes]
    own_extent = table.extent_mm[:, rows]
    shared = overlap_areas(table.position_mm[:, rows], own_extent, centre, extent)
    area, own_area = extent[0] * extent[1], own_extent[0] * own_extent[1]
    union = own_area[:, None] + area[None, :] - shared
    smaller = np.minimum(own_area[:, None], area[None, :])
    score = np.where(
        (shared >= config.overlap_iou * union) | (shared >= config.covered_share * smaller),
        shared,
        0.0,
    )
    found: list[tuple[int, int]] = []
    while score.size and score.max() > 0.0:
        at, box = np.unravel_index(int(score.argmax()), score.shape)
        found.append((int(rows[at]), int(boxes[box])))
        score[at, :] = 0.0
        score[:, box] = 0.0
    pairs = np.array(found, dtype=np.intp).reshape(-1, 2)
    _make_uncertain(table, Pairs(rows=pairs[:, 0], boxes=pairs[:, 1]), located)
    return Pairs(rows=pairs[:, 0], boxes=pairs[:, 1])


def _make_uncertain(table: TrackTable, pairs: Pairs, located: LocatedDetections) -> None:
    jump = (
        np.stack((located.x_mm[pairs.boxes], located.y_mm[pairs.boxes]))
        - table.position_mm[:, pairs.rows]
    )
    table.position_var[:, pairs.rows] += 4.0 * jump * jump
    table.full_views[pairs.rows] = 0
