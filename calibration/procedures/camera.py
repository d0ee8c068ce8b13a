"""Camera model: photographs of the board held up, guided until every part and tilt is covered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.bench import Bench, NoMorePhotographsError, Task, TaskKind
from calibration.board.sighting import BoardSighting, UnusablePhotograph, find_board
from calibration.board.spec import BoardSpec
from calibration.errors import ProcedureError
from calibration.procedures.steps import Mark, Step, Tell
from calibration.solve.coverage import Coverage, coverage
from calibration.solve.lens import LensFit, fit_lens
from calibration.solve.views import BoardView

NAME: Final = "camera"
FEWEST_PHOTOGRAPHS: Final = 12
_MOST_PHOTOGRAPHS: Final = 40
_PATIENCE: Final = 4
"""Unusable photographs in a row after which the procedure gives up and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOutcome:
    """Views and what was fitted to them.

    Attributes:
        views: usable, in the order they were taken.
        fit: camera model.
        covered: by the views.
        refused: photographs that could not be used.
    """

    views: tuple[BoardView, ...]
    fit: LensFit
    covered: Coverage
    refused: int


def calibrate_camera(bench: Bench, spec: BoardSpec, tell: Tell) -> CameraOutcome:
    """Photograph the board until the image and the tilts are covered, then fit.

    Raises:
        ProcedureError: the board cannot be found or the views do not make a camera.
    """
    views: list[BoardView] = []
    covered = coverage(views, bench.image_size_px)
    row, refused = 0, 0
    while _wants_more(views, refused, covered):
        bench.ask(_task(covered, len(views)))
        try:
            image = bench.photograph().image
        except NoMorePhotographsError:
            break
        seen = find_board(image, spec)
        if isinstance(seen, UnusablePhotograph):
            row, refused = row + 1, refused + 1
            tell(refusal(NAME, seen, covered.share, image))
            if row >= _PATIENCE:
                raise ProcedureError(f"{seen.problem.value}: {seen.found}", seen.remedy)
            continue
        row = 0
        views.append(view_of(seen, spec))
        covered = coverage(views, bench.image_size_px)
        tell(
            Step(
                procedure=NAME,
                words=f"photograph {len(views)}: {len(seen.ids)} corners; {covered.advice}",
                share=covered.share,
                image=image,
                marks=(Mark(points_px=seen.corners_px),),
            )
        )
    fit = fit_lens(views, bench.image_size_px)
    tell(Step(procedure=NAME, words=words_of(fit), share=1.0))
    return CameraOutcome(views=tuple(views), fit=fit, covered=covered, refused=refused)


def _wants_more(views: Sequence[BoardView], refused: int, covered: Coverage) -> bool:
    if len(views) + refused >= _MOST_PHOTOGRAPHS:
        return False
    return len(views) < FEWEST_PHOTOGRAPHS or not covered.complete


def view_of(seen: BoardSighting, spec: BoardSpec) -> BoardView:
    """Return a sighting as a view for the solvers."""
    return BoardView(board_mm=spec.corners_mm()[seen.ids], corners_px=seen.corners_px)


def words_of(fit: LensFit) -> str:
    """Return how good a camera model is, for people."""
    return (
        f"camera model from {len(fit.kept)} photographs: {fit.fit_error_px:.2f} px fit, "
        f"{fit.hold_out_error_px:.2f} px on photographs left out of it, focal length "
        f"{fit.lens.focal_px[0]:.1f} +- {fit.sd[0]:.1f} px"
    )


def _task(covered: Coverage, taken: int) -> Task:
    return Task(
        kind=TaskKind.HOLD_BOARD,
        words=f"photograph {taken + 1}: {covered.advice}"
        if not covered.complete
        else f"photograph {taken + 1}: hold the board anywhere else, tilted otherwise",
        cell=covered.next_cell if not covered.complete else (taken % 3, taken % 4),
        side=covered.next_side if not covered.complete else taken % 4,
    )


def refusal(
    procedure: str, seen: UnusablePhotograph, share: float, image: npt.NDArray[np.uint8]
) -> Step:
    """Return the step that tells of a photograph that cannot be used."""
    return Step(
        procedure=procedure,
        words=f"not usable, {seen.problem.value}: {seen.found}",
        share=share,
        image=image,
        trouble=seen.remedy,
    )
