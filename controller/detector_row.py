"""The detectors of a row of cameras: one for each, since their images may differ in size."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from controller.bundle_follower import BundleFollower
from controller.camera_row import Shot
from vision.ports import Detector
from vision.types import FRACTIONS, Detections


def nothing_seen() -> Detections:
    """Return what a camera that has no frame adds to a set."""
    return Detections(
        boxes_px=np.empty((0, 4), np.float32),
        scores=np.empty((0, len(FRACTIONS)), np.float32),
    )


class DetectorRow:
    """Looks at all frames of a set at once, each in a thread of its own. One thread calls it."""

    def __init__(
        self, detectors: Sequence[Detector], follower: BundleFollower | None = None
    ) -> None:
        """Take the detectors.

        Args:
            detectors: in the order of the cameras; all are of one bundle.
            follower: brings those of a newer bundle; started and stopped here. None keeps these.
        """
        self._detectors, self._follower = tuple(detectors), follower
        if follower is not None:
            follower.start()
        several = len(self._detectors) > 1
        # The networks leave the interpreter to others while they compute.
        self._pool = ThreadPoolExecutor(len(self._detectors), "detector") if several else None

    @property
    def bundle_id(self) -> str:
        """Name and hash of the model bundle."""
        return self._detectors[0].bundle_id

    def detect(self, shots: Sequence[Shot]) -> tuple[Detections, ...]:
        """Find the items in each frame.

        Raises:
            DetectorError: a network could not run.
        """
        if self._follower is not None:
            self._detectors = tuple(self._follower.take() or self._detectors)
            if len(shots) == len(self._detectors):
                self._follower.show([shot.frame.image for shot in shots])
        if self._pool is None or len(shots) == 1:
            return tuple(self._detect(shot) for shot in shots)
        return tuple(self._pool.map(self._detect, shots))

    def close(self) -> None:
        """End the threads without waiting for them. Idempotent."""
        if self._follower is not None:
            self._follower.stop()
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _detect(self, shot: Shot) -> Detections:
        return self._detectors[shot.camera].detect(shot.frame.image)
