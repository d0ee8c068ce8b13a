"""The belt plane from tags stuck onto the belt where a tape says, with a lens that is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.errors import ProcedureError

FEWEST: Final = 4
_LARGEST_RESIDUAL_MM: Final = 4.0
"""Eight times what a tape is read to: a slip of it, or two tags taken for each other."""
_LEAST_SPREAD_MM: Final = 100.0
_TAPE_SD_MM: Final = 0.5
"""A steel tape read by eye, as in the encoder's procedure."""
_SEEN_SD_MM: Final = 0.2
"""A tag's middle, found to a tenth of a pixel of a usual line camera."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkersFit:
    """A belt plane from tags.

    Attributes:
        plane: with the lens that was known before.
        residual_mm: root mean square distance of the tags from where the tape has them.
        worst: number of the tag that lies farthest off.
        worst_mm: how far.
    """

    plane: BeltPlane
    residual_mm: float
    worst: int
    worst_mm: float


def fit_markers(
    lens: BeltPlane, middles_px: Mapping[int, Float64Array], places_mm: Mapping[int, Float64Array]
) -> MarkersFit:
    """Solve where the camera hangs over the tags.

    With the lens known only six numbers are left, so that four tags already contradict a slip of
    the tape.

    Args:
        lens: camera model whose belt plane is to be solved.
        middles_px: number to (2,) u, v of each tag's middle, raw image px.
        places_mm: number to (2,) x, s by tape.

    Raises:
        ProcedureError: too few tags, tags on one line, or a tag that is not where the tape says.
    """
    numbers = sorted(places_mm)
    if len(numbers) < FEWEST:
        raise too_few(len(numbers))
    seen = np.array([middles_px[number] for number in numbers], dtype=np.float64)
    places = np.array([places_mm[number] for number in numbers], dtype=np.float64)
    spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if float(spread[1]) < _LEAST_SPREAD_MM:
        msg = "the tags lie on one line"
        raise ProcedureError(msg, "stick one near each corner of the view")
    plane = _plane(lens, seen, places)
    off = np.hypot(*(plane.to_machine_mm(seen) - places).T)
    worst, residual = int(off.argmax()), float(np.sqrt((off**2).mean()))
    if residual > _LARGEST_RESIDUAL_MM:
        msg = f"tags lie {residual:.1f} mm from where the tape has them, {numbers[worst]} farthest"
        raise ProcedureError(msg, f"measure tag {numbers[worst]} again, and read every number")
    return MarkersFit(
        plane=plane, residual_mm=residual, worst=numbers[worst], worst_mm=float(off[worst])
    )


def too_few(count: int) -> ProcedureError:
    """Return the error of too few tags."""
    return ProcedureError(
        f"{count} tags on the belt, {FEWEST} are needed",
        "stick one near each corner of the view and name their places",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """How the belt moves over the tape's axes.

    Attributes:
        angle_rad: from s towards x, by motion and tape together.
        seen_rad: by motion alone.
        way_mm: longest way that a tag was followed.
    """

    angle_rad: float
    seen_rad: float
    way_mm: float


def direction_of(
    tracks_mm: Sequence[Float64Array], places_mm: Mapping[int, Float64Array]
) -> Direction:
    """Weigh the direction in which the tags moved against the one in which the tape lay.

    Args:
        tracks_mm: of each tag (k, 2) places it was seen at in turn, k two at least.
        places_mm: of all tags by tape.
    """
    ways = [track - track.mean(axis=0) for track in tracks_mm]
    length2 = sum(float((way[:, 1] ** 2).sum()) for way in ways)
    seen = sum(float(way[:, 0] @ way[:, 1]) for way in ways) / max(length2, 1e-9)
    places = np.array(list(places_mm.values()))
    by_motion = length2 / _SEEN_SD_MM**2
    by_tape = float(((places - places.mean(axis=0)) ** 2).sum()) / _TAPE_SD_MM**2
    longest = max(float(np.hypot(*(track[-1] - track[0]))) for track in tracks_mm)
    return Direction(
        angle_rad=float(np.arctan(seen * by_motion / (by_motion + by_tape))),
        seen_rad=float(np.arctan(seen)),
        way_mm=longest,
    )


def turned(plane: BeltPlane, angle_rad: float, about_mm: Float64Array) -> BeltPlane:
    """Return the plane with its axes turned so that what moved at this angle moves along s.

    Args:
        plane: as solved.
        angle_rad: of the belt's motion, from s towards x.
        about_mm: (2,) place that stays where it is.
    """
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    move = np.eye(3)
    move[:2, :2], move[:2, 2] = turn, about_mm - turn @ about_mm
    return replace(plane, homography=move @ plane.homography)


def middle_px(corners_px: Float64Array, lens: BeltPlane) -> Float64Array:
    """Return where a tag's middle is in the raw image: where its diagonals cross.

    Args:
        corners_px: (4, 2) raw image px, in turn around the tag.
        lens: whose distortion is taken off before and put on after.
    """
    on_belt = lens.to_machine_mm(corners_px)
    a, b, c, d = np.column_stack((on_belt, np.ones(4)))
    cross = np.cross(np.cross(a, c), np.cross(b, d))
    return np.asarray(lens.to_image_px(cross[None, :2] / cross[2])[0], dtype=np.float64)


def _plane(lens: BeltPlane, seen_px: Float64Array, places_mm: Float64Array) -> BeltPlane:
    points = np.column_stack((places_mm, np.zeros(len(places_mm))))
    found, turn, shift = cv2.solvePnP(
        points, seen_px, lens.camera_matrix, lens.distortion, flags=cv2.SOLVEPNP_IPPE
    )
    if not found:
        raise ProcedureError("the tags make no plane", "measure their places again")
    turn, shift = cv2.solvePnPRefineLM(
        points, seen_px, lens.camera_matrix, lens.distortion, turn, shift
    )
    axes = np.asarray(cv2.Rodrigues(turn)[0], dtype=np.float64)[:, :2]
    to_px = lens.camera_matrix @ np.column_stack((axes, np.asarray(shift).reshape(3)))
    homography = np.linalg.inv(to_px)
    return replace(lens, homography=homography / homography[2, 2])
