"""Fixed marks beside the belt: whether the camera sees them where and as sharp as it did."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.errors import ProcedureError

Image = npt.NDArray[np.uint8]
Picture = npt.NDArray[np.float32]

_HALF_PX: Final = 8
SEARCH_PX: Final = 10
"""A view that moved by more shows none of its marks any more."""
_APART_PX: Final = 5.0
"""Marks of a view turned by a degree go ways that differ by as much."""
_MOST: Final = 12
FEWEST: Final = 2
"""One mark tells a shift, two a turn as well."""
_TRUSTED: Final = 0.6
"""Correlation from which a patch is taken for the mark; below, something covers it."""
_BESIDE_MM: Final = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedMarks:
    """Patches of the image that show things that never move.

    Attributes:
        centres_px: (n, 2) image frame.
        patches: (n, 17, 17) grey levels, averaged over many frames.
    """

    centres_px: Float64Array
    patches: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSighting:
    """The marks in one frame.

    Attributes:
        shift_mm: (2,) median way, x and s, that the belt places under the marks' pixels moved.
        turn_mm_per_m: turn of the view.
        sharpness: of the marks over that of the reference; 1 as it was, less when blurred.
        seen: marks that were found.
    """

    shift_mm: Float64Array
    turn_mm_per_m: float
    sharpness: float
    seen: int


def choose_marks(images: list[Image], plane: BeltPlane, belt_width_mm: float) -> FixedMarks:
    """Choose marks beside the belt from photographs of the line as calibrated.

    Raises:
        ProcedureError: there is nothing beside the belt that could be recognised.
    """
    mean = np.mean([grey_of(image).astype(np.float32) for image in images], axis=0)
    height, width = mean.shape
    v, u = np.mgrid[0:height, 0:width].astype(np.float64)
    places = plane.to_machine_mm(np.column_stack((u.ravel() + 0.5, v.ravel() + 0.5)))
    beside = (places[:, 0] < -_BESIDE_MM) | (places[:, 0] > belt_width_mm + _BESIDE_MM)
    mask = beside.reshape(height, width).astype(np.uint8) * 255
    border = _HALF_PX + SEARCH_PX
    mask[:border] = mask[-border:] = 0
    mask[:, : _HALF_PX + 3] = mask[:, -_HALF_PX - 3 :] = 0
    found: object = cv2.goodFeaturesToTrack(
        cv2.normalize(mean, np.zeros_like(mean), 0, 255, cv2.NORM_MINMAX).astype(np.uint8),
        _MOST,
        0.1,
        2.0 * _HALF_PX,
        mask=mask,
    )
    centres = np.empty((0, 2)) if found is None else np.asarray(found, np.float64).reshape(-1, 2)
    if len(centres) < FEWEST:
        msg = f"{len(centres)} marks are to be seen beside the belt, {FEWEST} are needed"
        raise ProcedureError(
            msg, "stick dark crosses onto the machine's frame on both sides of the belt, in view"
        )
    whole = np.rint(centres).astype(int)
    patches = np.stack([_patch(mean, int(u), int(v), _HALF_PX) for u, v in whole])
    return FixedMarks(centres_px=whole + 0.5, patches=patches.astype(np.float32))


def see_marks(image: Image, marks: FixedMarks, plane: BeltPlane) -> MarkSighting | None:
    """Find the marks again; None where too few are to be seen."""
    grey = grey_of(image).astype(np.float32)
    moved, before, sharp = [], [], []
    for centre, patch in zip(marks.centres_px, marks.patches, strict=True):
        u, v = (int(value) for value in centre - 0.5)
        around = _patch(grey, u, v, _HALF_PX + SEARCH_PX)
        scores = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED).astype(np.float64)
        row, column = (int(i) for i in np.unravel_index(int(np.argmax(scores)), scores.shape))
        if scores[row, column] < _TRUSTED:
            continue
        du = column + _vertex(scores[row], column) - (scores.shape[1] - 1) / 2
        dv = row + _vertex(scores[:, column], row) - (scores.shape[0] - 1) / 2
        moved.append(centre + np.array((du, dv)))
        before.append(centre)
        here = around[row : row + patch.shape[0], column : column + patch.shape[1]]
        sharp.append(_sharpness(here) / max(_sharpness(patch), 1e-6))
    if len(moved) < FEWEST or not _agree(np.array(moved) - np.array(before), len(marks.patches)):
        return None
    return _sighting(np.array(before), np.array(moved), plane, float(np.median(sharp)))


def _agree(ways_px: Float64Array, marks: int) -> bool:
    """Return whether half of all marks went the same way: what is taken for one goes any way."""
    off = np.hypot(*(ways_px - np.median(ways_px, axis=0)).T)
    return 2 * int((off < _APART_PX).sum()) >= marks


def _sighting(
    before: Float64Array, moved: Float64Array, plane: BeltPlane, sharpness: float
) -> MarkSighting:
    old, new = plane.to_machine_mm(before), plane.to_machine_mm(moved)
    ways = new - old
    arms = old - old.mean(axis=0)
    turn = float((arms[:, 0] * ways[:, 1] - arms[:, 1] * ways[:, 0]).sum() / (arms**2).sum())
    return MarkSighting(
        shift_mm=np.median(ways, axis=0),
        turn_mm_per_m=1000.0 * turn,
        sharpness=sharpness,
        seen=len(moved),
    )


def _sharpness(patch: Picture) -> float:
    """Return the steepest slopes over the contrast, per px: 1 / (spread sqrt(2 pi)) for a step."""
    low, high = np.percentile(patch, (5, 95))
    smooth = cv2.GaussianBlur(patch, (0, 0), 0.7)
    slope = np.hypot(*np.gradient(np.asarray(smooth, dtype=np.float64)))
    return float(np.percentile(slope, 95)) / max(float(high - low), 1.0)


def blur_of(sharpness: float, reference_spread_px: float) -> float:
    """Return the further spread of edges (px) that takes sharpness from one to this."""
    if sharpness >= 1.0:
        return 0.0
    return reference_spread_px * math.sqrt(max(0.0, sharpness**-2 - 1.0))


def grey_of(image: Image) -> Image:
    """Return the green channel, or the image itself where it is grey."""
    return image if image.ndim == 2 else np.ascontiguousarray(image[..., 1])


def _patch(grey: Picture, u: int, v: int, half: int) -> Picture:
    padded = cv2.copyMakeBorder(grey, half, half, half, half, cv2.BORDER_REPLICATE)
    return np.asarray(padded[v : v + 2 * half + 1, u : u + 2 * half + 1], dtype=np.float32)


def _vertex(scores: Float64Array, at: int) -> float:
    if not 0 < at < len(scores) - 1:
        return 0.0
    left, middle, right = scores[at - 1 : at + 2]
    bend = left - 2 * middle + right
    return float((left - right) / (2 * bend)) if bend < 0 else 0.0
