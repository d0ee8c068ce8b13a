"""Boards and tags that this project prints: sizes, marker numbers and where their corners are.

Board frame: mm, x to the right and y up on the print as it is read, zero at the lower left corner
of the chess pattern. The arrow on the print points along y; laid on the belt it points downstream,
so that the board frame then has the machine frame's axes.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]

DICTIONARY: Final = cv2.aruco.DICT_4X4_250
"""Four by four bits: the coarsest code, read down to about three pixels per bit."""
MARKER_CELLS: Final = 6
"""Cells across a marker: four bits between two border cells."""
FIRST_TAG: Final = 200
"""Marker numbers from here on are single tags, below it they belong to boards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSpec:
    """A ChArUco board.

    Attributes:
        name: printed on it.
        columns: squares across.
        rows: squares up.
        square_mm: side of a square as it truly is on the print.
        marker_share: side of a marker over that of its square.
        first_id: number of its first marker; every board of this project has numbers of its own.
        paper: sheet it fits, (width, height) mm.
    """

    name: str
    columns: int
    rows: int
    square_mm: float
    marker_share: float
    first_id: int
    paper: tuple[float, float]

    @property
    def marker_ids(self) -> range:
        """Numbers of its markers."""
        return range(self.first_id, self.first_id + (self.columns * self.rows) // 2)

    @property
    def corner_count(self) -> int:
        """Inner corners of the chess pattern."""
        return (self.columns - 1) * (self.rows - 1)

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height of the chess pattern."""
        return self.columns * self.square_mm, self.rows * self.square_mm

    def corners_mm(self) -> Float64Array:
        """Return the inner corners, (corner_count, 2) in the board frame, in order of their id."""
        corners = np.asarray(_board(_unit(self)).getChessboardCorners(), dtype=np.float64)
        return np.column_stack((corners[:, 0], self.rows - corners[:, 1])) * self.square_mm

    def cv_board(self) -> cv2.aruco.CharucoBoard:
        """Return OpenCV's board of unit squares (y down on the print)."""
        return _board(_unit(self))

    def picture(self, px_per_square: int) -> Image:
        """Return the chess pattern as it is read, (rows px, columns px) uint8."""
        size = (self.columns * px_per_square, self.rows * px_per_square)
        return np.asarray(self.cv_board().generateImage(size), dtype=np.uint8)

    def measured(self, square_mm: float) -> "BoardSpec":
        """Return the board with the square that a ruler found on the print."""
        return replace(self, square_mm=square_mm)


BOARDS: Final = (
    BoardSpec(
        name="A3",
        columns=8,
        rows=5,
        square_mm=48.0,
        marker_share=0.75,
        first_id=0,
        paper=(420.0, 297.0),
    ),
    BoardSpec(
        name="A4",
        columns=8,
        rows=5,
        square_mm=33.0,
        marker_share=0.75,
        first_id=40,
        paper=(297.0, 210.0),
    ),
    BoardSpec(
        name="A2",
        columns=10,
        rows=7,
        square_mm=54.0,
        marker_share=0.75,
        first_id=80,
        paper=(594.0, 420.0),
    ),
)
"""Largest squares that leave room for the ruler; a camera over a metre of belt asks for A3."""


def board_named(name: str) -> BoardSpec:
    """Return a board by name.

    Raises:
        KeyError: there is none; the message names those there are.
    """
    for board in BOARDS:
        if board.name == name:
            return board
    raise KeyError(", ".join(board.name for board in BOARDS))


def marker_cells(marker_id: int) -> npt.NDArray[np.bool_]:
    """Return a marker's cells, (6, 6) from its top left, True where they are white."""
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    return np.asarray(dictionary.generateImageMarker(marker_id, MARKER_CELLS)) > 127


def _unit(spec: BoardSpec) -> tuple[int, int, float, int]:
    return spec.columns, spec.rows, spec.marker_share, spec.first_id


@cache
def _board(unit: tuple[int, int, float, int]) -> cv2.aruco.CharucoBoard:
    columns, rows, share, first = unit
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    ids = np.arange(first, first + (columns * rows) // 2)
    return cv2.aruco.CharucoBoard((columns, rows), 1.0, share, dictionary, ids)
