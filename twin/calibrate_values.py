"""Values on the calibrate command's line: the board, tags' places, a block's height."""

import argparse
import re
from typing import Final

import numpy as np

from calibration.belt_plane import Float64Array
from calibration.board.printing import BELT_TAGS
from calibration.board.spec import BoardSpec, board_named
from controller.config_report import UsageError

_TAG: Final = re.compile(r"(\d+)=([-+\d.]+),([-+\d.]+)")
_BLOCK_MM: Final = (10.0, 400.0)
"""Lower blocks show nothing, higher ones are out of focus."""


def board_of(arguments: argparse.Namespace) -> BoardSpec:
    """Return the board that is used, of the size that was measured.

    Raises:
        UsageError: the square is no square of this board.
    """
    board = board_named(arguments.board)
    if arguments.square_mm is None:
        return board
    share = arguments.square_mm / board.square_mm
    if not 0.8 < share < 1.25:
        msg = (
            f"--square-mm {arguments.square_mm:g}: board {board.name} has squares of "
            f"{board.square_mm:g} mm; print at 100 % and measure one square"
        )
        raise UsageError(msg)
    return board.measured(arguments.square_mm)


def markers_of(text: str | None) -> dict[int, Float64Array]:
    """Return tags' places from `TAG=X,S:TAG=X,S:...`, number to (2,) mm.

    Raises:
        UsageError: not of the form, a number twice, or no tag of the belt's.
    """
    example = "--markers 202=150,-120:203=850,-120:204=150,120:205=850,120"
    if text is None:
        msg = f"markers needs the places of the tags on the belt, as in {example}"
        raise UsageError(msg)
    places: dict[int, Float64Array] = {}
    for part in text.split(":"):
        match = _TAG.fullmatch(part.strip())
        try:
            if match is None:
                raise ValueError
            number, x, s = int(match[1]), float(match[2]), float(match[3])
        except ValueError as error:
            msg = f"--markers {part}: write TAG=X,S in mm, as in {example}"
            raise UsageError(msg) from error
        if number not in BELT_TAGS or number in places:
            msg = (
                f"--markers: tag {number} is named twice or is none of the belt's, which are "
                f"{BELT_TAGS.start} to {BELT_TAGS.stop - 1}"
            )
            raise UsageError(msg)
        places[number] = np.array([x, s])
    return places


def block_of(text: str | None) -> float:
    """Return a block's height in mm.

    Raises:
        UsageError: missing, no number, or no height for a block.
    """
    try:
        block_mm = float(text or "")
    except ValueError:
        block_mm = 0.0
    if not _BLOCK_MM[0] <= block_mm <= _BLOCK_MM[1]:
        msg = (
            f"height needs the block's height in mm, {_BLOCK_MM[0]:g} to {_BLOCK_MM[1]:g}, as in "
            "--block-mm 80"
        )
        raise UsageError(msg)
    return block_mm
