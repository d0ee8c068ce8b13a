"""The sorting line controller: composition root and command line.

Exit codes: 0 done (Ctrl-C is a normal end); 1 the run failed, or a replay differs from its
recording; 2 the arguments, the line file, the bundle, the calibration, a source or a port cannot
be used.
"""

import argparse
import json
import logging
import signal
import sys
import threading
import tomllib
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.live import Live
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from calibration import line_calibration
from calibration.clock import MonotonicClock
from calibration.line_calibration import CalibrationError, LineCalibration
from calibration.units import NS_PER_S
from controller.assembly import build_core
from controller.config_report import ConfigError, problems_of
from controller.line_file import (
    LineFile,
    TwinCalibration,
    budgets,
    load_calibration,
    read_document,
    sorting_sections,
)
from controller.live_picture import LivePicture
from controller.pipeline import SortingPipeline
from controller.plc_thread import PlcThread
from controller.replay import replay
from controller.runtime import LineRuntime
from controller.session import FORMAT, SessionError, SessionHeader, SessionWriter, read_header
from controller.snapshot import LineSnapshot, OperatorRequest
from models.errors import ModelsError
from plc.config import TcpTransport
from plc.modbus_link import open_link
from telemetry.config import TelemetryConfig
from telemetry.errors import TelemetryError
from telemetry.feed import SocketFeed
from telemetry.supervise import TelemetrySupervisor
from telemetry.terminal import balance_table, live_view, one_line
from twin.config import TwinConfig
from twin.demo_plant import DemoPlant, PlantError
from twin.lockstep import LockstepError, SimulationResult, StepObserver
from twin.operator import SimulatedOperator
from twin.score_table import score_table
from twin.simulation import (
    DetectorChoice,
    SimulationRequest,
    as_document,
    simulate_camera,
    simulate_twin,
)
from twin.soft_plc.launch import SoftPlcError
from twin.viewpoint import true_calibration
from vision.capture import CaptureThread
from vision.errors import VisionError
from vision.factory import open_camera, open_detector
from vision.ports import Camera
from vision.source import FORMS, parse_source

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
LINES = Path(__file__).resolve().parent / "deploy" / "lines"
DRAW_S = 0.25
"""Between two redraws of the terminal."""
WORDS_S = 5.0
"""Between two lines of output where there is no terminal to redraw."""
FIRST_FRAME_S = 15.0
"""A network camera may take this long to deliver its first frame."""

_Model = TypeVar("_Model", bound=BaseModel)


class UsageError(Exception):
    """The arguments do not fit together; the message says what to change."""


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
    """Take one section out of the document and check it; problems are added to the list."""
    content = document.pop(name, {})
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems += [f"{name}.{problem}" for problem in problems_of(error, content)]
        return None


def _serve(whole: WholeLine, seat: Seat, console: Console) -> LineSnapshot | None:
    """Run one line with its telemetry until Ctrl-C or the end of a recording."""
    line, clock = whole.line, MonotonicClock()
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
        _watch(runtime, seat, line.station_names, page, console)
    return runtime.snapshot


def _watch(
    runtime: LineRuntime, seat: Seat, names: tuple[str, ...], page: str, console: Console
) -> None:
    """Show the line until it ends, a part of it fails, or somebody presses Ctrl-C."""
    stopping, clock = threading.Event(), MonotonicClock()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    live = Live(console=console, auto_refresh=False, transient=True)
    said_ns = 0
    with live if console.is_terminal else nullcontext():
        while not runtime.ended and not clock.wait(stopping, DRAW_S):
            runtime.check()
            seat.check()
            snapshot = runtime.snapshot
            if snapshot is None:
                continue
            for request in seat.look(snapshot):
                runtime.request(request)
            if console.is_terminal:
                live.update(live_view(snapshot, station_names=names, page=page), refresh=True)
            elif clock.now_ns() - said_ns > WORDS_S * NS_PER_S:
                said_ns = clock.now_ns()
                console.print(one_line(snapshot, page=page))


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
    whole = load_line(arguments.line)
    line, transport, scale = whole.line, whole.line.plc.transport, whole.line.calibration
    if not isinstance(transport, TcpTransport) or not isinstance(scale, TwinCalibration):
        msg = 'the demonstration needs plc.transport.kind "tcp" and calibration.kind "twin"'
        raise UsageError(msg)
    calibration = true_calibration(whole.twin, mm_per_tick=scale.mm_per_tick)
    budgets(line, calibration)
    console.print("starting the twin: belt, camera, jets and a PLC behind Modbus TCP ...")
    plant = DemoPlant(
        config=whole.twin,
        stations=line.stations,
        recipe=line.recipe,
        mm_per_tick=scale.mm_per_tick,
        heartbeat_timeout_ms=line.plc.heartbeat_timeout_ms,
        transport=transport,
        unit_id=line.plc.unit_id,
        camera_id=line.camera.camera_id,
        items=arguments.items,
        clock=MonotonicClock(),
    )
    with closing(plant):
        operator = SimulatedOperator(config=whole.twin.operator, pick_lamps=plant.pick_lamps)
        seat = Seat(
            camera=plant.camera,
            calibration=calibration,
            record=arguments.record,
            look=operator.look if arguments.operator else lambda _: (),
            check=plant.check,
        )
        last = _serve(whole, seat, console)
        scores = plant.scores()
    _last_words(last, line, console)
    console.print(score_table(scores.fractions, title="what the bins truly hold"))
    console.print(f"lamps: {scores.lamps} left the belt, {scores.lamps_jetted} struck by a jet")
    return EXIT_OK


