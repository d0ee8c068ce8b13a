"""The belt plane, its direction and scale of travel from a board that rides through the view."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.board.spec import Float64Array
from calibration.errors import ProcedureError
from calibration.solve.bundle import LENS, BundleResult, BundleStart, adjust
from calibration.solve.lens import LensFit, pose_of
from calibration.solve.views import BeltView, BoardView, Lens, rotations

FEWEST_VIEWS: Final = 4
_SHORTEST_TRAVEL_MM: Final = 60.0
_STANDS_MM: Final = 2.0
_LARGEST_TURN_DEG: Final = 10.0
_GRID: Final = (9, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePlace:
    """Where the lower left corner of the pattern lay at the first photograph on the belt.

    Attributes:
        x_mm: from the belt's left edge, seen looking downstream.
        s_mm: from the camera reference line, positive downstream.
    """

    x_mm: float
    s_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltFit:
    """The belt as a camera sees it.

    Attributes:
        plane: camera model and homography.
        mm_per_tick: belt travel per tick, from the board's own scale.
        mm_per_tick_sd: its standard deviation.
        turn_deg: how far the belt's direction lay off the board's arrow, to the right.
        residual_mm: root mean square error of the belt views' corners on the belt.
        position_sd_mm: (7, 9) standard deviation of a belt position over the image, rows from its
            top.
        lens_sd: of the nine lens parameters after everything was adjusted together.
        bundle: all of it.
    """

    plane: BeltPlane
    mm_per_tick: float
    mm_per_tick_sd: float
    turn_deg: float
    residual_mm: float
    position_sd_mm: Float64Array
    lens_sd: tuple[float, ...]
    bundle: BundleResult


def fit_belt(
    held: Sequence[BoardView],
    lens: LensFit,
    belt: Sequence[BeltView],
    place: ReferencePlace,
    image_size_px: tuple[int, int],
) -> BeltFit:
    """Solve the belt plane together with the lens.

    Args:
        held: hand-held views that `lens` was fitted to.
        lens: their fit.
        belt: in the order they were taken; the first belongs to the reference laying.
        place: where the board lay there.
        image_size_px: (width, height).

    Raises:
        ProcedureError: the belt stood still, the encoder counts backwards or not at all, the
            board lies the wrong way round or askew, or there are too few views.
    """
    if len(belt) < FEWEST_VIEWS:
        msg = f"{len(belt)} usable views of the board on the belt, {FEWEST_VIEWS} are needed"
        raise ProcedureError(msg, "let the board ride through the view and photograph it again")
    start = _first_guess(held, lens, belt)
    result = adjust([held[i] for i in lens.kept], belt, start)
    plane = _plane_of(result.values, place, image_size_px)
    position_sd = _position_sd_mm(result, place, image_size_px)
    scale = _mm_per_px(plane)
    spread = np.sqrt(np.diag(result.covariance))
    return BeltFit(
        plane=plane,
        mm_per_tick=result.values.mm_per_tick,
        mm_per_tick_sd=float(spread[LENS + 7]),
        turn_deg=float(np.degrees(result.values.turn_rad)),
        residual_mm=float(np.sqrt((result.belt_residuals**2).sum(axis=1).mean())) * scale,
        position_sd_mm=position_sd,
        lens_sd=tuple(float(value) for value in spread[:LENS]),
        bundle=result,
    )


def _first_guess(held: Sequence[BoardView], lens: LensFit, belt: Sequence[BeltView]) -> BundleStart:
    if belt[0].laying != 0 or len(held) < len(lens.kept):
        msg = "the first belt view must belong to laying 0"
        raise ValueError(msg)
    pose = pose_of(belt[0].view, lens.lens)
    places = np.array([_rigid(v.view.board_mm, _on_plane(v.view, lens.lens, pose)) for v in belt])
    ticks = np.array([v.tick for v in belt])
    layings = np.array([v.laying for v in belt])
    direction = _travel(places[layings == 0, 1:], ticks[layings == 0])
    first = np.zeros((int(layings.max()) + 1, 3))
    for laying in range(1, len(first)):
        row = int(np.flatnonzero(layings == laying)[0])
        back = direction * (ticks[row] - ticks[0])
        first[laying] = (places[row, 0], *(places[row, 1:] - back))
    return BundleStart(
        lens=lens.lens.vector,
        held_poses=lens.poses,
        belt_pose=pose,
        layings=first,
        turn_rad=float(np.arctan2(direction[0], direction[1])),
        mm_per_tick=float(np.hypot(*direction)),
        slack_mm=np.zeros(len(belt)),
    )


def _travel(places_mm: Float64Array, ticks: Float64Array) -> Float64Array:
    """Return the board's way per tick, (2,) mm; refuse what cannot be a belt carrying a board."""
    way_mm, counted = places_mm[-1] - places_mm[0], float(ticks[-1] - ticks[0])
    moved_mm = float(np.hypot(*way_mm))
    if moved_mm < _STANDS_MM:
        if abs(counted) > 1:
            msg = f"the encoder counted {counted:+.0f} ticks while the board stayed where it was"
            raise ProcedureError(msg, "lay the board onto the belt itself, and look after slip")
        msg = "the belt did not move between the photographs"
        raise ProcedureError(msg, "start the belt; check its drive if it does not run")
    if abs(counted) <= 1:
        msg = f"the board moved {moved_mm:.0f} mm and the encoder counted nothing"
        raise ProcedureError(msg, "check the encoder's coupling, its cable and its PLC input")
    if counted < 0:
        msg = f"the encoder counted {counted:+.0f} ticks while the belt ran downstream"
        raise ProcedureError(msg, "swap the encoder's channels A and B, or its sign in the PLC")
    if way_mm[1] < 0:
        msg = "the board travels against its arrow: it lies the wrong way round"
        raise ProcedureError(msg, "turn it by half a turn, so that the arrow points downstream")
    turn_deg = float(np.degrees(np.arctan2(way_mm[0], way_mm[1])))
    if abs(turn_deg) > _LARGEST_TURN_DEG:
        msg = f"the board lies askew by {abs(turn_deg):.0f} degrees"
        raise ProcedureError(msg, "lay its long edge square to the belt's edge")
    if moved_mm < _SHORTEST_TRAVEL_MM:
        msg = f"the board was seen over {moved_mm:.0f} mm of travel only"
        raise ProcedureError(msg, "begin at the upstream end of the view and end downstream")
    centred = ticks - ticks.mean()
    return np.asarray(centred @ (places_mm - places_mm.mean(axis=0)) / (centred @ centred))


