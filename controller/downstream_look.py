"""Follows what is still on the belt behind the bars and tells of each item once.

The camera there has frames, boxes and a tracker of its own; belt ticks and the two calibrations
place what it sees in the same belt coordinates as the items that the line decided. Pure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.line_calibration import LineCalibration
from controller.miss_watch import DownstreamSighting
from vision.locate import BeltLocator
from vision.tracker import Tracker
from vision.tracker_config import TrackerConfig
from vision.types import Detections, FrameStamp

_GAP_SHARE: Final = 0.5
"""Of the view: belt travel between two frames from which an item may have crossed too much of the
view unseen to become a track of two views."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamLook:
    """What one frame added.

    Attributes:
        sightings: items told of for the first time.
        blind: the camera has missed a stretch of belt before this frame; what lay on it, nobody
            knows.
    """

    sightings: tuple[DownstreamSighting, ...]
    blind: bool


class DownstreamFollower:
    """One downstream camera's frames in, items out. Pure; one thread."""

    def __init__(self, calibration: LineCalibration, tracker: TrackerConfig) -> None:
        """Begin with an empty belt.

        Args:
            calibration: of the downstream camera, in the machine frame of the line.
            tracker: the line's own settings.
        """
        # Items that a bar has just stirred up are no knocked camera.
        self._config = tracker.model_copy(update={"notice_knocks": False})
        self._calibration = calibration
        self._locator = BeltLocator(calibration, border_px=tracker.border_px)
        self._tracker = self._new_tracker()
        self._travel_mm: float | None = None

    @property
    def end_mm(self) -> float:
        """Where its view ends, machine frame: nothing is told of an item that is past it."""
        return self._calibration.view_s_max_mm

    @property
    def begin_mm(self) -> float:
        """Where its view begins, machine frame."""
        return self._calibration.view_s_min_mm

    def look(self, stamp: FrameStamp, detections: Detections) -> DownstreamLook:
        """Take one frame in; frames come in order of exposure.

        Args:
            stamp: when and at which belt tick it was exposed.
            detections: found in it, raw image px.
        """
        blind = self._missed_a_stretch(stamp)
        if blind:
            self._tracker = self._new_tracker()
        scene = self._tracker.update(stamp, self._locator.locate(stamp, detections))
        # An end out of view hides where the middle is; one longer than the view never shows both.
        placed = ~scene.open_ended | (scene.lead_s_mm >= self.end_mm)
        fresh = np.flatnonzero((scene.track_id > 0) & ~scene.decided & placed).tolist()
        self._tracker.mark_decided(frozenset(int(scene.track_id[row]) for row in fresh))
        return DownstreamLook(
            sightings=tuple(
                DownstreamSighting(
                    tick=stamp.tick,
                    s_mm=scene.travel_mm - float(scene.states.position_mm[1, row]),
                    x_mm=float(scene.states.position_mm[0, row]),
                )
                for row in fresh
            ),
            blind=blind,
        )

    def _missed_a_stretch(self, stamp: FrameStamp) -> bool:
        """Note the frame's belt travel; whether too much belt, or none at all, lies before it."""
        travel_mm = self._calibration.travel.travel_mm(stamp.tick)
        before_mm, self._travel_mm = self._travel_mm, travel_mm
        if before_mm is None:
            return True
        view_mm = self._calibration.view_s_max_mm - self._calibration.view_s_min_mm
        return not 0.0 <= travel_mm - before_mm <= _GAP_SHARE * view_mm

    def _new_tracker(self) -> Tracker:
        end_mm = self._calibration.view_s_max_mm
        return Tracker(self._config, self._calibration, keep_until_s_mm=end_mm)
