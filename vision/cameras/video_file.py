"""A video file as a recording: OpenCV's FFmpeg decoder, frame times from the container."""

import logging
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.units import NS_PER_MS, NS_PER_S
from vision.cameras.recorded import end_of
from vision.errors import CameraError

log = logging.getLogger(__name__)

_REMEDY = "check it with ffprobe, or convert it: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p OUT.mp4"


class VideoRecording:
    """Frames of one video file; variable frame rates keep their times."""

    def __init__(self, path: Path, frames_per_s: float | None) -> None:
        """Open the file and decode its first frame.

        Args:
            path: the file.
            frames_per_s: replaces the container's frame times; None keeps them.

        Raises:
            CameraError: no such file, not a readable video, or no frame rate in it.
        """
        self._path = path
        if not path.is_file():
            msg = f"{path}: no such video file"
            raise CameraError(msg)
        self._device = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        if not self._device.isOpened() or not self._device.grab():
            self._device.release()
            msg = f"{path}: not a readable video; {_REMEDY}"
            raise CameraError(msg)
        self._own_times = frames_per_s is None
        rate = frames_per_s or float(self._device.get(cv2.CAP_PROP_FPS))
        if not 0 < rate < np.inf:
            self._device.release()
            msg = f"{path}: the file names no frame rate; set frames_per_s"
            raise CameraError(msg)
        self._period_ns = round(NS_PER_S / rate)
        self._promised = int(self._device.get(cv2.CAP_PROP_FRAME_COUNT))
        self._index = -1
        self._position_ns = -1
        self._first_ns = 0

    @property
    def period_ns(self) -> int:
        """Usual time between two frames."""
        return self._period_ns

    def advance(self) -> int:
        """Step to the next frame and return its position in ns from the first."""
        if self._index >= 0 and not self._device.grab():
            self._report_short_file()
            raise end_of(self._path, self._index + 1)
        self._index += 1
        self._position_ns = self._next_position_ns()
        return self._position_ns

    def image(self) -> npt.NDArray[np.uint8]:
        """Decode the present frame."""
        try:
            decoded, image = self._device.retrieve()
        except cv2.error as error:
            decoded, image = False, None
            log.debug("frame %d of %s: %s", self._index, self._path, error)
        if not decoded or image is None:
            msg = f"{self._path}: frame {self._index} cannot be decoded; {_REMEDY}"
            raise CameraError(msg)
        return np.asarray(image, dtype=np.uint8)

    def close(self) -> None:
        """Release the file."""
        self._device.release()

    def _next_position_ns(self) -> int:
        if not self._own_times:
            return self._index * self._period_ns
        stamp_ns = round(float(self._device.get(cv2.CAP_PROP_POS_MSEC)) * NS_PER_MS)
        if self._index == 0:
            self._first_ns = stamp_ns
            return 0
        position_ns = stamp_ns - self._first_ns
        # Some containers (raw H.264, broken AVI) carry no usable stamps: fall back on the rate.
        return (
            position_ns if position_ns > self._position_ns else self._position_ns + self._period_ns
        )

    def _report_short_file(self) -> None:
        if self._promised > self._index + 1:
            log.warning(
                "%s ends after frame %d of the %d its header promises; cut short or damaged",
                self._path,
                self._index + 1,
                self._promised,
            )
