"""Tracks as a struct of arrays: one row per quantity, one column per track."""

from typing import Final

import numpy as np
import numpy.typing as npt

from vision.outline import DIRECTIONS
from vision.types import FRACTIONS

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_N_CLASSES: Final = len(FRACTIONS)
_POSITION = slice(0, 2)
_SLIP = slice(2, 4)
_POSITION_VAR = slice(4, 6)
_CROSS_VAR = slice(6, 8)
_SLIP_VAR = slice(8, 10)
_EXTENT = slice(10, 12)
_LOG_SCORE = slice(12, 12 + _N_CLASSES)
_SUPPORT = slice(12 + _N_CLASSES, 12 + _N_CLASSES + DIRECTIONS)
_WEIGHT: Final = 12 + _N_CLASSES + DIRECTIONS
_BEST_SCORE: Final = _WEIGHT + 1
_HEIGHT: Final = _BEST_SCORE + 1
_N_FLOATS: Final = _HEIGHT + 1

_ID, _VIEWS, _FULL_VIEWS, _FIRST_SEQ, _LAST_SEQ, _LAST_NS = range(6)
_OPEN_UPSTREAM, _OPEN_DOWNSTREAM, _DECIDED = range(3)


class TrackTable:
    """Columns are tracks in order of birth; the arrays handed out are views, valid until rows move.

    Axis pairs are (2, n): first x (machine frame), then y (belt frame), in mm, mm/s, mm².
    Identity 0 marks a candidate that is not yet an item.
    """

    def __init__(self, floats: Float64Array, ints: Int64Array, flags: BoolArray) -> None:
        """Take the arrays over; each of their columns is a track.

        Args:
            floats: (37, n) quantities.
            ints: (6, n) counters.
            flags: (3, n) conditions.
        """
        self._count: int = floats.shape[1]
        self._floats, self._ints, self._flags = floats, ints, flags

    @classmethod
    def empty(cls) -> "TrackTable":
        """Return a table without tracks."""
        return cls(
            np.zeros((_N_FLOATS, 0)),
            np.zeros((6, 0), dtype=np.int64),
            np.zeros((3, 0), dtype=np.bool_),
        )

    def copy(self) -> "TrackTable":
        """Return a table of its own with the same tracks."""
        used = slice(0, self._count)
        return TrackTable(
            self._floats[:, used].copy(), self._ints[:, used].copy(), self._flags[:, used].copy()
        )

    def __len__(self) -> int:
        """Return the number of tracks, candidates included."""
        return self._count

    @property
    def position_mm(self) -> Float64Array:
        """(2, n) centre, x and y."""
        return self._floats[_POSITION, : self._count]

    @property
    def slip_mm_per_s(self) -> Float64Array:
        """(2, n) velocity over the belt."""
        return self._floats[_SLIP, : self._count]

    @property
    def position_var(self) -> Float64Array:
        """(2, n) variance of the position, mm²."""
        return self._floats[_POSITION_VAR, : self._count]

    @property
    def cross_var(self) -> Float64Array:
        """(2, n) covariance of position and slip, mm²/s."""
        return self._floats[_CROSS_VAR, : self._count]

    @property
    def slip_var(self) -> Float64Array:
        """(2, n) variance of the slip, mm²/s²."""
        return self._floats[_SLIP_VAR, : self._count]

    @property
    def extent_mm(self) -> Float64Array:
        """(2, n) width and length; a lower bound of the length while an end is open."""
        return self._floats[_EXTENT, : self._count]

    @property
    def log_score(self) -> Float64Array:
        """(6, n) weighted sum of the logarithms of the class scores."""
        return self._floats[_LOG_SCORE, : self._count]

    @property
    def support_mm(self) -> Float64Array:
        """(16, n) reach of the outline from the centre, mean of the views that showed it whole."""
        return self._floats[_SUPPORT, : self._count]

    @property
    def height_mm(self) -> Float64Array:
        """(n,) height above the belt as last told, NaN where it never was."""
        return self._floats[_HEIGHT, : self._count]

    @property
    def weight(self) -> Float64Array:
        """(n,) sum of the weights in `log_score`."""
        return self._floats[_WEIGHT, : self._count]

    @property
    def best_score(self) -> Float64Array:
        """(n,) highest class score of any view."""
        return self._floats[_BEST_SCORE, : self._count]

    @property
    def track_id(self) -> Int64Array:
        """(n,) identity, 0 for candidates."""
        return self._ints[_ID, : self._count]

    @property
    def views(self) -> Int64Array:
        """(n,) number of views."""
        return self._ints[_VIEWS, : self._count]

    @property
    def full_views(self) -> Int64Array:
        """(n,) number of views that showed the item whole."""
        return self._ints[_FULL_VIEWS, : self._count]

    @property
    def first_seq(self) -> Int64Array:
        """(n,) frame of the first view."""
        return self._ints[_FIRST_SEQ, : self._count]

    @property
    def last_seq(self) -> Int64Array:
        """(n,) frame of the last view."""
        return self._ints[_LAST_SEQ, : self._count]

    @property
    def last_ns(self) -> Int64Array:
        """(n,) exposure time of the last view."""
        return self._ints[_LAST_NS, : self._count]

    @property
    def open_upstream(self) -> BoolArray:
        """(n,) the upstream end has not been seen yet."""
        return self._flags[_OPEN_UPSTREAM, : self._count]

    @property
    def open_downstream(self) -> BoolArray:
        """(n,) the downstream end was never seen."""
        return self._flags[_OPEN_DOWNSTREAM, : self._count]

    @property
    def decided(self) -> BoolArray:
        """(n,) the item has had its decision."""
        return self._flags[_DECIDED, : self._count]

    def append(self, count: int) -> slice:
        """Add `count` zeroed columns and return their slice."""
        start, end = self._count, self._count + count
        if end > self._floats.shape[1]:
            room = ((0, 0), (0, end))
            self._floats = np.pad(self._floats, room)
            self._ints = np.pad(self._ints, room)
            self._flags = np.pad(self._flags, room)
        added = slice(start, end)
        self._floats[:, added] = 0.0
        self._ints[:, added] = 0
        self._flags[:, added] = False
        self._count = end
        return added

    def keep(self, mask: BoolArray) -> None:
        """Drop the columns where `mask` is False; the order of the others stays."""
        kept = np.flatnonzero(mask)
        for array in (self._floats, self._ints, self._flags):
            array[:, : len(kept)] = array[:, kept]
        self._count = len(kept)
