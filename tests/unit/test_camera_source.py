"""The words after --source become a camera's config, or an error that says what was wrong."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.support.coded_frames import write_folder
from vision.cameras.stream import without_password
from vision.config import CameraConfig, ImagesCamera, StreamCamera, TwinCamera, UsbCamera
from vision.errors import CameraError
from vision.source import parse_source

IDENTITY = {"camera_id": "camera-7", "exposure_ms": 1, "transfer_ms": 2, "stall_after_ms": 400}
TWIN = TwinCamera(source="twin", **IDENTITY)


def test_identity_and_delays_carry_over_from_the_configured_camera() -> None:
    config = parse_source("rtsp://10.0.0.2/stream", TWIN)
    assert config == StreamCamera(source="stream", url="rtsp://10.0.0.2/stream", **IDENTITY)


def test_settings_of_the_same_kind_carry_over() -> None:
    like = UsbCamera(source="usb", device=0, width_px=800, height_px=400, **IDENTITY)
    config = parse_source("/dev/video2", like)
    assert config == like.model_copy(update={"device": "/dev/video2"})


def test_usb_index_is_a_number() -> None:
    config = parse_source("usb:3", TWIN)
    assert isinstance(config, UsbCamera)
    assert config.device == 3


def test_genicam_camera_is_named_as_the_cameras_command_lists_it() -> None:
    config = parse_source("genicam:Aravis-Fake-1", TWIN)
    assert (config.source, config.device) == ("genicam", "Aravis-Fake-1")
    assert config.exposure_ms == TWIN.exposure_ms


def test_twin_is_a_word() -> None:
    assert parse_source("twin", TWIN) == TWIN


def test_folder_and_video_are_told_apart(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", 1)
    (tmp_path / "clip.mp4").write_bytes(b"x")
    images = parse_source(f"{folder}@25", TWIN)
    assert isinstance(images, ImagesCamera)
    assert images.frames_per_s == 25
    assert parse_source(str(tmp_path / "clip.mp4"), TWIN).source == "video"


def test_name_with_an_at_sign_is_taken_as_it_is(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots@25", 1)
    images = parse_source(str(folder), TWIN)
    assert isinstance(images, ImagesCamera)
    assert images.path == folder


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nowhere.mp4", "no such file or folder; give a video file, a folder"),
        ("usb:front", "write usb:0 or /dev/video0"),
        ("usb:", "write usb:0 or /dev/video0"),
        ("shot.png", "a single image; give the folder"),
        (".", "no images in this folder"),
    ],
)
def test_unusable_source_is_refused(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text == "shot.png":
        Path(text).write_bytes(b"x")
    with pytest.raises(CameraError, match=complaint):
        parse_source(text, TWIN)


def test_config_with_an_unknown_key_or_source_is_refused() -> None:
    adapter: TypeAdapter[CameraConfig] = TypeAdapter(CameraConfig)
    with pytest.raises(ValidationError, match="zoom"):
        adapter.validate_python({"source": "twin", "zoom": 2, **IDENTITY})
    with pytest.raises(ValidationError, match="pigeon"):
        adapter.validate_python({"source": "pigeon", **IDENTITY})


def test_password_of_a_stream_stays_out_of_messages() -> None:
    assert without_password("rtsp://admin:secret@10.0.0.2:554/s") == "rtsp://***@10.0.0.2:554/s"
    assert without_password("http://10.0.0.2/s?x=1") == "http://10.0.0.2/s?x=1"
