"""The sorting line controller: composition root and command line.

Exit codes: 0 done (Ctrl-C is a normal end); 1 the run failed, or a replay differs from its
recording; 2 the arguments, the line file, the bundle, the calibration, a source or a port cannot
be used; 130 interrupted before there was a result.
"""

import argparse
import importlib
import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from calibration.clock import MonotonicClock
from calibration.errors import CalibrationError
from controller.assembly import build_core
from controller.belt_eye import BeltEye
from controller.config_report import ConfigError, UsageError
from controller.line_check import check_bundle, check_one_camera
from controller.line_detectors import open_detectors
from controller.line_file import LineFile, budgets
from controller.live_picture import LivePicture
from controller.plant_cameras import LineCameras, cameras_of
from controller.plc_assembly import open_plc_side
from controller.runtime import LineFailedError, LineRuntime
from controller.session import SessionError
from controller.snapshot import LineSnapshot, OperatorRequest
from controller.valve_records import ValveRecords
from models.errors import ModelsError
from plc.errors import PlcError
from telemetry.errors import TelemetryError
from telemetry.feed import SocketFeed
from telemetry.supervise import TelemetrySupervisor
from telemetry.terminal import balance_table, complain, console_on, log_to
from telemetry.watch import watch
from twin import demo_command
from twin.demo_plant import PlantError
from twin.drift_reference import watches_of
from twin.known_calibration import known_calibration
from twin.lockstep import LockstepError
from twin.operator import SimulatedOperator
from twin.soft_plc.launch import SoftPlcError
from twin.whole_line import (
    LINES,
    WholeLine,
    add_line_argument,
    add_record_argument,
    load_line,
    open_recorder,
)
from vision.errors import VisionError
from vision.fusion import whole_view
from vision.source import FORMS

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

