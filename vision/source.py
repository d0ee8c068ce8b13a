"""From the words after `--source` to a camera's config section."""

import re
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from vision.cameras.image_folder import IMAGE_SUFFIXES, list_images
from vision.config import (
    CameraConfig,
    CameraSection,
    GenicamCamera,
    ImagesCamera,
    StreamCamera,
    TwinCamera,
    UsbCamera,
    VideoCamera,
)
from vision.errors import CameraError

FORMS: Final = (
    "a video file, a folder of images, usb:N, /dev/videoN, rtsp://..., http://..., genicam:NAME "
    "(as the cameras command lists it) or twin; "
    "@RATE after a file or folder sets frames per second"
)
FOLDER_FRAMES_PER_S: Final = 50.0
"""The standard line's frame rate, for a folder named without @RATE."""


def parse_source(text: str, like: CameraSection) -> CameraConfig:
    """Return the config of the camera that `text` names.

    Args:
        text: see `FORMS`.
        like: the line's configured camera; its identity, exposure, transfer time and stall
            limit carry over, and all its settings where it is of the same kind.

    Raises:
        CameraError: nothing usable is there; the message says what was looked for.
    """
    common = {name: getattr(like, name) for name in CameraSection.model_fields}
    if text == "twin":
        return TwinCamera(source="twin", **common)
    if re.match(r"(rtsps?|https?)://", text):
        settings = _same_kind(like, StreamCamera) | common
        return StreamCamera.model_validate(settings | {"source": "stream", "url": text})
    if text.startswith("genicam:"):
        settings = _same_kind(like, GenicamCamera) | common
        device = text.removeprefix("genicam:")
        return GenicamCamera.model_validate(settings | {"source": "genicam", "device": device})
    if text.startswith(("usb:", "/dev/")):
        return _usb(text, _same_kind(like, UsbCamera) | common)
    return _recording(text, common)


def _same_kind(like: CameraSection, kind: type[CameraSection]) -> dict[str, object]:
    return like.model_dump() if isinstance(like, kind) else {}


def _usb(text: str, settings: dict[str, object]) -> UsbCamera:
    number = text.removeprefix("usb:")
    device: int | str = int(number) if number.isdecimal() else number
    try:
        return UsbCamera.model_validate(settings | {"source": "usb", "device": device})
    except ValidationError as error:
        msg = f"--source {text}: not a camera; write usb:0 or /dev/video0"
        raise CameraError(msg) from error


def _recording(text: str, common: dict[str, object]) -> VideoCamera | ImagesCamera:
    path, rate = _split_rate(text)
    if path.is_dir():
        list_images(path)
        return ImagesCamera.model_validate(
            common | {"source": "images", "path": path, "frames_per_s": rate or FOLDER_FRAMES_PER_S}
        )
    if not path.is_file():
        msg = f"--source {text}: no such file or folder; give {FORMS}"
        raise CameraError(msg)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        msg = f"--source {text}: a single image; give the folder it is in ({path.parent})"
        raise CameraError(msg)
    return VideoCamera.model_validate(
        common | {"source": "video", "path": path, "frames_per_s": rate}
    )


def _split_rate(text: str) -> tuple[Path, float | None]:
    name, at, rate = text.rpartition("@")
    if Path(text).exists() or not at or not re.fullmatch(r"\d+(\.\d+)?", rate) or not float(rate):
        return Path(text), None
    return Path(name), float(rate)
