"""A camera that exposes whether or not anybody reads: a reader thread keeps the newest frame."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from calibration.clock import Clock, seconds_between
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from vision.cameras.frame_device import FrameDevice
from vision.cameras.frame_times import FrameTimes
from vision.errors import CameraError, CameraTimeoutError
from vision.types import CameraLosses, Frame

log = logging.getLogger(__name__)

_JOIN_S: Final = 0.5
"""Patience with a reader thread at `close`; one stuck in its driver ends by itself later."""


class LiveCamera:
    """The camera port over a device that delivers at its own pace.

    A reader thread per opening takes every frame and keeps the newest. Silence for longer than
    `stall_after_ms` is an error even while the driver still waits; the stuck reader is left to
    end by its driver's own time limit and touches nothing of the next opening. `seq` goes on
    counting over openings.
    """

    def __init__(
        self,
        *,
        camera_id: str,
        connect: Callable[[], FrameDevice],
        frame_times: Callable[[], FrameTimes],
        stall_after_ms: float,
        clock: Clock,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            camera_id: identity that the calibration is bound to.
            connect: opens the device; raises CameraError if it cannot.
            frame_times: makes a fresh time keeper for each opening.
            stall_after_ms: silence after which the device counts as gone.
            clock: stamps arrivals and waits.
        """
        self._camera_id = camera_id
        self._connect = connect
        self._frame_times = frame_times
        self._stall_after_ns = round(stall_after_ms * NS_PER_MS)
        self._clock = clock
        self._reader: _Reader | None = None
        self._last_seq = -1
        self._losses_before = CameraLosses()

    @property
    def camera_id(self) -> str:
        """Identity that the calibration is bound to."""
        return self._camera_id

    def open(self) -> None:
        """Connect and start the reader thread. Idempotent.

        Raises:
            CameraError: the device is absent or refuses its settings.
        """
        if self._reader is None:
            reader = _Reader(
                name=f"camera {self._camera_id}",
                device=self._connect(),
                frame_times=self._frame_times(),
                clock=self._clock,
                last_seq=self._last_seq,
            )
            reader.start()
            self._reader = reader

    def read(self, timeout_s: float) -> Frame:
        """Return the newest frame not yet returned; see the port for the errors."""
        reader = self._reader
        if reader is None:
            msg = f"camera {self._camera_id} is not open"
            raise CameraError(msg)
        deadline_ns = MonotonicNs(self._clock.now_ns() + round(timeout_s * NS_PER_S))
        while (frame := reader.newer_than(self._last_seq)) is None:
            self._refuse_silence(reader)
            now_ns = self._clock.now_ns()
            if now_ns >= deadline_ns:
                why = "no new frame" if reader.settled else "connected, frame times not yet sure"
                msg = f"camera {self._camera_id}: {why} (waited {timeout_s:.3f} s)"
                raise CameraTimeoutError(msg)
            stall_ns = MonotonicNs(reader.last_arrival_ns + self._stall_after_ns)
            wait_s = seconds_between(now_ns, min(deadline_ns, stall_ns))
            self._clock.wait(reader.news, max(wait_s, 0.001))
        self._last_seq = frame.seq
        return frame

    def losses(self) -> CameraLosses:
        """Return what was lost on the way, over all openings."""
        reader = self._reader
        return self._losses_before + (CameraLosses() if reader is None else reader.losses())

    def close(self) -> None:
        """Stop the reader; a blocked `read` ends with CameraError. Idempotent."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.stop()
            self._losses_before += reader.losses()
            self._last_seq = max(self._last_seq, reader.last_seq)

    def _refuse_silence(self, reader: "_Reader") -> None:
        reader.raise_failure()
        if self._reader is not reader:
            msg = f"camera {self._camera_id} was closed while reading"
            raise CameraError(msg)
        silent_ns = self._clock.now_ns() - reader.last_arrival_ns
        if silent_ns > self._stall_after_ns:
            msg = (
                f"camera {self._camera_id}: no frame for {silent_ns / NS_PER_MS:.0f} ms "
                f"(stall_after_ms is {self._stall_after_ns / NS_PER_MS:.0f})"
            )
            raise CameraError(msg)


class _Reader:
    """One opening's device, its thread, and the newest frame."""

    def __init__(
        self,
        *,
        name: str,
        device: FrameDevice,
        frame_times: FrameTimes,
        clock: Clock,
        last_seq: int,
    ) -> None:
        self.news = threading.Event()
        self.last_arrival_ns = clock.now_ns()
        self.last_seq = last_seq
        self._name = name
        self._device = device
        self._times = frame_times
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: Frame | None = None
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def settled(self) -> bool:
        return self._times.settled

    def start(self) -> None:
        # Daemon: a reader stuck in its driver must not hold up the end of the process.
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def newer_than(self, seq: int) -> Frame | None:
        with self._lock:
            if self._newest is not None and self._newest.seq > seq:
                return self._newest
            self.news.clear()
            return None

    def raise_failure(self) -> None:
        with self._lock:
            failure = self._failure
        if isinstance(failure, CameraError):
            raise CameraError(str(failure)) from failure
        if failure is not None:
            raise failure

    def stop(self) -> None:
        self._stopping.set()
        self.news.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)

    def losses(self) -> CameraLosses:
        return self._device.losses()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._take_one()
        except CameraError as error:
            self._fail(error)
        except Exception as error:
            log.exception("reader of %s failed", self._name)
            self._fail(error)
        finally:
            self._device.release()

    def _take_one(self) -> None:
        grab = self._device.grab()
        arrival_ns = self._clock.now_ns()
        self.last_arrival_ns = arrival_ns
        self.last_seq += grab.step
        exposed_ns = self._times.observe(grab.stamp_ms, arrival_ns)
        if not self._times.settled:
            return
        image = self._device.image()
        image.setflags(write=False)
        frame = Frame(seq=self.last_seq, exposed_ns=exposed_ns, image=image)
        with self._lock:
            self._newest = frame
            self.news.set()

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._failure = error
            self.news.set()
