"""A sheet of pictures with their labels drawn in, to look at before training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.datasets.types import LabelledPicture

_TILE_PX: Final = 240
_ACROSS: Final = 6
_BGR: Final = {
    "plastic": (200, 120, 0),
    "paper": (60, 180, 240),
    "food": (40, 160, 60),
    "weee": (200, 60, 180),
    "mercury_lamp": (40, 40, 230),
    "other": (150, 150, 150),
}
_UNKNOWN_BGR: Final = (255, 255, 255)

Image = npt.NDArray[np.uint8]


def contact_sheet(
    pictures: Sequence[LabelledPicture], folder: Path, *, seed: int = 1, most: int = 48
) -> Image:
    """Return a BGR sheet of some pictures, those with labels first.

    Args:
        pictures: of a data set, names below `folder`.
        folder: of the data set.
        seed: of which are shown.
        most: number shown.
    """
    order = np.random.default_rng(seed).permutation(len(pictures)).tolist()
    order.sort(key=lambda i: not pictures[i].boxes)
    tiles = [_tile(pictures[i], folder) for i in order[:most]]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _ACROSS)
    rows = [np.hstack(tiles[i : i + _ACROSS]) for i in range(0, len(tiles), _ACROSS)]
    return np.asarray(np.vstack(rows), dtype=np.uint8)


def _tile(picture: LabelledPicture, folder: Path) -> Image:
    tile = np.full((_TILE_PX, _TILE_PX, 3), 32, np.uint8)
    image = cv2.imread(str(folder / picture.name), cv2.IMREAD_COLOR)
    if image is None:
        cv2.putText(
            tile, "cannot be read", (8, 120), cv2.FONT_HERSHEY_SIMPLEX, 0.6, _UNKNOWN_BGR, 1
        )
        return tile
    scale = _TILE_PX / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    tile[: small.shape[0], : small.shape[1]] = small[:_TILE_PX, :_TILE_PX]
    for box in picture.boxes:
        colour = _BGR.get(box.label, _UNKNOWN_BGR)
        corner = (round(box.x0_px * scale), round(box.y0_px * scale))
        cv2.rectangle(tile, corner, (round(box.x1_px * scale), round(box.y1_px * scale)), colour, 2)
        low = (corner[0] + 2, max(corner[1] - 3, 10))
        cv2.putText(tile, box.label, low, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return tile
