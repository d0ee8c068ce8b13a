"""An item's outline as the tracker and the planner carry it: how far it reaches in 16 directions.

A convex outline is the set of points that no direction's limit cuts off (its support function;
Rockafellar, Convex Analysis, 1970, section 13). Sixteen numbers, whatever the item's shape; views
are averaged number by number, and a cut along the belt is a minimum over a few of them.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

DIRECTIONS: Final = 16
"""Directions of the limits: a disc's area comes out 1.3 % too large, an upright box's exact."""
_ANGLES: Final = np.arange(DIRECTIONS) * (2.0 * np.pi / DIRECTIONS)
_COS: Final = np.cos(_ANGLES).round(12)
_SIN: Final = np.sin(_ANGLES).round(12)
_UP: Final = slice(1, DIRECTIONS // 2)
_DOWN: Final = slice(DIRECTIONS // 2 + 1, DIRECTIONS)
_UP_SIN: Final = 1.0 / _SIN[_UP]
_DOWN_SIN: Final = 1.0 / _SIN[_DOWN]
_UP_SLANT: Final = _COS[_UP] * _UP_SIN
_DOWN_SLANT: Final = _COS[_DOWN] * _DOWN_SIN
_AREA_CUTS: Final = 12


def support_of(points_mm: Float64Array) -> Float64Array:
    """Return (n, 16) limits, mm, of n outlines of k corners.

    Args:
        points_mm: (n, k, 2) corners about each item's centre, x lateral, y along the belt.
    """
    reach = points_mm[:, :, :1] * _COS + points_mm[:, :, 1:] * _SIN
    return np.asarray(reach.max(axis=1), dtype=np.float64)


def moved_support(support_mm: Float64Array, x_mm: Float64Array, y_mm: Float64Array) -> Float64Array:
    """Return (n, 16) limits about centres that lie (x, y), each (n,), before the outlines' own."""
    return np.asarray(support_mm + x_mm[:, None] * _COS + y_mm[:, None] * _SIN, dtype=np.float64)


def support_of_boxes(extent_mm: Float64Array) -> Float64Array:
    """Return (16, n) limits, mm, of upright boxes of width and length (2, n)."""
    half = extent_mm / 2.0
    return np.asarray(
        half[0] * np.abs(_COS)[:, None] + half[1] * np.abs(_SIN)[:, None], dtype=np.float64
    )


def chords_mm(support_mm: Float64Array, x_mm: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Cut outlines along the belt.

    Args:
        support_mm: (16, n) limits.
        x_mm: (n, v) lateral positions of the cuts, from each item's centre.

    Returns:
        (n, v) lowest and highest y from the centre; lowest > highest where a cut misses.
    """
    upper = (support_mm[_UP] * _UP_SIN[:, None])[:, :, None]
    lower = (support_mm[_DOWN] * _DOWN_SIN[:, None])[:, :, None]
    highest = (upper - x_mm[None] * _UP_SLANT[:, None, None]).min(axis=0)
    lowest = (lower - x_mm[None] * _DOWN_SLANT[:, None, None]).max(axis=0)
    outside = (x_mm > support_mm[0][:, None]) | (x_mm < -support_mm[DIRECTIONS // 2][:, None])
    return np.where(outside, np.inf, lowest), np.where(outside, -np.inf, highest)


def area_mm2(support_mm: Float64Array) -> Float64Array:
    """Return (n,) areas of outlines with limits (16, n): mean length of equal cuts times width."""
    right, left = support_mm[0], -support_mm[DIRECTIONS // 2]
    places = (np.arange(_AREA_CUTS) + 0.5) / _AREA_CUTS
    low, high = chords_mm(support_mm, left[:, None] + places * (right - left)[:, None])
    length = np.maximum(high - low, 0.0).mean(axis=1)
    return np.asarray(length * (right - left), dtype=np.float64)