def _on_plane(view: BoardView, lens: Lens, pose: Float64Array) -> Float64Array:
    """Return a view's corners on the plane of a pose, in that pose's board frame, mm."""
    points = view.corners_px.reshape(-1, 1, 2)
    rays = np.asarray(
        cv2.undistortPoints(points, lens.camera_matrix, np.array(lens.distortion))
    ).reshape(-1, 2)
    turn = rotations(pose[None, :3])[0]
    to_ray = np.column_stack((turn[:, :2], pose[3:]))
    mapped = np.column_stack((rays, np.ones(len(rays)))) @ np.linalg.inv(to_ray).T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], dtype=np.float64)


def _rigid(source: Float64Array, target: Float64Array) -> tuple[float, float, float]:
    """Return turn (rad) and shift that carry points onto others best (Kabsch in the plane)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    angle = float(np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum()))
    cos, sin = np.cos(angle), np.sin(angle)
    shift = target.mean(axis=0) - np.array([[cos, -sin], [sin, cos]]) @ source.mean(axis=0)
    return angle, float(shift[0]), float(shift[1])


def _plane_of(
    values: BundleStart, place: ReferencePlace, image_size_px: tuple[int, int]
) -> BeltPlane:
    lens = Lens.from_vector(values.lens)
    turn = rotations(values.belt_pose[None, :3])[0]
    cos, sin = np.cos(values.turn_rad), np.sin(values.turn_rad)
    to_board = np.array([[cos, sin], [-sin, cos]])
    axes = turn[:, :2] @ to_board
    # The board lay on its place at the first view, whose slack is part of where that was.
    corner = np.array([place.x_mm, place.s_mm - values.slack_mm[0]])
    origin = values.belt_pose[3:] - axes @ corner
    to_px = lens.camera_matrix @ np.column_stack((axes, origin))
    homography = np.linalg.inv(to_px)
    return BeltPlane(
        camera_matrix=lens.camera_matrix,
        distortion=np.array(lens.distortion),
        homography=homography / homography[2, 2],
        image_width_px=image_size_px[0],
        image_height_px=image_size_px[1],
    )


def _image_grid(image_size_px: tuple[int, int]) -> Float64Array:
    u, v = np.meshgrid(
        np.linspace(0, image_size_px[0], _GRID[0]), np.linspace(0, image_size_px[1], _GRID[1])
    )
    return np.column_stack((u.ravel(), v.ravel()))


def _mm_per_px(plane: BeltPlane) -> float:
    middle = np.array([[plane.image_width_px / 2, plane.image_height_px / 2]])
    ends = plane.to_machine_mm(np.concatenate((middle - 0.5, middle + 0.5)))
    return float(np.hypot(*(ends[1] - ends[0]))) / 2**0.5


def _position_sd_mm(
    result: BundleResult, place: ReferencePlace, image_size_px: tuple[int, int]
) -> Float64Array:
    """Carry the parameters' covariance over to belt positions on a grid over the image."""
    values, grid = result.values, _image_grid(image_size_px)
    base = _plane_of(values, place, image_size_px).to_machine_mm(grid)
    vector = np.concatenate((values.lens, values.belt_pose, [values.turn_rad, values.slack_mm[0]]))
    slopes = np.empty((len(vector), *base.shape))
    for index in range(len(vector)):
        step = 1e-5 * max(1.0, abs(float(vector[index])))
        moved = vector.copy()
        moved[index] += step
        other = BundleStart(
            lens=moved[:LENS],
            held_poses=values.held_poses,
            belt_pose=moved[LENS:-2],
            layings=values.layings,
            turn_rad=float(moved[-2]),
            mm_per_tick=values.mm_per_tick,
            slack_mm=moved[-1:],
        )
        slopes[index] = (_plane_of(other, place, image_size_px).to_machine_mm(grid) - base) / step
    keep = [*range(LENS + 7), LENS + 8]
    covariance = result.covariance[np.ix_(keep, keep)]
    variance = np.einsum("ikc,ij,jkc->k", slopes, covariance, slopes)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0)).reshape(_GRID[1], _GRID[0]))
