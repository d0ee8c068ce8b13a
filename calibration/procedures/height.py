"""Height model: a block of known height rides through the view with a tag on its top."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.bench import Bench, Task, TaskKind
from calibration.board.printing import BELT_TAGS
from calibration.board.sighting import find_small_tags
from calibration.errors import ProcedureError
from calibration.kept.record import CalibrationRecord, Finding
from calibration.procedures.revise import revised
from calibration.procedures.steps import Mark, Step, Tell
from calibration.procedures.whole import Signature
from calibration.solve.height import BlockRide, block_ride, camera_place_mm
from calibration.solve.markers import middle_px

NAME: Final = "height"
_STEPS: Final = 7
_STEP_MM: Final = 45.0
_FEWEST: Final = 4
_LARGEST_ERROR_SHARE: Final = 0.1
_LARGEST_ERROR_MM: Final = 4.0
"""What a tag's middle, found to a tenth of a pixel, lets a block of some centimetres differ by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightOutcome:
    """What a block's ride showed.

    Attributes:
        block_mm: its height by the rule.
        ride: its height as the camera tells it.
        camera_mm: (3,) where the camera hangs over the belt: x, s, height.
    """

    block_mm: float
    ride: BlockRide
    camera_mm: tuple[float, float, float]


def calibrate_height(
    bench: Bench, plane: BeltPlane, mm_per_tick: float, block_mm: float, tell: Tell
) -> HeightOutcome:
    """Let a block ride through the view and see that its height comes out as the rule has it.

    Args:
        bench: the line.
        plane: of the camera.
        mm_per_tick: belt scale.
        block_mm: height of the block.
        tell: shows the steps.

    Raises:
        ProcedureError: the tag is not seen often enough, the belt stands, or height and belt plane
            contradict each other.
    """
    words = (
        f"lay the block of {block_mm:g} mm onto the belt at the upstream end of the view, a tag "
        f"({BELT_TAGS.start} to {BELT_TAGS.stop - 1}) flat on its top, away from the middle"
    )
    bench.ask(Task(kind=TaskKind.LAY_BLOCK, words=words, value=block_mm))
    places, travel = [], []
    for step in range(_STEPS):
        if step:
            bench.jog(_STEP_MM)
        shot = bench.photograph()
        tags = {n: quad for n, quad in find_small_tags(shot.image).items() if n in BELT_TAGS}
        marks = tuple(Mark(points_px=quad, label=f"{n}", joined=True) for n, quad in tags.items())
        share = (step + 1) / (_STEPS + 1)
        words = f"block at tick {shot.tick:.0f}" if tags else "no tag in view"
        tell(Step(procedure=NAME, words=words, share=share, image=shot.image, marks=marks))
        if len(tags) == 1:
            (quad,) = tags.values()
            places.append(plane.to_machine_mm(middle_px(quad, plane)[None])[0])
            travel.append(shot.tick * mm_per_tick)
    outcome = _outcome(plane, np.array(places).reshape(-1, 2), np.array(travel), block_mm)
    bench.ask(Task(kind=TaskKind.CLEAR_BELT, words="take the block off the belt"))
    tell(Step(procedure=NAME, words=words_of(outcome), share=1.0))
    return outcome


def _outcome(
    plane: BeltPlane, places_mm: Float64Array, travel_mm: Float64Array, block_mm: float
) -> HeightOutcome:
    if len(places_mm) < _FEWEST:
        msg = (
            f"the block's tag was seen alone in {len(places_mm)} photographs, {_FEWEST} are needed"
        )
        raise ProcedureError(msg, "one tag only, flat on the block's top, from the upstream end on")
    camera = camera_place_mm(plane)
    ride = block_ride(places_mm, travel_mm, float(camera[2]))
    allowed = max(_LARGEST_ERROR_MM, _LARGEST_ERROR_SHARE * block_mm)
    if abs(ride.height_mm - block_mm) > allowed:
        msg = f"the block seems {ride.height_mm:.1f} mm high, the rule says {block_mm:g} mm"
        raise ProcedureError(msg, "measure the block; if it is right, calibrate camera and belt")
    x, s, height = (float(value) for value in camera)
    return HeightOutcome(block_mm=block_mm, ride=ride, camera_mm=(x, s, height))


def words_of(outcome: HeightOutcome) -> str:
    """Return what came out, for people."""
    x, s, height = outcome.camera_mm
    return (
        f"block of {outcome.block_mm:g} mm comes out {outcome.ride.height_mm:.1f} +- "
        f"{outcome.ride.sd_mm:.1f} mm high; the camera hangs {height:.0f} mm above the belt at "
        f"{x:.0f},{s:+.0f}"
    )


def with_height(
    before: CalibrationRecord, outcome: HeightOutcome, signature: Signature
) -> CalibrationRecord:
    """Return the record by which the line places items of known height."""
    changed = replace(before.calibration, camera_mm=outcome.camera_mm)
    findings = (
        Finding(procedure=NAME, name="block_mm", value=outcome.block_mm),
        Finding(
            procedure=NAME,
            name="block_found_mm",
            value=outcome.ride.height_mm,
            sd=outcome.ride.sd_mm,
        ),
        Finding(procedure=NAME, name="camera_height_mm", value=outcome.camera_mm[2]),
    )
    return revised(before, changed, NAME, findings, signature)
