"""The twin's camera behind the bars in virtual time: the truth, or its picture and a detector."""

from typing import Final, Protocol

from calibration.line_calibration import LineCalibration
from twin.optics import Renderer
from twin.perfect_detector import PerfectDetector
from twin.world import World
from vision.ports import Detector
from vision.types import Detections

_MARGIN_MM: Final = 50.0
"""Drawn beyond the nominal view: the image shows a little more than belt and view."""


class DownstreamSight(Protocol):
    """Looks at the belt behind the bars, where the world stands. One thread; nothing waits."""

    def look(self, seq: int) -> Detections:
        """Return what is found there now, raw image px."""
        ...


class TrueDownstreamSight:
    """Reads the items off the world."""

    def __init__(self, world: World, calibration: LineCalibration) -> None:
        """Take the world to look at and the calibration of the camera to look through."""
        middle_mm = (calibration.view_s_min_mm + calibration.view_s_max_mm) / 2
        self._detector = PerfectDetector(world=world, plane=calibration.plane, middle_mm=middle_mm)

    def look(self, seq: int) -> Detections:  # noqa: ARG002 - the truth has no noise to choose
        """Return the items in view."""
        return self._detector.detect_now()


class RenderedDownstreamSight:
    """Draws the belt behind the bars and asks a detector what it sees."""

    def __init__(
        self,
        world: World,
        calibration: LineCalibration,
        *,
        renderer: Renderer,
        detector: Detector,
    ) -> None:
        """Take the world, the camera that looks at it, and who looks at the pictures."""
        self._world, self._renderer, self._detector = world, renderer, detector
        self._from_mm = calibration.view_s_min_mm - _MARGIN_MM
        self._to_mm = calibration.view_s_max_mm + _MARGIN_MM

    def look(self, seq: int) -> Detections:
        """Draw a frame and return what the detector finds in it."""
        world = self._world
        image = self._renderer.render(
            world.items_between(self._from_mm, self._to_mm),
            travel_mm=world.travel_mm,
            speed_mm_per_s=world.speed_mm_per_s,
            seq=seq,
        )
        return self._detector.detect(image)
