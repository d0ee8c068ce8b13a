"""What a live camera needs from a driver: one frame after another, with the driver's stamp."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vision.types import CameraLosses


@dataclass(frozen=True, slots=True, kw_only=True)
class Grab:
    """A frame that the driver holds, without its pixels.

    Attributes:
        stamp_ms: the device's own time of the frame; its zero is the device's.
        step: frames the device exposed since the one grabbed before, this one included; above one
            the others were lost on their way.
    """

    stamp_ms: float
    step: int = 1


class FrameDevice(Protocol):
    """An opened device or connection. One reader thread uses it and releases it."""

    def grab(self) -> Grab:
        """Block until the next frame is in and return its stamp.

        Raises:
            CameraError: the device is gone or stayed silent longer than its own limit.
        """
        ...

    def image(self) -> npt.NDArray[np.uint8]:
        """Return the grabbed frame as a (height, width, 3) uint8 BGR array.

        The array may be a view of the driver's buffer; it stays valid as long as it is referenced.

        Raises:
            CameraError: the frame is damaged.
        """
        ...

    def losses(self) -> CameraLosses:
        """Return what was lost since the device was opened. Never raises."""
        ...

    def release(self) -> None:
        """Close the device. Idempotent."""
        ...
