"""The capture thread: one camera, newest frame wins, losses counted, reopened with back-off."""

import logging
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calibration.clock import Clock, seconds_between
from calibration.units import NS_PER_MS, NS_PER_S
from vision.errors import CameraError, CameraTimeoutError, EndOfStreamError
from vision.ports import Camera
from vision.types import CameraLosses, Frame

log = logging.getLogger(__name__)

READ_TIMEOUT_S: Final = 0.25
"""How long the thread stays in one `Camera.read`; bounds the time `stop` takes."""
FIRST_BACK_OFF_S: Final = 0.2
LONGEST_BACK_OFF_S: Final = 5.0
"""A camera that boots takes tens of seconds: asking more often than this helps nobody."""


class CaptureState(StrEnum):
    """What the capture thread is doing."""

    OPENING = "opening"
    RUNNING = "running"
    STALLED = "stalled"
    LOST = "lost"
    ENDED = "ended"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureStatus:
    """The capture thread at one instant.

    Attributes:
        state: what it is doing.
        frames: frames taken from the camera since `start`.
        dropped: frames that the camera exposed but nobody took, from gaps in seq.
        losses: frames lost between the sensor and this computer's memory.
        reopened: times the camera was lost or stalled and came back.
        frame_age_ms: since the middle of the newest frame's exposure; infinite before the first.
        error: what the camera last complained of; empty while it runs.
    """

    state: CaptureState
    frames: int
    dropped: int
    losses: CameraLosses
    reopened: int
    frame_age_ms: float
    error: str


class CaptureThread:
    """Reads one camera in its own thread and keeps the newest frame.

    A camera that reports an error is closed and opened again with back-off. One that is open but
    silent for longer than `stall_after_ms` is shown as stalled; whether it is gone is its own to
    say. A recording that ends is the end; nothing is opened again. An error that is no CameraError
    ends the thread and is raised by `check` and `latest`.
    """

    def __init__(
        self,
        *,
        camera: Camera,
        clock: Clock,
        stall_after_ms: float,
        news: threading.Event | None = None,
    ) -> None:
        """Prepare; `start` opens the camera.

        Args:
            camera: read and closed by this thread alone.
            clock: measures ages and waits.
            stall_after_ms: silence after which the camera is shown as stalled.
            news: set whenever there is something new, for whoever waits for several cameras.
        """
        self._camera = camera
        self._clock = clock
        self._stall_after_ns = round(stall_after_ms * NS_PER_MS)
        self._lock = threading.Lock()
        self._news = news or threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = CaptureState.OPENING
        self._newest: Frame | None = None
        self._failure: Exception | None = None
        self._error = ""
        self._frames = 0
        self._dropped = 0
        self._reopened = 0

    @property
    def camera_id(self) -> str:
        """Identity of the camera."""
        return self._camera.camera_id

    def start(self) -> None:
        """Start the thread. Call once."""
        name = f"capture {self._camera.camera_id}"
        # Daemon: a camera stuck in its driver must not hold up the end of the process.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and close the camera; waits at most two seconds. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(2.0)
        self._news.set()

    def latest(self, after_seq: int, timeout_s: float) -> Frame:
        """Block until a frame newer than `after_seq` is there and return the newest.

        Args:
            after_seq: seq of the frame last handled; -1 before the first.
            timeout_s: longest wait.

        Raises:
            CameraTimeoutError: no newer frame in time; `status` says why.
            EndOfStreamError: the recording ended and its last frame was handled.
            CameraError: the capture was stopped.
            Exception: what ended the thread, see `check`.
        """
        deadline_ns = self._clock.now_ns() + round(timeout_s * NS_PER_S)
        while True:
            self._news.clear()
            frame = self.newer(after_seq)
            if frame is not None:
                return frame
            remaining_s = (deadline_ns - self._clock.now_ns()) / NS_PER_S
            if remaining_s <= 0:
                msg = f"camera {self._camera.camera_id}: no new frame within {timeout_s:.3f} s"
                raise CameraTimeoutError(msg)
            self._clock.wait(self._news, remaining_s)

    def status(self) -> CaptureStatus:
        """Return counts, age and state. Never blocks for long, never raises."""
        now_ns = self._clock.now_ns()
        with self._lock:
            newest = self._newest
            age_s = seconds_between(newest.exposed_ns, now_ns) if newest else float("inf")
            return CaptureStatus(
                state=self._state,
                frames=self._frames,
                dropped=self._dropped,
                losses=self._camera.losses(),
                reopened=self._reopened,
                frame_age_ms=age_s * 1e3,
                error=self._error,
            )

    def check(self) -> None:
        """Raise what ended the thread, if anything but the camera did."""
        with self._lock:
            failure = self._failure
        if failure is not None:
            raise failure

    def newer(self, after_seq: int) -> Frame | None:
        """Return the newest frame if it is newer than `after_seq`, else None. Never waits.

        Raises:
            EndOfStreamError: the recording ended and its last frame was handled.
            CameraError: the capture was stopped.
            Exception: what ended the thread, see `check`.
        """
        self.check()
        with self._lock:
            if self._newest is not None and self._newest.seq > after_seq:
                return self._newest
            if self._state is CaptureState.ENDED:
                raise EndOfStreamError(self._error)
            if self._stopping.is_set():
                msg = f"camera {self._camera.camera_id}: capture was stopped"
                raise CameraError(msg)
            return None

    def _run(self) -> None:
        try:
            self._capture_until_stopped()
        except EndOfStreamError as end:
            log.info("camera %s: %s", self._camera.camera_id, end)
            self._enter(CaptureState.ENDED, str(end))
        except Exception as error:
            log.exception("capture of camera %s failed", self._camera.camera_id)
            with self._lock:
                self._failure = error
            self._enter(CaptureState.FAILED, str(error))
        finally:
            self._camera.close()

    def _capture_until_stopped(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        while not self._stopping.is_set():
            frames_before = self._frames
            try:
                self._camera.open()
                self._read_until_stopped()
            except EndOfStreamError:
                raise
            except CameraError as error:
                self._camera.close()
                self._note_loss(error, CaptureState.LOST)
                if self._frames > frames_before:
                    back_off_s = FIRST_BACK_OFF_S
                self._clock.wait(self._stopping, back_off_s)
                back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)
        self._enter(CaptureState.STOPPED, "")

    def _read_until_stopped(self) -> None:
        last_ns = self._clock.now_ns()
        while not self._stopping.is_set():
            try:
                frame = self._camera.read(READ_TIMEOUT_S)
            except CameraTimeoutError as error:
                if self._clock.now_ns() - last_ns > self._stall_after_ns:
                    self._note_loss(error, CaptureState.STALLED)
                continue
            last_ns = self._clock.now_ns()
            self._keep(frame)

    def _keep(self, frame: Frame) -> None:
        with self._lock:
            if self._newest is not None:
                self._dropped += max(0, frame.seq - self._newest.seq - 1)
            self._newest = frame
            self._frames += 1
            came_back = self._error
            if came_back and self._frames > 1:
                self._reopened += 1
            self._error = ""
            self._state = CaptureState.RUNNING
            self._news.set()
        if came_back:
            log.info("camera %s: frames again", self._camera.camera_id)

    def _note_loss(self, error: CameraError, state: CaptureState) -> None:
        if not self._error:
            log.error("camera %s %s: %s", self._camera.camera_id, state.value, error)
        self._enter(state, str(error))

    def _enter(self, state: CaptureState, error: str) -> None:
        with self._lock:
            self._state = state
            self._error = error
            self._news.set()
