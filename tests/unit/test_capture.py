"""The capture thread keeps the newest frame, counts losses and outlives the camera's troubles."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest

from calibration.clock import MonotonicClock
from calibration.units import NS_PER_S
from tests.support.coded_frames import coded_frame, number_of, write_folder, write_video
from vision.cameras.recorded import RecordedCamera, Recording
from vision.capture import CaptureState, CaptureThread
from vision.config import ImagesCamera, VideoCamera
from vision.errors import CameraError, CameraTimeoutError, EndOfStreamError
from vision.factory import open_camera
from vision.ports import Camera

CLOCK = MonotonicClock()
IDENTITY = {"camera_id": "camera-1", "exposure_ms": 1, "transfer_ms": 2, "stall_after_ms": 400}


def folder_camera(path: Path, frames_per_s: float) -> Camera:
    config = ImagesCamera(source="images", path=path, frames_per_s=frames_per_s, **IDENTITY)
    return open_camera(config, CLOCK)


@contextmanager
def capturing(camera: Camera, stall_after_ms: float = 5000) -> Iterator[CaptureThread]:
    capture = CaptureThread(camera=camera, clock=CLOCK, stall_after_ms=stall_after_ms)
    capture.start()
    try:
        yield capture
    finally:
        capture.stop()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_ns = CLOCK.now_ns() + 10 * NS_PER_S
    never = threading.Event()
    while not condition():
        assert CLOCK.now_ns() < deadline_ns, "condition did not come true"
        CLOCK.wait(never, 0.005)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "coded.avi", 50, 250.0)


def video_camera(path: Path) -> Camera:
    return open_camera(VideoCamera(source="video", path=path, **IDENTITY), CLOCK)


def test_newer_frames_are_handed_out_until_the_end(video: Path) -> None:
    seen: list[int] = []

    def follow(capture: CaptureThread) -> None:
        while True:
            frame = capture.latest(seen[-1] if seen else -1, 5.0)
            assert frame.seq == number_of(frame.image)
            seen.append(frame.seq)

    with capturing(video_camera(video)) as capture, pytest.raises(EndOfStreamError):
        follow(capture)
    assert seen == sorted(set(seen))
    assert len(seen) > 5


def test_frames_nobody_took_are_counted_from_seq(video: Path) -> None:
    with capturing(video_camera(video)) as capture:
        wait_until(lambda: capture.status().state is CaptureState.ENDED)
        status = capture.status()
        last = capture.latest(-1, 0.1)
        assert status.frames + status.dropped == last.seq + 1
        assert "end after 50 frames" in status.error


def test_waiting_for_a_newer_frame_times_out(tmp_path: Path) -> None:
    with capturing(folder_camera(write_folder(tmp_path / "shots", 3), 0.01)) as capture:
        first = capture.latest(-1, 5.0)
        with pytest.raises(CameraTimeoutError):
            capture.latest(first.seq, 0.02)
        assert capture.status().frame_age_ms > 20
        assert capture.status().state is CaptureState.RUNNING


def test_silent_camera_is_shown_as_stalled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    camera = folder_camera(write_folder(tmp_path / "shots", 3), 0.01)
    with caplog.at_level(logging.ERROR), capturing(camera, stall_after_ms=10) as capture:
        wait_until(lambda: capture.status().state is CaptureState.STALLED)
        assert "no frame due" in capture.status().error
    assert len(caplog.records) == 1


def test_camera_absent_at_start_is_opened_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "shots"
    with caplog.at_level(logging.INFO), capturing(folder_camera(folder, 50)) as capture:
        wait_until(lambda: capture.status().state is CaptureState.LOST)
        assert "not a readable folder" in capture.status().error
        assert capture.status().frame_age_ms == float("inf")
        write_folder(tmp_path / "arriving", 30).rename(folder)
        assert capture.latest(-1, 10.0).image.shape == (160, 320, 3)
        assert capture.status().error == ""
    assert [r.getMessage().split(":")[0] for r in caplog.records[:2]] == [
        "camera camera-1 lost",
        "camera camera-1",
    ]


def test_broken_recording_stays_lost_and_is_not_counted_twice(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", 4)
    cv2.imwrite(str(folder / "shot2.png"), coded_frame(2)[:80])
    with capturing(folder_camera(folder, 50)) as capture:
        wait_until(lambda: capture.status().state is CaptureState.LOST)
        assert capture.status().frames <= 2
        assert "shot2.png" in capture.status().error


def test_error_that_is_not_the_cameras_reaches_the_supervisor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def start() -> Recording:
        msg = "a bug"
        raise ZeroDivisionError(msg)

    camera = RecordedCamera(camera_id="camera-1", start=start, clock=CLOCK, paced=True)
    with capturing(camera) as capture:
        with pytest.raises(ZeroDivisionError):
            capture.latest(-1, 5.0)
        assert capture.status().state is CaptureState.FAILED
        with pytest.raises(ZeroDivisionError):
            capture.check()
    assert "capture of camera camera-1 failed" in caplog.text


def test_stopping_ends_a_waiting_reader_and_closes_the_camera(tmp_path: Path) -> None:
    camera = folder_camera(write_folder(tmp_path / "shots", 3), 0.01)
    with capturing(camera) as capture:
        first = capture.latest(-1, 5.0)
        stopper = threading.Timer(0.05, capture.stop)
        stopper.start()
        with pytest.raises(CameraError, match="capture was stopped"):
            capture.latest(first.seq, 30.0)
        stopper.join()
        assert capture.status().state is CaptureState.STOPPED
        with pytest.raises(CameraError, match="not open"):
            camera.read(0.01)
