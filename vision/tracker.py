"""Follows items in belt coordinates, from their first view until they are past the last jet bar."""

import numpy as np
import numpy.typing as npt

from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from vision.mass_law import BUILT_IN, MassLaw
from vision.outline import support_of_boxes
from vision.tracker_config import TrackerConfig
from vision.tracking.association import (
    Pairs,
    assign,
    innovations,
    overlap_areas,
    without_duplicates,
)
from vision.tracking.bump import BumpWatch
from vision.tracking.evidence import log_scores, posterior
from vision.tracking.motion import BeltStates, correct, predict
from vision.tracking.overlap import recover, settle_merged
from vision.tracking.scene import BeltScene
from vision.tracking.table import TrackTable
from vision.types import FrameStamp, LocatedDetections

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_EXTENT_MEMORY = 6
"""Views over which extents are averaged: about as many as an item gives whole."""
_EXTENT_STEP_SHARE = 0.25
"""Largest share by which one view may change an extent, against single bad boxes."""
_KNOWN_VIEWS = 2
"""Whole views after which an item's place is known well enough to tell a bump by it."""
_MOVED_MM = 0.1
"""Belt travel between two frames below which the belt stands (a fifth of a usual tick)."""


class Tracker:
    """One camera's tracks. Pure: no clock, no I/O; one thread.

    Tracks outlive the view: items on their way to the jets are still neighbours of other items,
    so they coast on the belt until their upstream edge has passed `keep_until_s_mm`.
    """

    def __init__(
        self,
        config: TrackerConfig,
        calibration: LineCalibration,
        *,
        keep_until_s_mm: float,
        masses: MassLaw = BUILT_IN,
    ) -> None:
        """Start with an empty belt.

        Args:
            config: noise, patience and evidence.
            calibration: belt scale and usable view.
            keep_until_s_mm: machine position from which a decided item matters no more.
            masses: what items weigh.
        """
        self._config, self._masses = config, masses
        self._calibration = calibration
        self._keep_until_s_mm = keep_until_s_mm
        self._edge_var = config.edge_sd_mm**2
        self._slip_factor2 = np.square(config.slip_factor)
        self._table = TrackTable.empty()
        self._next_id = 1
        self._last_ns: MonotonicNs | None = None
        self._tick = 0.0
        self._travel_mm = self._speed_mm_per_s = 0.0
        self._bump = BumpWatch()
        self._bump_mm: tuple[float, float] | None = None

    def update(self, stamp: FrameStamp, located: LocatedDetections) -> BeltScene:
        """Take one frame's detections in and return the belt as it is now known.

        Args:
            stamp: of the frame; frames come in order of exposure.
            located: its detections on the belt.

        Returns:
            All items and candidates, in order of birth.
        """
        self._bump_mm = None
        self._predict(stamp)
        seen = without_duplicates(located, self._config.duplicate_iou)
        rows = self._rows_in_view()
        pairs = assign(
            self._table, rows, seen, edge_var=self._edge_var, gate=self._config.gate_sigma
        )
        free = np.ones(len(seen), dtype=np.bool_)
        free[pairs.boxes] = False
        pairs = self._reconcile(stamp, rows, seen, pairs, free)
        self._fuse(stamp, seen, pairs)
        if free.any():
            self._give_birth(stamp, seen, np.flatnonzero(free), rows)
        self._confirm()
        self._retire(stamp)
        return self.scene()

    def mark_decided(self, track_ids: frozenset[int]) -> None:
        """Note which items have had their decision; they end when past the last bar."""
        for track_id in track_ids:
            self._table.decided[self._table.track_id == track_id] = True

    def forget(self, track_ids: frozenset[int]) -> None:
        """Drop items that were taken off the belt; their ids are not used again."""
        gone = np.isin(self._table.track_id, np.fromiter(track_ids, dtype=np.int64))
        self._table.keep(~gone)

    def _predict(self, stamp: FrameStamp) -> None:
        travel_mm = self._calibration.travel.travel_mm(stamp.tick)
        if self._last_ns is not None and len(self._table):
            dt_s = max(0.0, (stamp.exposed_ns - self._last_ns) / NS_PER_S)
            moving = abs(travel_mm - self._travel_mm) > _MOVED_MM
            self._speed_mm_per_s = (travel_mm - self._travel_mm) / max(dt_s, 1e-3)
            predict(self._table, dt_s, self._config, moving=moving)
        self._last_ns = stamp.exposed_ns
        self._tick = stamp.tick
        self._travel_mm = travel_mm

    def _rows_in_view(self) -> IndexArray:
        table = self._table
        trail_s_mm = self._travel_mm - table.position_mm[1] - table.extent_mm[1] / 2
        return np.flatnonzero(trail_s_mm < self._calibration.view_s_max_mm)

    def _reconcile(
        self,
        stamp: FrameStamp,
        rows: IndexArray,
        seen: LocatedDetections,
        pairs: Pairs,
        free: BoolArray,
    ) -> Pairs:
        """Deal with tracks in view that got no box; `free` boxes are used up in place."""
        table = self._table
        alone = np.ones(len(table), dtype=np.bool_)
        alone[pairs.rows] = False
        centre_s_mm = self._travel_mm - table.position_mm[1]
        alone &= centre_s_mm < self._calibration.view_s_max_mm
        lonely = rows[alone[rows]]
        if not len(lonely) or not len(seen):
            return pairs
        pairs, merged_rows, merged_boxes = settle_merged(table, rows, seen, pairs, self._config)
        free[merged_boxes] = False
        table.last_seq[merged_rows] = stamp.seq
        table.last_ns[merged_rows] = stamp.exposed_ns
        alone[merged_rows] = False
        lonely = rows[alone[rows]]
        if not len(lonely) or not free.any():
            return pairs
        found = recover(table, lonely, seen, np.flatnonzero(free), self._config)
        free[found.boxes] = False
        return Pairs(
            rows=np.concatenate((pairs.rows, found.rows)),
            boxes=np.concatenate((pairs.boxes, found.boxes)),
        )

    def _fuse(self, stamp: FrameStamp, seen: LocatedDetections, pairs: Pairs) -> None:
        table, rows, boxes = self._table, pairs.rows, pairs.boxes
        if not len(rows):
            return
        cut = seen.cut_upstream[boxes] | seen.cut_downstream[boxes]
        if table.open_upstream[rows].any():
            self._grow(seen, pairs)
        innovation, noise = innovations(table, rows, seen, boxes, self._edge_var)
        steady = ~cut & (table.full_views[rows] >= _KNOWN_VIEWS)
        if self._config.notice_knocks:
            self._bump_mm = self._bump.observe(
                innovation[:, steady], speed_mm_per_s=self._speed_mm_per_s
            )
        correct(table, rows, innovation, noise)
        self._learn_extents(seen, rows[~cut], boxes[~cut])
        weight = np.where(cut, self._config.cut_view_weight, 1.0)
        table.log_score[:, rows] += weight * log_scores(seen.scores[boxes], self._config)
        table.weight[rows] += weight
        height_mm = seen.height_mm[boxes]
        table.height_mm[rows] = np.where(np.isfinite(height_mm), height_mm, table.height_mm[rows])
        table.best_score[rows] = np.maximum(table.best_score[rows], seen.scores[boxes].max(axis=1))
        table.views[rows] += 1
        table.last_seq[rows] = stamp.seq
        table.last_ns[rows] = stamp.exposed_ns

    def _grow(self, seen: LocatedDetections, pairs: Pairs) -> None:
        """Lengthen items that are still entering, holding their downstream edge where it is."""
        table = self._table
        opened = table.open_upstream[pairs.rows]
        rows, boxes = pairs.rows[opened], pairs.boxes[opened]
        known_mm = table.extent_mm[1, rows]
        visible_mm = seen.length_mm[boxes]
        lead_y_mm = table.position_mm[1, rows] - known_mm / 2
        entering = seen.cut_upstream[boxes]
        leaving = seen.cut_downstream[boxes]
        to_trail_mm = seen.y_mm[boxes] + visible_mm / 2 - lead_y_mm
        new_mm = np.where(leaving, to_trail_mm, visible_mm)
        new_mm = np.where(entering, np.maximum(known_mm, visible_mm), new_mm)
        table.extent_mm[1, rows] = np.maximum(new_mm, 1.0)
        table.position_mm[1, rows] = lead_y_mm + table.extent_mm[1, rows] / 2
        table.extent_mm[0, rows] = np.maximum(table.extent_mm[0, rows], seen.width_mm[boxes])
        table.open_upstream[rows] = entering

    def _learn_extents(self, seen: LocatedDetections, rows: IndexArray, boxes: IndexArray) -> None:
        table = self._table
        measured = np.stack((seen.width_mm[boxes], seen.length_mm[boxes]))
        known = table.extent_mm[:, rows]
        views = table.full_views[rows]
        limit = np.where(views == 0, np.inf, _EXTENT_STEP_SHARE * known)
        step = np.clip(measured - known, -limit, limit)
        share = 1.0 / np.minimum(views + 1, _EXTENT_MEMORY)
        table.extent_mm[:, rows] = known + step * share
        seen_support = seen.support_mm[boxes].T
        known_support = np.where(views == 0, seen_support, table.support_mm[:, rows])
        table.support_mm[:, rows] = known_support + (seen_support - known_support) * share
        table.full_views[rows] += 1

    def _give_birth(
        self, stamp: FrameStamp, seen: LocatedDetections, boxes: IndexArray, rows: IndexArray
    ) -> None:
        table, config = self._table, self._config
        centre = np.stack((seen.x_mm[boxes], seen.y_mm[boxes]))
        extent = np.stack((seen.width_mm[boxes], seen.length_mm[boxes]))
        if len(rows):
            own = table.extent_mm[:, rows]
            shared = overlap_areas(centre, extent, table.position_mm[:, rows], own)
            union = (extent[0] * extent[1])[:, None] + (own[0] * own[1])[None, :] - shared
            new = ~np.any(shared > config.duplicate_iou * union, axis=1)
            boxes, centre, extent = boxes[new], centre[:, new], extent[:, new]
        born = table.append(len(boxes))
        cut = seen.cut_upstream[boxes] | seen.cut_downstream[boxes]
        weight = np.where(cut, config.cut_view_weight, 1.0)
        table.position_mm[:, born] = centre
        table.position_var[:, born] = self._edge_var
        prior = seen.scores[boxes] / np.maximum(seen.scores[boxes].sum(axis=1, keepdims=True), 1e-6)
        table.slip_var[:, born] = config.slip_sd_mm_per_s**2 * (prior @ self._slip_factor2)
        table.extent_mm[:, born] = extent
        table.support_mm[:, born] = seen.support_mm[boxes].T
        table.height_mm[born] = seen.height_mm[boxes]
        table.log_score[:, born] = weight * log_scores(seen.scores[boxes], config)
        table.weight[born] = weight
        table.best_score[born] = seen.scores[boxes].max(axis=1, initial=0.0)
        table.views[born] = 1
        table.full_views[born] = ~cut
        table.first_seq[born] = stamp.seq
        table.last_seq[born] = stamp.seq
        table.last_ns[born] = stamp.exposed_ns
        table.open_upstream[born] = seen.cut_upstream[boxes]
        table.open_downstream[born] = seen.cut_downstream[boxes]

    def _confirm(self) -> None:
        table, config = self._table, self._config
        lead_s_mm = self._travel_mm - table.position_mm[1] + table.extent_mm[1] / 2
        leaving = (lead_s_mm >= self._calibration.view_s_max_mm) & (
            table.best_score >= config.strong_score
        )
        new = (table.track_id == 0) & ((table.views >= config.confirm_views) | leaving)
        rows = np.flatnonzero(new)
        table.track_id[rows] = np.arange(self._next_id, self._next_id + len(rows))
        self._next_id += len(rows)

    def _retire(self, stamp: FrameStamp) -> None:
        table = self._table
        trail_s_mm = self._travel_mm - table.position_mm[1] - table.extent_mm[1] / 2
        candidate = table.track_id == 0
        unseen_ns = stamp.exposed_ns - table.last_ns
        lost = candidate & (
            (unseen_ns > self._config.patience_ms * NS_PER_MS)
            | (trail_s_mm > self._calibration.view_s_max_mm)
        )
        past = table.decided & (trail_s_mm > self._keep_until_s_mm)
        gone = lost | past
        if gone.any():
            table.keep(~gone)

    def scene(self) -> BeltScene:
        """Return the belt as known after the last frame, copied."""
        table = self._table.copy()
        probabilities = posterior(table, self._config)
        extent_mm = table.extent_mm
        # Where no view showed the item whole, what is known of it is a box.
        support_mm = np.where(table.full_views > 0, table.support_mm, support_of_boxes(extent_mm))
        mass_g, mass_sd_g = self._masses.estimate(probabilities, extent_mm, table.height_mm)
        return BeltScene(
            tick=self._tick,
            travel_mm=self._travel_mm,
            states=BeltStates(
                position_mm=table.position_mm,
                slip_mm_per_s=table.slip_mm_per_s,
                position_var=table.position_var,
                cross_var=table.cross_var,
                slip_var=table.slip_var,
            ),
            extent_mm=extent_mm,
            support_mm=support_mm,
            posterior=probabilities,
            mass_g=mass_g,
            mass_sd_g=mass_sd_g,
            track_id=table.track_id,
            views=table.views,
            first_seq=table.first_seq,
            last_seq=table.last_seq,
            decided=table.decided,
            open_ended=table.open_upstream,
            bump_mm=self._bump_mm,
        )
