"""`python -m telemetry LINE.toml`: the telemetry process on its own, or under a line.

Exit codes: 0 stopped in good order, 2 configuration, port, socket or store cannot be used.
"""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from controller.config_report import ConfigError
from controller.line_file import read_document
from telemetry.config import TelemetryConfig
from telemetry.errors import StoreError, TelemetryStartError
from telemetry.line_section import read_telemetry
from telemetry.process import serve

EXIT_OK = 0
EXIT_CANNOT_START = 2
NICENESS = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m telemetry", description=__doc__)
    parser.add_argument("line", nargs="?", type=Path, help="line.toml with a [telemetry] section")
    parser.add_argument(
        "--supervised",
        action="store_true",
        help="read the configuration as one JSON line from standard input and end with it",
    )
    arguments = parser.parse_args(argv)
    if arguments.supervised == (arguments.line is not None):
        parser.error("name a line.toml")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        if arguments.supervised:
            # Pages and scrapes shall never take a core from the line beside them.
            os.nice(NICENESS)
            config = TelemetryConfig.model_validate_json(sys.stdin.buffer.readline())
            serve(config, ready=_announce, lifeline=sys.stdin.buffer)
        else:
            serve(_read_config(arguments.line), ready=_announce)
    except (ValidationError, ConfigError, StoreError, TelemetryStartError) as error:
        print(f"telemetry: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    return EXIT_OK


def _read_config(path: Path) -> TelemetryConfig:
    """Read the section, and the accounts of a plant that keeps any."""
    config = read_telemetry(path)
    if "accounts" in read_document(path):
        # Checking a line file loads what sorts; a supervised process is handed the result.
        opening = importlib.import_module("telemetry.ledger.opening")
        config = config.model_copy(update={"plant": opening.read_plant_line(path)})
    return config


def _announce(port: int) -> None:
    print(f"ready {port}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
