"""The `valves` command: test the valves of a line, show what is known of them, log a change.

Exit codes: 0 done; 1 the PLC is absent, refuses (wrong mode, another master, no sensor) or failed;
2 arguments, line file or stored tests cannot be used; 130 broken off, valves closed, mode left.
"""

import argparse
import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from rich.console import Console

from calibration.clock import MonotonicClock
from calibration.valve_store import ValveStore
from controller.config_report import UsageError
from controller.line_file import LineFile
from controller.plc_assembly import valve_benches
from controller.stations import JetBarConfig
from controller.valve_report import report_document, report_lines, table_lines
from controller.valve_test import (
    ValveBench,
    ValveTestRequest,
    ValveTestResult,
    run_valve_test,
)
from twin.soft_plc.launch import launch
from twin.soft_plc.line_setup import setups_of
from twin.valves_book import bar_of, counters, print_json, print_lines, reset, show, store_of
from twin.whole_line import WholeLine, add_line_argument, load_line

SHOTS = 12
_WORDS_EVERY = 10
"""Valves between two lines of progress where the output is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's actions and their arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, words, declare, action in (
        ("test", "fire every valve alone in maintenance mode and judge it", _test_arguments, _test),
        ("show", "show the last test of every bar", _show_arguments, show),
        ("counters", "show cycles, rated life and changes of valves", _show_arguments, counters),
        ("reset", "set a valve's counter back after it was changed", _reset_arguments, reset),
    ):
        action_parser = actions.add_parser(name, help=words, description=words)
        add_line_argument(action_parser)
        declare(action_parser)
        action_parser.set_defaults(action=action)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the action that was named; return its exit code.

    Raises:
        ConfigError, UsageError: the line file or an argument is at fault.
        CalibrationError: stored tests or counters cannot be used.
        plc.errors.PlcError: the PLC is absent, refuses or failed.
    """
    action: Callable[[argparse.Namespace, WholeLine, Console], int] = arguments.action
    return action(arguments, load_line(arguments.line), console)


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print for a machine")


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--station", metavar="NAME", help="one bar only (default: every jet bar)")
    parser.add_argument(
        "--valves",
        metavar="LIST",
        help="these only, as printed on the bar, e.g. 0-9,17; needs --station",
    )
    parser.add_argument(
        "--shots", type=int, default=SHOTS, metavar="N", help=f"of each valve (default {SHOTS})"
    )
    parser.add_argument("--by", metavar="NAME", help="who tests (default: the login name)")
    parser.add_argument(
        "--twin", action="store_true", help="start the line's simulated PLC and test its valves"
    )
    _show_arguments(parser)


def _reset_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--station", required=True, metavar="NAME", help="of the changed valve")
    parser.add_argument(
        "--valve", type=int, required=True, metavar="N", help="its number as printed on the bar"
    )
    parser.add_argument("--by", metavar="NAME", help="who changed it (default: the login name)")
    parser.add_argument("--note", default="", metavar="TEXT", help="what was found, which part")


def _test(arguments: argparse.Namespace, whole: WholeLine, console: Console) -> int:
    line, store = whole.line, store_of(whole.line)
    requests = _requests(arguments, line)
    results: list[tuple[JetBarConfig, ValveTestResult]] = []
    clock = MonotonicClock()
    with _plc_of(whole, twin=arguments.twin):
        try:
            for bench, stations in valve_benches(line, clock):
                mine = [request for request in requests if request.index in stations]
                if mine:
                    with bench:
                        results += _tested(bench, mine, store, console)
        except KeyboardInterrupt:
            console.print("broken off: every valve closed, maintenance mode left")
            raise
    if arguments.json:
        print_json(
            {
                "line": line.line.id,
                "bars": [
                    report_document(station, result.response, result) for station, result in results
                ],
            }
        )
    else:
        for station, result in results:
            bar = result.response
            print_lines([*report_lines(station, bar), *table_lines(station, bar), _delay(result)])
    return 0


def _tested(
    bench: ValveBench, requests: Sequence[ValveTestRequest], store: ValveStore, console: Console
) -> Iterator[tuple[JetBarConfig, ValveTestResult]]:
    """Test bars of one PLC and keep what was found, bar by bar."""
    before = {bar.station: bar for bar in store.bars()}
    for request in requests:
        name = request.station.name
        result = run_valve_test(
            bench, request, before=before.get(name), progress=_progress(console, request)
        )
        path = store.keep(result.response)
        console.print(f"station {name}: kept in {path}")
        yield request.station, result


def _delay(result: ValveTestResult) -> str:
    delay = result.delay
    if delay.tau_ms <= 0.0:
        return "  the sensor's own delay could not be told and is part of the open lags"
    return (
        f"  the sensor's own delay of {delay.onset_ms:.2f} ms (time constant {delay.tau_ms:.1f} "
        "ms) is taken off"
    )


def _requests(arguments: argparse.Namespace, line: LineFile) -> list[ValveTestRequest]:
    """Return what to test, bar by bar.

    Raises:
        UsageError: a station or valve that the line does not have.
    """
    now, by = datetime.now(UTC).isoformat(timespec="seconds"), arguments.by or getpass.getuser()
    bars = [(i, s) for i, s in enumerate(line.stations) if isinstance(s, JetBarConfig)]
    if arguments.station is not None:
        bars = [(i, s) for i, s in bars if s is bar_of(line, arguments.station)]
    elif arguments.valves is not None:
        msg = "--valves needs --station: valves of several bars have the same numbers"
        raise UsageError(msg)
    if not bars:
        msg = "the line has no jet bar, so there is no valve to test"
        raise UsageError(msg)
    return [
        ValveTestRequest(
            index=index,
            station=station,
            valves=_valves(arguments.valves, station),
            shots=arguments.shots,
            by=by,
            at_utc=now,
        )
        for index, station in bars
    ]


def _valves(words: str | None, station: JetBarConfig) -> tuple[int, ...]:
    """Read `0-9,17`, printed numbers, into valve indices.

    Raises:
        UsageError: not numbers and ranges.
    """
    if words is None:
        return tuple(range(station.valve_count))
    chosen: set[int] = set()
    for part in words.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            msg = f"--valves {words}: {part!r} is no number or range; write e.g. 0-9,17"
            raise UsageError(msg)
        chosen.update(range(int(first), int(last if dash else first) + 1))
    return tuple(sorted(number - station.first_printed for number in chosen))


def _progress(console: Console, request: ValveTestRequest) -> Callable[[int, int], None]:
    def show(done: int, of: int) -> None:
        words = f"station {request.station.name}: {done} of {of} valves tested"
        if console.is_terminal:
            console.print(words, end="\r" if done < of else "\n")
        elif done % _WORDS_EVERY == 0 or done == of:
            console.print(words)

    return show


@contextmanager
def _plc_of(whole: WholeLine, *, twin: bool) -> Iterator[None]:
    """Start the line's simulated PLC for as long as the test takes, if asked to."""
    if not twin:
        yield
        return
    start_ns = MonotonicClock().now_ns()
    with ExitStack() as stack:
        for setup in setups_of(whole.line, whole.twin, start_ns, whole.path):
            stack.enter_context(launch(setup))
        yield
