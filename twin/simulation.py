"""Builds a lockstep run from a line file and puts its result into words and JSON."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from calibration import line_calibration
from calibration.line_calibration import LineCalibration
from controller.line_calibrations import load_calibration
from controller.line_file import (
    LineFile,
    MeasuredCalibration,
    NominalCalibration,
    TwinCalibration,
)
from twin.assembly import PipelineMaker, SimulatedLine, recording_run, twin_run
from twin.bins import FractionScore
from twin.catalogue import open_catalogue
from twin.config import TwinConfig
from twin.known_calibration import known_calibration
from twin.lockstep import SimulationResult, StepObserver, run_lockstep
from twin.viewpoint import true_calibration
from vision.factory import open_detector
from vision.ports import Camera, Detector
from vision.types import Fraction

FIRST_FRAME_S = 10.0
"""A network camera may take this long to deliver its first frame."""
FIGURES = tuple(field.name for field in fields(FractionScore))


class DetectorChoice(StrEnum):
    """Whose eyes a simulation looks with."""

    SHIPPED = "shipped"
    """The line's own bundle on rendered frames."""
    PERFECT = "perfect"
    """The truth, nothing drawn: shows what the rest of the line loses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationRequest:
    """What to simulate.

    Attributes:
        line: the line file's sorting sections.
        twin: the world.
        items: how many items to feed.
        photographs: folder to cut items from, None for the rendered library.
        detector: whose eyes to look with, for the twin.
        observer: watches every step, or None.
        pipeline: makes another pipeline than the line's own, for comparison.
        believed: calibration that the line works with; None for the one that its file names.
    """

    line: LineFile
    twin: TwinConfig
    items: int
    photographs: Path | None
    detector: DetectorChoice
    observer: Callable[[str, LineCalibration], StepObserver] | None
    pipeline: PipelineMaker | None = None
    believed: LineCalibration | None = None


def simulate_twin(request: SimulationRequest, progress: Callable[[int], None]) -> SimulationResult:
    """Run the line on the twin's belt.

    Raises:
        models.errors.ItemLibraryError: no usable pictures of items.
        vision.errors.VisionError: the bundle cannot be used.
        LockstepError: the line came to a stand.
        CalibrationError: the line's kept calibration cannot be used.
    """
    line, twin = request.line, request.twin
    mm_per_tick = _mm_per_tick(line)
    believed = request.believed
    if believed is None and isinstance(line.calibration, MeasuredCalibration):
        believed = known_calibration(line, twin)
    calibration = believed or true_calibration(twin, mm_per_tick=mm_per_tick)
    detector: Detector | None = None
    if request.detector is DetectorChoice.SHIPPED:
        shape = (twin.camera.height_px, twin.camera.width_px)
        detector = open_detector(line.detector, shape, calibration.light)
    setup = twin_run(
        simulated_line(line),
        twin,
        mm_per_tick=mm_per_tick,
        catalogue=open_catalogue(request.photographs),
        items=request.items,
        detector=detector,
        observer=_observer(request, detector, calibration),
        pipeline=request.pipeline,
        believed=believed,
    )
    return run_lockstep(setup, progress)


def simulate_camera(
    request: SimulationRequest, camera: Camera, progress: Callable[[int], None]
) -> SimulationResult:
    """Run the line on a camera's or a recording's frames; the truth is not known.

    A line whose calibration is the twin's sees the recording as if the belt filled the image.

    Args:
        request: what to simulate; `items` and `detector` mean nothing here.
        camera: not yet opened; closed at the end.
        progress: told the number of frames done.

    Raises:
        vision.errors.VisionError: the frames cannot be read or the bundle cannot be used.
        calibration.errors.CalibrationError: it does not belong to these frames.
    """
    line, twin = request.line, request.twin
    with closing(camera):
        camera.open()
        first = camera.read(FIRST_FRAME_S)
        camera.close()
        camera.open()
        shape = (first.image.shape[0], first.image.shape[1])
        calibration = load_calibration(_with_own_calibration(line, twin), shape)
        detector = open_detector(line.detector, shape, calibration.light)
        setup = recording_run(
            simulated_line(line),
            twin,
            calibration=calibration,
            camera=camera,
            detector=detector,
            observer=_observer(request, detector, calibration),
        )
        return run_lockstep(setup, progress)


def simulated_line(line: LineFile) -> SimulatedLine:
    """Return the sections of a line file that a lockstep run takes."""
    return SimulatedLine(
        session_id="simulation",
        stations=line.stations,
        recipe=line.recipe,
        limits=line.limits,
        tracker=line.tracker,
        stall_after_ms=line.camera.stall_after_ms,
        plc=line.queue_plc,
        valves=line.valves,
        downstream_camera=line.downstream_camera is not None,
    )


def _observer(
    request: SimulationRequest, detector: Detector | None, calibration: LineCalibration
) -> StepObserver | None:
    if request.observer is None or detector is None:
        return None
    return request.observer(detector.bundle_id, calibration)


def _mm_per_tick(line: LineFile) -> float:
    config = line.calibration
    if isinstance(config, MeasuredCalibration):
        return line_calibration.load(
            config.path, camera_id=line.camera.camera_id, belt_id=line.line.belt_id
        ).travel.mm_per_tick
    return config.mm_per_tick


def _with_own_calibration(line: LineFile, twin: TwinConfig) -> LineFile:
    config = line.calibration
    if not isinstance(config, TwinCalibration):
        return line
    nominal = NominalCalibration(
        kind="nominal", belt_width_mm=twin.belt.width_mm, mm_per_tick=config.mm_per_tick
    )
    return line.model_copy(update={"calibration": nominal})


def as_document(result: SimulationResult) -> dict[str, Any]:
    """Return the result as `simulate --json` prints it; shares are None where unknown."""
    totals = result.totals
    unknown = dict.fromkeys(FIGURES)
    return {
        "items": result.items,
        "balance": {
            "seen": totals.seen,
            "ejected": sum(totals.ejected),
            "passed": totals.passed,
            "late": totals.late,
            "blocked": totals.blocked,
            "removed": totals.removed,
        },
        "fractions": {fraction.value: asdict(score) for fraction, score in result.fractions}
        if result.fractions is not None
        else {fraction.value: dict(unknown) for fraction in Fraction},
        "ejected_by_station": list(totals.ejected),
        "lamps": result.lamps,
        "lamps_jetted": result.lamps_jetted,
        "belt_s": result.belt_s,
        "wall_s": result.wall_s,
    }
