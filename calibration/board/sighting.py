"""Finding the board in a photograph, and saying what is wrong where it cannot be used."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.board.photo_quality import BURNT, burnt_share, edge_blur_px, sharpest_edge_px
from calibration.board.spec import BOARDS, DICTIONARY, FIRST_TAG, BoardSpec, Float64Array, Image

FEWEST_CORNERS: Final = 10
"""A view of fewer corners hardly constrains its own six numbers of pose."""
_BURNT_VIEW_SHARE: Final = 0.08
"""Of a photograph in which no board is found; white paper that just saturates is a board found."""
_WHOLE_SHARE: Final = 0.7
LARGEST_BLUR_PX: Final = 1.6
"""Standard deviation of the edge spread from which corners scatter by more than a quarter pixel."""
LARGEST_BURNT_SHARE: Final = 0.03
_FEW_MARKERS: Final = 3
_PIXEL_CENTRE_PX: Final = 0.5
"""OpenCV counts from the centre of the first pixel, the image frame from its corner."""


class BoardProblem(StrEnum):
    """Why a photograph of a board cannot be used."""

    NOTHING = "no board"
    MIRRORED = "mirrored board"
    ANOTHER = "another board"
    HALF_VISIBLE = "board half visible"
    BLURRED = "blurred"
    GLARE = "glare"


REMEDIES: Final = {
    BoardProblem.NOTHING: (
        "hold the printed side towards the camera, within the view, in focus and in even light"
    ),
    BoardProblem.MIRRORED: (
        "switch off the camera's mirroring, or print the board again without it: the print must "
        "read like the page on the screen"
    ),
    BoardProblem.ANOTHER: "use the board that was named with --board, or name the one you have",
    BoardProblem.HALF_VISIBLE: "move the board until all of it is in view and nothing covers it",
    BoardProblem.BLURRED: "hold the board still, focus the camera, shorten the exposure",
    BoardProblem.GLARE: "turn the board or the lamp until no reflection lies on it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSighting:
    """A usable view of the board.

    Attributes:
        ids: (n,) corner numbers.
        corners_px: (n, 2) image frame.
        blur_px: standard deviation of the edges' spread.
        whole: nearly all of the board is in view.
    """

    ids: npt.NDArray[np.intp]
    corners_px: Float64Array
    blur_px: float
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusablePhotograph:
    """A view that cannot be used.

    Attributes:
        problem: what is wrong.
        found: what was seen, with figures.
    """

    problem: BoardProblem
    found: str

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.problem]


def find_board(image: Image, spec: BoardSpec) -> BoardSighting | UnusablePhotograph:
    """Find the board's corners to a fraction of a pixel.

    Args:
        image: (height, width[, 3]) uint8.
        spec: the board that should be there.
    """
    grey = _grey(image)
    corners, ids, _, _ = _detector(spec).detectBoard(grey)
    # OpenCV returns None where it finds nothing; its type hints do not say so.
    numbers = _ids(ids)
    found = len(numbers)
    if found < FEWEST_CORNERS:
        return _why_not(grey, spec, found)
    points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    blur_px = edge_blur_px(grey, points)
    if blur_px > LARGEST_BLUR_PX:
        words = f"edges are spread over {blur_px:.1f} px, {LARGEST_BLUR_PX:g} px may be"
        return UnusablePhotograph(problem=BoardProblem.BLURRED, found=words)
    burnt = burnt_share(grey, points)
    if burnt > LARGEST_BURNT_SHARE:
        words = f"{burnt:.0%} of the board is burnt out"
        return UnusablePhotograph(problem=BoardProblem.GLARE, found=words)
    return BoardSighting(
        ids=numbers,
        corners_px=points + _PIXEL_CENTRE_PX,
        blur_px=blur_px,
        whole=found >= _WHOLE_SHARE * spec.corner_count,
    )


def find_tags(image: Image) -> dict[int, Float64Array]:
    """Return the single tags in view: number to (4, 2) corners px, from its top left clockwise."""
    corners, ids, _ = _markers().detectMarkers(_grey(image))
    return {
        int(number): np.asarray(quad, dtype=np.float64).reshape(4, 2) + _PIXEL_CENTRE_PX
        for number, quad in zip(_ids(ids), corners, strict=True)
        if number >= FIRST_TAG
    }


def find_small_tags(image: Image) -> dict[int, Float64Array]:
    """Return the single tags in view, also those whose bits are hardly three pixels wide.

    Looks twice, the second time at the image drawn twice as large; see `find_tags`.
    """
    larger = cv2.resize(_grey(image), None, fx=2.0, fy=2.0, interpolation=cv2.INTER_CUBIC)
    found = find_tags(np.asarray(larger, dtype=np.uint8))
    return {number: quad / 2.0 for number, quad in found.items()} | find_tags(image)


def _why_not(grey: Image, spec: BoardSpec, corners: int) -> UnusablePhotograph:
    numbers, mirrored = _numbers(grey), _numbers(np.ascontiguousarray(grey[:, ::-1]))
    own = [n for n in numbers if n in spec.marker_ids]
    if len(mirrored) >= max(_FEW_MARKERS, 2 * len(numbers)):
        words = "the board is seen as in a mirror"
        return UnusablePhotograph(problem=BoardProblem.MIRRORED, found=words)
    if len(numbers) - len(own) > len(own):
        stranger = next(n for n in numbers if n not in own)
        other = next((b.name for b in BOARDS if stranger in b.marker_ids), "unknown")
        words = f"this is board {other}, the procedure was told board {spec.name}"
        return UnusablePhotograph(problem=BoardProblem.ANOTHER, found=words)
    half = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).astype(np.uint8)
    readable = max(len(numbers), len(_numbers(half)))
    spread_px = sharpest_edge_px(grey)
    burnt = float((grey >= BURNT).mean())
    if burnt > _BURNT_VIEW_SHARE:
        words = f"{burnt:.0%} of the photograph is burnt out"
        return UnusablePhotograph(problem=BoardProblem.GLARE, found=words)
    if readable >= _FEW_MARKERS and spread_px > LARGEST_BLUR_PX:
        words = f"no edge is sharper than {spread_px:.1f} px, {LARGEST_BLUR_PX:g} px may be"
        return UnusablePhotograph(problem=BoardProblem.BLURRED, found=words)
    if numbers or corners:
        words = f"{corners} of {spec.corner_count} corners are to be seen, {FEWEST_CORNERS} needed"
        return UnusablePhotograph(problem=BoardProblem.HALF_VISIBLE, found=words)
    words = "no marker of any board is to be seen"
    return UnusablePhotograph(problem=BoardProblem.NOTHING, found=words)


def _numbers(grey: Image) -> list[int]:
    _, seen, _ = _markers().detectMarkers(grey)
    return [int(n) for n in _ids(seen) if n < FIRST_TAG]


def _ids(found: object) -> npt.NDArray[np.intp]:
    return np.zeros(0, np.intp) if found is None else np.asarray(found, dtype=np.intp).ravel()


def _grey(image: Image) -> Image:
    if image.ndim == 2:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


@cache
def _detector(spec: BoardSpec) -> cv2.aruco.CharucoDetector:
    return cv2.aruco.CharucoDetector(
        spec.cv_board(), cv2.aruco.CharucoParameters(), _parameters(), cv2.aruco.RefineParameters()
    )


@cache
def _markers() -> cv2.aruco.ArucoDetector:
    dictionary = cv2.aruco.getPredefinedDictionary(DICTIONARY)
    return cv2.aruco.ArucoDetector(dictionary, _parameters())


def _parameters() -> cv2.aruco.DetectorParameters:
    parameters = cv2.aruco.DetectorParameters()
    # Over a metre of belt a bit is three to four pixels wide: small windows, subpixel corners.
    parameters.adaptiveThreshWinSizeMin = 3
    parameters.adaptiveThreshWinSizeMax = 33
    parameters.adaptiveThreshWinSizeStep = 10
    parameters.minMarkerPerimeterRate = 0.02
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.cornerRefinementWinSize = 3
    return parameters
