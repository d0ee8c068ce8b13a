"""Opens the bench that a calibration asks for: the twin's rig, photographs, or the plant itself."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from calibration.bench import Bench, Task
from calibration.board.spec import BoardSpec
from calibration.clock import MonotonicClock
from calibration.line_calibration import LineCalibration
from calibration.nominal import nominal_calibration
from calibration.procedures.folder_bench import FolderBench
from calibration.procedures.places import reference_place
from calibration.procedures.valves import NominalBar
from calibration.procedures.whole import LineToCalibrate, Procedure
from calibration.solve.belt import ReferencePlace
from controller.config_report import UsageError
from controller.line_file import LineFile, MeasuredCalibration, NominalCalibration, TwinCalibration
from controller.plant_bench import PlantBench
from controller.plc_assembly import open_plc_side
from controller.stations import JetBarConfig
from twin.calibrated_camera import CalibratedCamera
from twin.known_calibration import known_calibration
from twin.rig.bench import RigBench
from twin.rig.judge import judge
from twin.rig.truth import RigTruth, random_rig, rig_of
from twin.whole_line import WholeLine
from vision.capture import CaptureThread
from vision.config import TwinCamera
from vision.factory import open_camera
from vision.source import parse_source

Person = Callable[[Task], float]
"""Shown each task; returns the number asked for, 0 where none is."""
_USUAL_MM_PER_TICK = 0.5
"""Order of magnitude of belt encoders; the calibration finds the truth."""
_FROM_PHOTOGRAPHS = frozenset({Procedure.CAMERA, Procedure.BELT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A bench and what is known beside it.

    Attributes:
        bench: to calibrate on.
        truth: of the rig, None for a plant.
        photographs_only: nothing moves.
    """

    bench: Bench
    truth: RigTruth | None = None
    photographs_only: bool = False

    def possible(self, wanted: frozenset[Procedure]) -> frozenset[Procedure]:
        """Return what of the wanted can be done here.

        Raises:
            UsageError: nothing of it can.
        """
        if not self.photographs_only:
            return wanted
        possible = wanted & _FROM_PHOTOGRAPHS
        if not possible:
            msg = "from photographs only camera and belt can be calibrated"
            raise UsageError(msg)
        return possible

    def verdict(self, calibration: LineCalibration) -> str:
        """Return how far a calibration is from a rig's truth, empty on a plant."""
        return "" if self.truth is None else judge(calibration, self.truth).words


def line_to_calibrate(
    camera: CalibratedCamera, board: BoardSpec, reference: str | None
) -> LineToCalibrate:
    """Return what a line file says of one camera's line.

    Raises:
        UsageError: the reference place is no pair of numbers.
    """
    whole, line = camera.whole, camera.whole.line
    return LineToCalibrate(
        camera_id=camera.camera_id,
        belt_id=line.line.belt_id,
        belt_width_mm=_belt_width_mm(whole),
        speed_mm_per_s=line.line.belt_speed_mm_per_s,
        bars=tuple(
            NominalBar(
                name=station.name,
                index=index,
                count=station.valve_count,
                pitch_mm=station.valve_pitch_mm,
                first_x_mm=station.first_valve_x_mm,
                distance_mm=station.distance_mm,
            )
            for index, station in enumerate(line.stations)
            if isinstance(station, JetBarConfig)
        ),
        board=board,
        place=reference_place(board, camera.left_mm) if reference is None else _place(reference),
    )


def _place(text: str) -> ReferencePlace:
    try:
        x_mm, s_mm = (float(part) for part in text.split(","))
    except ValueError as error:
        msg = f"--reference {text}: give two numbers in mm, as in --reference 60,-240"
        raise UsageError(msg) from error
    return ReferencePlace(x_mm=x_mm, s_mm=s_mm)


