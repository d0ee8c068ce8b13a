"""The camera model from views of the board: fit, uncertainty, hold-out error, error by region."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.board.spec import Float64Array
from calibration.errors import ProcedureError
from calibration.solve.views import LENS_NAMES, BoardView, Lens, project, rotations

FEWEST_VIEWS: Final = 8
"""Six numbers of pose a view and nine of the lens; with fewer views focal length and distance
trade against each other."""
_HOLD_OUT_EVERY: Final = 4
_OUTLIER: Final = 3.0
_NEVER_OUTLIER_PX: Final = 0.3
_LARGEST_ERROR_PX: Final = 1.0
_LARGEST_FOCAL_SPREAD: Final = 0.02
REGIONS: Final = (3, 3)
"""Rows and columns that errors are told by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LensFit:
    """A camera model with how far it can be trusted.

    Attributes:
        lens: the model.
        sd: standard deviation of each of the nine parameters, in the order of LENS_NAMES.
        fit_error_px: root mean square reprojection error of the views it was fitted to.
        hold_out_error_px: the same of views that had no part in the fit, their pose aside.
        region_error_px: (3, 3) root mean square error by image region, rows from the top; NaN
            where no corner was.
        left_out: indices of views that contradicted the others.
        kept: indices of the views that were kept.
        poses: (len(kept), 6) Rodrigues vector and translation of each view that was kept.
    """

    lens: Lens
    sd: tuple[float, ...]
    fit_error_px: float
    hold_out_error_px: float
    region_error_px: Float64Array
    left_out: tuple[int, ...]
    kept: tuple[int, ...]
    poses: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solution:
    lens: Float64Array
    sd: Float64Array
    poses: Float64Array
    view_errors_px: Float64Array


def fit_lens(views: Sequence[BoardView], image_size_px: tuple[int, int]) -> LensFit:
    """Fit a lens to views of the board.

    Args:
        views: from different places and tilts; see `coverage` for which are wanted.
        image_size_px: (width, height).

    Raises:
        ProcedureError: too few views, all from one tilt, or views that contradict each other.
    """
    if len(views) < FEWEST_VIEWS:
        msg = f"{len(views)} usable views of the board, {FEWEST_VIEWS} are needed"
        raise ProcedureError(msg, "photograph the board in more places and at more tilts")
    solution = _solve(views, image_size_px)
    limit_px = max(_OUTLIER * float(np.median(solution.view_errors_px)), _NEVER_OUTLIER_PX)
    kept = tuple(i for i, error in enumerate(solution.view_errors_px) if error <= limit_px)
    if len(kept) < FEWEST_VIEWS:
        msg = f"{len(views) - len(kept)} of {len(views)} views contradict the others"
        raise ProcedureError(msg, "keep the board flat and still, and photograph it again")
    chosen = [views[i] for i in kept]
    if len(kept) < len(views):
        solution = _solve(chosen, image_size_px)
    _refuse_nonsense(solution, image_size_px)
    residuals = [
        projected(solution.lens, pose, view.board_mm) - view.corners_px
        for pose, view in zip(solution.poses, chosen, strict=True)
    ]
    return LensFit(
        lens=Lens.from_vector(solution.lens),
        sd=tuple(float(value) for value in solution.sd),
        fit_error_px=rms(residuals),
        hold_out_error_px=_hold_out_error(chosen, image_size_px),
        region_error_px=by_region(chosen, residuals, image_size_px),
        left_out=tuple(i for i in range(len(views)) if i not in kept),
        kept=kept,
        poses=solution.poses,
    )


