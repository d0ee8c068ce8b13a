"""`python -m telemetry.plant`: sends a line's items on to its plant, under the telemetry process.

Reads its configuration as one JSON line from standard input and ends with it. Exit codes: 0 ended
in good order, 2 the configuration or the plant's database cannot be used.
"""

import logging
import os
import sys
import threading

from pydantic import ValidationError

from telemetry.config import TelemetryConfig
from telemetry.errors import DatabaseError
from telemetry.plant.opening import make_sender

EXIT_OK, EXIT_CANNOT_START = 0, 2


def main() -> int:
    """Send until standard input ends; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = TelemetryConfig.model_validate_json(sys.stdin.buffer.readline())
    except ValidationError as error:
        print(f"telemetry.plant: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    if config.database is None:
        print("telemetry.plant: the line file has no [telemetry.database]", file=sys.stderr)
        return EXIT_CANNOT_START
    stop = threading.Event()
    threading.Thread(target=_follow, args=(stop,), daemon=True, name="lifeline").start()
    try:
        make_sender(config.database, config.store_path).run(
            stop.wait, every_s=config.database.every_s
        )
    except DatabaseError as error:
        print(f"telemetry.plant: {error}", file=sys.stderr)
        return EXIT_CANNOT_START
    return EXIT_OK


def _follow(stop: threading.Event) -> None:
    # Unbuffered: a daemon thread inside a buffered read would hold its lock at interpreter exit.
    while os.read(sys.stdin.fileno(), 1):
        pass
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
