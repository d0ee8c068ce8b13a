"""Recordings as cameras: their times, their order, their end and their faults."""

import logging
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.clock import MonotonicClock
from calibration.units import NS_PER_MS
from tests.support.coded_frames import coded_frame, number_of, write_folder, write_video
from tests.support.playback_clock import PlaybackClock
from vision.cameras.recorded import CommonStart
from vision.config import ImagesCamera, TwinCamera, VideoCamera
from vision.errors import CameraError, CameraTimeoutError, EndOfStreamError
from vision.factory import open_camera
from vision.ports import Camera
from vision.types import Frame

IDENTITY = {"camera_id": "camera-1", "exposure_ms": 1, "transfer_ms": 2, "stall_after_ms": 400}


def video_camera(path: Path, *, paced: bool = False, frames_per_s: float | None = None) -> Camera:
    config = VideoCamera(source="video", path=path, frames_per_s=frames_per_s, **IDENTITY)
    return open_camera(config, PlaybackClock(), paced=paced)


def images_camera(path: Path, *, paced: bool = False) -> Camera:
    config = ImagesCamera(source="images", path=path, frames_per_s=50, **IDENTITY)
    return open_camera(config, PlaybackClock(), paced=paced)


def all_frames(camera: Camera) -> list[Frame]:
    camera.open()
    frames = []
    try:
        while True:
            frames.append(camera.read(1.0))
    except EndOfStreamError:
        return frames
    finally:
        camera.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "coded.avi", 40, 50.0)


def test_unpaced_video_gives_every_frame_with_its_own_time(video: Path) -> None:
    frames = all_frames(video_camera(video))
    assert [number_of(f.image) for f in frames] == list(range(40))
    assert [f.seq for f in frames] == list(range(40))
    assert [f.exposed_ns for f in frames] == [n * 20 * NS_PER_MS for n in range(40)]


def test_playing_twice_gives_the_same_frames(video: Path) -> None:
    camera = video_camera(video)
    first, second = all_frames(camera), all_frames(camera)
    assert [(f.seq, f.exposed_ns) for f in first] == [(f.seq, f.exposed_ns) for f in second]
    assert all((a.image == b.image).all() for a, b in zip(first, second, strict=True))


def test_configured_rate_replaces_the_files_own(video: Path) -> None:
    frames = all_frames(video_camera(video, frames_per_s=100.0))
    assert frames[-1].exposed_ns == 39 * 10 * NS_PER_MS


def test_paced_video_that_is_read_in_time_loses_nothing(video: Path) -> None:
    frames = all_frames(video_camera(video, paced=True))
    assert [f.seq for f in frames] == list(range(40))
    assert frames[1].exposed_ns - frames[0].exposed_ns == 20 * NS_PER_MS


def test_frame_not_due_within_the_timeout_is_not_lost(video: Path) -> None:
    camera = video_camera(video, paced=True)
    camera.open()
    assert camera.read(0.001).seq == 0
    with pytest.raises(CameraTimeoutError):
        camera.read(0.005)
    assert camera.read(0.1).seq == 1
    camera.close()


def test_close_from_another_thread_ends_a_waiting_read(video: Path) -> None:
    config = VideoCamera(source="video", path=video, frames_per_s=0.001, **IDENTITY)
    camera = open_camera(config, MonotonicClock())
    camera.open()
    camera.read(1.0)
    closer = threading.Timer(0.05, camera.close)
    closer.start()
    with pytest.raises(CameraError, match="closed while reading"):
        camera.read(60.0)
    closer.join()


def test_images_come_in_natural_order_of_their_names(tmp_path: Path) -> None:
    frames = all_frames(images_camera(write_folder(tmp_path / "shots", 12)))
    assert [number_of(f.image) for f in frames] == list(range(12))
    assert frames[-1].exposed_ns == 11 * 20 * NS_PER_MS


def test_grey_images_come_as_bgr(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((40, 60), 128, dtype=np.uint8))
    (frame,) = all_frames(images_camera(tmp_path))
    assert frame.image.shape == (40, 60, 3)


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_unreadable_video_is_named_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.mp4").write_bytes(content)
    with pytest.raises(CameraError, match=r"broken\.mp4: not a readable video; check it with"):
        video_camera(tmp_path / "broken.mp4").open()


def test_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match=r"none\.mp4: no such video file"):
        video_camera(tmp_path / "none.mp4").open()


def test_video_cut_short_ends_with_a_warning(
    tmp_path: Path, video: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = video.read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
    with caplog.at_level(logging.WARNING):
        frames = all_frames(video_camera(tmp_path / "cut.avi"))
    assert 5 < len(frames) < 40
    assert "cut short or damaged" in caplog.text


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(CameraError, match="no images in this folder"):
        images_camera(tmp_path).open()


def test_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", 3)
    (folder / "shot1.png").write_bytes(b"not an image")
    camera = images_camera(folder)
    camera.open()
    camera.read(1.0)
    with pytest.raises(CameraError, match=r"shot1\.png: not a readable image"):
        camera.read(1.0)


def test_broken_recording_is_not_played_from_the_start_again(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", 3)
    cv2.imwrite(str(folder / "shot1.png"), coded_frame(1)[:80])
    camera = images_camera(folder)
    camera.open()
    camera.read(1.0)
    with pytest.raises(CameraError, match=r"shot1\.png: 320 x 80 px, but shot0\.png"):
        camera.read(1.0)
    camera.close()
    with pytest.raises(CameraError, match=r"shot1\.png"):
        camera.open()


def test_twins_camera_is_not_made_here() -> None:
    with pytest.raises(CameraError, match="source twin"):
        open_camera(TwinCamera(source="twin", **IDENTITY), PlaybackClock())


def test_recordings_taken_together_play_from_one_start(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", 40)
    config = ImagesCamera(source="images", path=folder, frames_per_s=50.0, **IDENTITY)
    together = CommonStart()
    cameras = [open_camera(config, MonotonicClock(), together=together) for _ in range(2)]
    cameras[0].open()
    first = cameras[0].read(1.0)
    cameras[1].open()
    later = cameras[1].read(1.0)
    for camera in cameras:
        camera.close()
    apart_ns = later.exposed_ns - first.exposed_ns
    assert apart_ns == (later.seq - first.seq) * 20_000_000
