"""Check a data set before training: what is wrong in it, and a sheet of pictures to look at."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from models.classes import CLASS_NAMES
from models.datasets import yolo
from models.datasets.check import DatasetReport, Severity, check_dataset
from models.datasets.contact_sheet import contact_sheet

if TYPE_CHECKING:
    import argparse

_SHOWN = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `check` command."""
    parser.add_argument("dataset", type=Path, help="folder of a data set (with data.yaml)")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="write a sheet of pictures")
    parser.add_argument("--json", action="store_true", help="print everything found as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check; 1 where something must be mended."""
    pictures = yolo.read(arguments.dataset, None)
    report = check_dataset(pictures, arguments.dataset)
    if arguments.sheet is not None:
        cv2.imwrite(str(arguments.sheet), contact_sheet(pictures, arguments.dataset))
    if arguments.json:
        sys.stdout.write(json.dumps(asdict(report), indent=2) + "\n")
    else:
        sys.stdout.write(_words(report))
    return 1 if report.errors else 0


def _words(report: DatasetReport) -> str:
    lines = [f"version {report.version[:16]}"]
    for part, count in sorted(report.pictures.items()):
        boxes = report.boxes.get(part, {})
        counts = ", ".join(f"{name} {boxes.get(name, 0)}" for name in CLASS_NAMES)
        lines.append(f"{part}: {count} pictures; {counts}")
    shown: Counter[str] = Counter()
    for finding in report.findings:
        shown[finding.kind] += 1
        if shown[finding.kind] <= _SHOWN:
            lines.append(
                f"{finding.severity.value}: {finding.kind}: {finding.place}: {finding.detail}"
            )
    lines += [
        f"... and {count - _SHOWN} more of {kind}"
        for kind, count in shown.items()
        if count > _SHOWN
    ]
    notes = sum(finding.severity is Severity.NOTE for finding in report.findings)
    lines.append(f"{report.errors} to mend, {notes} to weigh")
    return "\n".join(lines) + "\n"
