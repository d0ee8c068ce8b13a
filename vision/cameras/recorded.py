"""A recording (video file or image folder) played back through the camera port."""

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration.clock import Clock, seconds_between
from calibration.units import MonotonicNs
from vision.errors import CameraError, CameraTimeoutError, EndOfStreamError
from vision.types import CameraLosses, Frame


class Recording(Protocol):
    """Frames in a fixed order, each at its own position in time. One thread uses it."""

    @property
    def period_ns(self) -> int:
        """Usual time between two frames."""
        ...

    def advance(self) -> int:
        """Step to the next frame and return its position in ns from the first frame.

        Raises:
            EndOfStreamError: there is no next frame.
        """
        ...

    def image(self) -> npt.NDArray[np.uint8]:
        """Return the present frame as a new (height, width, 3) uint8 BGR array.

        Raises:
            CameraError: the frame cannot be decoded or has another size than the first.
        """
        ...

    def close(self) -> None:
        """Release the files. Idempotent."""
        ...


class CommonStart:
    """The instant at which recordings that were taken together begin: the first one's opening."""

    def __init__(self) -> None:
        """Begin with nothing opened; one start serves one playing."""
        self._lock = threading.Lock()
        self._at_ns: MonotonicNs | None = None

    def of(self, now_ns: MonotonicNs) -> MonotonicNs:
        """Return the start for a recording opened now. Any thread."""
        with self._lock:
            if self._at_ns is None:
                self._at_ns = now_ns
            return self._at_ns


class RecordedCamera:
    """Plays a recording, in real time or as fast as it is read.

    Paced, a frame's exposure is the instant it would have been taken had the recording started
    when the camera was opened; a slow reader skips frames as with a real camera. Not paced, no
    frame is skipped and exposure times count from zero, so every run sees the same numbers.

    A recording that turns out to be broken stays broken: opening it again raises the same error
    rather than playing the beginning twice.
    """

    def __init__(
        self,
        *,
        camera_id: str,
        start: Callable[[], Recording],
        clock: Clock,
        paced: bool,
        together: CommonStart | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            camera_id: identity that the calibration is bound to.
            start: opens the recording at its first frame.
            clock: paces the playback.
            paced: True for real time, False for as fast as asked.
            together: of recordings that play side by side; None starts at the opening.
        """
        self._camera_id = camera_id
        self._start = start
        self._clock = clock
        self._paced = paced
        self._together = together
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._recording: Recording | None = None
        self._fault: CameraError | None = None
        self._started_ns = MonotonicNs(0)
        self._seq = -1
        self._position_ns = 0
        self._pending = False

    @property
    def camera_id(self) -> str:
        """Identity that the calibration is bound to."""
        return self._camera_id

    def open(self) -> None:
        """Open the recording at its first frame. Idempotent.

        Raises:
            CameraError: it cannot be read.
        """
        if self._recording is not None:
            return
        if self._fault is not None:
            raise CameraError(str(self._fault)) from self._fault
        recording = self._start()
        self._closing.clear()
        self._seq = -1
        self._pending = False
        now_ns = self._clock.now_ns()
        started_ns = now_ns if self._together is None else self._together.of(now_ns)
        self._started_ns = started_ns if self._paced else MonotonicNs(0)
        self._recording = recording

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame due; see the port for the errors."""
        with self._lock:
            recording = self._recording
            if recording is None:
                msg = f"camera {self._camera_id} is not open"
                raise CameraError(msg)
            self._step_to_newest(recording, timeout_s)
            try:
                image = recording.image()
            except CameraError as error:
                self._fault = error
                raise
            self._pending = False
        image.setflags(write=False)
        return Frame(
            seq=self._seq,
            exposed_ns=MonotonicNs(self._started_ns + self._position_ns),
            image=image,
        )

    def losses(self) -> CameraLosses:
        """Nothing: what a recording lost it lost before."""
        return CameraLosses()

    def close(self) -> None:
        """Release the recording; a blocked `read` ends with CameraError. Idempotent."""
        self._closing.set()
        with self._lock:
            recording, self._recording = self._recording, None
            if recording is not None:
                recording.close()

    def _step_to_newest(self, recording: Recording, timeout_s: float) -> None:
        while True:
            if not self._pending:
                self._position_ns = recording.advance()
                self._seq += 1
                self._pending = True
            if not self._paced:
                return
            due_ns = MonotonicNs(self._started_ns + self._position_ns)
            self._wait_until(due_ns, timeout_s)
            if self._clock.now_ns() < due_ns + recording.period_ns:
                return
            self._pending = False

    def _wait_until(self, due_ns: MonotonicNs, timeout_s: float) -> None:
        while (remaining_s := seconds_between(self._clock.now_ns(), due_ns)) > 0:
            if self._clock.wait(self._closing, min(remaining_s, timeout_s)):
                msg = f"camera {self._camera_id} was closed while reading"
                raise CameraError(msg)
            if remaining_s > timeout_s:
                msg = f"camera {self._camera_id}: no frame due within {timeout_s:.3f} s"
                raise CameraTimeoutError(msg)


def end_of(path: object, frames: int) -> EndOfStreamError:
    """Return the error that ends a recording, saying how many frames it had."""
    return EndOfStreamError(f"{path}: end after {frames} frames")
