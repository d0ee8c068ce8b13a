"""Frames from the twin's scene process to the line process through shared memory."""

from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import numpy.typing as npt

SLOTS = 4
"""Enough that the writer does not come round to a slot within one copy by the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameNotice:
    """Tells the reader that a slot holds a new frame.

    Attributes:
        seq: frame number.
        exposed_ns: middle of the exposure, monotonic.
        slot: where in the ring it lies.
    """

    seq: int
    exposed_ns: int
    slot: int


class FrameRing:
    """A ring of image slots, each with its frame number, in one block of shared memory.

    One process writes, one reads. The frame number of a slot is zeroed while it is written, so a
    reader that was overtaken notices and takes a newer frame.
    """

    def __init__(self, *, height_px: int, width_px: int, name: str | None = None) -> None:
        """Create the block (no name) or attach to an existing one.

        Args:
            height_px: image height.
            width_px: image width.
            name: of an existing block; None creates one, which its creator must `unlink`.
        """
        self._image_bytes = height_px * width_px * 3
        size = SLOTS * (8 + self._image_bytes)
        self._owner = name is None
        self._memory = SharedMemory(name=name, create=name is None, size=size)
        self._seqs = np.ndarray((SLOTS,), dtype=np.int64, buffer=self._memory.buf)
        self._images = np.ndarray(
            (SLOTS, height_px, width_px, 3),
            dtype=np.uint8,
            buffer=self._memory.buf,
            offset=SLOTS * 8,
        )
        if self._owner:
            self._seqs[:] = 0

    @property
    def name(self) -> str:
        """Name by which another process attaches."""
        return self._memory.name

    def write(
        self, notices: Connection, seq: int, exposed_ns: int, image: npt.NDArray[np.uint8]
    ) -> None:
        """Put a frame into its slot and announce it. `seq` starts at 1."""
        slot = seq % SLOTS
        self._seqs[slot] = 0
        self._images[slot] = image
        self._seqs[slot] = seq
        notices.send(FrameNotice(seq=seq, exposed_ns=exposed_ns, slot=slot))

    def copy(self, notice: FrameNotice) -> npt.NDArray[np.uint8] | None:
        """Return a read-only copy of an announced frame, or None if the writer overtook it."""
        image: npt.NDArray[np.uint8] = self._images[notice.slot].copy()
        if int(self._seqs[notice.slot]) != notice.seq:
            return None
        image.setflags(write=False)
        return image

    def close(self) -> None:
        """Detach, and remove the block if this side created it."""
        del self._seqs, self._images
        self._memory.close()
        if self._owner:
            self._memory.unlink()