def simulate(arguments: argparse.Namespace, console: Console) -> int:
    """Run the line in virtual time and score it against the truth."""
    whole = load_line(arguments.line)
    count, photographs = _items(arguments.items)
    try:
        twin = whole.twin.with_changes(
            seed=arguments.seed,
            occupancy=arguments.occupancy,
            belt_speed_mm_per_s=arguments.belt_speed and arguments.belt_speed * 1000.0,
        )
    except ValidationError as error:
        raise ConfigError([f"twin.{problem}" for problem in problems_of(error, {})]) from error
    recorders: list[SessionWriter] = []

    def observer(bundle_id: str, calibration: LineCalibration) -> StepObserver:
        recorders.append(
            _recorder(whole, arguments.record, "simulation", bundle_id, calibration, patient=True)
        )
        return recorders[0]

    request = SimulationRequest(
        line=whole.line,
        twin=twin,
        items=count,
        photographs=photographs,
        detector=DetectorChoice(arguments.detector),
        observer=observer if arguments.record else None,
    )
    result = _simulated(request, arguments.source, console)
    for recorder in recorders:
        recorder.close()
    if arguments.json:
        print(json.dumps(as_document(result), indent=2))
    else:
        _show_simulation(result, whole.line)
    return EXIT_OK


def _simulated(
    request: SimulationRequest, source: str | None, console: Console
) -> SimulationResult:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        if source is None or source == "twin":
            task = progress.add_task("items", total=request.items)
            return simulate_twin(request, lambda done: progress.update(task, completed=done))
        config = parse_source(source, request.line.camera)
        camera = open_camera(config, MonotonicClock(), paced=False)
        task = progress.add_task("frames", total=None)
        return simulate_camera(request, camera, lambda done: progress.update(task, completed=done))


def _items(words: Sequence[str]) -> tuple[int, Path | None]:
    """Tell `--items 500` (how many) from `--items DIR` (what they look like)."""
    count, folder = 1000, None
    for word in words:
        if word.isdecimal() and int(word) > 0:
            count = int(word)
        elif Path(word).is_dir():
            folder = Path(word)
        else:
            msg = f"--items {word}: neither a positive number nor a folder of photographs"
            raise UsageError(msg)
    return count, folder


def _show_simulation(result: SimulationResult, line: LineFile) -> None:
    out = Console()
    if result.fractions is not None:
        title = f"{result.items} items in {result.belt_s:.0f} s of belt time"
        out.print(score_table(result.fractions, title=title))
        out.print(f"lamps: {result.lamps} fed, {result.lamps_jetted} struck by a jet")
    out.print(balance_table(result.totals, line.station_names))
    out.print(f"{result.belt_s / result.wall_s:.1f} x real time")


def run_replay(arguments: argparse.Namespace, console: Console) -> int:
    """Feed a recorded session through the same pipeline; every decision must be the same."""
    header = read_header(arguments.session)
    document = tomllib.loads(header.line_toml)
    document.pop("telemetry", None)
    document.pop("twin", None)
    line, problems = sorting_sections(document, arguments.session)
    if line is None:
        raise ConfigError([f"{arguments.session}: {problem}" for problem in problems])
    calibration = line_calibration.from_text(header.calibration_json, str(arguments.session))
    bundle = arguments.bundle or Path(header.bundle)
    detector = open_detector(
        line.detector.model_copy(update={"bundle": bundle}),
        (calibration.plane.image_height_px, calibration.plane.image_width_px),
    )
    if detector.bundle_id != header.bundle_id:
        console.print(f"recorded with {header.bundle_id}, replayed with {detector.bundle_id}")
    pipeline = SortingPipeline(
        calibration=calibration,
        stations=line.stations,
        recipe=line.recipe,
        limits=line.limits,
        tracker=line.tracker,
    )
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("frames", total=None)
        result = replay(
            arguments.session, detector, pipeline, lambda n: progress.update(task, completed=n)
        )
    print(
        f"{result.frames} frames, {result.decisions} decisions, {result.commands} pulses: "
        + (f"{len(result.differences)} frames differ" if result.differences else "identical")
    )
    for difference in result.differences[: arguments.show]:
        print(f"frame {difference.recorded.stamp.seq}")
        print(f"  recorded {difference.recorded.decisions} {difference.recorded.commands}")
        print(f"  replayed {difference.replayed.decisions} {difference.replayed.commands}")
    return EXIT_FAILED if result.differences else EXIT_OK


