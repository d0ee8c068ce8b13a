"""Frames as lossless files, so that a recorded session gives the detector the same pixels."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vision.errors import CameraError

FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)
"""zlib level 1: a session is written while the line runs; size comes second."""


def write_frame(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write an image (height, width, 3) uint8 BGR as PNG.

    Raises:
        OSError: the file could not be written (no space, no folder).
    """
    encoded, buffer = cv2.imencode(".png", image, FAST_PNG)
    if not encoded:
        msg = f"{path}: image of shape {image.shape} could not be encoded as PNG"
        raise OSError(msg)
    path.write_bytes(buffer.tobytes())


def read_frame(path: Path) -> npt.NDArray[np.uint8]:
    """Read an image written by `write_frame`.

    Returns:
        (height, width, 3) uint8 BGR, read-only.

    Raises:
        CameraError: missing or not an image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: missing or not an image; the session is incomplete, record it again"
        raise CameraError(msg)
    frame = np.asarray(image, dtype=np.uint8)
    frame.setflags(write=False)
    return frame
