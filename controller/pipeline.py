"""One frame in, decisions and pulses out: locate, track, wish, keep clear of hazards, plan.

Pure: no I/O, no clock, no lock. The same frames and statuses give the same decisions bit for bit,
which is what replay relies on. One thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_MS, MonotonicNs
from controller.config import LimitsConfig, RecipeConfig
from controller.hazard import HazardWatch
from controller.planner import Outcome
from controller.planner_row import BeltNow, PlannerRow
from controller.policy import NO_STATION, SortPolicy, Wishes
from controller.stations import StationConfig
from controller.step import DecidedItem, LineStatus, StepResult
from controller.types import ActionPolicy, DecisionReason
from vision.fusion import BeltFusion, CameraView, whole_view
from vision.mass_law import BUILT_IN, MassLaw
from vision.ports import ItemFollower
from vision.tracker import Tracker
from vision.tracker_config import TrackerConfig
from vision.tracking.scene import BeltScene
from vision.types import Detections, FrameStamp, Track

IntArray = npt.NDArray[np.intp]

PAST_LAST_BAR_MM = 300.0
"""How far behind the last bar items still count: longer than any pulse reaches over the belt."""
_RING_LENGTH = 1 << 16
"""Decisions remembered, by identity modulo this: many times what lies on a belt at once."""
_FIRST_PERIOD_MS = 20.0
"""Frame period assumed until two frames have come (50 frames/s)."""
_LONGEST_PERIOD_MS = 100.0
"""Frame period allowed for when the decision line is placed; longer gaps are faults."""


class SortingPipeline:
    """Everything between detections and pulses."""

    def __init__(
        self,
        *,
        calibration: LineCalibration,
        stations: Sequence[StationConfig],
        recipe: RecipeConfig,
        limits: LimitsConfig,
        tracker: TrackerConfig,
        follower: ItemFollower | None = None,
        more_cameras: Sequence[LineCalibration] = (),
        masses: MassLaw = BUILT_IN,
    ) -> None:
        """Start with an empty belt and all valves at rest.

        Args:
            calibration: of the camera and belt.
            stations: jet bars in order downstream; their index is the station number.
            recipe: what to do with which fraction.
            limits: freshness and trust limits.
            tracker: tracker settings.
            more_cameras: calibrations of the cameras beside or behind the first one.
            masses: what items weigh.
            follower: another tracker than the line's own, for comparison; None builds that.

        Raises:
            ValueError: the recipe names a station that the line does not have.
        """
        calibrations = (calibration, *more_cameras)
        self._calibration = calibration = whole_view(calibrations)
        self._recipe = recipe
        self._limits = limits
        self._policy = SortPolicy(recipe, stations)
        self._planners = PlannerRow(
            calibration=calibration,
            stations=stations,
            recipe=recipe,
            limits=limits,
            tracker=tracker,
            policy=self._policy,
        )
        self._fusion = BeltFusion(calibrations, border_px=tracker.border_px)
        last_mm = max((s.distance_mm for s in stations), default=calibration.view_s_max_mm)
        self._tracker: ItemFollower = follower or Tracker(
            tracker,
            calibration,
            keep_until_s_mm=last_mm + PAST_LAST_BAR_MM,
            masses=masses,
        )
        self._watch = HazardWatch(keep_out_mm=recipe.hazard_keep_out_mm)
        self._station_ring = np.full(_RING_LENGTH, NO_STATION)
        self._last_ns: MonotonicNs | None = None
        self._period_ms = _FIRST_PERIOD_MS

    def step(
        self,
        stamp: FrameStamp,
        detections: Detections,
        status: LineStatus,
        more: Sequence[CameraView] = (),
    ) -> StepResult:
        """Take one frame in, of each camera that has one.

        Args:
            stamp: when and at which belt tick the frame was exposed; frames come in order.
            detections: what the detector found in it.
            status: the line now.
            more: frames of further cameras, exposed at about the same time.

        Returns:
            Decisions, new pulses, hazards seen for the first time.
        """
        self._note_period(stamp)
        first = CameraView(camera=0, stamp=stamp, detections=detections)
        scene = self._tracker.update(stamp, self._fusion.locate((first, *more)))
        if scene.bump_mm is not None:
            status = replace(status, may_fire=False)
        wishes, new_hazards = self._watch.latch(scene, self._policy.wishes(scene, status.prices))
        stations = self._stations(scene, wishes)
        suspects = np.flatnonzero(wishes.suspect)
        conflicts = self._planners.conflicts(self._watch, scene, suspects, status)
        due = self._due(scene, status)
        belt = BeltNow(
            scene=scene, wishes=wishes, stations=stations, suspects=suspects, status=status
        )
        outcomes, planned = self._planners.plan(due, belt)
        stranded = self._stranded(due, scene, wishes, outcomes)
        wishes = self._watch.believe(scene, wishes, stranded)
        decided = tuple(
            self._decide(row, scene, wishes, outcomes.get(int(scene.track_id[row])), status)
            for row in due
        )
        self._note_decided(decided)
        hazards = tuple(scene.track(row) for row in (*new_hazards, *stranded))
        return StepResult(
            decided=decided,
            planned=planned,
            hazards=hazards,
            hazard_actions=tuple(self._policy.hazard_action(track) for track in hazards),
            conflicts=conflicts,
            bump_mm=scene.bump_mm,
        )

    def live_tracks(self) -> tuple[Track, ...]:
        """Return the items of the last frame that are still in view, for the live picture."""
        scene = self._tracker.scene()
        centre_s_mm = scene.travel_mm - scene.states.position_mm[1]
        visible = (scene.track_id > 0) & (centre_s_mm < self._calibration.view_s_max_mm)
        return tuple(scene.track(row) for row in np.flatnonzero(visible).tolist())

    def hazards_removed(self) -> tuple[DecidedItem, ...]:
        """Take an operator's word that the hazardous items were dealt with.

        Their places stay known: a look-alike that the operator left raises no second alarm, is no
        second item, and jets keep clear of it.

        Returns:
            Those that had no decision yet, with it, so that every item has one.
        """
        decided = self._decide_unseen(self._watch.believed, DecisionReason.HAZARD)
        self._note_decided(decided)
        return decided

    def give_up(self, reason: DecisionReason) -> tuple[DecidedItem, ...]:
        """Drop everything that is tracked: belt positions mean nothing any more, or the run ends.

        Args:
            reason: why the items stay on the belt.

        Returns:
            The items that had no decision yet, with it.
        """
        ids = self._tracker.scene().track_id
        track_ids = frozenset(ids[ids > 0].tolist())
        decided = self._decide_unseen(track_ids, reason)
        self._tracker.forget(track_ids)
        self._watch.forget(track_ids)
        return decided

    def _note_period(self, stamp: FrameStamp) -> None:
        if self._last_ns is not None:
            period_ms = (stamp.exposed_ns - self._last_ns) / NS_PER_MS
            self._period_ms = min(max(period_ms, 0.0), _LONGEST_PERIOD_MS)
        self._last_ns = stamp.exposed_ns

    def _stations(self, scene: BeltScene, wishes: Wishes) -> IntArray:
        """Return (n,) where each item will leave: as decided, else as wished."""
        decided = self._station_ring[scene.track_id % len(self._station_ring)]
        return np.where(scene.decided, decided, wishes.station)

    def _due(self, scene: BeltScene, status: LineStatus) -> list[int]:
        """Return rows of items whose decision cannot wait for another frame.

        Items are decided when their leading edge leaves the view, earlier where the budget asks for
        it; one whose upstream end is out of view waits for it as long as the first bar allows.
        """
        waiting = (scene.track_id > 0) & ~scene.decided
        if not waiting.any():
            return []
        latest_mm = self._planners.latest_s_mm(status, self._period_ms)
        line_mm = min(self._calibration.view_s_max_mm, latest_mm)
        lead_mm = scene.lead_s_mm
        due = waiting & (lead_mm >= line_mm)
        due &= ~scene.open_ended | (lead_mm >= latest_mm)
        rows: list[int] = np.flatnonzero(due).tolist()
        return rows

    def _stranded(
        self,
        due: Sequence[int],
        scene: BeltScene,
        wishes: Wishes,
        outcomes: Mapping[int, Outcome],
    ) -> tuple[int, ...]:
        """Return rows of hazards that were to be diverted and cannot be: the line stops."""
        return tuple(
            row
            for row in due
            if (outcome := outcomes.get(int(scene.track_id[row]))) is not None
            and outcome.reason is not DecisionReason.TARGET
            and self._policy.is_hazard(int(wishes.fraction[row]))
        )

    def _decide(
        self,
        row: int,
        scene: BeltScene,
        wishes: Wishes,
        outcome: Outcome | None,
        status: LineStatus,
    ) -> DecidedItem:
        track, policy = scene.track(row), self._policy
        if wishes.believed[row]:
            return DecidedItem(track=track, decision=policy.hazard_decision(track), pulses=())
        fraction = int(wishes.fraction[row])
        if outcome is None:
            outcome = Outcome(reason=policy.reason_to_stay(track, status.prices), pulses=())
        action, station = ActionPolicy.PASS, None
        if outcome.reason is DecisionReason.TARGET:
            action, station = policy.action(fraction), int(wishes.station[row])
        decision = policy.decision(track, action=action, station=station, reason=outcome.reason)
        return DecidedItem(track=track, decision=decision, pulses=outcome.pulses)

    def _decide_unseen(
        self, track_ids: frozenset[int], reason: DecisionReason
    ) -> tuple[DecidedItem, ...]:
        scene = self._tracker.scene()
        believed = self._watch.believed
        decided: list[DecidedItem] = []
        for row in np.flatnonzero(~scene.decided).tolist():
            track = scene.track(row)
            if track.track_id in track_ids:
                decision = (
                    self._policy.hazard_decision(track)
                    if track.track_id in believed
                    else self._policy.decision(
                        track, action=ActionPolicy.PASS, station=None, reason=reason
                    )
                )
                decided.append(DecidedItem(track=track, decision=decision, pulses=()))
        return tuple(decided)

    def _note_decided(self, decided: Sequence[DecidedItem]) -> None:
        if not decided:
            return
        self._tracker.mark_decided(frozenset(item.track.track_id for item in decided))
        for item in decided:
            station = item.decision.station
            at = item.track.track_id % len(self._station_ring)
            self._station_ring[at] = NO_STATION if station is None else station
