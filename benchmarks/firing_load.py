"""A detector that never rests: what else the PC of a line does while it times pulses."""

import threading
from types import TracebackType
from typing import Self

from benchmarks.scenes import EndlessBelt
from vision.ports import Detector


class FlatOut:
    """Detects in one image after the other without a pause, in the process of the PLC thread."""

    def __init__(self, detector: Detector, belt: EndlessBelt) -> None:
        """Take the detector, set to use every core, and what it looks at."""
        self._detector, self._belt = detector, belt
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detector", daemon=True)
        self.frames = 0
        """Images done."""

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._detector.detect(self._belt.images[self.frames % len(self._belt.images)])
            self.frames += 1
