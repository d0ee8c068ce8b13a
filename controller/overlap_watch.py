"""How much the items of the newest metres of belt lie on one another, item by item.

The index is that of `vision/overlap_index.py`, area of all boxes / area they cover together, kept
up to date: each item adds what of its box no earlier box covers. Pure; one thread.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vision.overlap_index import LIMIT, Overlap, overlap_of
from vision.types import Track

Float64Array = npt.NDArray[np.float64]
STRETCH_MM: Final = 10_000.0
"""Belt over which the index is taken: a few seconds, some hundred items on a full belt."""
ITEMS_MAX: Final = 1024
_SMALLEST_MM: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    edges: tuple[float, float, float, float]
    area_mm2: float
    fresh_mm2: float


class OverlapWatch:
    """Takes decided items and tells the overlap index of the newest stretch of belt."""

    def __init__(self) -> None:
        self._boxes: deque[_Box] = deque()
        self.covered_mm2 = 0.0
        """Belt that items covered so far, each place once."""

    @property
    def overlap(self) -> Overlap:
        """Overlap on the newest stretch; 1 on an empty belt."""
        area = sum(box.area_mm2 for box in self._boxes)
        fresh = sum(box.fresh_mm2 for box in self._boxes)
        return Overlap(index=max(1.0, area / fresh) if fresh > 0 else 1.0, limit=LIMIT)

    def add(self, track: Track) -> None:
        """Take one decided item; what lies too far behind it is dropped."""
        width, length = max(track.width_mm, _SMALLEST_MM), max(track.length_mm, _SMALLEST_MM)
        left, first = track.x_mm - width / 2, track.y_mm - length / 2
        edges = (left, first, left + width, first + length)
        while self._boxes and (
            len(self._boxes) >= ITEMS_MAX or abs(self._boxes[0].edges[1] - first) > STRETCH_MM
        ):
            self._boxes.popleft()
        area = width * length
        fresh = max(0.0, area - self._covered_mm2(np.array(edges)))
        self.covered_mm2 += fresh
        self._boxes.append(_Box(edges=edges, area_mm2=area, fresh_mm2=fresh))

    def _covered_mm2(self, own: Float64Array) -> float:
        """Area of a box, edges as in `_Box`, that the boxes before it cover."""
        if not self._boxes:
            return 0.0
        others = np.array([box.edges for box in self._boxes])
        low, high = np.maximum(others[:, :2], own[:2]), np.minimum(others[:, 2:], own[2:])
        extent = high - low
        on_it = (extent > 0).all(axis=1)
        if not on_it.any():
            return 0.0
        centre, extent = (low + high)[on_it] / 2, extent[on_it]
        shared = float(extent.prod(axis=1).sum())
        if on_it.sum() == 1:
            return shared
        return shared / overlap_of(centre[:, 0], centre[:, 1], extent[:, 0], extent[:, 1]).index
