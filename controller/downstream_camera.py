"""The camera behind the bars: a thread of its own takes its newest frame and looks at it.

The line never waits for it and never stops for it: what fails here is told, not raised.
"""

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from calibration.clock import Clock
from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_MS, MonotonicNs
from vision.capture import CaptureState, CaptureThread
from vision.errors import CameraError, CameraTimeoutError, EndOfStreamError, VisionError
from vision.ports import Camera, Detector
from vision.types import Detections, Frame

log = logging.getLogger(__name__)

_WAIT_S: Final = 0.25
"""Longest wait for a frame; bounds the time `stop` takes."""
_BACK_OFF_S: Final = 1.0
"""Pause after a frame that could not be looked at."""
_KEPT: Final = 64
"""Looks that wait for the pipeline: a second of frames; older ones are dropped, and the gap that
they leave tells that the camera was blind."""
_WITHOUT_FRAMES: Final = {
    CaptureState.OPENING: "no frame yet",
    CaptureState.STALLED: "no new frame",
    CaptureState.LOST: "lost",
    CaptureState.ENDED: "the recording has ended",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamFrame:
    """One frame's boxes.

    Attributes:
        seq: the camera's frame number.
        exposed_ns: middle of the exposure, the camera's calibrated delay taken off.
        detections: found in it, raw image px.
    """

    seq: int
    exposed_ns: MonotonicNs
    detections: Detections


class DownstreamCamera:
    """Captures and detects behind the bars. `take`, `error` and `check` are for one thread."""

    def __init__(
        self,
        *,
        camera: Camera,
        detector: Detector,
        calibration: LineCalibration,
        clock: Clock,
        stall_after_ms: float,
    ) -> None:
        """Prepare; `start` opens the camera.

        Args:
            camera: opened, read and closed here.
            detector: used by this thread alone.
            calibration: of the camera.
            clock: of the threads.
            stall_after_ms: silence after which the camera is told as stalled.
        """
        self.calibration = calibration
        """Of the camera: where it looks."""
        self._detector, self._clock = detector, clock
        self._capture = CaptureThread(camera=camera, clock=clock, stall_after_ms=stall_after_ms)
        self._delay_ns = round(calibration.camera_delay_ms * NS_PER_MS)
        self._image_shape = calibration.plane.image_shape
        self._looks: deque[DownstreamFrame] = deque(maxlen=_KEPT)
        self._stopping = threading.Event()
        self._trouble: str | None = None
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="downstream", daemon=True)

    def start(self) -> None:
        """Start the threads. Call once."""
        self._capture.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop the threads and close the camera. Idempotent."""
        self._stopping.set()
        self._capture.stop()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def check(self) -> None:
        """Raise what ended the thread, if anything but camera and detector did."""
        if self._failure is not None:
            raise self._failure
        self._capture.check()

    @property
    def error(self) -> str | None:
        """Why nothing is seen behind the bars, None while all is well. Never blocks for long."""
        status = self._capture.status()
        without = _WITHOUT_FRAMES.get(status.state)
        if without is None:
            return self._trouble and f"{self._capture.camera_id}: {self._trouble}"
        why = f" ({status.error})" if status.error and status.error != without else ""
        return f"{self._capture.camera_id}: {without}{why}"

    def take(self) -> tuple[DownstreamFrame, ...]:
        """Return the frames looked at since the last call, in order. Never blocks."""
        looks: list[DownstreamFrame] = []
        while self._looks:
            looks.append(self._looks.popleft())
        return tuple(looks)

    def _run(self) -> None:
        after_seq = -1
        try:
            while not self._stopping.is_set():
                frame = self._newest(after_seq)
                if frame is not None:
                    after_seq = frame.seq
                    self._look_at(frame)
        except EndOfStreamError:
            log.info("the downstream camera's recording has ended")
        except Exception as error:
            log.exception("the downstream camera's thread failed")
            self._failure = error

    def _newest(self, after_seq: int) -> Frame | None:
        try:
            return self._capture.latest(after_seq, _WAIT_S)
        except EndOfStreamError:
            raise
        except CameraTimeoutError:
            return None
        except CameraError:
            # The capture was stopped, and with it this thread.
            return None

    def _look_at(self, frame: Frame) -> None:
        try:
            self._trouble = self._wrong_size(frame)
            if self._trouble is None:
                found = self._detector.detect(frame.image)
                exposed_ns = MonotonicNs(frame.exposed_ns - self._delay_ns)
                self._looks.append(
                    DownstreamFrame(seq=frame.seq, exposed_ns=exposed_ns, detections=found)
                )
        except VisionError as error:
            self._trouble = str(error)
        if self._trouble is not None:
            self._clock.wait(self._stopping, _BACK_OFF_S)

    def _wrong_size(self, frame: Frame) -> str | None:
        shape = frame.image.shape[:2]
        if shape == self._image_shape:
            return None
        return (
            f"delivers {shape[1]}x{shape[0]} px, calibrated at "
            f"{self._image_shape[1]}x{self._image_shape[0]}; set it back or calibrate again"
        )