PACKAGE_COMMANDS = {
    "simulate": (
        "run the line in virtual time and print purity, recovery and by-catch",
        "twin.simulate_command",
    ),
    "advise": (
        "print what recovery a purity costs at a load, and how much feed it bears",
        "twin.advise_command",
    ),
    "compare": (
        "run two recipes on the same items and print both in one table",
        "twin.compare_command",
    ),
    "replay": (
        "feed a recorded session through the same pipeline and compare every decision",
        "telemetry.replay_command",
    ),
    "report": (
        "write and file a period's figures, or a year's worksheet, as JSON, CSV, XLSX and PDF",
        "telemetry.reports.report_command",
    ),
    "ledger": (
        "check the plant's ledger for tampering, look into it, enter tickets, correct entries",
        "telemetry.ledger.ledger_command",
    ),
    "check": (
        "check a line file, its bundle and its latency budget; start nothing",
        "twin.check_command",
    ),
    "valves": (
        "test valves in maintenance mode, show their wear, log a changed one",
        "twin.valves_command",
    ),
    "calibrate": (
        "calibrate a line, or look after its kept calibrations; prints the board",
        "twin.calibrate_command",
    ),
    "doctor": (
        "examine a line part by part and say what keeps it from sorting",
        "twin.doctor_command",
    ),
    "estimates": (
        "plan an audit; learn a mass model from weighed samples",
        "telemetry.estimates_command",
    ),
    "delivery": (
        "list reports on their way to their receivers; revive those that were refused",
        "telemetry.delivery_command",
    ),
    "database": (
        "look after the plant's database: schema, sending, retention, export",
        "telemetry.database_command",
    ),
    "users": (
        "make users of a line's page, give them passwords and roles, read the audit log",
        "telemetry.hmi.users_command",
    ),
    "cameras": (
        "find what cameras are connected, and print their sections",
        "vision.cameras_command",
    ),
}
"""Commands that a package offers whole: name to summary and module. The module has
`add_arguments(parser)` and `run(arguments, console) -> int`; it is imported when asked for, so that
what only one command needs never loads with the line."""
_RUN_WORDS = "run a plant's line; it starts stopped and waits for an operator on the page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a line run is placed on, and who sits beside it.

    Attributes:
        eyes: look at the belt; opened and closed by the run.
        record: new folder to record a session in, or None.
        look: shown the line's condition; returns what the person beside it asks for.
        check: raises what ended the plant, where the plant is ours.
    """

    eyes: LineCameras
    record: Path | None
    look: Callable[[LineSnapshot], tuple[OperatorRequest, ...]]
    check: Callable[[], None]


def _serve(whole: WholeLine, seat: Seat, console: Console) -> LineSnapshot | None:
    """Run one line with its telemetry until Ctrl-C or the end of a recording."""
    line, clock = whole.line, MonotonicClock()
    check_bundle(line)
    if line.more_cameras and seat.record is not None:
        msg = "--record: a session holds the frames of one camera; record without [[cameras]]"
        raise UsageError(msg)
    valves = ValveRecords(line)
    calibration, *more = seat.eyes.calibrations
    calibration, session_id = valves.into(calibration), uuid.uuid4().hex[:12]
    detectors = open_detectors(line, (calibration, *more), clock)
    supervisor = TelemetrySupervisor(config=whole.telemetry, clock=clock)
    feed = SocketFeed(socket_path=whole.telemetry.socket_path, clock=clock)
    with ExitStack() as stack:
        stack.callback(supervisor.stop)
        supervisor.start()
        stack.callback(feed.close)
        feed.open_session(
            session_id=session_id, line_id=line.line.id, station_names=line.station_names
        )
        core = build_core(
            session_id=session_id,
            bundle_id=detectors.bundle_id,
            calibration=calibration,
            more_cameras=more,
            stations=line.stations,
            recipe=line.recipe,
            limits=line.limits,
            tracker=line.tracker.model_copy(update={"notice_knocks": not seat.eyes.recorded}),
            stall_after_ms=max(camera.stall_after_ms for camera in line.cameras),
            trigger_lead_ms=line.camera.exposure_ms / 2,
            valves=line.valves,
            worn=valves.worn(),
            downstream=seat.eyes.downstream and seat.eyes.downstream[1],
        )
        stack.callback(valves.keep(core.valve_counts, clock))
        runtime = LineRuntime(
            core=core,
            cameras=seat.eyes.row(line, clock),
            detectors=detectors,
            plc=open_plc_side(line, calibration, clock),
            feed=feed,
            picture=LivePicture(calibration=calibration, feed=feed, clock=clock),
            recorder=None
            if seat.record is None
            else open_recorder(whole, seat.record, session_id, detectors.bundle_id, calibration),
            clock=clock,
            belt_eye=None if seat.eyes.recorded else BeltEye(calibration),
            drift=None if seat.eyes.recorded else watches_of(whole, seat.eyes.calibrations, clock),
            downstream=seat.eyes.behind(line, clock),
        )
        stack.callback(runtime.stop)
        runtime.start()
        page = f"{whole.telemetry.scheme}://{whole.telemetry.host}:{supervisor.port}"

        def look(snapshot: LineSnapshot) -> None:
            seat.check()
            for request in seat.look(snapshot):
                runtime.request(request)

        watch(
            runtime,
            look=look,
            names=line.station_names,
            page=page,
            console=console,
            clock=clock,
        )
    return runtime.snapshot


def _last_words(snapshot: LineSnapshot | None, line: LineFile, console: Console) -> None:
    if snapshot is not None:
        console.print(f"{line.line.id}: {snapshot.frames} frames, valves closed, line stopped")
        console.print(balance_table(snapshot.totals, line.station_names))


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run a plant's line until Ctrl-C; it starts STOPPED and waits for an operator."""
    whole = load_line(arguments.line)
    line, clock = whole.line, MonotonicClock()
    if arguments.source == "twin":
        return _on_twin(whole, arguments, console, operator=False)
    if arguments.items is not None:
        msg = "--items goes with the twin's camera only: add --source twin"
        raise UsageError(msg)
    eyes = cameras_of(line, arguments.source, clock)
    budgets(line, whole_view(eyes.calibrations))
    seat = Seat(
        eyes=eyes,
        record=arguments.record,
        look=lambda _: (),
        check=lambda: None,
    )
    _last_words(_serve(whole, seat, console), line, console)
    return EXIT_OK


