"""The compare command: two recipes on the same items, belt and valves, in one table."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from controller.config_report import UsageError
from controller.line_check import check_bundle
from controller.line_file import LineFile
from telemetry.terminal import console_on
from twin.lockstep import SimulationResult
from twin.simulate_command import request_from, simulate
from twin.simulation import DetectorChoice
from twin.whole_line import LINES, load_line
from vision.types import Fraction

ITEMS = 600
"""Enough for a first look; a point of purity needs some thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One recipe's run.

    Attributes:
        path: the recipe file.
        line: the line with that recipe.
        result: of the simulation.
    """

    path: Path
    line: LineFile
    result: SimulationResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("first", type=Path, metavar="A.toml", help="a recipe file")
    parser.add_argument("second", type=Path, metavar="B.toml", help="another recipe file")
    parser.add_argument(
        "--line",
        type=Path,
        default=LINES / "four-bars.toml",
        metavar="LINE.toml",
        help="the line that both run on (default: deploy/lines/four-bars.toml)",
    )
    parser.add_argument(
        "--items", type=int, default=ITEMS, metavar="N", help=f"how many items (default {ITEMS})"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="another seed: other items")
    parser.add_argument(
        "--occupancy", type=float, metavar="SHARE", help="belt area covered, e.g. 0.1"
    )
    parser.add_argument("--belt-speed", type=float, metavar="M_PER_S", help="belt speed, e.g. 2.8")
    parser.add_argument(
        "--detector",
        choices=[choice.value for choice in DetectorChoice],
        default=DetectorChoice.PERFECT.value,
        help="perfect (the default): the truth; shipped: the line's bundle on rendered frames",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run both recipes and print one table.

    Returns:
        0.

    Raises:
        ConfigError, UsageError: a file or an argument is at fault.
        LockstepError: a run failed.
    """
    if arguments.items < 1:
        msg = f"--items {arguments.items}: give a positive number"
        raise UsageError(msg)
    # Both files are checked before the first of them is run.
    wholes = [load_line(arguments.line, path) for path in (arguments.first, arguments.second)]
    if arguments.detector == DetectorChoice.SHIPPED:
        for whole in wholes:
            check_bundle(whole.line)
    simulated = argparse.Namespace(**{**vars(arguments), "items": [str(arguments.items)]})
    runs = [
        _Run(
            path=path,
            line=whole.line,
            result=simulate(request_from(simulated, whole.line, whole.twin, None), None, console),
        )
        for path, whole in zip((arguments.first, arguments.second), wholes, strict=True)
    ]
    if arguments.json:
        sys.stdout.write(json.dumps(_document(runs), indent=2) + "\n")
    else:
        _show(runs, console_on(sys.stdout))
    return 0


def _document(runs: list[_Run]) -> dict[str, Any]:
    keys = ("a", "b")
    return {
        key: {
            "recipe": run.line.recipe.name,
            "file": str(run.path),
            "items": run.result.items,
            "fractions": {f.value: asdict(score) for f, score in run.result.fractions or ()},
            "destinations": {f.value: _destination(run.line, f) for f in Fraction},
            **{name: value for name, value, _ in _totals(run)},
        }
        for key, run in zip(keys, runs, strict=True)
    }


def _show(runs: list[_Run], console: Console) -> None:
    names = [run.line.recipe.name for run in runs]
    table = Table(
        title=f"{runs[0].result.items} items, the same for both: A {names[0]}, B {names[1]}",
        title_justify="left",
    )
    table.add_column("by mass")
    for heading in ("A goes to", "B goes to", "A purity", "B purity", "A recov.", "B recov."):
        table.add_column(heading, justify="right" if "goes" not in heading else "left")
    scores = [dict(run.result.fractions or ()) for run in runs]
    for fraction in Fraction:
        pair = [found[fraction] for found in scores]
        table.add_row(
            fraction.value,
            *(_destination(run.line, fraction) for run in runs),
            *(_percent(score.purity_mass) for score in pair),
            *(_percent(score.recovery_mass) for score in pair),
        )
    console.print(table)
    totals = Table(show_header=True)
    for heading in ("in all", "A", "B"):
        totals.add_column(heading, justify="left" if heading == "in all" else "right")
    for (_, first, words), (_, second, _) in zip(*(_totals(run) for run in runs), strict=True):
        totals.add_row(words, f"{first:,.4g}", f"{second:,.4g}")
    console.print(totals)


def _totals(run: _Run) -> tuple[tuple[str, float, str], ...]:
    """Return (key, value, words) of what counts for the whole run."""
    result, totals = run.result, run.result.totals
    return (
        ("ejected", sum(totals.ejected), "items ejected"),
        ("passed", totals.passed, "items passed"),
        ("blocked", totals.blocked, "items wanted and not fired at"),
        ("removed", totals.removed, "items taken off by hand"),
        ("air_open_s", result.air_open_s or 0.0, "air, valve-seconds"),
        ("lamps_jetted", result.lamps_jetted or 0, "lamps that air reached"),
        ("items_per_h", result.items / result.belt_s * 3600.0, "items an hour, stops included"),
    )


def _destination(line: LineFile, fraction: Fraction) -> str:
    rule = line.recipe.fractions[fraction]
    return rule.station or rule.action.value


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
