"""The line with Ultralytics' ByteTrack in place of its tracker, and with boxes for outlines."""

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.result import CannotRunError
from calibration.line_calibration import LineCalibration
from controller.pipeline import PAST_LAST_BAR_MM, SortingPipeline
from controller.step import LineStatus, StepResult
from twin.assembly import SimulatedLine
from vision.fusion import CameraView
from vision.mass import estimate_mass_g
from vision.outline import support_of_boxes
from vision.tracking.motion import BeltStates
from vision.tracking.scene import BeltScene
from vision.types import FRACTIONS, Detections, FrameStamp, LocatedDetections

_BYTE_BOX_SD_MM: Final = 3.0
_BYTE_BUFFER_FRAMES: Final = 30
"""Ultralytics' own default, as are the other settings below (cfg/trackers/bytetrack.yaml)."""


@dataclass(slots=True)
class _Followed:
    """One of ByteTrack's tracks as last seen."""

    x_mm: float
    y_mm: float
    width_mm: float
    length_mm: float
    scores: npt.NDArray[np.float64]
    views: int
    first_seq: int
    last_seq: int
    decided: bool = False


class _Boxes:
    """Detections in the shape that Ultralytics' tracker reads."""

    def __init__(self, xywh: Any, conf: Any, cls: Any) -> None:
        self.xywh, self.conf, self.cls = xywh, conf, cls

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, which: Any) -> "_Boxes":
        return _Boxes(self.xywh[which], self.conf[which], self.cls[which])