def check(arguments: argparse.Namespace, console: Console) -> int:
    """Check a line file, its bundle and its latency budget; start nothing."""
    whole = load_line(arguments.line)
    line = whole.line
    if isinstance(line.calibration, TwinCalibration):
        calibration = true_calibration(whole.twin, mm_per_tick=line.calibration.mm_per_tick)
        shape = (calibration.plane.image_height_px, calibration.plane.image_width_px)
        open_detector(line.detector, shape)
        for budget in budgets(line, calibration):
            print(f"{budget.arithmetic} to spare")
    console.print(f"{whole.path}: in order")
    return EXIT_OK


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
    console = Console(stderr=True)
    level = logging.DEBUG if arguments.verbose else logging.INFO
    handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S")
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
    for chatty in ("pymodbus", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    try:
        code: int = arguments.command(arguments, console)
    except ConfigError as error:
        for problem in error.problems:
            console.print(f"[red]error[/red] {problem}", highlight=False)
        return EXIT_USAGE
    except _CANNOT_START as error:
        console.print(f"[red]error[/red] {error}", highlight=False)
        return EXIT_USAGE
    except (LockstepError, PlantError) as error:
        console.print(f"[red]failed[/red] {error}", highlight=False)
        return EXIT_FAILED
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
        "file, bundle, calibration, source or a port in use.",
    )
    parser.add_argument("--verbose", action="store_true", help="log details")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_run(commands)
    _add_simulate(commands)
    _add_replay(commands)
    _add_check(commands)
    return parser


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "start the demonstration line: twin belt, camera and PLC; page on port 8080"
    parser = commands.add_parser("demo", help=words, description=words)
    _line_argument(parser, LINES / "demo.toml")
    parser.add_argument(
        "--items", type=Path, metavar="DIR", help="let cutouts of these photographs ride the belt"
    )
    parser.add_argument(
        "--operator",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a simulated person starts the line and picks lamps (default); with --no-operator it "
        "waits for yours on the page",
    )
    _record_argument(parser)
    parser.set_defaults(command=demo)


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "run a plant's line; it starts stopped and waits for an operator on the page"
    parser = commands.add_parser("run", help=words, description=words)
    parser.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    parser.add_argument("--source", metavar="SOURCE", help=f"another camera: {FORMS}")
    _record_argument(parser)
    parser.set_defaults(command=run)


def _add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "run the line in virtual time and print purity, recovery and by-catch"
    parser = commands.add_parser("simulate", help=words, description=words)
    _line_argument(parser, LINES / "demo.toml")
    parser.add_argument(
        "--items",
        action="append",
        default=[],
        metavar="N|DIR",
        help="how many items (default 1000), or a folder of photographs to cut them from, laid "
        "out as DIR/<fraction>/*.jpg; may be given twice, once for each",
    )
    parser.add_argument("--seed", type=int, metavar="S", help="another seed: other items")
    parser.add_argument(
        "--occupancy", type=float, metavar="SHARE", help="belt area covered, e.g. 0.1"
    )
    parser.add_argument("--belt-speed", type=float, metavar="M_PER_S", help="belt speed, e.g. 2.8")
    parser.add_argument(
        "--detector",
        choices=[choice.value for choice in DetectorChoice],
        default=DetectorChoice.SHIPPED.value,
        help="shipped: the line's bundle on rendered frames; perfect: the truth",
    )
    parser.add_argument(
        "--source", metavar="SOURCE", help=f"instead of the twin's belt: {FORMS}; no truth then"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    _record_argument(parser)
    parser.set_defaults(command=simulate)


def _add_replay(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "feed a recorded session through the same pipeline and compare every decision"
    parser = commands.add_parser("replay", help=words, description=words)
    parser.add_argument("session", type=Path, metavar="SESSION", help="folder made by --record")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="name items with another bundle")
    parser.add_argument("--show", type=int, default=5, metavar="N", help="differences to print")
    parser.set_defaults(command=run_replay)


def _add_check(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    words = "check a line file, its bundle and its latency budget; start nothing"
    parser = commands.add_parser("check", help=words, description=words)
    parser.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
    parser.set_defaults(command=check)


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