def demo(arguments: argparse.Namespace, console: Console) -> int:
    """Run the demonstration line: everything real but the plant, which is the twin."""
    return _on_twin(load_line(arguments.line), arguments, console, operator=arguments.operator)


def _on_twin(
    whole: WholeLine, arguments: argparse.Namespace, console: Console, *, operator: bool
) -> int:
    """Run a line on the twin's belt, camera and PLC, with or without a simulated person."""
    check_one_camera(whole.line)
    calibration = known_calibration(whole.line, whole.twin)
    budgets(whole.line, calibration)
    console.print("starting the twin: belt, camera, jets and a PLC behind Modbus TCP ...")
    plant = demo_command.open_plant(whole.line, whole.twin, arguments.items, MonotonicClock())
    with closing(plant):
        person = SimulatedOperator(config=whole.twin.operator, pick_lamps=plant.pick_lamps)
        seat = Seat(
            eyes=plant.eyes(calibration),
            record=arguments.record,
            look=person.look if operator else lambda _: (),
            check=plant.check,
        )
        last = _serve(whole, seat, console)
        scores = plant.scores()
    _last_words(last, whole.line, console)
    demo_command.show(scores, console)
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    arguments = _parser(words).parse_args(words)
    console = console_on(sys.stderr)
    log_to(console, logging.DEBUG if arguments.verbose else arguments.log_level)
    try:
        code: int = arguments.command(arguments, console)
    except ConfigError as error:
        for problem in error.problems:
            complain(console, "error", problem)
        return EXIT_USAGE
    except _CANNOT_START as error:
        complain(console, "error", str(error))
        return EXIT_USAGE
    except _FAILED as error:
        complain(console, "failed", str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        console.print("interrupted")
        return EXIT_INTERRUPTED
    return code


_CANNOT_START = (
    UsageError,
    CalibrationError,
    ModelsError,
    SessionError,
    SoftPlcError,
    TelemetryError,
    VisionError,
)
_FAILED = (LineFailedError, LockstepError, PlantError, PlcError)


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser; a package's command is imported only if it is among the words."""
    parser = argparse.ArgumentParser(
        prog="run_line.py",
        description="Controller for an optical waste-sorting line.",
        epilog="Exit codes: 0 done, 1 the run failed or a replay differs, 2 bad arguments, line "
        "file, bundle, calibration, source or a port in use, 130 interrupted before its result.",
    )
    parser.add_argument("--verbose", action="store_true", help="log details")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (summary, add_arguments, run_it) in {
        "demo": (demo_command.WORDS, _demo_arguments, demo),
        "run": (_RUN_WORDS, _run_arguments, run),
    }.items():
        command = commands.add_parser(name, help=summary, description=summary)
        add_arguments(command)
        command.set_defaults(command=run_it, log_level=logging.INFO)
    for name, (summary, module_name) in PACKAGE_COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name in words:
            module = importlib.import_module(module_name)
            module.add_arguments(command)
            command.set_defaults(command=module.run, log_level=logging.WARNING)
    return parser


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    add_line_argument(parser, LINES / "demo.toml")
    demo_command.add_arguments(parser)
    add_record_argument(parser)


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    add_line_argument(parser)
    parser.add_argument("--source", metavar="SOURCE", help=f"another camera: {FORMS}")
    parser.add_argument(
        "--items", type=Path, metavar="DIR", help="with the twin's camera: photographs to ride"
    )
    add_record_argument(parser)


if __name__ == "__main__":
    sys.exit(main())
