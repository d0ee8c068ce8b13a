"""How far the belt moved between two frames, seen by its texture: phase correlation in millimetres.

The frames are laid flat on the belt plane first, so that the shift is belt travel whatever the
camera's tilt; what does not move (dirt on the window, the shade of a lamp) is taken off.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane

_SIDE_PX: Final = 256
"""Of the flat picture; a power of two for the transform, 2 ms on one core."""
_MEMORY: Final = 0.1
"""Share by which each picture enters the picture of what stands still."""
_LEAST_RESPONSE: Final = 9.0
"""Peak of the correlation, in its own standard deviations, below which a texture says nothing:
the highest of 65,000 points of noise lies near five."""
_FINEST_PX: Final = 3.0
"""Texture finer than this is camera noise."""
_WHITENING: Final = 0.3
"""Frequencies weaker than this share of the mean are noise and are not raised to the others."""
_STANDS_PX: Final = 2.0
"""A shift below this may be what stands still before a moving belt."""
_BLUR_PX: Final = 12.0
"""Standard deviation of what counts as shading rather than texture."""
_REACH: Final = 0.42
"""Share of the picture that a shift may reach: further, too little of it overlaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One measurement.

    Attributes:
        moved_mm: belt travel downstream between the two frames.
        sideways_mm: travel to the right; a belt that runs off shows here.
        response: height of the correlation's peak in its standard deviations.
    """

    moved_mm: float
    sideways_mm: float
    response: float


class BeltFlow:
    """Measures belt travel between pictures. One thread."""

    def __init__(
        self, plane: BeltPlane, *, x_mm: tuple[float, float], s_mm: tuple[float, float]
    ) -> None:
        """Prepare the way from pixels to the flat picture.

        Args:
            plane: of the camera.
            x_mm: left and right edge of what is looked at, machine frame.
            s_mm: upstream and downstream edge.
        """
        self._scale_x = (x_mm[1] - x_mm[0]) / _SIDE_PX
        self._scale_s = (s_mm[1] - s_mm[0]) / _SIDE_PX
        middles = (np.arange(_SIDE_PX) + 0.5) / _SIDE_PX
        xs, ss = np.meshgrid(
            x_mm[0] + middles * (x_mm[1] - x_mm[0]), s_mm[0] + middles * (s_mm[1] - s_mm[0])
        )
        points = plane.to_image_px(np.column_stack((xs.ravel(), ss.ravel())))
        u, v = points.T.astype(np.float32).reshape(2, _SIDE_PX, _SIDE_PX)
        self._u, self._v = u, v
        self._window = cv2.createHanningWindow((_SIDE_PX, _SIDE_PX), cv2.CV_32F)
        fy, fx = np.meshgrid(np.fft.fftfreq(_SIDE_PX), np.fft.rfftfreq(_SIDE_PX), indexing="ij")
        self._keep = np.exp(-2 * (np.pi * _FINEST_PX / 2) ** 2 * (fx**2 + fy**2))
        rows = np.abs(np.fft.fftfreq(_SIDE_PX, 1 / _SIDE_PX))
        self._stands = (rows[:, None] < _STANDS_PX) & (rows[None, :] < _STANDS_PX)
        self._still: npt.NDArray[np.float32] | None = None
        self._reach_mm = _REACH * (s_mm[1] - s_mm[0])

    @property
    def reach_mm(self) -> float:
        """Longest travel between two frames that can be told."""
        return self._reach_mm

    def flat(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the belt seen from above: (256, 256) float32, shading taken off."""
        seen = cv2.remap(image, self._u, self._v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        grey = cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY).astype(np.float32)
        return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), _BLUR_PX), dtype=np.float32)

    def between(
        self, before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], *, moving: bool
    ) -> Flow | None:
        """Return the travel from one flat picture to a later one, None where it cannot be told.

        Args:
            before: the earlier one.
            after: the later one.
            moving: the belt should be moving, so that what stands still is no belt.
        """
        still = np.zeros_like(before) if self._still is None else self._still
        if moving:
            self._still = np.asarray(
                still + _MEMORY * ((before + after) / 2 - still), dtype=np.float32
            )
        surface = self._correlate(before - still, after - still)
        spread = float(surface.std())
        shift_s, shift_x, peak = _highest(surface)
        if moving and max(abs(shift_s), abs(shift_x)) < _STANDS_PX:
            # A weaker peak elsewhere is the belt behind what stands still.
            elsewhere = _highest(np.where(self._stands, -np.inf, surface))
            if elsewhere[2] >= _LEAST_RESPONSE * spread:
                shift_s, shift_x, peak = elsewhere
        response, moved_mm = peak / max(spread, 1e-12), shift_s * self._scale_s
        if response < _LEAST_RESPONSE or abs(moved_mm) > self._reach_mm:
            return None
        return Flow(
            moved_mm=float(moved_mm),
            sideways_mm=float(shift_x * self._scale_x),
            response=float(response),
        )

    def _correlate(
        self, before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """Return the correlation over all shifts (256, 256), zero shift in the corner."""
        cross = np.conj(np.fft.rfft2(before * self._window)) * np.fft.rfft2(after * self._window)
        size = np.abs(cross)
        whitened = cross / (size + _WHITENING * float(size.mean()) + 1e-12)
        return np.fft.irfft2(whitened * self._keep, s=before.shape)


def _highest(surface: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return shift down, shift right (px, to a fraction) and height of the highest point."""
    height, width = surface.shape
    row, column = divmod(int(surface.argmax()), width)
    down = row + _vertex(surface[[row - 1, row, (row + 1) % height], column])
    right = column + _vertex(surface[row, [column - 1, column, (column + 1) % width]])
    peak = float(surface[row, column])
    return _signed(down, height), _signed(right, width), peak


def _vertex(three: npt.NDArray[np.float64]) -> float:
    """Return where between -1/2 and 1/2 the parabola through three points is highest."""
    low, middle, high = (float(value) for value in three)
    bend = low - 2 * middle + high
    if not np.isfinite(bend) or bend >= 0:
        return 0.0
    return float(np.clip((low - high) / (2 * bend), -0.5, 0.5))


def _signed(shift: float, size: int) -> float:
    return shift - size if shift > size / 2 else shift
