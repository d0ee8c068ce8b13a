"""Let a bundle through the gate and make it the one the line loads."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from controller.config_report import ConfigError
from controller.line_file import read_document, sorting_sections
from models.errors import ShelfError
from models.shelf.gate import BundleStanding, as_record, measure, objections
from models.shelf.shelf import Shelf
from vision.errors import VisionError

if TYPE_CHECKING:
    import argparse

    from controller.line_file import LineFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `promote` command."""
    parser.add_argument("bundle", type=Path, help="folder of the candidate")
    parser.add_argument("--shelf", type=Path, required=True, help="folder of the plant's bundles")
    parser.add_argument("--line", type=Path, required=True, help="line file: its latency budget")
    parser.add_argument("--dataset", type=Path, required=True, help="labelled scenes to compare on")
    parser.add_argument("--subset", default="val", help="of the data set (default val)")
    parser.add_argument("--reason", required=True, help="why, for the history")
    parser.add_argument("--by", default=getpass.getuser(), help="who (default: you)")


def run(arguments: argparse.Namespace) -> int:
    """Measure both, object or promote; 1 where the gate stays shut."""
    line = _line(arguments.line)
    shelf = Shelf(arguments.shelf)
    shelf.settle()
    config = line.detector
    try:
        current = (
            None
            if shelf.current is None
            else measure(shelf.current, arguments.dataset, arguments.subset, config)
        )
        candidate = measure(arguments.bundle, arguments.dataset, arguments.subset, config)
    except VisionError as error:
        raise ShelfError(str(error)) from error
    sys.stdout.write(_table(candidate, current))
    against = objections(candidate, current, budget_ms=line.limits.inference_ms)
    if against:
        sys.stdout.write("not promoted:\n" + "".join(f"  {words}\n" for words in against))
        return 1
    gate = {"subset": arguments.subset, "candidate": as_record(candidate)}
    if current is not None:
        gate["current"] = as_record(current)
    change = shelf.promote(arguments.bundle, by=arguments.by, reason=arguments.reason, gate=gate)
    sys.stdout.write(
        f"promoted: {change.edition} (before: {change.before or 'none'})\n"
        f"{shelf.folder / 'current'} is what the line loads; take it back with `rollback`\n"
    )
    return 0


def _line(path: Path) -> LineFile:
    try:
        document = read_document(path)
        for section in ("telemetry", "twin"):
            document.pop(section, None)
        line, problems = sorting_sections(document, path.parent)
    except ConfigError as error:
        raise ShelfError(str(error)) from error
    if line is None:
        raise ShelfError(f"{path}: {'; '.join(problems)}")
    return line


def _table(candidate: BundleStanding, current: BundleStanding | None) -> str:
    lines = [f"{'fraction':14}{'items':>7}{'recall':>18}{'precision':>18}"]
    for fraction, after in candidate.classes.items():
        before = None if current is None else current.classes.get(fraction)
        recall = f"{after.recall:.3f}" + ("" if before is None else f" (now {before.recall:.3f})")
        precision = f"{after.precision:.3f}" + (
            "" if before is None else f" (now {before.precision:.3f})"
        )
        lines.append(f"{fraction.value:14}{after.items:7}{recall:>18}{precision:>18}")
    lines.append(f"detect p95 {candidate.detect_p95_ms:.1f} ms on this machine")
    return "\n".join(lines) + "\n"
