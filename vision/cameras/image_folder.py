"""A folder of images as a recording, in the natural order of the file names."""

import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.units import NS_PER_S
from vision.cameras.recorded import end_of
from vision.errors import CameraError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm"})


class FolderRecording:
    """Images of one folder; img2 comes before img10. All have the size of the first."""

    def __init__(self, path: Path, frames_per_s: float) -> None:
        """List the folder and decode its first image.

        Args:
            path: the folder.
            frames_per_s: rate at which the images were taken.

        Raises:
            CameraError: no such folder, no image in it, or the first is unreadable.
        """
        self._files = list_images(path)
        self._path = path
        self._period_ns = round(NS_PER_S / frames_per_s)
        self._index = -1
        self._shape = _decode(self._files[0]).shape

    @property
    def period_ns(self) -> int:
        """Time between two images."""
        return self._period_ns

    def advance(self) -> int:
        """Step to the next image and return its position in ns from the first."""
        if self._index + 1 >= len(self._files):
            raise end_of(self._path, len(self._files))
        self._index += 1
        return self._index * self._period_ns

    def image(self) -> npt.NDArray[np.uint8]:
        """Decode the present image."""
        file = self._files[self._index]
        image = _decode(file)
        if image.shape != self._shape:
            msg = (
                f"{file}: {image.shape[1]} x {image.shape[0]} px, but {self._files[0].name} has "
                f"{self._shape[1]} x {self._shape[0]} px; a camera's images have one size"
            )
            raise CameraError(msg)
        return image

    def close(self) -> None:
        """Nothing is held open between images."""


def list_images(path: Path) -> tuple[Path, ...]:
    """Return the image files directly in folder `path`, in natural order of their names.

    Raises:
        CameraError: no such folder, or no image file in it.
    """
    try:
        files = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES]
    except OSError as error:
        msg = f"{path}: not a readable folder of images ({error.strerror})"
        raise CameraError(msg) from error
    if not files:
        msg = f"{path}: no images in this folder ({', '.join(sorted(IMAGE_SUFFIXES))})"
        raise CameraError(msg)
    return tuple(sorted(files, key=_natural_order))


def _natural_order(file: Path) -> tuple[tuple[int, str], ...]:
    parts = re.findall(r"\d+|\D+", file.name)
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def _decode(file: Path) -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{file}: not a readable image; remove it or save it again as PNG or JPEG"
        raise CameraError(msg)
    return np.asarray(image, dtype=np.uint8)
