"""`python -m benchmarks NAME [--quick]`: run one benchmark, print its table, write its JSON."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console

from benchmarks.result import Figures, show, write

NAMES = ("latency", "firing", "sorting")


class _Benchmark(Protocol):
    def run(self, *, quick: bool, console: Console) -> Figures: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark named on the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument(
        "--quick", action="store_true", help="the same measurements on less work, within 45 s"
    )
    arguments = parser.parse_args(argv)
    console = Console()
    benchmark: _Benchmark = importlib.import_module(f"benchmarks.{arguments.name}")
    figures = benchmark.run(quick=arguments.quick, console=console)
    show(arguments.name, figures, console)
    command = f"python -m benchmarks {arguments.name}" + (" --quick" if arguments.quick else "")
    path = write(arguments.name, command, figures)
    console.print(f"written to {path.relative_to(path.parents[2])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
