"""Where to hold the board next: which parts of the image and which tilts are still missing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.board.spec import Float64Array
from calibration.solve.lens import pose_of
from calibration.solve.views import BoardView, Lens, rotations

GRID: Final = (3, 4)
"""Rows and columns of the image that each want corners."""
WANTED_CORNERS: Final = 8
WANTED_TILTED: Final = 2
_TILT_DEG: Final = 15.0
"""From here on perspective tells focal length from distance."""
_SIDES: Final = ("left edge", "right edge", "upper edge", "lower edge")
_ROWS: Final = ("top", "middle", "bottom")
_COLUMNS: Final = ("far left", "left of centre", "right of centre", "far right")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the views so far cover.

    Attributes:
        corners: (3, 4) corners seen in each part of the image.
        tilted: views with the left, right, upper, lower edge nearer to the camera.
    """

    corners: Float64Array
    tilted: tuple[int, int, int, int]

    @property
    def share(self) -> float:
        """Share of what is wanted that is there, 0 to 1."""
        cells = float(np.minimum(self.corners / WANTED_CORNERS, 1.0).mean())
        tilts = sum(min(count / WANTED_TILTED, 1.0) for count in self.tilted) / len(self.tilted)
        return (cells + tilts) / 2

    @property
    def complete(self) -> bool:
        """Nothing more is needed."""
        return self.share >= 1.0

    @property
    def next_cell(self) -> tuple[int, int]:
        """Row and column of the image that lacks most."""
        row, column = np.unravel_index(int(np.argmin(self.corners)), GRID)
        return int(row), int(column)

    @property
    def next_side(self) -> int | None:
        """Which edge to bring nearer to the camera: index into left, right, upper, lower."""
        least = min(range(len(self.tilted)), key=lambda side: self.tilted[side])
        return least if self.tilted[least] < WANTED_TILTED else None

    @property
    def advice(self) -> str:
        """Where to hold the board next, in words."""
        if self.complete:
            return "enough: every part of the image and every tilt is covered"
        row, column = self.next_cell
        words = f"hold the board at the {_ROWS[row]}, {_COLUMNS[column]} of the image"
        side = self.next_side
        if side is None:
            return words
        return f"{words}, its {_SIDES[side]} 20 to 40 degrees nearer to the camera"


def coverage(views: Sequence[BoardView], image_size_px: tuple[int, int]) -> Coverage:
    """Return what views cover of an image.

    Args:
        views: of the board.
        image_size_px: (width, height).
    """
    width, height = image_size_px
    corners = np.zeros(GRID)
    tilted = [0, 0, 0, 0]
    # Good enough to tell a tilt by; the lens is what the views are taken for.
    guess = Lens(
        focal_px=(1.2 * width, 1.2 * width),
        centre_px=(width / 2, height / 2),
        distortion=(0.0, 0.0, 0.0, 0.0, 0.0),
    )
    for view in views:
        rows = np.clip(view.corners_px[:, 1] / height * GRID[0], 0, GRID[0] - 1).astype(int)
        columns = np.clip(view.corners_px[:, 0] / width * GRID[1], 0, GRID[1] - 1).astype(int)
        np.add.at(corners, (rows, columns), 1)
        side = tilted_side(pose_of(view, guess))
        if side is not None:
            tilted[side] += 1
    left, right, upper, lower = tilted
    return Coverage(corners=corners, tilted=(left, right, upper, lower))


def tilted_side(pose: Float64Array) -> int | None:
    """Return which side of the board, as the image shows it, is nearer to the camera.

    Args:
        pose: of the board, Rodrigues vector and translation.

    Returns:
        0 left, 1 right, 2 upper, 3 lower; None where the board is hardly tilted.
    """
    normal = rotations(pose[None, :3])[0][:, 2]
    towards = normal * -np.sign(normal[2])
    if math.degrees(math.acos(min(1.0, abs(float(normal[2]))))) < _TILT_DEG:
        return None
    # Along the board depth changes by -towards_x / towards_z for each step to the right; towards_z
    # is negative, so that depth grows to the right, and the left is nearer, where towards_x > 0.
    if abs(towards[0]) >= abs(towards[1]):
        return 0 if towards[0] > 0 else 1
    return 2 if towards[1] > 0 else 3
