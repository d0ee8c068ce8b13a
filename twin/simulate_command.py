"""The simulate command: the line in virtual time, scored against the truth."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from calibration.clock import MonotonicClock
from calibration.line_calibration import LineCalibration
from controller.config_report import ConfigError, UsageError, problems_of
from controller.line_check import check_bundle
from controller.line_file import LineFile, NominalCalibration, budgets
from controller.session import SessionWriter
from telemetry.terminal import balance_table, console_on
from twin.config import TwinConfig
from twin.known_calibration import known_calibration
from twin.lockstep import SimulationResult, StepObserver
from twin.score_table import score_table
from twin.simulation import (
    DetectorChoice,
    SimulationRequest,
    as_document,
    simulate_camera,
    simulate_twin,
)
from twin.whole_line import (
    LINES,
    add_line_argument,
    add_record_argument,
    load_line,
    open_recorder,
)
from vision.factory import open_camera
from vision.source import FORMS, parse_source

ITEMS = 1000
_ARGUMENTS = {
    "seed": "--seed",
    "feed.occupancy": "--occupancy",
    "belt.speed_mm_per_s": "--belt-speed (in mm/s)",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_line_argument(parser, LINES / "demo.toml")
    parser.add_argument(
        "--items",
        action="append",
        default=[],
        metavar="N|DIR",
        help="how many items (default 1000), or a folder of photographs to cut them from, laid "
        "out as DIR/<fraction>/*.jpg; may be given twice, once for each",
    )
    parser.add_argument("--seed", type=int, metavar="S", help="another seed: other items")
    parser.add_argument(
        "--occupancy", type=float, metavar="SHARE", help="belt area covered, e.g. 0.1"
    )
    parser.add_argument("--belt-speed", type=float, metavar="M_PER_S", help="belt speed, e.g. 2.8")
    parser.add_argument(
        "--detector",
        choices=[choice.value for choice in DetectorChoice],
        default=DetectorChoice.SHIPPED.value,
        help="shipped: the line's bundle on rendered frames; perfect: the truth",
    )
    parser.add_argument(
        "--source", metavar="SOURCE", help=f"instead of the twin's belt: {FORMS}; no truth then"
    )
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="run this recipe instead of the line's own"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_record_argument(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the line in virtual time and score it against the truth.

    Returns:
        0.

    Raises:
        ConfigError, UsageError: the line file or an argument is at fault.
        LockstepError: the run failed.
    """
    if arguments.record and arguments.recipe:
        msg = "--record with --recipe: a replay reads the line file; name the recipe there"
        raise UsageError(msg)
    whole = load_line(arguments.line, arguments.recipe)
    if arguments.detector == DetectorChoice.SHIPPED:
        check_bundle(whole.line)
    with ExitStack() as recorders:

        def observer(bundle_id: str, calibration: LineCalibration) -> SessionWriter:
            writer = open_recorder(
                whole, arguments.record, "simulation", bundle_id, calibration, patient=True
            )
            recorders.callback(writer.close)
            return writer

        request = request_from(
            arguments, whole.line, whole.twin, observer if arguments.record else None
        )
        result = simulate(request, arguments.source, console)
    if arguments.json:
        sys.stdout.write(json.dumps(as_document(result), indent=2) + "\n")
    else:
        show(result, whole.line, console_on(sys.stdout))
    return 0


def request_from(
    arguments: argparse.Namespace,
    line: LineFile,
    twin: TwinConfig,
    observer: Callable[[str, LineCalibration], StepObserver] | None,
) -> SimulationRequest:
    """Put the arguments over the line file's world.

    Raises:
        UsageError: `--items` names neither a number nor a folder, or arguments exclude another.
        ConfigError: a value is out of its range, or the belt too fast for the line.
    """
    if observer is not None and arguments.detector == DetectorChoice.PERFECT:
        msg = "--record with --detector perfect: nothing is drawn then, so there is nothing to keep"
        raise UsageError(msg)
    count, photographs = _items(arguments.items)
    speed = arguments.belt_speed
    try:
        changed = twin.with_changes(
            seed=arguments.seed,
            occupancy=arguments.occupancy,
            belt_speed_mm_per_s=None if speed is None else speed * 1000.0,
        )
    except ValidationError as error:
        asked = {
            "seed": arguments.seed,
            "feed": {"occupancy": arguments.occupancy},
            "belt": {"speed_mm_per_s": speed},
        }
        raise ConfigError([_of_argument(each) for each in problems_of(error, asked)]) from error
    if not isinstance(line.calibration, NominalCalibration):
        section = line.line.model_copy(update={"belt_speed_mm_per_s": changed.belt.speed_mm_per_s})
        believed = known_calibration(line, changed)
        budgets(line.model_copy(update={"line": section}), believed)
    return SimulationRequest(
        line=line,
        twin=changed,
        items=count,
        photographs=photographs,
        detector=DetectorChoice(arguments.detector),
        observer=observer,
    )


def simulate(request: SimulationRequest, source: str | None, console: Console) -> SimulationResult:
    """Simulate with a progress bar.

    Args:
        request: what to simulate.
        source: camera instead of the twin's belt, as `vision.source.FORMS` says, or None.
        console: where the progress goes.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        if source is None or source == "twin":
            task = progress.add_task("items", total=request.items)
            return simulate_twin(request, lambda done: progress.update(task, completed=done))
        config = parse_source(source, request.line.camera)
        camera = open_camera(config, MonotonicClock(), paced=False)
        task = progress.add_task("frames", total=None)
        return simulate_camera(request, camera, lambda done: progress.update(task, completed=done))


def show(result: SimulationResult, line: LineFile, console: Console) -> None:
    """Print a result for people."""
    if result.fractions is not None:
        title = f"{result.items} items in {result.belt_s:.0f} s of belt time"
        console.print(score_table(result.fractions, title=title))
        console.print(f"lamps: {result.lamps} fed, {result.lamps_jetted} struck by a jet")
    console.print(balance_table(result.totals, line.station_names))
    console.print(f"{result.belt_s / result.wall_s:.1f} x real time")


def _of_argument(problem: str) -> str:
    """Name the argument where the problem names the key that it stands for."""
    for key, argument in _ARGUMENTS.items():
        if problem.startswith(key):
            return argument + problem.removeprefix(key)
    return f"twin.{problem}"


def _items(words: Sequence[str]) -> tuple[int, Path | None]:
    """Tell `--items 500` (how many) from `--items DIR` (what they look like)."""
    count, folder = ITEMS, None
    for word in words:
        if word.isdecimal() and int(word) > 0:
            count = int(word)
        elif Path(word).is_dir():
            folder = Path(word)
        else:
            msg = f"--items {word}: neither a positive number nor a folder of photographs"
            raise UsageError(msg)
    return count, folder
