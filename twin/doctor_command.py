"""The doctor command: walks the line part by part and says what keeps it from sorting."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from calibration.bench import Task
from calibration.clock import Clock, MonotonicClock
from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from controller.doctor.devices import check_belt, check_camera, check_valves
from controller.doctor.host import check_disk, check_wall_clock
from controller.doctor.link import check_plc, check_tick_clock
from controller.doctor.standing import (
    examine_bars,
    examine_budget,
    examine_bundle,
    now_utc,
)
from controller.doctor.verdict import Check, Verdict, as_document, failed, passed, warned, worst
from controller.line_check import check_one_camera
from controller.line_file import TwinCalibration
from controller.plant_bench import PlantBench
from controller.plc_assembly import open_plc_side
from controller.stations import JetBarConfig
from plc.errors import PlcError
from twin import demo_command
from twin.calibration_bench import until_measured
from twin.demo_plant import PlantError
from twin.doctor_eyes import (
    Eye,
    camera_or_absent,
    check_eye,
    examine_calibrations,
    further_eyes,
)
from twin.soft_plc.launch import SoftPlcError
from twin.whole_line import WholeLine, add_line_argument, load_line
from vision.capture import CaptureThread
from vision.config import TwinCamera
from vision.errors import VisionError

if TYPE_CHECKING:
    from vision.ports import Camera

_LISTEN_S = 2.0
_COLOURS = {Verdict.PASS: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_line_argument(parser)
    parser.add_argument(
        "--move",
        action="store_true",
        help="let the belt run a little way and fire one valve of each bar (the twin always does)",
    )
    parser.add_argument("--json", action="store_true", help="print the examination as JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Examine a line.

    Returns:
        0 where it could sort, 1 where something failed.

    Raises:
        ConfigError: the line file itself is at fault.
    """
    whole = load_line(arguments.line)
    checks = _Walk(whole, MonotonicClock(), move=arguments.move).checks()
    if arguments.json:
        sys.stdout.write(json.dumps(as_document(whole.line.line.id, checks), indent=2) + "\n")
    else:
        _show(checks, console)
    return int(worst(checks) is Verdict.FAIL)


def _show(checks: list[Check], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("", "part", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for check in checks:
        colour = _COLOURS[check.verdict]
        word = f"[{colour}]{check.verdict.value}[/{colour}]"
        table.add_row(word, check.part, check.found, check.remedy)
    console.print(table)
    verdict = worst(checks)
    console.print(f"the line is examined: [{_COLOURS[verdict]}]{verdict.value}[/]")


class _Walk:
    def __init__(self, whole: WholeLine, clock: Clock, *, move: bool) -> None:
        self._whole, self._clock = whole, clock
        self._twin = isinstance(whole.line.camera, TwinCamera)
        self._move = move or self._twin

    def checks(self) -> list[Check]:
        """Examine everything, what stands first."""
        whole, now = self._whole, now_utc()
        if self._twin:
            check_one_camera(whole.line)
        kept, calibrations = examine_calibrations(whole)
        first = calibrations[0]
        bundle, processor = examine_bundle(whole.line, self._shape(first), self._clock)
        return [
            *kept,
            *self._devices(calibrations),
            self._bars(first),
            bundle,
            processor,
            examine_budget(whole.line, first),
            check_disk(whole.telemetry.store_path.parent),
            check_wall_clock(now),
        ]

    def _bars(self, calibration: LineCalibration | None) -> Check:
        if isinstance(self._whole.line.calibration, TwinCalibration):
            return passed("bars", "the twin's bars hang where the line file says")
        return examine_bars(self._whole.line, calibration)

    def _shape(self, calibration: LineCalibration | None) -> tuple[int, int]:
        if calibration is None:
            return self._whole.twin.camera.height_px, self._whole.twin.camera.width_px
        return calibration.plane.image_height_px, calibration.plane.image_width_px

    def _devices(self, calibrations: tuple[LineCalibration | None, ...]) -> list[Check]:
        try:
            with self._opened() as (bench, more):
                return self._with(bench, more, calibrations)
        except (CalibrationError, VisionError, PlantError, SoftPlcError, PlcError) as error:
            return [failed("devices", str(error), "see the part that the message names")]

    def _with(
        self,
        bench: PlantBench,
        more: tuple[Eye, ...],
        calibrations: tuple[LineCalibration | None, ...],
    ) -> list[Check]:
        line, first = self._whole.line, calibrations[0]
        bench.listen(_LISTEN_S)
        plc = check_plc(bench.statuses, bench.link_error, timeout_ms=line.main_plc.timeout_ms)
        name = line.camera.camera_id if line.more_cameras else ""
        eyes = [*check_camera(bench.glance, first, name=name)]
        for eye, calibration in zip(more, calibrations[1:], strict=True):
            eyes += check_eye(eye, calibration, self._clock)
        if plc.verdict is Verdict.FAIL:
            todo = ("not looked at", "mend the PLC first")
            return [plc, *eyes, *(warned(p, *todo) for p in ("belt", "encoder", "valves"))]
        return [plc, *eyes, *self._moved(bench, first)]

    def _moved(self, bench: PlantBench, calibration: LineCalibration | None) -> list[Check]:
        line = self._whole.line
        if not self._move:
            todo = ("at rest, not looked at", "add --move once nobody reaches into the machine")
            clock = check_tick_clock(
                bench.tick_sd, limit_tick=line.limits.max_tick_sd, moving=False
            )
            return [clock, *(warned(part, *todo) for part in ("belt", "encoder", "valves"))]
        belt, encoder = check_belt(bench, calibration)
        bars = [(i, s) for i, s in enumerate(line.stations) if isinstance(s, JetBarConfig)]
        valves = check_valves(bench, bars)
        clock = check_tick_clock(bench.tick_sd, limit_tick=line.limits.max_tick_sd, moving=True)
        return [clock, belt, encoder, valves]

    @contextmanager
    def _opened(self) -> Iterator[tuple[PlantBench, tuple[Eye, ...]]]:
        line = self._whole.line
        with ExitStack() as stack:
            camera: Camera
            if self._twin:
                plant = demo_command.open_plant(line, self._whole.twin, None, self._clock)
                stack.enter_context(closing(plant))
                camera = plant.camera
            else:
                camera = camera_or_absent(line.camera, self._clock)
            capture = CaptureThread(
                camera=camera, clock=self._clock, stall_after_ms=line.camera.stall_after_ms
            )
            stack.callback(capture.stop)
            capture.start()
            more = further_eyes(self._whole, self._clock, stack)
            plc = open_plc_side(line, until_measured(line), self._clock)
            stack.callback(plc.stop)
            plc.start()
            bench = PlantBench(
                capture=capture,
                plc=plc,
                clock=self._clock,
                speed_mm_per_s=line.line.belt_speed_mm_per_s,
                person=_nobody,
            )
            yield bench, more


def _nobody(_: Task) -> float:
    return 0.0