def _solve(views: Sequence[BoardView], size_px: tuple[int, int]) -> _Solution:
    flat = [np.column_stack((v.board_mm, np.zeros(len(v)))).astype(np.float32) for v in views]
    seen = [v.corners_px.astype(np.float32) for v in views]
    guess = np.array(
        [[1.2 * size_px[0], 0, size_px[0] / 2], [0, 1.2 * size_px[0], size_px[1] / 2], [0, 0, 1]]
    )
    try:
        _, matrix, distortion, turns, shifts, sd, _, errors = cv2.calibrateCameraExtended(
            flat, seen, size_px, guess, np.zeros(5), flags=cv2.CALIB_USE_INTRINSIC_GUESS
        )
    except cv2.error as error:
        msg = f"no camera model fits the views ({error.err})"
        raise ProcedureError(msg, "photograph the board at more tilts") from error
    bends = np.ravel(distortion)[:5]
    return _Solution(
        lens=np.array([matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *bends]),
        sd=np.ravel(sd)[: len(LENS_NAMES)].astype(np.float64),
        poses=np.column_stack((np.array(turns).reshape(-1, 3), np.array(shifts).reshape(-1, 3))),
        view_errors_px=np.ravel(errors).astype(np.float64),
    )


def _refuse_nonsense(solution: _Solution, size_px: tuple[int, int]) -> None:
    error = float(np.median(solution.view_errors_px))
    if error > _LARGEST_ERROR_PX:
        msg = f"the views fit a camera only to {error:.1f} px, {_LARGEST_ERROR_PX:g} px may be"
        raise ProcedureError(
            msg, "glue the board to something flat, check --square-mm and photograph it again"
        )
    spread = solution.sd[0] / solution.lens[0]
    sane = 0.2 < solution.lens[0] / size_px[0] < 20
    if not (sane and spread <= _LARGEST_FOCAL_SPREAD):
        msg = f"the focal length is uncertain by {spread:.1%}, {_LARGEST_FOCAL_SPREAD:.0%} may be"
        raise ProcedureError(msg, "tilt the board by 20 to 40 degrees to all four sides")


def projected(lens: npt.ArrayLike, pose: Float64Array, board_mm: Float64Array) -> Float64Array:
    """Return where corners of a board in a pose appear, (n, 2) px."""
    flat = np.column_stack((board_mm, np.zeros(len(board_mm))))
    return project(lens, flat @ rotations(pose[None, :3])[0].T + pose[3:])


def _hold_out_error(views: Sequence[BoardView], size_px: tuple[int, int]) -> float:
    """Return the error of every fourth view under a fit to the others."""
    others = [view for i, view in enumerate(views) if i % _HOLD_OUT_EVERY]
    held = [view for i, view in enumerate(views) if not i % _HOLD_OUT_EVERY]
    lens = Lens.from_vector(_solve(others, size_px).lens)
    return rms(
        [
            projected(lens.vector, pose_of(view, lens), view.board_mm) - view.corners_px
            for view in held
        ]
    )


def pose_of(view: BoardView, lens: Lens) -> Float64Array:
    """Return the board's pose before the camera, Rodrigues vector and translation (6,), mm."""
    flat = np.column_stack((view.board_mm, np.zeros(len(view))))
    _, turn, shift = cv2.solvePnP(
        flat, view.corners_px, lens.camera_matrix, np.array(lens.distortion)
    )
    return np.concatenate((np.ravel(turn), np.ravel(shift))).astype(np.float64)


def rms(residuals: Sequence[Float64Array]) -> float:
    """Return the root mean square length of (n, 2) residuals."""
    return float(np.sqrt((np.concatenate(residuals) ** 2).sum(axis=1).mean()))


def by_region(
    views: Sequence[BoardView], residuals: Sequence[Float64Array], size_px: tuple[int, int]
) -> Float64Array:
    """Return the root mean square residual in each of nine regions of the image, px."""
    places = np.concatenate([view.corners_px for view in views])
    squares = (np.concatenate(residuals) ** 2).sum(axis=1)
    rows = np.clip(places[:, 1] / size_px[1] * REGIONS[0], 0, REGIONS[0] - 1).astype(int)
    columns = np.clip(places[:, 0] / size_px[0] * REGIONS[1], 0, REGIONS[1] - 1).astype(int)
    result = np.full(REGIONS, np.nan)
    for row in range(REGIONS[0]):
        for column in range(REGIONS[1]):
            here = (rows == row) & (columns == column)
            if here.any():
                result[row, column] = np.sqrt(squares[here].mean())
    return result
