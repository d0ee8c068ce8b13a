"""The sorting line controller: composition root and command line.

Exit codes: 0 done (Ctrl-C is a normal end); 1 the run failed, or a replay differs from its
recording; 2 the arguments, the line file, the bundle, the calibration, a source or a port cannot
be used; 130 interrupted before there was a result.
"""

import argparse
import json
import logging
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import Progress

from calibration import line_calibration
from calibration.clock import MonotonicClock
from calibration.line_calibration import CalibrationError, LineCalibration
from controller import replay_command
from controller.assembly import build_core
from controller.config_report import ConfigError, UsageError, problems_of
from controller.line_check import check_bundle
from controller.line_file import (
    LineFile,
    budgets,
    load_calibration,
    read_document,
    sorting_sections,
)
from controller.live_picture import LivePicture
from controller.plc_thread import PlcThread
from controller.runtime import LineFailedError, LineRuntime
from controller.session import FORMAT, SessionError, SessionHeader, SessionWriter
from controller.snapshot import LineSnapshot, OperatorRequest
from models.errors import ModelsError
from plc.modbus_link import open_link
from telemetry.config import TelemetryConfig
from telemetry.errors import TelemetryError
from telemetry.feed import SocketFeed
from telemetry.supervise import TelemetrySupervisor
from telemetry.terminal import balance_table, complain, console_on, log_to
from telemetry.watch import watch
from twin import check_command, demo_command, simulate_command
from twin.config import TwinConfig
from twin.demo_plant import PlantError
from twin.lockstep import LockstepError
from twin.operator import SimulatedOperator
from twin.simulation import DetectorChoice, as_document
from twin.soft_plc.launch import SoftPlcError
from vision.capture import CaptureThread
from vision.errors import VisionError
from vision.factory import open_camera, open_detector
from vision.ports import Camera
from vision.source import FORMS, parse_source

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
LINES = Path(__file__).resolve().parent / "deploy" / "lines"
FIRST_FRAME_S = 15.0
"""A network camera may take this long to deliver its first frame."""

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeLine:
    """A checked line file: the sections that sort, telemetry, and the simulated world."""

    path: Path
    line: LineFile
    telemetry: TelemetryConfig
    twin: TwinConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a line run is placed on, and who sits beside it.

    Attributes:
        camera: looks at the belt; opened and closed by the run.
        calibration: of that camera and belt.
        record: new folder to record a session in, or None.
        look: shown the line's condition; returns what the person beside it asks for.
        check: raises what ended the plant, where the plant is ours.
    """

    camera: Camera
    calibration: LineCalibration
    record: Path | None
    look: Callable[[LineSnapshot], tuple[OperatorRequest, ...]]
    check: Callable[[], None]


def load_line(path: Path) -> WholeLine:
    """Read and check a line file.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = read_document(path)
    folder = path.resolve().parent
    problems: list[str] = []
    telemetry = _section(TelemetryConfig, "telemetry", document, problems)
    twin = _section(TwinConfig, "twin", document, problems)
    line, more = sorting_sections(document, folder)
    problems += more
    if line is None or telemetry is None or twin is None or problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    paths = {"store_path": telemetry.store_path, "socket_path": telemetry.socket_path}
    moved = {name: (folder / place).resolve() for name, place in paths.items()}
    return WholeLine(path=path, line=line, telemetry=telemetry.model_copy(update=moved), twin=twin)


def _section(
    model: type[_Model], name: str, document: dict[str, Any], problems: list[str]
) -> _Model | None:
    """Check one section of the document; problems are added to the list."""
    content = document.get(name, {})
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems += problems_of(error, content, section=name)
        return None


def _serve(whole: WholeLine, seat: Seat, console: Console) -> LineSnapshot | None:
    """Run one line with its telemetry until Ctrl-C or the end of a recording."""
    line, clock = whole.line, MonotonicClock()
    check_bundle(line)
    plane, session_id = seat.calibration.plane, uuid.uuid4().hex[:12]
    detector = open_detector(line.detector, (plane.image_height_px, plane.image_width_px))
    supervisor = TelemetrySupervisor(config=whole.telemetry, clock=clock)
    feed = SocketFeed(socket_path=whole.telemetry.socket_path, clock=clock)
    with ExitStack() as stack:
        stack.callback(supervisor.stop)
        supervisor.start()
        stack.callback(feed.close)
        feed.open_session(
            session_id=session_id, line_id=line.line.id, station_names=line.station_names
        )
        runtime = LineRuntime(
            core=build_core(
                session_id=session_id,
                bundle_id=detector.bundle_id,
                calibration=seat.calibration,
                stations=line.stations,
                recipe=line.recipe,
                limits=line.limits,
                tracker=line.tracker,
                stall_after_ms=line.camera.stall_after_ms,
            ),
            capture=CaptureThread(
                camera=seat.camera, clock=clock, stall_after_ms=line.camera.stall_after_ms
            ),
            detector=detector,
            plc=PlcThread(link=open_link(line.plc, clock), clock=clock, cycle_ms=line.plc.cycle_ms),
            feed=feed,
            picture=LivePicture(calibration=seat.calibration, feed=feed, clock=clock),
            recorder=None
            if seat.record is None
            else _recorder(whole, seat.record, session_id, detector.bundle_id, seat.calibration),
            clock=clock,
        )
        stack.callback(runtime.stop)
        runtime.start()
        page = f"http://{whole.telemetry.host}:{supervisor.port}"

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