def _belt_width_mm(whole: WholeLine) -> float:
    config = whole.line.calibration
    if isinstance(config, NominalCalibration):
        return config.belt_width_mm
    if isinstance(config, TwinCalibration):
        return whole.twin.belt.width_mm
    bars = [s for s in whole.line.stations if isinstance(s, JetBarConfig)]
    if not bars:
        return whole.twin.belt.width_mm
    # A bar spans the belt: its first valve is as far from the left edge as its last from the right.
    widest = max(bars, key=lambda bar: bar.valve_count * bar.valve_pitch_mm)
    return 2 * widest.middle_x_mm


@contextmanager
def bench_of(
    camera: CalibratedCamera, board: BoardSpec, source: str | None, seed: int | None, person: Person
) -> Iterator[Seat]:
    """Open a bench and close it at the end.

    Args:
        camera: of the line.
        board: that the technician says it is.
        source: as on the command line.
        seed: of a random rig, with the twin.
        person: shown what a plant's procedures ask; the twin's rig has a person of its own.

    Raises:
        CalibrationError: the photographs cannot be used.
        vision.errors.VisionError: the camera cannot be opened.
    """
    whole, line = camera.whole, camera.whole.line
    twin = source == "twin" or (source is None and isinstance(line.camera, TwinCamera))
    if twin:
        truth = _truth(whole, camera.index) if seed is None else random_rig(seed)
        bench = RigBench(truth, board, seed=whole.twin.seed if seed is None else seed)
        yield Seat(bench=bench, truth=truth)
    elif seed is not None:
        msg = "--seed draws a rig of the twin's: add --source twin"
        raise UsageError(msg)
    elif source is not None and Path(source).is_dir():
        yield Seat(bench=FolderBench(Path(source)), photographs_only=True)
    else:
        with _plant(line, source, person) as plant:
            yield Seat(bench=plant)


def beside(seat: Seat, camera: CalibratedCamera) -> Seat | None:
    """Return the twin's other camera over what lies before a seat now; None for a plant."""
    if not isinstance(seat.bench, RigBench):
        return None
    truth = _truth(camera.whole, camera.index)
    bench = seat.bench.beside(truth, seed=camera.whole.twin.seed + camera.index)
    return Seat(bench=bench, truth=truth)


def _truth(whole: WholeLine, index: int) -> RigTruth:
    line = whole.line
    config = line.calibration
    scale = None if isinstance(config, MeasuredCalibration) else config.mm_per_tick
    if scale is None:
        if not isinstance(line.camera, TwinCamera):
            msg = "this line is measured, the twin is not it: add --seed N for a rig of the twin's"
            raise UsageError(msg)
        scale = known_calibration(line, whole.twin).travel.mm_per_tick
    bars = [s for s in whole.line.stations if isinstance(s, JetBarConfig)]
    return rig_of(whole.twin, bars, mm_per_tick=scale, index=index)


@contextmanager
def _plant(line: LineFile, source: str | None, person: Person) -> Iterator[PlantBench]:
    clock = MonotonicClock()
    camera = open_camera(parse_source(source, line.camera) if source else line.camera, clock)
    with ExitStack() as stack:
        capture = CaptureThread(
            camera=camera, clock=clock, stall_after_ms=line.camera.stall_after_ms
        )
        stack.callback(capture.stop)
        capture.start()
        plc = open_plc_side(line, until_measured(line), clock)
        stack.callback(plc.stop)
        plc.start()
        yield PlantBench(
            capture=capture,
            plc=plc,
            clock=clock,
            speed_mm_per_s=line.line.belt_speed_mm_per_s,
            person=person,
        )


def until_measured(line: LineFile) -> LineCalibration:
    """Return something to open the PLC by: only limits of pulses hang on its scale."""
    config = line.calibration
    return nominal_calibration(
        camera_id=line.camera.camera_id,
        belt_id=line.line.belt_id,
        image_width_px=1000,
        image_height_px=500,
        belt_width_mm=1000.0,
        mm_per_tick=_USUAL_MM_PER_TICK
        if isinstance(config, MeasuredCalibration)
        else config.mm_per_tick,
    )
