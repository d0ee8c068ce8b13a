"""Procedures that change one part of a kept calibration: tags, join, height, scale, mass, tape."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from calibration.drift.marks import Image
from calibration.kept.record import CalibrationRecord
from calibration.kept.store import CalibrationStore
from calibration.procedures.height import calibrate_height, with_height
from calibration.procedures.join import join_second, overlap_of, show_first, with_join
from calibration.procedures.markers import calibrate_markers, with_markers
from calibration.procedures.steps import Tell
from calibration.procedures.tape_valves import with_taped_valves
from calibration.procedures.whole import Signature
from controller.config_report import UsageError
from twin.calibrate_values import block_of, board_of, markers_of
from twin.calibrated_camera import CalibratedCamera, camera_of
from twin.calibration_bench import Seat, bench_of, beside
from twin.calibration_shelf import changes, in_force, show_document, signature_of
from twin.calibration_show import StepShow
from twin.drift_reference import keep_reference, photographs_of
from twin.rig.bench import RigBench
from twin.rig.mischief import Mishap
from twin.taped_bar import taped_of
from twin.terminal_person import TerminalPerson
from twin.weighing_procedures import calibrate_mass, calibrate_weights
from twin.whole_line import load_line


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleRun:
    """What a procedure is given.

    Attributes:
        arguments: of the command line.
        camera: that is calibrated.
        store: where it is kept.
        before: calibration in force.
        signature: for the provenance.
        console: for words.
        tell: shows the steps.
    """

    arguments: argparse.Namespace
    camera: CalibratedCamera
    store: CalibrationStore
    before: CalibrationRecord
    signature: Signature
    console: Console
    tell: Tell


def bench_for(
    arguments: argparse.Namespace, camera: CalibratedCamera, console: Console
) -> AbstractContextManager[Seat]:
    """Return the bench that the command line asks for, not yet opened."""
    person = TerminalPerson(console).ask
    opened = bench_of(camera, board_of(arguments), arguments.source, arguments.seed, person)
    return opened if arguments.mishap is None else _spoilt(opened, Mishap(arguments.mishap))


@contextmanager
def _spoilt(opened: AbstractContextManager[Seat], mishap: Mishap) -> Iterator[Seat]:
    with opened as seat:
        if not isinstance(seat.bench, RigBench):
            msg = "--mishap spoils the twin only: add --source twin"
            raise UsageError(msg)
        seat.bench.suffer(mishap)
        yield seat


def empty_belt(arguments: argparse.Namespace, camera: CalibratedCamera, seat: Seat) -> list[Image]:
    """Return photographs of the empty belt for the drift watch."""
    drawn = arguments.seed is not None
    return photographs_of(seat, camera.whole.twin, drawn=drawn, index=camera.index)


def calibrate_single(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    action: str,
    console: Console,
) -> None:
    """Run one procedure on the calibration in force and keep what it makes of it.

    Raises:
        UsageError: none is in force, or an option is missing or makes no sense.
        CalibrationError: the procedure has no result.
    """
    if action == "mass":
        console.print(calibrate_mass(arguments.samples, store.folder), soft_wrap=True)
        return
    run = SingleRun(
        arguments=arguments,
        camera=camera,
        store=store,
        before=in_force(store),
        signature=signature_of(arguments),
        console=console,
        tell=StepShow(console, arguments.pictures).tell,
    )
    record = _SINGLE[action](run)
    kept = store.keep(record)
    console.print(f"kept as version {kept.number} in {store.folder}, in force", soft_wrap=True)
    for words in changes(run.before, record):
        console.print(words, soft_wrap=True)
    if arguments.json:
        show_document(record, kept.number)


def _markers(run: SingleRun) -> CalibrationRecord:
    places, before = markers_of(run.arguments.markers), run.before
    with bench_for(run.arguments, run.camera, run.console) as seat:
        _must_move(seat)
        calibration = before.calibration
        outcome = calibrate_markers(
            seat.bench, calibration.plane, calibration.travel.mm_per_tick, places, run.tell
        )
        record = with_markers(before, outcome, run.signature)
        seen = empty_belt(run.arguments, run.camera, seat)
        words = keep_reference(seen, record.calibration, run.store.folder)
        run.console.print(words, soft_wrap=True)
        _judge(run, seat, record)
    return record


def _join(run: SingleRun) -> CalibrationRecord:
    camera, arguments, before = run.camera, run.arguments, run.before
    if not camera.index:
        msg = "join brings another camera into the first one's frame: name it with --camera"
        raise UsageError(msg)
    if arguments.seed is not None or arguments.source not in (None, "twin"):
        msg = "join needs the line's own two cameras: leave out --seed and another --source"
        raise UsageError(msg)
    first = camera_of(load_line(camera.whole.path), None)
    base = in_force(first.store(arguments.store)).calibration
    board = board_of(arguments)
    overlap = overlap_of((base.plane, before.calibration.plane), base.belt_width_mm)
    with bench_for(arguments, first, run.console) as seat:
        shared = show_first(seat.bench, board, base.plane, overlap, run.tell)
        other = beside(seat, camera)
    scale, plane = base.travel.mm_per_tick, before.calibration.plane
    if other is not None:
        fit = join_second(other.bench, board, plane, shared, scale, run.tell)
    else:
        with bench_for(arguments, camera, run.console) as seat:
            fit = join_second(seat.bench, board, plane, shared, scale, run.tell)
    record = with_join(before, fit, first.camera_id, run.signature)
    if other is not None:
        _judge(run, other, record)
    run.console.print("take what drift is compared with anew: the action watch", soft_wrap=True)
    return record


def _height(run: SingleRun) -> CalibrationRecord:
    block_mm, calibration = block_of(run.arguments.block_mm), run.before.calibration
    with bench_for(run.arguments, run.camera, run.console) as seat:
        _must_move(seat)
        outcome = calibrate_height(
            seat.bench, calibration.plane, calibration.travel.mm_per_tick, block_mm, run.tell
        )
    return with_height(run.before, outcome, run.signature)


def _scale(run: SingleRun) -> CalibrationRecord:
    return calibrate_weights(
        run.camera.whole,
        run.arguments.weights_kg,
        twin=run.arguments.source == "twin",
        before=run.before,
        signature=run.signature,
        tell=run.tell,
        console=run.console,
    )


def _tape(run: SingleRun) -> CalibrationRecord:
    taped, drawn = taped_of(run.arguments.two_valves, run.camera.whole.line)
    return with_taped_valves(run.before, drawn, taped, run.signature)


def _must_move(seat: Seat) -> None:
    if seat.photographs_only:
        msg = "from photographs only camera and belt can be calibrated"
        raise UsageError(msg)


def _judge(run: SingleRun, seat: Seat, record: CalibrationRecord) -> None:
    verdict = seat.verdict(record.calibration)
    if verdict:
        run.console.print(verdict, soft_wrap=True)


_SINGLE: Final[dict[str, Callable[[SingleRun], CalibrationRecord]]] = {
    "markers": _markers,
    "join": _join,
    "height": _height,
    "scale": _scale,
    "valves": _tape,
}
"""By action; valves by tape are the one of these that is also a whole procedure."""
SINGLE: Final = ("markers", "join", "height", "scale", "mass")
