"""The calibrate command: from a box of parts to millimetres and milliseconds, and back again."""

import argparse
import getpass
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

from calibration.board.printing import board_pdf, tags_pdf
from calibration.board.spec import BOARDS, BoardSpec, board_named
from calibration.kept.difference import differences
from calibration.kept.record import CalibrationRecord
from calibration.kept.store import CalibrationStore
from calibration.procedures.whole import Procedure, Signature, calibrate
from controller.config_report import UsageError
from twin.calibration_bench import bench_of, line_to_calibrate, store_of
from twin.calibration_show import StepShow, show_record, show_versions
from twin.drift_reference import keep_reference, photographs_of
from twin.whole_line import LINES, WholeLine, load_line

_PROCEDURES: Final = tuple(procedure.value for procedure in Procedure)
ACTIONS: Final = ("all", *_PROCEDURES, "watch", "print", "list", "show", "diff", "rollback")
_FORMS: Final = "[LINE.toml] [ACTION [VERSION ...]]"
_ACTION_WORDS: Final = f"""
actions:
  all                calibrate everything, in order (default)
  {", ".join(_PROCEDURES)}
                     calibrate one thing anew; the rest is carried over from what is in force
  watch              take anew what drift is compared with, for the calibration in force
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
    parser.add_argument("--seed", type=int, help="with --source twin: a rig drawn at random")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep every step as a picture")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path(), help="for print")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Calibrate, or look after the kept calibrations.

    Returns:
        0.

    Raises:
        UsageError: the words make no sense together.
        ConfigError: the line file is at fault.
        CalibrationError: a procedure has no result, or the store refuses.
    """
    line_path, action, rest = _understood(arguments.words)
    if action == "print":
        return _print(arguments, _board(arguments), console)
    whole = load_line(line_path)
    store = store_of(whole, arguments.store)
    if action == "list":
        show_versions(store.versions(), console)
    elif action == "show":
        _show(arguments, store, rest, console)
    elif action == "diff":
        _diff(store, rest, console)
    elif action == "rollback":
        _roll_back(arguments, store, rest, console)
    elif action == "watch":
        _watch(arguments, whole, store, console)
    else:
        _calibrate(arguments, whole, store, action, console)
    return 0


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
    whole: WholeLine,
    store: CalibrationStore,
    action: str,
    console: Console,
) -> None:
    board = _board(arguments)
    line = line_to_calibrate(whole, board, arguments.reference)
    wanted = frozenset(Procedure) if action == "all" else frozenset({Procedure(action)})
    before = store.current()
    signature = Signature(
        by=arguments.by or _somebody(), at_utc=datetime.now(UTC), note=arguments.note
    )
    show = StepShow(console, arguments.pictures)
    with bench_of(whole, board, arguments.source, arguments.seed, console) as seat:
        record = calibrate(seat.bench, line, seat.possible(wanted), before, signature, show.tell)
        kept = store.keep(record)
        console.print(f"kept as version {kept.number} in {store.folder}, in force", soft_wrap=True)
        for words in _changes(before, record):
            console.print(words, soft_wrap=True)
        seen = photographs_of(seat, whole.twin, drawn=arguments.seed is not None)
        console.print(keep_reference(seen, record.calibration, store.folder), soft_wrap=True)
        verdict = seat.verdict(record.calibration)
        if verdict:
            console.print(verdict, soft_wrap=True)
    if arguments.json:
        sys.stdout.write(json.dumps(_document(record, kept.number), indent=2) + "\n")


def _watch(
    arguments: argparse.Namespace, whole: WholeLine, store: CalibrationStore, console: Console
) -> None:
    calibration = _in_force(store).calibration
    with bench_of(whole, _board(arguments), arguments.source, arguments.seed, console) as seat:
        seen = photographs_of(seat, whole.twin, drawn=arguments.seed is not None)
        console.print(keep_reference(seen, calibration, store.folder), soft_wrap=True)


def _changes(before: CalibrationRecord | None, record: CalibrationRecord) -> tuple[str, ...]:
    if before is None:
        return ("this is the line's first calibration",)
    found = differences(before.calibration, record.calibration)
    return tuple(f"changed: {words}" for words in found) or ("nothing changed",)


def _document(record: CalibrationRecord, number: int) -> dict[str, object]:
    return {
        "version": number,
        "sha256": record.sha256,
        "measured_by": record.provenance.measured_by,
        "measured_at_utc": record.provenance.measured_at_utc.isoformat(),
        "procedures": list(record.provenance.procedures),
        "findings": {f"{f.procedure}.{f.name}": f.value for f in record.findings},
    }


def _show(
    arguments: argparse.Namespace, store: CalibrationStore, rest: list[int], console: Console
) -> None:
    record = store.version(rest[0]) if rest else _in_force(store)
    if arguments.json:
        number = next(v.number for v in store.versions() if v.record.sha256 == record.sha256)
        sys.stdout.write(json.dumps(_document(record, number), indent=2) + "\n")
    else:
        show_record(record, console)


def _in_force(store: CalibrationStore) -> CalibrationRecord:
    record = store.current()
    if record is None:
        msg = f"{store.folder}: no calibration is kept yet; make one with the action all"
        raise UsageError(msg)
    return record


def _diff(store: CalibrationStore, rest: list[int], console: Console) -> None:
    numbers = rest or [version.number for version in store.versions()][-2:]
    if len(numbers) != 2:
        msg = "diff needs two calibrations: name their versions, see the action list"
        raise UsageError(msg)
    old, new = (store.version(number) for number in numbers)
    found = differences(old.calibration, new.calibration)
    console.print(f"from version {numbers[0]} to version {numbers[1]}:")
    for words in found or ("nothing changed",):
        console.print(f"  {words}", soft_wrap=True)


def _roll_back(
    arguments: argparse.Namespace, store: CalibrationStore, rest: list[int], console: Console
) -> None:
    if len(rest) != 1:
        msg = "rollback needs the number of the version to put in force; see the action list"
        raise UsageError(msg)
    before = _in_force(store)
    record = store.roll_back(rest[0], by=arguments.by or _somebody(), at_utc=datetime.now(UTC))
    console.print(f"version {rest[0]} is in force; restart the line for it to take effect")
    for words in _changes(before, record):
        console.print(words, soft_wrap=True)


def _somebody() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container's user may have no name.
        return f"uid {os.getuid()}"
