"""The calibrate command: from a box of parts to millimetres and milliseconds, and back again."""

import argparse

from rich.console import Console

from calibration.kept.record import CalibrationRecord
from calibration.kept.store import CalibrationStore
from calibration.procedures.whole import Procedure, calibrate
from twin.calibrate_values import board_of
from twin.calibrate_words import (
    KEPT,
    check_options,
    declare,
    print_all,
    understood,
)
from twin.calibrated_camera import CalibratedCamera, camera_of
from twin.calibration_bench import line_to_calibrate
from twin.calibration_shelf import (
    changes,
    in_force,
    roll_back,
    show,
    show_difference,
    show_document,
    signature_of,
)
from twin.calibration_show import StepShow, show_versions
from twin.drift_reference import keep_reference
from twin.single_procedures import SINGLE, bench_for, calibrate_single, empty_belt
from twin.strip_check import compare_strip, keep_strip, places_of
from twin.whole_line import load_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    declare(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Calibrate, or look after the kept calibrations.

    Returns:
        0; 1 where the reference strip is no longer as it was.

    Raises:
        UsageError: the words make no sense together.
        ConfigError: the line file is at fault.
        CalibrationError: a procedure has no result, or the store refuses.
    """
    line_path, action, rest = understood(arguments.words)
    if action == "print":
        return print_all(arguments, console)
    camera = camera_of(load_line(line_path), arguments.camera)
    store = camera.store(arguments.store)
    check_options(arguments, action)
    if action == "check-strip":
        return _strip(arguments, camera, store, console)
    if action in KEPT:
        _look_after(arguments, store, action, rest, console)
    elif action == "watch":
        _watch(arguments, camera, store, console)
    elif action in SINGLE or arguments.two_valves is not None:
        calibrate_single(arguments, camera, store, action, console)
    else:
        _calibrate(arguments, camera, store, action, console)
    return 0


def _look_after(
    arguments: argparse.Namespace,
    store: CalibrationStore,
    action: str,
    rest: list[int],
    console: Console,
) -> None:
    if action == "list":
        show_versions(store.versions(), console)
    elif action == "show":
        show(arguments, store, rest, console)
    elif action == "diff":
        show_difference(store, rest, console)
    else:
        roll_back(arguments, store, rest, console)


def _strip(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    console: Console,
) -> int:
    plane, folder = in_force(store).calibration.plane, store.folder
    with bench_for(arguments, camera, console) as seat:
        if arguments.strip is not None:
            kept = keep_strip(seat.bench, plane, places_of(arguments.strip), folder)
            console.print(kept, soft_wrap=True)
            return 0
        check = compare_strip(seat.bench, plane, folder)
    console.print(check.words, soft_wrap=True)
    return 0 if check.good else 1


def _calibrate(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    action: str,
    console: Console,
) -> None:
    board = board_of(arguments)
    line = line_to_calibrate(camera, board, arguments.reference)
    wanted = camera.procedures(action)
    before = store.current()
    signature = signature_of(arguments)
    steps = StepShow(console, arguments.pictures)
    with bench_for(arguments, camera, console) as seat:
        record = calibrate(seat.bench, line, seat.possible(wanted), before, signature, steps.tell)
        kept = store.keep(record)
        console.print(f"kept as version {kept.number} in {store.folder}, in force", soft_wrap=True)
        for words in changes(before, record):
            console.print(words, soft_wrap=True)
        if Procedure.LIGHT in wanted:
            _advise_exposure(record, camera, console)
        seen = empty_belt(arguments, camera, seat)
        console.print(keep_reference(seen, record.calibration, store.folder), soft_wrap=True)
        verdict = seat.verdict(record.calibration)
        if verdict:
            console.print(verdict, soft_wrap=True)
    if arguments.json:
        show_document(record, kept.number)


def _advise_exposure(record: CalibrationRecord, camera: CalibratedCamera, console: Console) -> None:
    factor, now_ms = record.finding("exposure_factor"), camera.whole.line.camera.exposure_ms
    if factor is not None and factor != 1.0:
        words = f"set the camera's exposure_ms to {now_ms * factor:.3g} in the line file"
        console.print(f"{words} (now {now_ms:g}), then calibrate light again", soft_wrap=True)


def _watch(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    console: Console,
) -> None:
    calibration = in_force(store).calibration
    with bench_for(arguments, camera, console) as seat:
        seen = empty_belt(arguments, camera, seat)
        console.print(keep_reference(seen, calibration, store.folder), soft_wrap=True)
