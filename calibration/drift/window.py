"""How bright each part of the view is: dirt on the window darkens one place, a lamp its side.

Items lighten and darken what they lie on, so a cell's brightness is the median over its pixels and
a long, clipped mean over time.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.drift.marks import Image, grey_of

GRID: Final = (4, 8)
"""Rows and columns of cells."""
_ROWS: Final = ("top", "upper middle", "lower middle", "bottom")
_CLIP: Final = 0.25
"""An item changes a cell's logarithm of brightness by more than dirt does; it counts as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """A lamp over the belt.

    Attributes:
        name: as it is called on the line.
        x_mm: over which lateral place of the belt it hangs.
        s_mm: over which place along the belt.
        reach_mm: how far from there its light falls to a third.
    """

    name: str
    x_mm: float
    s_mm: float
    reach_mm: float


def cell_brightness(image: Image) -> Float64Array:
    """Return the median grey level of each cell, (4, 8)."""
    grey = grey_of(image)
    rows, columns = GRID
    height, width = grey.shape[0] // rows * rows, grey.shape[1] // columns * columns
    cells = grey[:height, :width].reshape(rows, height // rows, columns, width // columns)
    medians = np.median(cells.transpose(0, 2, 1, 3).reshape(rows, columns, -1), axis=2)
    return np.asarray(medians, dtype=np.float64)


def cell_name(row: int, column: int) -> str:
    """Return where a cell is, in words."""
    return f"{_ROWS[row]} of the image, column {column + 1} of {GRID[1]} from the left"


class LightSplit:
    """Tells what lamps lost from what single cells lost. Stateless after construction."""

    def __init__(self, plane: BeltPlane, lamps: tuple[Lamp, ...]) -> None:
        """Work out which share of each cell's light every lamp gives.

        Args:
            plane: of the camera.
            lamps: over the belt; empty where nobody has told.
        """
        rows, columns = GRID
        u = (np.arange(columns) + 0.5) / columns * plane.image_width_px
        v = (np.arange(rows) + 0.5) / rows * plane.image_height_px
        grid = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
        places = plane.to_machine_mm(grid)
        light = np.array(
            [
                np.exp(-(((places - (lamp.x_mm, lamp.s_mm)) / lamp.reach_mm) ** 2).sum(axis=1))
                for lamp in lamps
            ]
        ).reshape(len(lamps), -1)
        self._lamps = lamps
        self._shares = (light / np.maximum(light.sum(axis=0), 1e-9)).T

    def split(
        self, change: Float64Array
    ) -> tuple[tuple[tuple[str, float], ...], npt.NDArray[np.float64]]:
        """Split a change of brightness.

        Args:
            change: (4, 8) logarithm of brightness over the reference's.

        Returns:
            Name and share of light lost of each lamp, and the (4, 8) share that each cell lost
            beyond what the lamps explain.
        """
        lost = 1.0 - np.exp(change.ravel())
        lamp_loss = self._lamp_loss(lost)
        rest = lost - self._shares @ lamp_loss if len(self._lamps) else lost - np.median(lost)
        named = tuple(
            (lamp.name, float(loss)) for lamp, loss in zip(self._lamps, lamp_loss, strict=True)
        )
        return named, np.asarray(rest.reshape(GRID))

    def _lamp_loss(self, lost: Float64Array) -> Float64Array:
        """Fit the lamps' losses; cells that lost more than their neighbours weigh less (Huber)."""
        if not len(self._lamps):
            return np.empty(0)
        weights = np.ones(len(lost))
        loss = np.zeros(len(self._lamps))
        for _ in range(8):
            root = np.sqrt(weights)
            found, *_ = np.linalg.lstsq(self._shares * root[:, None], lost * root, rcond=None)
            loss = np.asarray(found, dtype=np.float64)
            off = np.abs(lost - self._shares @ loss)
            scale = max(1.4826 * float(np.median(off)), 0.005)
            weights = 1.0 / np.maximum(1.0, off / scale) ** 2
        return np.maximum(loss, 0.0)


def clipped_change(now: Float64Array, reference: Float64Array) -> Float64Array:
    """Return the logarithm of brightness over the reference's, clipped where an item lies."""
    ratio = np.log(np.maximum(now, 1.0) / np.maximum(reference, 1.0))
    return np.asarray(np.clip(ratio, -_CLIP * 4, _CLIP))
