"""What a benchmark hands back, and how it is printed and kept."""

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


class CannotRunError(Exception):
    """Something that the benchmark needs is missing; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Named numbers of one benchmark, in the order they are printed.

    Attributes:
        values: (key, value) pairs; keys are stable, results are compared by them.
        notes: what was compared, in words.
    """

    values: tuple[tuple[str, float], ...]
    notes: tuple[str, ...] = ()


def machine_words() -> str:
    """Return processor, cores and Python of this machine."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}"


def write(name: str, command: str, figures: Figures) -> Path:
    """Write the figures as JSON and return the file's path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {
        "command": command,
        "machine": machine_words(),
        "at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": dict(figures.values),
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path


def show(name: str, figures: Figures, console: Console) -> None:
    """Print the figures as a table with the notes below."""
    table = Table(title=f"benchmark {name}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for key, value in figures.values:
        table.add_row(key, f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}")
    console.print(table)
    for note in figures.notes:
        console.print(f"  {note}")
