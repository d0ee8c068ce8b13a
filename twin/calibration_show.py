"""Shows calibrations in a terminal: steps while they happen, records and versions afterwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
from rich.console import Console
from rich.table import Table

from calibration.kept.record import CalibrationRecord
from calibration.kept.store import Version
from calibration.procedures.drawing import draw_step
from calibration.procedures.steps import Step

_PLACES: Final = 5
"""Significant digits of a figure."""


class StepShow:
    """Prints each step on a line and, if asked to, keeps its picture."""

    def __init__(self, console: Console, pictures: Path | None) -> None:
        """Prepare; the folder is made with the first picture.

        Args:
            console: for the lines.
            pictures: folder for the pictures, None for none.
        """
        self._console, self._pictures, self._count = console, pictures, 0

    def tell(self, step: Step) -> None:
        """Show a step."""
        head = f"{step.procedure:<8}{step.share:>5.0%}  "
        self._console.print(head + step.words, soft_wrap=True, highlight=False, markup=False)
        if step.trouble:
            self._console.print(" " * len(head) + step.trouble, style="yellow", soft_wrap=True)
        drawn = draw_step(step)
        if self._pictures is not None and drawn is not None:
            self._pictures.mkdir(parents=True, exist_ok=True)
            self._count += 1
            name = f"{self._count:03d}-{step.procedure}.png"
            cv2.imwrite(str(self._pictures / name), drawn)


def show_record(record: CalibrationRecord, console: Console) -> None:
    """Print a record with its figures."""
    origin = record.provenance
    console.print(
        f"{record.calibration.camera_id} over {record.calibration.belt_id}, measured by "
        f"{origin.measured_by} on {origin.measured_at_utc:%Y-%m-%d %H:%M} UTC"
        + (f": {origin.note}" if origin.note else ""),
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"sha256 {record.sha256}", highlight=False, soft_wrap=True)
    console.print(
        "with " + "; ".join(f"{role} {name}" for role, name in origin.devices), soft_wrap=True
    )
    table = Table(box=None, pad_edge=False)
    for name, side in (("procedure", "left"), ("figure", "left"), ("value", "right")):
        table.add_column(name, justify="right" if side == "right" else "left")
    table.add_column("+-", justify="right")
    for found in record.findings:
        spread = f"{found.sd:.2g}" if found.sd else ""
        table.add_row(found.procedure, found.name, f"{found.value:.{_PLACES}g}", spread)
    console.print(table)


def show_versions(versions: Sequence[Version], console: Console) -> None:
    """Print the kept calibrations, oldest first."""
    if not versions:
        console.print("no calibration is kept yet; make one with the action all")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("version", "in force", "measured (UTC)", "by", "procedures", "note", "sha256"):
        table.add_column(name, justify="right" if name == "version" else "left")
    for version in versions:
        origin = version.record.provenance
        table.add_row(
            str(version.number),
            "yes" if version.in_force else "",
            f"{origin.measured_at_utc:%Y-%m-%d %H:%M}",
            origin.measured_by,
            ", ".join(origin.procedures),
            origin.note,
            version.record.sha256[:8],
        )
    console.print(table)
