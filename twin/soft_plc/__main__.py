"""`python -m twin.soft_plc LINE.toml`: the soft PLC of a line on its own, for integrators.

It serves the line's register map where [plc.transport] says and moves a simulated belt; any Modbus
master can talk to it. Exit codes: 0 stopped by Ctrl-C, 2 line file or port cannot be used.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from calibration.clock import MonotonicClock
from controller.config_report import ConfigError, problems_of
from controller.line_file import read_document, sorting_sections
from twin.config import TwinConfig
from twin.soft_plc.launch import SoftPlcError, launch
from twin.soft_plc.line_setup import setup_of
from twin.soft_plc.setup import SoftPlcSetup

EXIT_OK, EXIT_USAGE = 0, 2
CHECK_S = 0.5


def main(argv: Sequence[str] | None = None) -> int:
    """Run until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m twin.soft_plc", description=__doc__)
    parser.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    arguments = parser.parse_args(argv)
    stopping, clock = threading.Event(), MonotonicClock()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with launch(_setup(arguments.line, clock.now_ns())) as plc:
            print(f"soft PLC ready, {plc.port or 'serial'}; Ctrl-C stops it", flush=True)
            while not clock.wait(stopping, CHECK_S):
                plc.check()
    except (ConfigError, SoftPlcError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    return EXIT_OK


def _setup(path: Path, start_ns: int) -> SoftPlcSetup:
    document = read_document(path)
    world = document.get("twin", {})
    line, problems = sorting_sections(document, path.resolve().parent)
    if line is None:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    try:
        twin = TwinConfig.model_validate(world)
    except ValidationError as error:
        found = problems_of(error, world)
        raise ConfigError([f"{path}: twin.{problem}" for problem in found]) from error
    return setup_of(line, twin, start_ns, path)


if __name__ == "__main__":
    sys.exit(main())
