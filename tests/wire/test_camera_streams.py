"""Network cameras that burst, freeze, vanish and come back."""

import threading
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from calibration.units import NS_PER_MS, NS_PER_S
from tests.support.coded_frames import write_video
from tests.support.stream_servers import FRAMES_PER_S, MjpegServer, RtspServer, rtsp_is_possible
from vision.capture import CaptureState, CaptureThread
from vision.config import StreamCamera
from vision.errors import CameraError, CameraTimeoutError
from vision.factory import open_camera
from vision.ports import Camera
from vision.types import Frame

pytestmark = pytest.mark.wire
CLOCK = MonotonicClock()


def stream_camera(url: str, stall_after_ms: float = 500) -> Camera:
    config = StreamCamera(
        source="stream",
        camera_id="camera-1",
        exposure_ms=1,
        transfer_ms=2,
        stall_after_ms=stall_after_ms,
        url=url,
        transport="udp",
    )
    return open_camera(config, CLOCK)


def first_frame(camera: Camera) -> Frame:
    deadline_ns = CLOCK.now_ns() + 15 * NS_PER_S
    while CLOCK.now_ns() < deadline_ns:
        try:
            return camera.read(0.5)
        except CameraTimeoutError:
            continue
    raise AssertionError("no frame came")


def test_frames_of_the_burst_after_connecting_are_not_handed_out() -> None:
    with MjpegServer(burst=60) as server:
        camera = stream_camera(server.url)
        camera.open()
        frame = first_frame(camera)
        camera.close()
    assert frame.seq > 60
    assert CLOCK.now_ns() - frame.exposed_ns < NS_PER_S


def test_rtsp_frame_times_keep_the_cameras_own_spacing(tmp_path: Path) -> None:
    if not rtsp_is_possible():
        pytest.skip("ffmpeg is not installed (apt-get install ffmpeg): no RTSP server to test with")
    with RtspServer(write_video(tmp_path / "coded.avi", 250, FRAMES_PER_S)) as server:
        camera = stream_camera(server.url, stall_after_ms=2000)
        camera.open()
        before = first_frame(camera)
        spacing_ms = []
        for _ in range(25):
            frame = camera.read(2.0)
            passed_ms = (frame.exposed_ns - before.exposed_ns) / NS_PER_MS
            spacing_ms.append(passed_ms / (frame.seq - before.seq))
            before = frame
        camera.close()
    # The offset to monotonic time is refitted with each frame; between refits the spacing is the
    # sender's own, however the packets were delayed.
    assert sorted(spacing_ms)[len(spacing_ms) // 2] == pytest.approx(1000 / FRAMES_PER_S, abs=0.2)


def test_frozen_stream_is_noticed_long_before_the_driver_does_and_comes_back() -> None:
    with MjpegServer() as server:
        camera = stream_camera(server.url)
        capture = CaptureThread(camera=camera, clock=CLOCK, stall_after_ms=500)
        capture.start()
        try:
            first = capture.latest(-1, 15.0)
            server.pause()
            wait_for_state(capture, CaptureState.LOST)
            assert "no frame for" in capture.status().error
            server.resume()
            back = capture.latest(capture_seq(capture, first), 20.0)
            assert back.seq > first.seq
            assert capture.status().reopened == 1
        finally:
            capture.stop()


def test_vanished_server_is_an_error_at_once() -> None:
    with MjpegServer() as server:
        camera = stream_camera(server.url, stall_after_ms=5000)
        camera.open()
        server.let_pass(5)
    with pytest.raises(CameraError, match=r"ended or stayed silent|no frame for"):
        first_frame(camera)
    camera.close()


def test_stream_that_needs_a_password_does_not_log_it() -> None:
    camera = stream_camera("http://user:secret@127.0.0.1:9/none")
    with pytest.raises(CameraError) as caught:
        camera.open()
    assert "secret" not in str(caught.value)


def capture_seq(capture: CaptureThread, first: Frame) -> int:
    """Return the seq of the newest frame before the freeze."""
    return max(first.seq, capture.latest(-1, 1.0).seq)


def wait_for_state(capture: CaptureThread, state: CaptureState) -> None:
    deadline_ns = CLOCK.now_ns() + 10 * NS_PER_S
    never = threading.Event()
    while capture.status().state is not state:
        assert CLOCK.now_ns() < deadline_ns, f"capture is {capture.status()}"
        CLOCK.wait(never, 0.01)
