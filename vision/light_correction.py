"""Makes frames evenly lit and grey before a detector sees them, by the calibration's grey card.

Gains are bytes of a sixty-fourth each: one fixed-point multiplication a byte, twice as fast
as with floating-point gains (`python -m benchmarks light_cost`).
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.light_field import LightField
from vision.ports import Detector
from vision.types import Detections

Image = npt.NDArray[np.uint8]

_UNIT: Final = 64
"""A gain of one; a byte then holds gains to 3.98 in steps of 1.6 per cent, a level at mid grey."""
_EVEN: Final = 0.02
"""A view lit this evenly is left as it is: what a gain would mend is the noise of two levels."""


class LightCorrection:
    """Multiplies every byte of an image by its gain. One thread: its buffer is reused."""

    def __init__(self, light: LightField, image_shape: tuple[int, int]) -> None:
        """Prepare the gains.

        Args:
            light: of the camera.
            image_shape: (height, width) px.
        """
        height, width = image_shape
        smooth = cv2.resize(light.gain, (width, height), interpolation=cv2.INTER_LINEAR)
        gains = np.asarray(smooth)[..., None] * np.array(light.white_balance)
        self._gains = np.clip(np.rint(gains * _UNIT), 0, 255).astype(np.uint8)
        self._even = bool((np.abs(gains - 1.0) <= _EVEN).all())
        self._corrected = np.empty((height, width, 3), np.uint8)

    @property
    def does_nothing(self) -> bool:
        """Whether the view is lit so evenly that images are handed on as they are."""
        return self._even

    def apply(self, image: Image) -> Image:
        """Return the image evenly lit; valid until the next call.

        Args:
            image: (height, width, 3) uint8 BGR.
        """
        if self._even:
            return image
        corrected = cv2.multiply(image, self._gains, dst=self._corrected, scale=1.0 / _UNIT)
        return np.asarray(corrected, dtype=np.uint8)


class EvenlyLitDetector:
    """Implements `vision.ports.Detector` on frames whose light was evened out."""

    def __init__(self, detector: Detector, correction: LightCorrection) -> None:
        """Take the detector that sees what was corrected."""
        self._detector, self._correction = detector, correction

    @property
    def bundle_id(self) -> str:
        """Name and hash of the model bundle."""
        return self._detector.bundle_id

    def detect(self, image: Image) -> Detections:
        """Correct the light and find items. See `Detector`."""
        return self._detector.detect(self._correction.apply(image))


def evenly_lit(
    detector: Detector, light: LightField | None, image_shape: tuple[int, int]
) -> Detector:
    """Return the detector behind a correction, itself where there is nothing to correct."""
    if light is None:
        return detector
    correction = LightCorrection(light, image_shape)
    return detector if correction.does_nothing else EvenlyLitDetector(detector, correction)
