"""The calibrate command: from a box of parts to millimetres and milliseconds, and back again."""

import argparse
import json
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from rich.console import Console

from calibration.board.printing import board_pdf, tags_pdf
from calibration.board.spec import BOARDS, BoardSpec, board_named
from calibration.drift.marks import Image
from calibration.kept.store import CalibrationStore
from calibration.procedures.tape_valves import with_taped_valves
from calibration.procedures.whole import Procedure, calibrate
from controller.config_report import UsageError
from twin.calibrated_camera import CalibratedCamera, camera_of
from twin.calibration_bench import Seat, bench_of, line_to_calibrate
from twin.calibration_shelf import (
    changes,
    document,
    in_force,
    roll_back,
    show,
    show_difference,
    signature_of,
)
from twin.calibration_show import StepShow, show_versions
from twin.drift_reference import keep_reference, photographs_of
from twin.strip_check import compare_strip, keep_strip, places_of
from twin.taped_bar import FORM_WORDS, taped_of
from twin.terminal_person import TerminalPerson
from twin.whole_line import LINES, load_line

_PROCEDURES: Final = tuple(procedure.value for procedure in Procedure)
_KEPT: Final = ("list", "show", "diff", "rollback")
ACTIONS: Final = ("all", *_PROCEDURES, "watch", "check-strip", "print", *_KEPT)
_FORMS: Final = "[LINE.toml] [ACTION [VERSION ...]]"
_ACTION_WORDS: Final = f"""
actions:
  all                calibrate everything, in order (default)
  {", ".join(_PROCEDURES)}
                     calibrate one thing anew; the rest is carried over from what is in force
  watch              take anew what drift is compared with, for the calibration in force
  check-strip        daily: compare the reference strip beside the belt with what it was; its
                     patches are named once with --strip
  print              write the board and the test strip's tags as PDF, true to scale, into --out
  list               show the kept calibrations
  show [VERSION]     show one with its residuals (default: the one in force)
  diff [OLD] [NEW]   say what changed, in words and millimetres (default: the last two)
  rollback VERSION   put an older one in force again
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _ACTION_WORDS
    parser.usage = f"run_line.py calibrate {_FORMS} [options]"
    parser.add_argument("words", nargs="*", metavar="LINE.toml ACTION", help=argparse.SUPPRESS)
    parser.add_argument(
        "--source",
        metavar="SOURCE",
        help="twin, a folder of photographs (held/, belt/ with ticks.csv), or another camera as "
        "with run; default: the line file's camera and PLC",
    )
    parser.add_argument(
        "--camera", metavar="NAME", help="camera_id, on a line of several; default: the first"
    )
    parser.add_argument("--store", type=Path, metavar="DIR", help="where calibrations are kept")
    parser.add_argument("--by", metavar="NAME", help="who calibrates (default: who is logged in)")
    parser.add_argument("--note", default="", help="why, in your words")
    names = [board.name for board in BOARDS]
    parser.add_argument("--board", default="A3", choices=names, help="printed board (default A3)")
    parser.add_argument(
        "--square-mm",
        type=float,
        metavar="MM",
        help="side of a square on your print: all squares across, measured, over their number",
    )
    parser.add_argument(
        "--reference",
        metavar="X,S",
        help="where the pattern's lower left corner lies at the first photograph on the belt, mm",
    )
    parser.add_argument(
        "--two-valves",
        metavar=FORM_WORDS,
        help="with valves: two valves measured by tape from the belt's left edge; fires nothing",
    )
    parser.add_argument(
        "--strip", metavar="X,S:X,S:...", help="with check-strip: keep these patches (mm) as good"
    )
    parser.add_argument("--seed", type=int, help="with --source twin: a rig drawn at random")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep every step as a picture")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path(), help="for print")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Calibrate, or look after the kept calibrations.

    Returns:
        0; 1 where the reference strip is no longer as it was.

    Raises:
        UsageError: the words make no sense together.
        ConfigError: the line file is at fault.
        CalibrationError: a procedure has no result, or the store refuses.
    """
    line_path, action, rest = _understood(arguments.words)
    if action == "print":
        return _print(arguments, _board(arguments), console)
    camera = camera_of(load_line(line_path), arguments.camera)
    store = camera.store(arguments.store)
    _check_options(arguments, action)
    if action == "check-strip":
        return _strip(arguments, camera, store, console)
    if action in _KEPT:
        _look_after(arguments, store, action, rest, console)
    elif action == "watch":
        _watch(arguments, camera, store, console)
    elif arguments.two_valves is not None:
        _tape(arguments, camera, store, console)
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


def _check_options(arguments: argparse.Namespace, action: str) -> None:
    for option, given, needed in (
        ("--two-valves", arguments.two_valves, "valves"),
        ("--strip", arguments.strip, "check-strip"),
    ):
        if given is not None and action != needed:
            msg = f"{option} goes with the action {needed} only"
            raise UsageError(msg)


