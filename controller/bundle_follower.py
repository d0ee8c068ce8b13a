"""Follows the shelf's current bundle: loads and tests the new one beside the running line."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.clock import Clock, seconds_between
from vision.errors import VisionError
from vision.ports import Detector
from vision.types import Detections

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often the link is looked at."""
_TESTS: Final = 5
"""Detections that a new bundle must survive on the newest images; the slowest does not count."""
_OUTSIDE_PX: Final = 1.0

Image = npt.NDArray[np.uint8]
MakeDetectors = Callable[[Path], Sequence[Detector]]
"""Loads a bundle and returns a detector for each camera."""


class BundleFollower:
    """Watches a link to a bundle; a bundle that fails its test is told of and left alone.

    One thread of its own; `show` and `take` are for the pipeline thread.
    """

    def __init__(self, link: Path, make: MakeDetectors, clock: Clock, *, budget_ms: float) -> None:
        """Begin with the bundle that the link leads to now.

        Args:
            link: of the shelf, which `promote` and `rollback` turn.
            make: loads a bundle.
            clock: of waiting and measuring.
            budget_ms: that the line allows one detection, `limits.inference_ms`.
        """
        self._link, self._make, self._clock, self._budget_ms = link, make, clock, budget_ms
        self._loaded = link.resolve()
        self._images: tuple[Image, ...] = ()
        self._ready: Sequence[Detector] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bundle", daemon=True)
        self.refused: str | None = None
        """Why the newest bundle is not used, None if it is."""

    def start(self) -> None:
        """Start to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def show(self, images: Sequence[Image]) -> None:
        """Keep the newest image of each camera to test on."""
        self._images = tuple(images)

    def take(self) -> Sequence[Detector] | None:
        """Return detectors of a new bundle that passed its test, once; else None."""
        ready, self._ready = self._ready, None
        return ready

    def _run(self) -> None:
        while not self._clock.wait(self._stopping, LOOK_S):
            self.look()

    def look(self) -> None:
        """Load and test what the link leads to, if that is news."""
        target = self._link.resolve()
        if target == self._loaded:
            return
        self._loaded = target
        try:
            detectors = self._make(target)
            self._test(detectors)
        except VisionError as error:
            self.refused = f"{target.name}: {error}"
            log.warning("new bundle refused, the line keeps its own: %s", self.refused)
            return
        self.refused = None
        self._ready = detectors
        log.info("bundle %s is loaded and tested; it is used from the next frame", target.name)

    def _test(self, detectors: Sequence[Detector]) -> None:
        """Run a bundle on what the cameras see.

        Raises:
            VisionError: what it finds is nonsense, or it is too slow.
        """
        for detector, image in zip(detectors, self._images, strict=False):
            times_ms = []
            for _ in range(_TESTS):
                began_ns = self._clock.now_ns()
                found = detector.detect(image)
                times_ms.append(1e3 * seconds_between(began_ns, self._clock.now_ns()))
                _require_sense(found, image)
            usual_ms = sorted(times_ms)[-2]
            if usual_ms > self._budget_ms:
                msg = f"detecting takes {usual_ms:.1f} ms, the line allows {self._budget_ms:g} ms"
                raise VisionError(msg)


def _require_sense(found: Detections, image: Image) -> None:
    height, width = image.shape[:2]
    boxes, scores = found.boxes_px, found.scores
    inside = (boxes >= -_OUTSIDE_PX) & (boxes <= np.array([width, height] * 2) + _OUTSIDE_PX)
    if not (inside.all() and np.isfinite(scores).all() and (scores >= 0).all()):
        msg = "it finds boxes outside of the image, or scores that are no probabilities"
        raise VisionError(msg)
