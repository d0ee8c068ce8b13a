"""Belt plane: the board laid on the belt rides through the view in three lanes."""

from dataclasses import dataclass
from typing import Final

from calibration.bench import Bench, NoMorePhotographsError, Task, TaskKind
from calibration.board.sighting import BoardSighting, UnusablePhotograph, find_board
from calibration.board.spec import BoardSpec
from calibration.errors import ProcedureError
from calibration.procedures.camera import CameraOutcome, refusal, view_of
from calibration.procedures.steps import Mark, Step, Tell
from calibration.solve.belt import BeltFit, ReferencePlace, fit_belt
from calibration.solve.views import BeltView

NAME: Final = "belt"
LANES: Final = (0.0, 0.5, 1.0)
"""Left, middle and right third of the belt."""
_STEP_MM: Final = 62.0
_STEPS: Final = 6
"""Photographs in a lane: the board rides some 300 mm, from one end of a half-metre view to the
other."""
_LANE_WORDS: Final = {0.0: "left", 0.5: "middle", 1.0: "right"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltOutcome:
    """Views on the belt and what was fitted to them.

    Attributes:
        views: usable, in the order they were taken.
        fit: belt plane, direction and scale.
    """

    views: tuple[BeltView, ...]
    fit: BeltFit


def calibrate_belt(
    bench: Bench, spec: BoardSpec, camera: CameraOutcome, place: ReferencePlace, tell: Tell
) -> BeltOutcome:
    """Let the board ride through the view in three lanes and solve the belt plane.

    Raises:
        ProcedureError: the board cannot be found, lies wrong, or the belt or encoder does not do
            what it should.
    """
    views: list[BeltView] = []
    for laying, lane in enumerate(LANES):
        bench.ask(_task(lane, laying, place))
        for step in range(_STEPS):
            if step:
                bench.jog(_STEP_MM)
            share = (laying * _STEPS + step + 1) / (len(LANES) * _STEPS)
            try:
                view = _look(bench, spec, laying, tell, share, reference=not laying and not step)
            except NoMorePhotographsError:
                break
            if view is not None:
                views.append(view)
    fit = fit_belt(camera.views, camera.fit, views, place, bench.image_size_px)
    tell(Step(procedure=NAME, words=words_of(fit), share=1.0))
    return BeltOutcome(views=tuple(views), fit=fit)


def words_of(fit: BeltFit) -> str:
    """Return how good a belt plane is, for people."""
    return (
        f"belt plane: {fit.residual_mm:.2f} mm rms at the corners, position known to "
        f"{fit.position_sd_mm.max():.2f} mm (worst place, one standard deviation), "
        f"{fit.mm_per_tick:.6f} mm per tick, board askew by {abs(fit.turn_deg):.2f} degrees"
    )


def _look(
    bench: Bench, spec: BoardSpec, laying: int, tell: Tell, share: float, *, reference: bool
) -> BeltView | None:
    """Photograph the board once; the reference photograph must show it whole, others may not."""
    photograph = bench.photograph()
    seen = find_board(photograph.image, spec)
    if isinstance(seen, UnusablePhotograph):
        tell(refusal(NAME, seen, share, photograph.image))
        if reference:
            raise ProcedureError(f"{seen.problem.value}: {seen.found}", seen.remedy)
        return None
    if reference:
        _must_be_whole(seen, spec)
    words = f"{_LANE_WORDS[LANES[laying]]} lane, tick {photograph.tick:.0f}: "
    tell(
        Step(
            procedure=NAME,
            words=words + f"{len(seen.ids)} corners",
            share=share,
            image=photograph.image,
            marks=(Mark(points_px=seen.corners_px),),
        )
    )
    return BeltView(view=view_of(seen, spec), tick=photograph.tick, laying=laying)


def _must_be_whole(seen: BoardSighting, spec: BoardSpec) -> None:
    if not seen.whole:
        msg = f"board half visible: {len(seen.ids)} of {spec.corner_count} corners on the belt"
        raise ProcedureError(msg, "lay all of it into the view for the reference photograph")


def _task(lane: float, laying: int, place: ReferencePlace) -> Task:
    words = f"lay the board flat in the {_LANE_WORDS[lane]} of the belt, arrow downstream"
    if laying == 0:
        words = (
            f"lay the board flat on the belt, arrow downstream, the pattern's lower left corner "
            f"{place.x_mm:g} mm from the belt's left edge and {abs(place.s_mm):g} mm "
            f"{'upstream' if place.s_mm < 0 else 'downstream'} of the camera reference line"
        )
    return Task(kind=TaskKind.LAY_BOARD, words=words, lane=lane)
