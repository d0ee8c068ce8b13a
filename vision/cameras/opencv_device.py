"""OpenCV's VideoCapture as the device of a live camera."""

import cv2
import numpy as np
import numpy.typing as npt

from vision.cameras.frame_device import Grab
from vision.errors import CameraError
from vision.types import CameraLosses


class OpenCvDevice:
    """An opened `cv2.VideoCapture`, errors translated."""

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        """Take over an opened capture.

        Args:
            capture: released by this object from now on.
            name: of the device, for messages.
        """
        self._capture = capture
        self._name = name

    def grab(self) -> Grab:
        """Wait for the next frame; stamped by its driver, which numbers none."""
        try:
            grabbed = self._capture.grab()
        except cv2.error as error:
            msg = f"{self._name}: {error.err}"
            raise CameraError(msg) from error
        if not grabbed:
            msg = f"{self._name}: the stream ended or stayed silent; check power, cable and server"
            raise CameraError(msg)
        return Grab(stamp_ms=float(self._capture.get(cv2.CAP_PROP_POS_MSEC)))

    def image(self) -> npt.NDArray[np.uint8]:
        """Decode the grabbed frame."""
        try:
            decoded, image = self._capture.retrieve()
        except cv2.error as error:
            msg = f"{self._name}: {error.err}"
            raise CameraError(msg) from error
        if not decoded or image is None:
            msg = f"{self._name}: a frame could not be decoded"
            raise CameraError(msg)
        return np.asarray(image, dtype=np.uint8)

    def losses(self) -> CameraLosses:
        """Nothing: OpenCV hides what its drivers lose."""
        return CameraLosses()

    def release(self) -> None:
        """Close the capture."""
        self._capture.release()
