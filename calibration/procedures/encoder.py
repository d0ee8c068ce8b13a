"""Encoder: a marked distance by tape, and the belt's own texture, against the counted ticks."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane
from calibration.bench import Bench, Photograph, Task, TaskKind
from calibration.errors import ProcedureError
from calibration.procedures.steps import Step, Tell
from calibration.solve.belt_flow import TRUSTED_PEAK, BeltFlow
from calibration.solve.encoder import (
    ScaleFit,
    ScaleMeasurement,
    SlipFigures,
    check_direction,
    combine_scales,
    scale_from_distance,
    slip_from_ways,
)

NAME: Final = "encoder"
MARKED_MM: Final = 3000.0
_TAPE_SD_MM: Final = 0.5
"""A steel tape read by eye at both ends."""
_WAYS: Final = 12
_WAY_MM: Final = 60.0
_FLOW_SD_MM: Final = 0.05
_BOARD_SD_SHARE: Final = 2e-4
"""A square measured with a ruler over the whole print: 0.1 mm on 400 mm."""
_STANDS_MM: Final = 3.0
_INSET_PX: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOutcome:
    """The belt's scale.

    Attributes:
        scale: mean of all measurements.
        slip: what the belt's texture says.
    """

    scale: ScaleFit
    slip: SlipFigures


def calibrate_encoder(
    bench: Bench, plane: BeltPlane, board_scale: float, board_sd: float, tell: Tell
) -> EncoderOutcome:
    """Measure the belt's travel per tick in three ways that know nothing of each other.

    Args:
        bench: the line.
        plane: camera and belt plane.
        board_scale: mm per tick that the board came to when it rode through the view.
        board_sd: its standard deviation.
        tell: shows the steps.

    Raises:
        ProcedureError: the belt stood, the encoder counts backwards or not at all, or the
            measurements contradict each other.
    """
    bench.ask(Task(kind=TaskKind.CLEAR_BELT, words="clear the belt"))
    slip = _texture(bench, plane, board_scale, tell)
    tape = _tape(bench, tell)
    board = ScaleMeasurement(
        source="board",
        mm_per_tick=board_scale,
        sd=float(np.hypot(board_sd, _BOARD_SD_SHARE * board_scale)),
        remedy="measure the board's squares again and give them as --square-mm",
    )
    texture = ScaleMeasurement(
        source="belt texture",
        mm_per_tick=slip.mm_per_tick,
        sd=float(np.hypot(slip.sd, _BOARD_SD_SHARE * slip.mm_per_tick)),
        remedy="look after slip between belt and encoder wheel",
    )
    scale = combine_scales((tape, board, texture))
    tell(Step(procedure=NAME, words=words_of(scale, slip), share=1.0))
    return EncoderOutcome(scale=scale, slip=slip)


def words_of(scale: ScaleFit, slip: SlipFigures) -> str:
    """Return the belt's scale, for people."""
    parts = ", ".join(f"{m.source} {m.mm_per_tick:.6f}" for m in scale.measurements)
    return (
        f"belt scale {scale.mm_per_tick:.6f} +- {scale.sd:.6f} mm per tick ({parts}); slip "
        f"{slip.slip_share:.2%}, drift {slip.drift_share:+.2%}"
    )


def _tape(bench: Bench, tell: Tell) -> ScaleMeasurement:
    words = "mark the belt beside a mark on the machine's frame"
    bench.ask(Task(kind=TaskKind.MARK_TRAVEL, words=words))
    tell(Step(procedure=NAME, words=words, share=0.6))
    first = bench.photograph().tick
    bench.jog(MARKED_MM)
    words = "measure how far the mark on the belt has moved from the mark on the frame, in mm"
    distance_mm = bench.ask(Task(kind=TaskKind.MEASURE_TRAVEL, words=words))
    last = bench.photograph().tick
    measured = scale_from_distance(
        distance_mm=distance_mm, distance_sd_mm=_TAPE_SD_MM, first_tick=first, last_tick=last
    )
    words = f"tape: {distance_mm:.1f} mm in {last - first:.0f} ticks"
    tell(Step(procedure=NAME, words=words, share=0.9))
    return measured


def _texture(bench: Bench, plane: BeltPlane, mm_per_tick: float, tell: Tell) -> SlipFigures:
    flow = flow_over(plane)
    before = bench.photograph()
    flat = flow.flat(before.image)
    ways, counted = [], []
    for number in range(_WAYS):
        bench.jog(_WAY_MM)
        after = bench.photograph()
        flat, previous = flow.flat(after.image), flat
        way = _way(flow, (before, previous), (after, flat), mm_per_tick)
        if way is not None:
            ways.append(way)
            counted.append(after.tick - before.tick)
        before = after
        words = f"texture, way {number + 1}: " + ("not seen" if way is None else f"{way:.2f} mm")
        tell(Step(procedure=NAME, words=words, share=0.6 * (number + 1) / _WAYS, image=after.image))
    way_sd = float(np.hypot(_FLOW_SD_MM, mm_per_tick * (2 / 12) ** 0.5))
    return slip_from_ways(np.array(ways), np.array(counted), way_sd)


def _way(
    flow: BeltFlow,
    before: tuple[Photograph, "FlatPicture"],
    after: tuple[Photograph, "FlatPicture"],
    mm_per_tick: float,
) -> float | None:
    """Return a way by texture, None where it cannot be told.

    Raises:
        ProcedureError: nothing moved, or the encoder says something else altogether.
    """
    counted = after[0].tick - before[0].tick
    still = flow.shift(before[1], after[1], expected_mm=0.0)
    if still.peak > TRUSTED_PEAK and abs(still.s_mm) < _STANDS_MM:
        msg = f"the belt stood still and the encoder counted {counted:+.0f} ticks"
        raise ProcedureError(msg, "start the belt: check its drive, the emergency stop and slip")
    shift = flow.shift(before[1], after[1], expected_mm=abs(counted) * mm_per_tick)
    if shift.peak < TRUSTED_PEAK:
        shift = flow.shift(before[1], after[1], expected_mm=_WAY_MM)
    if shift.peak < TRUSTED_PEAK:
        return None
    check_direction(counted, shift.s_mm)
    return shift.s_mm


def flow_over(plane: BeltPlane) -> BeltFlow:
    """Return a comparer of the part of the belt that a camera sees without its border."""
    width, height = plane.image_width_px - _INSET_PX, plane.image_height_px - _INSET_PX
    edge = np.linspace(0.0, 1.0, 9)
    sides = [
        plane.to_machine_mm(np.column_stack((_INSET_PX + edge * (width - _INSET_PX), v + 0 * edge)))
        for v in (_INSET_PX, height)
    ]
    far, near = sides if sides[0][:, 1].mean() > sides[1][:, 1].mean() else sides[::-1]
    x = np.concatenate((far, near))[:, 0]
    middle, reach = float(np.median(x)), float(np.ptp(x)) * 0.35
    return BeltFlow(
        plane,
        x_range_mm=(middle - reach, middle + reach),
        s_range_mm=(float(near[:, 1].max()), float(far[:, 1].min())),
    )


FlatPicture = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
