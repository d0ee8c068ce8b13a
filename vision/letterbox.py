"""Fitting camera images into the network's input shape, and boxes back onto the image."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from vision.errors import DetectorError
from vision.manifest import STRIDE_PX


class Letterbox:
    """Scales images of one shape into one preallocated buffer, keeping their aspect.

    The image sits in the top left corner; what is left below or to the right is filled. The
    input is as small as its stride allows, so a 2:1 camera costs half of a square input.
    """

    def __init__(self, image_shape: tuple[int, int], long_side_px: int, fill: int) -> None:
        """Lay out the buffer.

        Args:
            image_shape: (height, width) of the camera's images, px.
            long_side_px: long side of the network's input, a multiple of the stride.
            fill: grey level of the border.

        Raises:
            DetectorError: the image shape is empty.
        """
        height, width = image_shape
        if min(height, width) < 1:
            msg = f"images of {width} x {height} px cannot be detected on"
            raise DetectorError(msg)
        scale = long_side_px / max(height, width)
        self._image_shape = (height, width)
        self._inner = (max(1, round(height * scale)), max(1, round(width * scale)))
        self._shape = (_to_stride(self._inner[0]), _to_stride(self._inner[1]))
        self._buffer = np.full((*self._shape, 3), fill, dtype=np.uint8)
        self._view = self._buffer[: self._inner[0], : self._inner[1]]
        # Shrinking by two or more with two taps per axis skips pixels and aliases.
        self._interpolation = cv2.INTER_AREA if scale <= 0.5 else cv2.INTER_LINEAR
        back = np.array([width / self._inner[1], height / self._inner[0]], dtype=np.float32)
        self._to_image = np.tile(back, 2)
        self._limits = np.array([width, height, width, height], dtype=np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the network's input, px."""
        return self._shape

    @property
    def buffer(self) -> npt.NDArray[np.uint8]:
        """(height, width, 3) uint8: the input image, overwritten by each `fit`."""
        return self._buffer

    def fit(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Scale `image` into the buffer and return the buffer.

        Args:
            image: (height, width, 3) uint8 of the shape given at construction; a channel-reversed
                or grey view (see `vision.cameras.genicam.pixel_formats`) is not copied.

        Raises:
            DetectorError: the image has another shape or type.
        """
        if image.shape != (*self._image_shape, 3) or image.dtype != np.uint8:
            msg = (
                f"expected ({self._image_shape[0]}, {self._image_shape[1]}, 3) uint8 images, "
                f"got {image.shape} {image.dtype}; set the camera to the size it was calibrated at"
            )
            raise DetectorError(msg)
        size = (self._inner[1], self._inner[0])
        _, column, channel = image.strides
        if channel == -1 and column == 3:
            # A view of RGB pixels: shrink them where they lie, then swap the few that are left.
            cv2.resize(image[:, :, ::-1], size, dst=self._view, interpolation=self._interpolation)
            cv2.cvtColor(self._view, cv2.COLOR_RGB2BGR, dst=self._view)
        elif channel == 0 and column == 1:
            # A view of grey pixels: one channel to shrink, not three.
            grey = cv2.resize(image[:, :, 0], size, interpolation=self._interpolation)
            cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR, dst=self._view)
        else:
            cv2.resize(image, size, dst=self._view, interpolation=self._interpolation)
        return self._buffer

    def to_image_px(self, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map boxes from the input onto the image and clip them to it.

        Args:
            boxes: (n, 4) u_min, v_min, u_max, v_max in input px.

        Returns:
            (n, 4) the same corners in raw image px.
        """
        mapped = boxes * self._to_image
        np.maximum(mapped, np.float32(0), out=mapped)
        np.minimum(mapped, self._limits, out=mapped)
        return mapped


def _to_stride(side_px: int) -> int:
    return math.ceil(side_px / STRIDE_PX) * STRIDE_PX
