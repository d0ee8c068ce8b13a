"""`python -m plc.contract HOST:PORT`: says in plain words what a PLC gets wrong.

Valves fire during the checks: close the air and keep people away from belt and flaps. The belt is
started by request; where none runs, a PLC that offers it counts a simulated encoder meanwhile.
Exit codes: 0 nothing wrong, 1 something wrong, 2 bad arguments or no connection.
"""

import argparse
import sys
from collections.abc import Sequence

from calibration.clock import MonotonicClock
from plc.contract.suite import Finding, Verdict, findings, names
from plc.errors import PlcError
from plc.modbus_clients import client_maker
from plc.modbus_transport import ModbusTransport
from plc.transport_config import TcpTransport

EXIT_OK, EXIT_WRONG, EXIT_USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Check one PLC and print each finding; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m plc.contract",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("address", metavar="HOST:PORT", type=_address, help="the PLC's Modbus TCP")
    parser.add_argument("--unit", type=int, default=1, metavar="N", help="unit id (default 1)")
    parser.add_argument("--line-id", type=int, default=1, metavar="N", help="line (default 1)")
    parser.add_argument("--timeout-ms", type=float, default=1000, help="per request (default 1000)")
    parser.add_argument(
        "--no-simulation", action="store_true", help="fail rather than simulate an encoder"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], choices=names(), metavar="CHECK", help=", ".join(names())
    )
    arguments = parser.parse_args(argv)
    host, port = arguments.address
    clock = MonotonicClock()
    transport = ModbusTransport(
        make_client=client_maker(
            TcpTransport(kind="tcp", host=host, port=port), timeout_s=arguments.timeout_ms / 1e3
        ),
        address=f"{host}:{port}",
        unit_id=arguments.unit,
        clock=clock,
        silence_ms=0.0,
    )
    try:
        transport.open()
        told = []
        for finding in findings(
            transport,
            clock,
            line_id=arguments.line_id,
            may_simulate=not arguments.no_simulation,
            only=arguments.only,
        ):
            told.append(finding)
            _tell(finding)
    except PlcError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    finally:
        transport.close()
    return _sum_up(told, f"{host}:{port}")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        msg = f"{text!r} is no HOST:PORT, as in 192.168.1.10:502"
        raise argparse.ArgumentTypeError(msg)
    return host, int(port)


def _tell(finding: Finding) -> None:
    print(f"{finding.verdict.value:>14}  {finding.promise}", flush=True)
    if finding.detail:
        print(f"{'':16}{finding.detail}", flush=True)


def _sum_up(told: Sequence[Finding], address: str) -> int:
    wrong = sum(finding.verdict is Verdict.WRONG for finding in told)
    skipped = sum(finding.verdict is Verdict.NOT_APPLICABLE for finding in told)
    words = f"{len(told)} checks of {address}: {wrong} wrong, {skipped} not applicable"
    print(words)
    return EXIT_WRONG if wrong else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
