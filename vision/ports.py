"""What the line needs from cameras, detectors and trackers."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from vision.tracking.scene import BeltScene
from vision.types import CameraLosses, Detections, Frame, FrameStamp, LocatedDetections


class Camera(Protocol):
    """A source of frames. One thread calls it; `close` may come from another."""

    @property
    def camera_id(self) -> str:
        """Stable identity of the device; calibrations are bound to it."""
        ...

    def open(self) -> None:
        """Connect and start exposing. Idempotent.

        Raises:
            CameraError: the device is absent, unreadable or refuses its settings.
        """
        ...

    def read(self, timeout_s: float) -> Frame:
        """Block until a frame not yet returned is there, then return it.

        The frame is the newest one the device holds; older unread ones are skipped and show as a
        gap in `seq`. `exposed_ns` is the middle of the exposure, as near as the device can tell.

        Raises:
            CameraTimeoutError: no new frame within `timeout_s`; the camera stays open.
            CameraError: the device is gone; `open` must be called again.
            EndOfStreamError: a file or folder has no more frames.
        """
        ...

    def losses(self) -> CameraLosses:
        """Return what was lost between sensor and image so far. Any thread; never raises."""
        ...

    def close(self) -> None:
        """Stop exposing and release the device. Idempotent, never raises."""
        ...


class Detector(Protocol):
    """Finds items in one image. Deterministic: same image, same boxes."""

    @property
    def bundle_id(self) -> str:
        """Name and hash of the model bundle, as written into records."""
        ...

    def detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        """Find items.

        Args:
            image: (height, width, 3) uint8 BGR, raw image frame.

        Returns:
            Boxes in raw image px with class scores in the order of FRACTIONS.

        Raises:
            DetectorError: the network could not run on this image.
        """
        ...


class ItemFollower(Protocol):
    """Follows items in belt coordinates from view to view. Pure: no clock, no I/O; one thread."""

    def update(self, stamp: FrameStamp, located: LocatedDetections) -> BeltScene:
        """Take one frame's detections in, in order of exposure, and return the belt as known."""
        ...

    def scene(self) -> BeltScene:
        """Return the belt as known after the last frame, copied."""
        ...

    def mark_decided(self, track_ids: frozenset[int]) -> None:
        """Note which items have had their decision; they end when past the last bar."""
        ...

    def forget(self, track_ids: frozenset[int]) -> None:
        """Drop items that were taken off the belt; their ids are not used again."""
        ...