class ByteFollower:
    """Ultralytics' ByteTrack on the boxes, positions carried on by the encoder; then our planner.

    The tracker sees a bird's-eye view in millimetres of machine position, which suits it better
    than the image would: no perspective, no lens.
    """

    def __init__(self, calibration: LineCalibration, *, keep_until_s_mm: float) -> None:
        """Start with an empty belt.

        Raises:
            CannotRunError: Ultralytics is not installed.
        """
        try:
            from models import torchvision_shim  # noqa: PLC0415

            torchvision_shim.install()
            from ultralytics.trackers.byte_tracker import BYTETracker  # noqa: PLC0415
        except ImportError as error:
            msg = f"ByteTrack needs Ultralytics ({error}): make .venv/train.stamp"
            raise CannotRunError(msg) from error
        self._tracker: Any = BYTETracker(
            Namespace(
                track_high_thresh=0.25,
                track_low_thresh=0.1,
                new_track_thresh=0.25,
                track_buffer=_BYTE_BUFFER_FRAMES,
                match_thresh=0.8,
                fuse_score=True,
            )
        )
        self._calibration, self._keep_until_s_mm = calibration, keep_until_s_mm
        self._items: dict[int, _Followed] = {}
        self._tick = self._travel_mm = 0.0

    def update(self, stamp: FrameStamp, located: LocatedDetections) -> BeltScene:
        """Let ByteTrack name the boxes; keep what it named."""
        self._tick, self._travel_mm = stamp.tick, self._calibration.travel.travel_mm(stamp.tick)
        s_mm = self._travel_mm - located.y_mm
        boxes = _Boxes(
            np.column_stack((located.x_mm, s_mm, located.width_mm, located.length_mm)),
            located.scores.max(axis=1) if len(located) else np.zeros(0),
            located.scores.argmax(axis=1) if len(located) else np.zeros(0),
        )
        for named in np.asarray(self._tracker.update(boxes)).reshape(-1, 8):
            self._take(int(named[4]), int(named[7]), located, stamp)
        gone = [
            i
            for i, item in self._items.items()
            if item.decided
            and self._travel_mm - item.y_mm - item.length_mm / 2 > self._keep_until_s_mm
        ]
        for track_id in gone:
            del self._items[track_id]
        return self.scene()

    def _take(self, track_id: int, row: int, located: LocatedDetections, stamp: FrameStamp) -> None:
        scores = located.scores[row].astype(np.float64)
        item = self._items.get(track_id)
        cut = bool(located.cut_downstream[row])
        if item is None:
            item = _Followed(0.0, 0.0, 0.0, 0.0, np.zeros(len(FRACTIONS)), 0, stamp.seq, stamp.seq)
            self._items[track_id] = item
        if item.views == 0 or not cut:
            item.x_mm, item.y_mm = float(located.x_mm[row]), float(located.y_mm[row])
            item.width_mm = float(located.width_mm[row])
            item.length_mm = float(located.length_mm[row])
        item.scores += scores
        item.views += 1
        item.last_seq = stamp.seq

    def scene(self) -> BeltScene:
        """Return the belt as ByteTrack knows it: every item lies still."""
        ids = list(self._items)
        items = [self._items[i] for i in ids]
        n = len(items)
        position = np.array([[i.x_mm for i in items], [i.y_mm for i in items]]).reshape(2, n)
        extent = np.array([[i.width_mm for i in items], [i.length_mm for i in items]])
        extent = extent.reshape(2, n)
        scores = np.array([i.scores for i in items]).reshape(n, len(FRACTIONS)).T
        posterior = scores / np.maximum(scores.sum(axis=0), 1e-9)
        mass_g, mass_sd_g = estimate_mass_g(posterior, extent)
        return BeltScene(
            tick=self._tick,
            travel_mm=self._travel_mm,
            states=BeltStates(
                position_mm=position,
                slip_mm_per_s=np.zeros((2, n)),
                position_var=np.full((2, n), _BYTE_BOX_SD_MM**2),
                cross_var=np.zeros((2, n)),
                slip_var=np.zeros((2, n)),
            ),
            extent_mm=extent,
            support_mm=support_of_boxes(extent),
            posterior=posterior,
            mass_g=mass_g,
            mass_sd_g=mass_sd_g,
            track_id=np.array(ids, dtype=np.int64),
            views=np.array([i.views for i in items], dtype=np.int64),
            first_seq=np.array([i.first_seq for i in items], dtype=np.int64),
            last_seq=np.array([i.last_seq for i in items], dtype=np.int64),
            decided=np.array([i.decided for i in items], dtype=np.bool_),
            open_ended=np.zeros(n, dtype=np.bool_),
        )

    def mark_decided(self, track_ids: frozenset[int]) -> None:
        """Note decisions."""
        for track_id in track_ids & self._items.keys():
            self._items[track_id].decided = True

    def forget(self, track_ids: frozenset[int]) -> None:
        """Drop items."""
        for track_id in track_ids & self._items.keys():
            del self._items[track_id]


def byte_line(line: SimulatedLine, calibration: LineCalibration) -> SortingPipeline:
    """Return the line's own pipeline with ByteTrack in place of its tracker."""
    last_mm = max(s.distance_mm for s in line.stations)
    return SortingPipeline(
        calibration=calibration,
        stations=line.stations,
        recipe=line.recipe,
        limits=line.limits,
        tracker=line.tracker,
        follower=ByteFollower(calibration, keep_until_s_mm=last_mm + PAST_LAST_BAR_MM),
    )


class Boxed:
    """A pipeline that is shown boxes and no outlines."""

    def __init__(self, line: SimulatedLine, calibration: LineCalibration) -> None:
        """Build the line's own pipeline behind it."""
        self._own = SortingPipeline(
            calibration=calibration,
            stations=line.stations,
            recipe=line.recipe,
            limits=line.limits,
            tracker=line.tracker,
        )
        self.live_tracks = self._own.live_tracks
        self.hazards_removed = self._own.hazards_removed
        self.give_up = self._own.give_up

    def step(
        self,
        stamp: FrameStamp,
        detections: Detections,
        status: LineStatus,
        more: Sequence[CameraView] = (),
    ) -> StepResult:
        """Pass boxes and scores on."""
        boxes = Detections(boxes_px=detections.boxes_px, scores=detections.scores)
        return self._own.step(stamp, boxes, status, more)
