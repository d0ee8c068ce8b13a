"""What is printed for a calibration, as the camera finds it: board, test strip, grey card."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.board.printing import BELT_TAG_MM, TAG_MM, TAGS
from calibration.board.spec import MARKER_CELLS, BoardSpec, marker_cells
from twin.rig.photographs import Print

_PAPER: Final = 205
_INK: Final = 22
_BOARD_PX: Final = 64
"""Samples a square; finer than any camera over a belt sees it."""
STRIP_MM: Final = (900.0, 130.0)
"""A strip of paper, powdered, with a tag at each end."""
_STRIP_MM_PER_PX: Final = 1.0
_TAG_PX: Final = 96
"""Samples across a belt's tag, a whole number of them to each cell."""
_POWDER: Final = 190
_BARE: Final = 45
JET_SPOT_SD_MM: Final = 4.0
"""Spread of the bare spot that a short pulse of a 1.5 mm nozzle at 60 mm blows into powder."""


def board_print(spec: BoardSpec, scale: float) -> Print:
    """Return a board with its white rim, printed `scale` times too large.

    The rim is one square wide, so that the pattern's lower left corner lies one square inside.
    """
    pattern = spec.picture(_BOARD_PX)
    sheet = cv2.copyMakeBorder(
        pattern,
        *(_BOARD_PX // 2,) * 4,
        borderType=cv2.BORDER_CONSTANT,
        value=(255.0,),
    )
    shade = _INK + np.asarray(sheet, dtype=np.float64) * (_PAPER - _INK) / 255.0
    return Print(picture=shade.astype(np.uint8), mm_per_px=spec.square_mm * scale / _BOARD_PX)


def board_rim_mm(spec: BoardSpec) -> float:
    """Return the width of the white rim about the pattern."""
    return spec.square_mm / 2


def strip_print(hits_mm: Sequence[tuple[float, float, float]]) -> Print:
    """Return the test strip after jets have hit it.

    Args:
        hits_mm: across and along the strip from its lower left corner, and half the length along
            which the jet swept while it was open.
    """
    columns, rows = (round(side / _STRIP_MM_PER_PX) for side in STRIP_MM)
    shade = np.full((rows, columns), float(_POWDER))
    across, up = np.meshgrid(np.arange(columns) + 0.5, rows - np.arange(rows) - 0.5)
    for x, y, half in hits_mm:
        along = np.maximum(np.abs(up - y) - half, 0.0)
        blown = np.exp(-((across - x) ** 2 + along**2) / (2 * JET_SPOT_SD_MM**2))
        shade += (_BARE - shade) * blown
    for number, left in zip(TAGS, (10.0, STRIP_MM[0] - 10.0 - TAG_MM), strict=True):
        _tag(shade, number, left, (STRIP_MM[1] - TAG_MM) / 2)
    return Print(picture=shade.astype(np.uint8), mm_per_px=_STRIP_MM_PER_PX)


def tag_print(number: int) -> Print:
    """Return a belt's tag with its white rim, a cell wide."""
    rim = BELT_TAG_MM / MARKER_CELLS
    across = round((BELT_TAG_MM + 2 * rim) / BELT_TAG_MM * _TAG_PX)
    inside = np.kron(marker_cells(number), np.ones((_TAG_PX // MARKER_CELLS,) * 2))
    sheet = np.pad(inside, (across - _TAG_PX) // 2, constant_values=1)
    shade = np.where(sheet > 0, _PAPER, _INK)
    return Print(picture=shade.astype(np.uint8), mm_per_px=BELT_TAG_MM / _TAG_PX)


def grey_card(level: int) -> Print:
    """Return a card of one grey that fills any view."""
    return Print(picture=np.full((60, 140), level, np.uint8), mm_per_px=20.0)


def _tag(shade: npt.NDArray[np.float64], number: int, left_mm: float, bottom_mm: float) -> None:
    cells = marker_cells(number)
    side = round(TAG_MM / len(cells) / _STRIP_MM_PER_PX)
    rim = side
    top = shade.shape[0] - round(bottom_mm) - side * len(cells)
    left, size = round(left_mm), side * len(cells)
    shade[max(top - rim, 0) : top + size + rim, max(left - rim, 0) : left + size + rim] = _PAPER
    tile = np.kron(cells, np.ones((side, side)))
    shade[top : top + size, left : left + size] = np.where(tile > 0, _PAPER, _INK)
