"""How far the belt moved between two photographs, from its own texture.

Both photographs are laid flat on the belt plane, freed of slow shading and of single pixels'
noise, and compared by normalised cross correlation; a parabola through the peak tells the shift to
a small part of a pixel. Phase correlation weighs every frequency alike and drowns a worn belt's
texture in the sensor's noise.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane

_MM_PER_PX: Final = 1.0
_COARSE_MM: Final = 12.0
"""Texture coarser than this is light and shadow rather than belt."""
_FINE_MM: Final = 1.5
"""Texture finer than a camera's pixel is noise."""
_SEARCH_MM: Final = 14
"""How far from the expected way the true one is looked for."""
_LARGEST_SHIFT_SHARE: Final = 0.6
"""Of the flat picture's length that the belt may have moved; the rest is what both show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowShift:
    """A shift of the belt.

    Attributes:
        x_mm: to the right.
        s_mm: downstream.
        peak: correlation coefficient there, 0 to 1; see `TRUSTED_PEAK`.
    """

    x_mm: float
    s_mm: float
    peak: float


TRUSTED_PEAK: Final = 0.25
"""Stretches of belt that have nothing in common correlate by less (a twentieth on the twin's belt,
where the same stretch seen twice correlates by a half and more)."""


class BeltFlow:
    """Compares photographs of one camera. Stateless after construction; any thread."""

    def __init__(
        self, plane: BeltPlane, *, x_range_mm: tuple[float, float], s_range_mm: tuple[float, float]
    ) -> None:
        """Prepare the flat picture.

        Args:
            plane: of the camera.
            x_range_mm: lateral part of the belt to compare.
            s_range_mm: part along the belt; all of it must be in view.
        """
        columns = np.arange(x_range_mm[0], x_range_mm[1], _MM_PER_PX)
        lines = np.arange(s_range_mm[1], s_range_mm[0], -_MM_PER_PX)
        x, s = np.meshgrid(columns, lines)
        places = plane.to_image_px(np.column_stack((x.ravel(), s.ravel()))) - 0.5
        self._map = places.reshape(*x.shape, 2).astype(np.float32)
        self._length = len(lines)

    @property
    def longest_mm(self) -> float:
        """The longest way that two photographs may lie apart."""
        return (_LARGEST_SHIFT_SHARE * self._length - 2 * _SEARCH_MM) * _MM_PER_PX

    def flat(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the belt as seen from straight above, its slow shading taken off.

        Args:
            image: (height, width[, 3]) uint8, raw image frame.

        Returns:
            (lines, columns) float32, one mm each, the first line downstream.
        """
        grey = image if image.ndim == 2 else image[..., 1]
        drawn = cv2.remap(
            np.ascontiguousarray(grey), self._map[..., 0], self._map[..., 1], cv2.INTER_LINEAR
        ).astype(np.float32)
        fine = cv2.GaussianBlur(drawn, (0, 0), _FINE_MM / _MM_PER_PX)
        coarse = cv2.GaussianBlur(drawn, (0, 0), _COARSE_MM / _MM_PER_PX)
        return np.asarray(fine - coarse, dtype=np.float32)

    def shift(
        self,
        before: npt.NDArray[np.float32],
        after: npt.NDArray[np.float32],
        *,
        expected_mm: float,
    ) -> FlowShift:
        """Return how far the belt moved.

        Args:
            before: `flat` of the earlier photograph.
            after: of the later one.
            expected_mm: way downstream that the encoder tells, to within some tens of millimetres.

        Raises:
            ValueError: the expected way leaves too little that both photographs show.
        """
        guess = round(expected_mm / _MM_PER_PX)
        if abs(guess) > _LARGEST_SHIFT_SHARE * self._length - 2 * _SEARCH_MM:
            msg = f"{expected_mm:.0f} mm between photographs that show {self._length} mm"
            raise ValueError(msg)
        # What lay at line k lies at line k - guess later: lines count upstream.
        early, late = (before[guess:], after[: len(after) - guess])
        if guess < 0:
            early, late = before[:guess], after[-guess:]
        inner = early[_SEARCH_MM:-_SEARCH_MM, _SEARCH_MM:-_SEARCH_MM]
        scores = cv2.matchTemplate(
            np.ascontiguousarray(late), np.ascontiguousarray(inner), cv2.TM_CCOEFF_NORMED
        ).astype(np.float64)
        row, column = np.unravel_index(int(np.argmax(scores)), scores.shape)
        dv = row + _vertex(scores[:, column], int(row)) - _SEARCH_MM
        dx = column + _vertex(scores[row], int(column)) - _SEARCH_MM
        return FlowShift(
            x_mm=float(dx) * _MM_PER_PX,
            s_mm=(guess - float(dv)) * _MM_PER_PX,
            peak=float(scores[row, column]),
        )


def _vertex(scores: npt.NDArray[np.float64], at: int) -> float:
    """Return how far beside a sample the parabola through it and its neighbours peaks."""
    if not 0 < at < len(scores) - 1:
        return 0.0
    left, middle, right = scores[at - 1 : at + 2]
    bend = left - 2 * middle + right
    return float((left - right) / (2 * bend)) if bend < 0 else 0.0
