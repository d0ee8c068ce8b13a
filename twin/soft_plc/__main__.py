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
from controller.line_file import LineFile, MeasuredCalibration, read_document, sorting_sections
from plc.config import TcpTransport, TlsTransport
from twin.config import TwinConfig
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.launch import SoftPlcError, launch
from twin.soft_plc.setup import SerialEndpoint, SoftPlcSetup, TcpEndpoint

EXIT_OK, EXIT_USAGE = 0, 2
CHECK_S = 0.5
_PARITY_LETTERS = {"none": "N", "even": "E", "odd": "O"}


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
    if isinstance(line.calibration, MeasuredCalibration):
        msg = f"{path}: calibration.kind: the soft PLC needs mm_per_tick, use nominal or twin"
        raise ConfigError([msg])
    mm_per_tick = line.calibration.mm_per_tick
    return SoftPlcSetup(
        plc=SoftPlcConfig.for_line(
            line.stations,
            heartbeat_timeout_ms=line.queue_plc.heartbeat_timeout_ms,
            line_id=line.queue_plc.line_id,
            ticks_per_s=twin.belt.speed_mm_per_s / mm_per_tick,
        ),
        belt=twin.belt,
        mm_per_tick=mm_per_tick,
        belt_seed=twin.seed,
        start_ns=start_ns,
        endpoint=_endpoint(line),
        unit_id=line.queue_plc.unit_id,
    )


def _endpoint(line: LineFile) -> TcpEndpoint | SerialEndpoint:
    transport = line.queue_plc.transport
    if isinstance(transport, TcpTransport):
        return TcpEndpoint(host=transport.host, port=transport.port)
    if isinstance(transport, TlsTransport):
        msg = "plc.transport.kind: the line file names the line's own certificate, not the PLC's"
        raise ConfigError([msg])
    return SerialEndpoint.model_validate(
        {
            "device": transport.device,
            "baud": transport.baud,
            "parity": _PARITY_LETTERS[transport.parity],
            "stop_bits": transport.stop_bits,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
