"""Looks at the belt itself every few frames: the camera's word on how far it moved."""

import numpy as np
import numpy.typing as npt

from calibration.line_calibration import LineCalibration
from controller.belt_watch import BeltLook
from vision.belt_flow import BeltFlow

_EVERY = 5
"""Frames from one look to the next: with some 5 ms a look, one or two per cent of a core."""


class BeltEye:
    """Pairs of consecutive frames, each compared by texture. One thread."""

    def __init__(self, calibration: LineCalibration) -> None:
        """Look at the middle of the view.

        Args:
            calibration: of the camera and the belt.
        """
        plane = calibration.plane
        width, height = plane.image_width_px, plane.image_height_px
        corners = plane.to_machine_mm(((0, 0), (width, 0), (width, height), (0, height)))
        # Of each coordinate the inner two of four corners bound a rectangle that is all in view.
        (x_min, x_max), (s_min, s_max) = (np.sort(corners[:, axis])[1:3] for axis in (0, 1))
        self._flow = BeltFlow(
            plane, x_mm=(float(x_min), float(x_max)), s_mm=(float(s_min), float(s_max))
        )
        self._mm_per_tick = calibration.travel.mm_per_tick
        self._frames = 0
        self._before: tuple[npt.NDArray[np.float32], float] | None = None

    def look(self, image: npt.NDArray[np.uint8], tick: float) -> BeltLook | None:
        """Take a frame; returns what a pair of frames says, None for most frames.

        Args:
            image: (height, width, 3) BGR.
            tick: belt tick at its exposure.
        """
        self._frames += 1
        before, self._before = self._before, None
        if before is not None:
            return self._compare(before, image, tick)
        if self._frames % _EVERY == 0:
            self._before = (self._flow.flat(image), tick)
        return None

    def _compare(
        self,
        before: tuple[npt.NDArray[np.float32], float],
        image: npt.NDArray[np.uint8],
        tick: float,
    ) -> BeltLook | None:
        picture, since = before
        encoder_mm = (tick - since) * self._mm_per_tick
        if abs(encoder_mm) > self._flow.reach_mm:
            return None
        moving = abs(encoder_mm) > self._mm_per_tick
        flow = self._flow.between(picture, self._flow.flat(image), moving=moving)
        if flow is None:
            return None
        return BeltLook(encoder_mm=encoder_mm, camera_mm=flow.moved_mm)
