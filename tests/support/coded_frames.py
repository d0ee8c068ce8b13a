"""Pictures that carry their own number, so that a test knows which frame it was given."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

HEIGHT_PX, WIDTH_PX = 160, 320
BITS = 10
_SIDE_PX = 32


def coded_frame(number: int) -> npt.NDArray[np.uint8]:
    """Return a (160, 320, 3) BGR image: `number` as ten white or black squares, red below."""
    image = np.full((HEIGHT_PX, WIDTH_PX, 3), 0, dtype=np.uint8)
    image[_SIDE_PX:] = (0, 0, 200)
    for bit in range(BITS):
        if number >> bit & 1:
            image[:_SIDE_PX, bit * _SIDE_PX : (bit + 1) * _SIDE_PX] = 255
    return image


def number_of(image: npt.NDArray[np.uint8]) -> int:
    """Return the number a picture carries, compression notwithstanding."""
    green = image[:_SIDE_PX, :, 1].reshape(_SIDE_PX, BITS, _SIDE_PX).mean(axis=(0, 2))
    return sum(1 << bit for bit in range(BITS) if green[bit] > 127)


def write_video(path: Path, frames: int, frames_per_s: float) -> Path:
    """Write a Motion-JPEG AVI of frames 0, 1, ... and return its path."""
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"MJPG"), frames_per_s, (WIDTH_PX, HEIGHT_PX)
    )
    assert writer.isOpened()
    for number in range(frames):
        writer.write(coded_frame(number))
    writer.release()
    return path


def write_folder(path: Path, frames: int) -> Path:
    """Write shot0.png, shot1.png, ... (no leading zeros) and return the folder."""
    path.mkdir()
    for number in range(frames):
        assert cv2.imwrite(str(path / f"shot{number}.png"), coded_frame(number))
    return path
