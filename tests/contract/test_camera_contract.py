"""What every camera promises, run against recordings, HTTP-MJPEG, RTSP and GigE Vision.

V4L2 devices share `LiveCamera` and `OpenCvDevice` with the streams; what is theirs alone is in
tests/unit/test_camera_settings.py.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from calibration.clock import Clock, MonotonicClock
from calibration.units import NS_PER_MS
from tests.support.coded_frames import HEIGHT_PX, WIDTH_PX, number_of, write_folder, write_video
from tests.support.coded_gige import coded_gige, gige_is_possible
from tests.support.playback_clock import PlaybackClock
from tests.support.stream_servers import FRAMES_PER_S, MjpegServer, RtspServer, rtsp_is_possible
from vision.config import CameraConfig, ImagesCamera, StreamCamera, VideoCamera
from vision.errors import CameraError, CameraTimeoutError
from vision.factory import open_camera
from vision.ports import Camera
from vision.types import Frame

PATIENCE_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Rig:
    """One kind of camera in front of a scene that the test controls.

    Attributes:
        config: of the camera.
        absent: config of one that is not there.
        clock: the camera's.
        let_pass: lets the scene show this many frames, read or not.
        pause: no frame comes any more.
        resume: frames come again.
    """

    config: CameraConfig
    absent: CameraConfig
    clock: Clock
    let_pass: Callable[[int], None]
    pause: Callable[[], None]
    resume: Callable[[], None]

    def camera(self) -> Camera:
        return open_camera(self.config, self.clock)


def _recording_rig(config: CameraConfig, absent: CameraConfig) -> Rig:
    clock = PlaybackClock()
    return Rig(
        config=config,
        absent=absent,
        clock=clock,
        let_pass=lambda frames: clock.advance(frames / FRAMES_PER_S),
        pause=lambda: None,
        resume=lambda: None,
    )


def _video(tmp: Path, _: ExitStack) -> Rig:
    common = {"camera_id": "camera-1", "exposure_ms": 1, "transfer_ms": 2, "stall_after_ms": 400}
    video = write_video(tmp / "coded.avi", 100, FRAMES_PER_S)
    config = VideoCamera(source="video", path=video, **common)
    return _recording_rig(config, config.model_copy(update={"path": tmp / "absent.avi"}))


def _images(tmp: Path, _: ExitStack) -> Rig:
    common = {"camera_id": "camera-1", "exposure_ms": 1, "transfer_ms": 2, "stall_after_ms": 400}
    folder = write_folder(tmp / "shots", 100)
    config = ImagesCamera(source="images", path=folder, frames_per_s=FRAMES_PER_S, **common)
    return _recording_rig(config, config.model_copy(update={"path": tmp / "absent"}))


def _stream_rig(
    url: str, absent_url: str, pause: Callable[[], None], resume: Callable[[], None]
) -> Rig:
    clock = MonotonicClock()
    config = StreamCamera(
        source="stream",
        camera_id="camera-1",
        exposure_ms=1,
        transfer_ms=2,
        stall_after_ms=1000,
        url=url,
        transport="udp",
    )
    never = threading.Event()
    return Rig(
        config=config,
        absent=config.model_copy(update={"url": absent_url}),
        clock=clock,
        let_pass=lambda frames: void(clock.wait(never, frames / FRAMES_PER_S)),
        pause=pause,
        resume=resume,
    )


def void(_: object) -> None:
    """Drop a result."""


def _http(_: Path, stack: ExitStack) -> Rig:
    server = stack.enter_context(MjpegServer())
    return _stream_rig(server.url, "http://127.0.0.1:9/none", server.pause, server.resume)


def _rtsp(tmp: Path, stack: ExitStack) -> Rig:
    if not rtsp_is_possible():
        pytest.skip("ffmpeg is not installed (apt-get install ffmpeg): no RTSP server to test with")
    server = stack.enter_context(RtspServer(write_video(tmp / "coded.avi", 500, FRAMES_PER_S)))
    return _stream_rig(server.url, "rtsp://127.0.0.1:9/none", server.pause, server.resume)


def _gige(_: Path, stack: ExitStack) -> Rig:
    if not gige_is_possible():
        pytest.skip("libaravis-0.8-0 is not installed: no GigE Vision camera to test with")
    server = stack.enter_context(coded_gige("CONTRACT"))
    clock, never = MonotonicClock(), threading.Event()
    return Rig(
        config=server.config(),
        absent=server.config(device="absent"),
        clock=clock,
        let_pass=lambda frames: void(clock.wait(never, frames / FRAMES_PER_S)),
        pause=server.pause,
        resume=server.resume,
    )


@pytest.fixture(
    scope="class",
    params=[
        pytest.param(_video, id="video"),
        pytest.param(_images, id="images"),
        pytest.param(_http, id="http", marks=pytest.mark.wire),
        pytest.param(_rtsp, id="rtsp", marks=pytest.mark.wire),
        pytest.param(_gige, id="gige", marks=pytest.mark.wire),
    ],
)
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield request.param(tmp_path_factory.mktemp("camera"), stack)


@pytest.fixture(scope="class")
def camera(rig: Rig) -> Iterator[Camera]:
    """One opened camera for the tests that leave it open: streams take seconds to settle."""
    camera = rig.camera()
    camera.open()
    first_frame(camera)
    yield camera
    camera.close()


def first_frame(camera: Camera) -> Frame:
    clock = MonotonicClock()
    deadline_ns = clock.now_ns() + PATIENCE_S * 1e9
    while clock.now_ns() < deadline_ns:
        try:
            return camera.read(0.5)
        except CameraTimeoutError:
            continue
    raise AssertionError("no frame came")


def read_on(camera: Camera, timeout_s: float) -> None:
    """Read what is still on its way, until a read times out."""
    for _ in range(20):
        camera.read(timeout_s)


class TestCameraContract:
    """Run against every camera."""

    def test_frame_is_a_read_only_bgr_image(self, rig: Rig, camera: Camera) -> None:
        image = camera.read(2.0).image
        assert image.shape == (HEIGHT_PX, WIDTH_PX, 3)
        assert image.dtype == np.uint8
        assert not image.flags.writeable
        blue, green, red = image[100:].reshape(-1, 3).mean(axis=0)
        assert red > 150 > 60 > max(blue, green)

    def test_each_frame_is_new_and_later_than_the_one_before(
        self, rig: Rig, camera: Camera
    ) -> None:
        frames = [camera.read(2.0) for _ in range(8)]
        for before, after in itertools.pairwise(frames):
            assert after.seq > before.seq
            assert after.exposed_ns > before.exposed_ns
            assert number_of(after.image) != number_of(before.image)

    def test_seq_counts_exposed_frames_and_times_go_with_it(self, rig: Rig, camera: Camera) -> None:
        first = camera.read(2.0)
        last = [camera.read(2.0) for _ in range(10)][-1]
        steps = last.seq - first.seq
        assert (number_of(last.image) - number_of(first.image)) % 500 == steps
        passed_ms = (last.exposed_ns - first.exposed_ns) / NS_PER_MS
        assert passed_ms == pytest.approx(steps * 1000 / FRAMES_PER_S, rel=0.25)

    def test_exposure_lies_in_the_past(self, rig: Rig, camera: Camera) -> None:
        frame = camera.read(2.0)
        assert frame.exposed_ns <= rig.clock.now_ns()

    def test_unread_frames_are_skipped_and_show_as_a_gap(self, rig: Rig, camera: Camera) -> None:
        before = camera.read(2.0)
        rig.let_pass(10)
        after = camera.read(2.0)
        assert after.seq - before.seq >= 8
        assert (number_of(after.image) - number_of(before.image)) % 500 == after.seq - before.seq

    def test_no_frame_in_time_leaves_the_camera_open(self, rig: Rig, camera: Camera) -> None:
        rig.pause()
        try:
            with pytest.raises(CameraTimeoutError):
                read_on(camera, 0.02)
        finally:
            rig.resume()
        assert first_frame(camera).image.shape == (HEIGHT_PX, WIDTH_PX, 3)

    def test_opening_again_while_open_changes_nothing(self, rig: Rig, camera: Camera) -> None:
        before = camera.read(2.0)
        camera.open()
        assert camera.read(2.0).seq > before.seq

    def test_closed_camera_can_be_opened_again(self, rig: Rig, camera: Camera) -> None:
        camera.close()
        camera.close()
        with pytest.raises(CameraError, match="not open"):
            camera.read(0.1)
        camera.open()
        assert first_frame(camera).image.shape == (HEIGHT_PX, WIDTH_PX, 3)

    def test_camera_never_opened_cannot_be_read(self, rig: Rig) -> None:
        camera = rig.camera()
        with pytest.raises(CameraError, match="not open"):
            camera.read(0.1)
        camera.close()
        assert camera.camera_id == "camera-1"

    def test_absent_camera_is_an_error_that_names_it(self, rig: Rig) -> None:
        camera = open_camera(rig.absent, rig.clock)
        with pytest.raises(CameraError, match=r"absent|none"):
            camera.open()
        camera.close()
