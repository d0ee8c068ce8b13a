"""Live cameras over drivers that end, block and break."""

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from calibration.clock import MonotonicClock
from tests.support.coded_frames import number_of, write_video
from vision.cameras.frame_device import FrameDevice, Grab
from vision.cameras.frame_times import DeviceTimes
from vision.cameras.live import LiveCamera
from vision.cameras.opencv_device import OpenCvDevice
from vision.errors import CameraError, CameraTimeoutError
from vision.types import CameraLosses

CLOCK = MonotonicClock()


class SteppedDriver:
    """A driver that delivers one frame per `step` and blocks like real ones in between."""

    def __init__(self) -> None:
        self._steps = threading.Semaphore(0)
        self.fault: Exception | None = None
        self.released = threading.Event()

    def step(self) -> None:
        self._steps.release()

    def grab(self) -> Grab:
        assert self._steps.acquire(timeout=20)
        if self.fault is not None:
            raise self.fault
        return Grab(stamp_ms=CLOCK.now_ns() / 1e6)

    def image(self) -> npt.NDArray[np.uint8]:
        return np.zeros((4, 4, 3), dtype=np.uint8)

    def losses(self) -> CameraLosses:
        return CameraLosses()

    def release(self) -> None:
        self.released.set()


def live_camera(connect: Callable[[], FrameDevice], stall_after_ms: float = 5000) -> LiveCamera:
    return LiveCamera(
        camera_id="camera-1",
        connect=connect,
        frame_times=lambda: DeviceTimes(exposure_ms=1, transfer_ms=2),
        stall_after_ms=stall_after_ms,
        clock=CLOCK,
    )


def test_driver_that_ends_is_an_error_after_its_last_frame(tmp_path: Path) -> None:
    video = write_video(tmp_path / "coded.avi", 20, 50.0)
    camera = live_camera(
        lambda: OpenCvDevice(cv2.VideoCapture(str(video), cv2.CAP_FFMPEG), "a camera")
    )
    camera.open()
    numbers = []

    def follow() -> None:
        while True:
            frame = camera.read(5.0)
            numbers.append((frame.seq, number_of(frame.image)))

    with pytest.raises(CameraError, match="a camera: the stream ended or stayed silent"):
        follow()
    camera.close()
    assert numbers[-1] == (19, 19)
    assert all(seq == number for seq, number in numbers)


def test_blocked_driver_is_left_behind_and_the_next_opening_works() -> None:
    stuck, fresh = SteppedDriver(), SteppedDriver()
    drivers = iter((stuck, fresh))
    camera = live_camera(lambda: next(drivers), stall_after_ms=50)
    camera.open()
    stuck.step()
    first = camera.read(5.0)
    with pytest.raises(CameraError, match=r"no frame for \d+ ms \(stall_after_ms is 50\)"):
        camera.read(5.0)
    camera.close()
    camera.open()
    stuck.step()
    assert stuck.released.wait(5)
    fresh.step()
    second = camera.read(5.0)
    assert second.seq == first.seq + 1
    fresh.step()
    camera.close()
    assert fresh.released.wait(5)


def test_driver_that_reports_a_fault_is_an_error_with_its_words() -> None:
    driver = SteppedDriver()
    driver.fault = CameraError("cable pulled")
    camera = live_camera(lambda: driver)
    camera.open()
    driver.step()
    with pytest.raises(CameraError, match="cable pulled"):
        camera.read(5.0)
    camera.close()
    assert driver.released.is_set()


def test_bug_in_a_reader_thread_reaches_whoever_reads(caplog: pytest.LogCaptureFixture) -> None:
    driver = SteppedDriver()
    driver.fault = ZeroDivisionError("a bug")
    camera = live_camera(lambda: driver)
    camera.open()
    driver.step()
    with pytest.raises(ZeroDivisionError):
        camera.read(5.0)
    camera.close()
    assert "reader of camera camera-1 failed" in caplog.text


def test_close_from_another_thread_ends_a_waiting_read() -> None:
    driver = SteppedDriver()
    camera = live_camera(lambda: driver)
    camera.open()
    closer = threading.Timer(0.05, camera.close)
    closer.start()
    with pytest.raises(CameraError, match="closed while reading"):
        camera.read(20.0)
    driver.step()
    closer.join()
    assert driver.released.wait(5)


def test_frames_that_came_between_two_reads_are_skipped() -> None:
    driver = SteppedDriver()
    camera = live_camera(lambda: driver)
    camera.open()
    driver.step()
    assert camera.read(5.0).seq == 0
    with pytest.raises(CameraTimeoutError):
        camera.read(0.01)
    for _ in range(3):
        driver.step()
    last = camera.read(5.0)
    while last.seq < 3:
        last = camera.read(5.0)
    driver.step()
    camera.close()
    assert last.seq == 3
