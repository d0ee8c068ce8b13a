"""The words of the calibrate command: what it is told, and what it prints on paper."""

import argparse
from pathlib import Path
from typing import Final

from rich.console import Console

from calibration.board.printing import belt_tags_pdf, board_pdf, tags_pdf
from calibration.board.spec import BOARDS
from calibration.procedures.whole import Procedure
from controller.config_report import UsageError
from twin.calibrate_values import board_of
from twin.rig.mischief import Mishap
from twin.single_procedures import SINGLE
from twin.taped_bar import FORM_WORDS
from twin.whole_line import LINES

_PROCEDURES: Final = tuple(procedure.value for procedure in Procedure)
KEPT: Final = ("list", "show", "diff", "rollback")
ACTIONS: Final = ("all", *_PROCEDURES, *SINGLE, "watch", "check-strip", "print", *KEPT)
_SINGLE_OPTIONS: Final = (
    ("--markers", "TAG=X,S:...", "with markers: where each tag's middle is, mm"),
    ("--block-mm", "MM", "with height: height of the block"),
    ("--weights-kg", "KG,KG,...", "with scale: known weights, in the order they are sent"),
    ("--samples", "CSV", "with mass: weighed items, a row each (docs/estimates.md)"),
)
_NEEDS: Final = (
    ("two_valves", "valves"),
    ("strip", "check-strip"),
    ("markers", "markers"),
    ("block_mm", "height"),
    ("weights_kg", "scale"),
    ("samples", "mass"),
)
"""Options and the only action that each goes with."""
_FORMS: Final = "[LINE.toml] [ACTION [VERSION ...]]"
_ACTION_WORDS: Final = f"""
actions:
  all                calibrate everything, in order (default)
  {", ".join(_PROCEDURES)}
                     calibrate one thing anew; the rest is carried over from what is in force
  markers            belt plane from tags on the belt (--markers), with the lens that is known
  join               bring another camera (--camera) into the first one's belt frame by one board
                     where both look
  height             height model: a block of known height (--block-mm) rides through the view
  scale              zero and span of the belt scale by known weights (--weights-kg)
  mass               mass model of the classes from weighed items (--samples)
  watch              take anew what drift is compared with, for the calibration in force
  check-strip        daily: compare the reference strip beside the belt with what it was; its
                     patches are named once with --strip
  print              write board, test strip's tags and belt tags as PDF, true to scale, into --out
  list               show the kept calibrations
  show [VERSION]     show one with its residuals (default: the one in force)
  diff [OLD] [NEW]   say what changed, in words and millimetres (default: the last two)
  rollback VERSION   put an older one in force again
"""


def declare(parser: argparse.ArgumentParser) -> None:
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
    for option, form, words in _SINGLE_OPTIONS:
        parser.add_argument(option, metavar=form, help=words)
    parser.add_argument("--seed", type=int, help="with --source twin: a rig drawn at random")
    parser.add_argument(
        "--mishap",
        choices=[mishap.value for mishap in Mishap],
        metavar="WHAT",
        help="with --source twin: do this wrong, to see how it is noticed: " + ", ".join(Mishap),
    )
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep every step as a picture")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path(), help="for print")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def understood(words: list[str]) -> tuple[Path, str, list[int]]:
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


def check_options(arguments: argparse.Namespace, action: str) -> None:
    """Refuse options that go with another action.

    Raises:
        UsageError: one does.
    """
    for name, needed in _NEEDS:
        if getattr(arguments, name) is not None and action != needed:
            msg = f"--{name.replace('_', '-')} goes with the action {needed} only"
            raise UsageError(msg)


def print_all(arguments: argparse.Namespace, console: Console) -> int:
    """Write what is printed for a calibration; returns 0.

    Raises:
        UsageError: the folder cannot be written.
    """
    board = board_of(arguments)
    folder: Path = arguments.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            (f"board-{board.name}.pdf", board_pdf(board)),
            ("strip-tags.pdf", tags_pdf()),
            ("belt-tags.pdf", belt_tags_pdf()),
        ):
            (folder / name).write_bytes(content)
            console.print(f"written: {folder / name}", soft_wrap=True)
    except OSError as error:
        msg = f"{folder}: cannot be written ({error.strerror}); name another folder with --out"
        raise UsageError(msg) from error
    console.print("print at 100 % and check the ruler on the page with a steel rule")
    return 0