def _tape(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    console: Console,
) -> None:
    taped, drawn = taped_of(arguments.two_valves, camera.whole.line)
    before = in_force(store)
    record = with_taped_valves(before, drawn, taped, signature_of(arguments))
    kept = store.keep(record)
    console.print(f"kept as version {kept.number} in {store.folder}, in force", soft_wrap=True)
    for words in changes(before, record):
        console.print(words, soft_wrap=True)


def _strip(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    console: Console,
) -> int:
    plane, folder = in_force(store).calibration.plane, store.folder
    with _bench(arguments, camera, console) as seat:
        if arguments.strip is not None:
            kept = keep_strip(seat.bench, plane, places_of(arguments.strip), folder)
            console.print(kept, soft_wrap=True)
            return 0
        check = compare_strip(seat.bench, plane, folder)
    console.print(check.words, soft_wrap=True)
    return 0 if check.good else 1


def _understood(words: list[str]) -> tuple[Path, str, list[int]]:
    """Return line file, action and version numbers of the words on the command line."""
    line, left = LINES / "demo.toml", list(words)
    if left and left[0] not in ACTIONS:
        line = Path(left.pop(0))
        if line.suffix != ".toml":
            msg = f"{line}: neither a line file (.toml) nor an action ({', '.join(ACTIONS)})"
            raise UsageError(msg)
    action = left.pop(0) if left else "all"
    if action not in ACTIONS:
        msg = f"{action}: no such action; there are {', '.join(ACTIONS)}"
        raise UsageError(msg)
    try:
        return line, action, [int(word) for word in left]
    except ValueError as error:
        msg = f"{' '.join(left)}: a version is a number; see the action list"
        raise UsageError(msg) from error


def _board(arguments: argparse.Namespace) -> BoardSpec:
    board = board_named(arguments.board)
    if arguments.square_mm is None:
        return board
    share = arguments.square_mm / board.square_mm
    if not 0.8 < share < 1.25:
        msg = (
            f"--square-mm {arguments.square_mm:g}: board {board.name} has squares of "
            f"{board.square_mm:g} mm; print at 100 % and measure one square"
        )
        raise UsageError(msg)
    return board.measured(arguments.square_mm)


def _print(arguments: argparse.Namespace, board: BoardSpec, console: Console) -> int:
    folder: Path = arguments.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            (f"board-{board.name}.pdf", board_pdf(board)),
            ("strip-tags.pdf", tags_pdf()),
        ):
            (folder / name).write_bytes(content)
            console.print(f"written: {folder / name}", soft_wrap=True)
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror}); name another folder with --out"
        raise UsageError(msg) from error
    console.print("print at 100 % and check the ruler on the page with a steel rule")
    return 0


def _calibrate(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    action: str,
    console: Console,
) -> None:
    board = _board(arguments)
    line = line_to_calibrate(camera, board, arguments.reference)
    wanted = camera.procedures(action)
    before = store.current()
    signature = signature_of(arguments)
    steps = StepShow(console, arguments.pictures)
    with _bench(arguments, camera, console) as seat:
        record = calibrate(seat.bench, line, seat.possible(wanted), before, signature, steps.tell)
        kept = store.keep(record)
        console.print(f"kept as version {kept.number} in {store.folder}, in force", soft_wrap=True)
        for words in changes(before, record):
            console.print(words, soft_wrap=True)
        seen = _empty_belt(arguments, camera, seat)
        console.print(keep_reference(seen, record.calibration, store.folder), soft_wrap=True)
        verdict = seat.verdict(record.calibration)
        if verdict:
            console.print(verdict, soft_wrap=True)
    if arguments.json:
        sys.stdout.write(json.dumps(document(record, kept.number), indent=2) + "\n")


def _bench(
    arguments: argparse.Namespace, camera: CalibratedCamera, console: Console
) -> AbstractContextManager[Seat]:
    person = TerminalPerson(console).ask
    return bench_of(camera, _board(arguments), arguments.source, arguments.seed, person)


def _empty_belt(arguments: argparse.Namespace, camera: CalibratedCamera, seat: Seat) -> list[Image]:
    drawn = arguments.seed is not None
    return photographs_of(seat, camera.whole.twin, drawn=drawn, index=camera.index)


def _watch(
    arguments: argparse.Namespace,
    camera: CalibratedCamera,
    store: CalibrationStore,
    console: Console,
) -> None:
    calibration = in_force(store).calibration
    with _bench(arguments, camera, console) as seat:
        seen = _empty_belt(arguments, camera, seat)
        console.print(keep_reference(seen, calibration, store.folder), soft_wrap=True)
