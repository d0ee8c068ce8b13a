"""How much items lie on one another: above its limit, masses from pictures are not valid.

Index = area of all boxes / area that they cover together: 1 where nothing overlaps. Published
throughput from pictures held below an overlap factor of 1.05 (Kroell, 2023, University of Augsburg
repository 16551: median deviation +0.3 % on rigid chips, -11.6 % on flakes).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
LIMIT: Final = 1.05
CELL_MM: Final = 5.0
"""Raster of the covered area; a box's edge is rounded by half of it, to either side alike."""
LENGTH_MAX_MM: Final = 100_000.0
"""A raster of one stretch of belt at most; longer ones are looked at piece by piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Overlap on a stretch of belt.

    Attributes:
        index: 1 or more.
        limit: above it mass estimates are invalid.
    """

    index: float
    limit: float

    @property
    def valid(self) -> bool:
        """Whether masses from pictures may be used."""
        return self.index <= self.limit


def overlap_of(
    x_mm: Float64Array,
    y_mm: Float64Array,
    width_mm: Float64Array,
    length_mm: Float64Array,
    *,
    limit: float = LIMIT,
) -> Overlap:
    """Return the overlap of the items of one stretch of belt.

    Args:
        x_mm: (n,) lateral centres.
        y_mm: (n,) centres along the belt.
        width_mm: (n,) lateral extents.
        length_mm: (n,) extents along the belt.
        limit: of validity.

    Raises:
        ValueError: a figure is not finite, an extent negative, or the stretch too long.
    """
    if not len(x_mm):
        return Overlap(index=1.0, limit=limit)
    figures = np.stack((x_mm, y_mm, width_mm, length_mm))
    if not np.isfinite(figures).all() or (figures[2:] < 0).any():
        msg = "boxes must be finite, their extents not negative"
        raise ValueError(msg)
    left, right = _cells(figures[0], figures[2])
    first, last = _cells(figures[1], figures[3])
    if max(np.ptp(figures[0]), np.ptp(figures[1])) > LENGTH_MAX_MM:
        msg = f"a stretch of belt is at most {LENGTH_MAX_MM / 1000:.0f} m long"
        raise ValueError(msg)
    layers = np.zeros((last.max() - first.min() + 1, right.max() - left.min() + 1), np.int32)
    rows, columns = (
        (first - first.min(), last - first.min()),
        (left - left.min(), right - left.min()),
    )
    # Two-dimensional difference array: four corners per box, summed up along both axes.
    for row, column, sign in (
        (rows[0], columns[0], 1),
        (rows[1], columns[0], -1),
        (rows[0], columns[1], -1),
        (rows[1], columns[1], 1),
    ):
        np.add.at(layers, (row, column), sign)
    layers = layers.cumsum(axis=0).cumsum(axis=1)
    covered = int(np.count_nonzero(layers))
    return Overlap(index=float(layers.sum() / covered) if covered else 1.0, limit=limit)


def _cells(
    centre: Float64Array, extent: Float64Array
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    low = np.round((centre - extent / 2) / CELL_MM).astype(np.int64)
    high = np.round((centre + extent / 2) / CELL_MM).astype(np.int64)
    return low, high