def _recorder(
    whole: WholeLine,
    folder: Path,
    session_id: str,
    bundle_id: str,
    calibration: LineCalibration,
    *,
    patient: bool = False,
) -> SessionWriter:
    header = SessionHeader(
        format=FORMAT,
        session_id=session_id,
        bundle_id=bundle_id,
        bundle=str(whole.line.detector.bundle.resolve()),
        line_toml=whole.path.read_text(encoding="utf-8"),
        calibration_json=line_calibration.as_text(calibration),
    )
    return SessionWriter(folder, header, patient=patient)


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
    config = parse_source(arguments.source, line.camera) if arguments.source else line.camera
    camera = open_camera(config, clock)
    with closing(camera):
        camera.open()
        height_px, width_px = camera.read(FIRST_FRAME_S).image.shape[:2]
    calibration = load_calibration(line, (height_px, width_px))
    budgets(line, calibration)
    seat = Seat(
        camera=camera,
        calibration=calibration,
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
    calibration = demo_command.calibration_of(whole.line, whole.twin)
    budgets(whole.line, calibration)
    console.print("starting the twin: belt, camera, jets and a PLC behind Modbus TCP ...")
    plant = demo_command.open_plant(whole.line, whole.twin, arguments.items, MonotonicClock())
    with closing(plant):
        person = SimulatedOperator(config=whole.twin.operator, pick_lamps=plant.pick_lamps)
        seat = Seat(
            camera=plant.camera,
            calibration=calibration,
            record=arguments.record,
            look=person.look if operator else lambda _: (),
            check=plant.check,
        )
        last = _serve(whole, seat, console)
        scores = plant.scores()
    _last_words(last, whole.line, console)
    demo_command.show(scores, console)
    return EXIT_OK


def simulate(arguments: argparse.Namespace, console: Console) -> int:
    """Run the line in virtual time and score it against the truth."""
    whole = load_line(arguments.line)
    if arguments.detector == DetectorChoice.SHIPPED:
        check_bundle(whole.line)
    with ExitStack() as recorders:

        def observer(bundle_id: str, calibration: LineCalibration) -> SessionWriter:
            writer = _recorder(
                whole, arguments.record, "simulation", bundle_id, calibration, patient=True
            )
            recorders.callback(writer.close)
            return writer

        request = simulate_command.request_from(
            arguments, whole.line, whole.twin, observer if arguments.record else None
        )
        result = simulate_command.run(request, arguments.source, console)
    if arguments.json:
        print(json.dumps(as_document(result), indent=2))
    else:
        simulate_command.show(result, whole.line, console_on(sys.stdout))
    return EXIT_OK


def replay(arguments: argparse.Namespace, console: Console) -> int:
    """Feed a recorded session through the same pipeline; every decision must be the same."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=None)
        report = replay_command.run(
            arguments.session, arguments.bundle, lambda n: progress.update(task, completed=n)
        )
    for line in report.lines(most=arguments.show):
        print(line)
    return EXIT_FAILED if report.result.differences else EXIT_OK


def check(arguments: argparse.Namespace, console: Console) -> int:
    """Check a line file, its bundle and its latency budget; start nothing."""
    whole = load_line(arguments.line)
    for words in check_command.run(whole.line, whole.twin):
        print(words)
    console.print(f"{whole.path}: in order")
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
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
    except (LineFailedError, LockstepError, PlantError) as error:
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_line.py",
        description="Controller for an optical waste-sorting line.",
        epilog="Exit codes: 0 done, 1 the run failed or a replay differs, 2 bad arguments, line "
        "file, bundle, calibration, source or a port in use, 130 interrupted before its result.",
    )
    parser.add_argument("--verbose", action="store_true", help="log details")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_run(commands)
    _add_simulate(commands)
    words = replay_command.WORDS
    parser_replay = commands.add_parser("replay", help=words, description=words)
    replay_command.add_arguments(parser_replay)
    parser_replay.set_defaults(command=replay, log_level=logging.WARNING)
    _add_check(commands)
    return parser


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = demo_command.WORDS
    parser = commands.add_parser("demo", help=words, description=words)
    _line_argument(parser, LINES / "demo.toml")
    demo_command.add_arguments(parser)
    _record_argument(parser)
    parser.set_defaults(command=demo, log_level=logging.INFO)


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "run a plant's line; it starts stopped and waits for an operator on the page"
    parser = commands.add_parser("run", help=words, description=words)
    parser.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    parser.add_argument("--source", metavar="SOURCE", help=f"another camera: {FORMS}")
    parser.add_argument(
        "--items", type=Path, metavar="DIR", help="with the twin's camera: photographs to ride"
    )
    _record_argument(parser)
    parser.set_defaults(command=run, log_level=logging.INFO)


def _add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = simulate_command.WORDS
    parser = commands.add_parser("simulate", help=words, description=words)
    _line_argument(parser, LINES / "demo.toml")
    simulate_command.add_arguments(parser)
    _record_argument(parser)
    parser.set_defaults(command=simulate, log_level=logging.WARNING)


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = check_command.WORDS
    parser = commands.add_parser("check", help=words, description=words)
    parser.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    parser.set_defaults(command=check, log_level=logging.WARNING)


def _line_argument(parser: argparse.ArgumentParser, default: Path) -> None:
    parser.add_argument(
        "line",
        type=Path,
        nargs="?",
        default=default,
        metavar="LINE.toml",
        help=f"the line file (default: {default.relative_to(LINES.parent.parent)})",
    )


def _record_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="record frames and decisions for replay"
    )


if __name__ == "__main__":
    sys.exit(main())
