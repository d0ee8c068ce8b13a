"""`python -m benchmarks NAME [--quick]`: run one benchmark, print its table, write its JSON."""

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console

from benchmarks.result import CannotRunError, Figures, show, write

NAMES = (
    "camera_copies",
    "latency",
    "firing",
    "sorting",
    "laws",
    "hazards",
    "planning",
    "purity_hold",
    "tracking",
    "calibration",
    "calibration_cost",
    "light_cost",
    "ledger",
    "estimates",
    "hmi",
)


class _Benchmark(Protocol):
    def run(self, *, quick: bool, console: Console, **cluster: str) -> Figures: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark named on the command line; returns 0, or 2 where it cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument(
        "--quick", action="store_true", help="the same measurements on less work, within 45 s"
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="sorting only: run its sweep on this Ray cluster"
    )
    arguments = parser.parse_args(argv)
    if arguments.ray is not None and arguments.name != "sorting":
        parser.error("--ray goes with the benchmark `sorting`")
    console = Console()
    benchmark: _Benchmark = importlib.import_module(f"benchmarks.{arguments.name}")
    # The line's alarms and the end of its link are part of a measurement, not news.
    logging.disable(logging.ERROR)
    try:
        cluster = {"ray_address": arguments.ray} if arguments.ray is not None else {}
        figures = benchmark.run(quick=arguments.quick, console=console, **cluster)
    except CannotRunError as error:
        console.print(f"[red]error[/red] {error}", highlight=False)
        return 2
    show(arguments.name, figures, console)
    command = f"python -m benchmarks {arguments.name}" + (" --quick" if arguments.quick else "")
    path = write(arguments.name, command, figures)
    console.print(f"written to {path.relative_to(path.parents[2])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
