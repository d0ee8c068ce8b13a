"""Pictures that show the same, by perceptual hash: copies, other sizes, JPEG do not hide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NEAR_BITS: Final = 6
"""Hashes of 64 bits that differ in no more are the same scene: a picture saved anew, made smaller
or brighter differs in 0 to 4, two pictures of one belt in 20 and more."""
_ROWS: Final = 512


def picture_hash(path: Path) -> npt.NDArray[np.uint8]:
    """Return (8,) bytes of a picture's perceptual hash.

    Raises:
        OSError: not a readable picture.
    """
    with Image.open(path) as image:
        bits: npt.NDArray[np.bool_] = imagehash.phash(image.convert("L")).hash
    return np.packbits(bits.ravel())


def near_pairs(hashes: Sequence[npt.NDArray[np.uint8]]) -> Iterator[tuple[int, int]]:
    """Yield index pairs (a < b) of pictures that show the same."""
    if not hashes:
        return
    table = np.stack(hashes)
    for start in range(0, len(table), _ROWS):
        rows = table[start : start + _ROWS]
        differing = np.bitwise_count(rows[:, None, :] ^ table[None, :, :]).sum(axis=2)
        for a, b in zip(*np.nonzero(differing <= NEAR_BITS), strict=True):
            if start + a < b:
                yield int(start + a), int(b)
