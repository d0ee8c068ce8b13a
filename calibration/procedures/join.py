"""Brings a camera into another's belt frame: one board where both views overlap."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.bench import Bench, Task, TaskKind
from calibration.board.sighting import BoardSighting, UnusablePhotograph, find_board
from calibration.board.spec import BoardSpec, Image
from calibration.errors import ProcedureError
from calibration.kept.record import CalibrationRecord, Finding
from calibration.procedures.camera import refusal
from calibration.procedures.revise import revised
from calibration.procedures.steps import Mark, Step, Tell
from calibration.procedures.whole import Signature
from calibration.solve.overlap import OverlapFit, join
from calibration.solve.view_range import seen_across_mm, usable_view_mm

NAME: Final = "join"
_LEAST_OVERLAP_MM: Final = 60.0
"""Less than a column and a half of the largest squares shows no corners in both views."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedBoard:
    """The board as the camera that is joined to sees it.

    Attributes:
        places_mm: corner number to (2,) x, s, machine frame, when it was photographed.
        tick: of the encoder then.
    """

    places_mm: dict[int, Float64Array]
    tick: float


def overlap_of(planes: tuple[BeltPlane, BeltPlane], belt_width_mm: float) -> tuple[float, float]:
    """Return the left and right end of the belt that two cameras both see.

    Raises:
        ProcedureError: they see too little in common.
    """
    (left0, right0), (left1, right1) = (seen_across_mm(plane, belt_width_mm) for plane in planes)
    left, right = max(left0, left1), min(right0, right1)
    if right - left < _LEAST_OVERLAP_MM:
        msg = f"the two views have {max(right - left, 0.0):.0f} mm of the belt in common"
        raise ProcedureError(msg, "turn the cameras so that neighbours overlap by 100 mm and more")
    return left, right


def show_first(
    bench: Bench, spec: BoardSpec, plane: BeltPlane, overlap_mm: tuple[float, float], tell: Tell
) -> SharedBoard:
    """Have the board laid where both look, and photograph it with the camera joined to.

    Raises:
        ProcedureError: it does not see the board.
    """
    middle = sum(overlap_mm) / 2
    across, up = spec.size_mm
    place = (0, middle - across / 2, -up / 2)
    words = (
        f"lay the board flat across the border of both views, arrow downstream, its middle about "
        f"{middle:.0f} mm from the belt's left edge; leave it where it lies"
    )
    bench.ask(Task(kind=TaskKind.LAY_BOARD, words=words, places_mm=(place,)))
    photograph = bench.photograph()
    seen = _look(photograph.image, spec, tell, 0.4)
    places = plane.to_machine_mm(seen.corners_px)
    return SharedBoard(
        places_mm=dict(zip(seen.ids.tolist(), places, strict=True)), tick=photograph.tick
    )


def join_second(
    bench: Bench,
    spec: BoardSpec,
    plane: BeltPlane,
    shared: SharedBoard,
    mm_per_tick: float,
    tell: Tell,
) -> OverlapFit:
    """Photograph the same board with the camera to be joined and bring it into the other's frame.

    Raises:
        ProcedureError: it does not see the board, or the two cameras contradict each other.
    """
    photograph = bench.photograph()
    seen = _look(photograph.image, spec, tell, 0.8)
    rows = [row for row, number in enumerate(seen.ids.tolist()) if number in shared.places_mm]
    there = np.array([shared.places_mm[int(seen.ids[row])] for row in rows]).reshape(-1, 2)
    # The belt may have run on between the two photographs.
    there[:, 1] += mm_per_tick * (photograph.tick - shared.tick)
    fit = join(plane, seen.corners_px[rows], there)
    tell(Step(procedure=NAME, words=words_of(fit, len(rows)), share=1.0))
    return fit


def words_of(fit: OverlapFit, points: int) -> str:
    """Return what joining changed, for people."""
    return (
        f"joined by {points} corners that both see: turned by {fit.turn_deg:+.3f} degrees, moved "
        f"by {fit.shift_mm[0]:+.2f} mm to the right and {fit.shift_mm[1]:+.2f} mm downstream; "
        f"{fit.residual_mm:.2f} mm rms remain, scale differs by {fit.scale_error:+.3%}"
    )


def with_join(
    before: CalibrationRecord, fit: OverlapFit, joined_to: str, signature: Signature
) -> CalibrationRecord:
    """Return the record of the joined camera in the other's belt frame."""
    calibration = before.calibration
    view = usable_view_mm(fit.plane, calibration.belt_width_mm)
    changed = replace(calibration, plane=fit.plane, view_s_min_mm=view[0], view_s_max_mm=view[1])
    findings = tuple(
        Finding(procedure=NAME, name=name, value=float(value))
        for name, value in (
            ("join_residual_mm", fit.residual_mm),
            ("join_turn_deg", fit.turn_deg),
            ("join_shift_x_mm", fit.shift_mm[0]),
            ("join_shift_s_mm", fit.shift_mm[1]),
            ("join_scale_error_share", fit.scale_error),
        )
    )
    devices = (("joined to camera", joined_to),)
    return revised(before, changed, NAME, findings, signature, devices=devices)


def _look(image: Image, spec: BoardSpec, tell: Tell, share: float) -> BoardSighting:
    seen = find_board(image, spec)
    if isinstance(seen, UnusablePhotograph):
        tell(refusal(NAME, seen, share, image))
        raise ProcedureError(f"{seen.problem.value}: {seen.found}", seen.remedy)
    tell(
        Step(
            procedure=NAME,
            words=f"{len(seen.ids)} corners",
            share=share,
            image=image,
            marks=(Mark(points_px=seen.corners_px),),
        )
    )
    return seen
