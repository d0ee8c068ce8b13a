"""Driver buffers as images that are never copied, and given back when nobody looks any more."""

import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt


class _Lease:
    """Holds a driver's buffer for as long as an array views it."""

    __slots__ = ("__array_interface__", "__weakref__")

    def __init__(self, address: int, shape: tuple[int, ...]) -> None:
        self.__array_interface__: dict[str, Any] = {
            "version": 3,
            "shape": shape,
            "typestr": "|u1",
            "data": (address, True),
        }


def view_of(address: int, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return a read-only view of memory that outlives it.

    Args:
        address: of the first byte.
        shape: of the view, uint8.
    """
    return np.asarray(_Lease(address, shape))


class BufferViews:
    """Lends read-only views of buffers; at most `most` at a time, so that the driver has some."""

    def __init__(self, most: int) -> None:
        """Set how many buffers may be held by viewers."""
        self._most = most
        self._lent = 0
        self._lock = threading.Lock()

    @property
    def may_lend(self) -> bool:
        """Whether another buffer may be lent."""
        with self._lock:
            return self._lent < self._most

    def lend(
        self, address: int, shape: tuple[int, ...], give_back: Callable[[], None]
    ) -> npt.NDArray[np.uint8]:
        """Return a view of a buffer.

        Args:
            address: of its first byte.
            shape: of the view, uint8.
            give_back: called once, by whichever thread drops the last view.
        """
        lease = _Lease(address, shape)
        with self._lock:
            self._lent += 1
        # Views left at the end of the process are not given back: the driver is gone by then.
        weakref.finalize(lease, self._returned, give_back).atexit = False
        return np.asarray(lease)

    def _returned(self, give_back: Callable[[], None]) -> None:
        with self._lock:
            self._lent -= 1
        give_back()
