"""Puts a lockstep run together: the twin's belt under a line, or a recording through it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_S, MonotonicNs
from calibration.valve_response import BarResponse
from controller.assembly import build_core
from controller.config import LimitsConfig, RecipeConfig
from controller.ports import LinePipeline
from controller.stations import StationConfig
from controller.valves_config import ValvesConfig
from plc.config import PlcConfig
from twin.config import TwinConfig
from twin.downstream_sight import (
    DownstreamSight,
    RenderedDownstreamSight,
    TrueDownstreamSight,
)
from twin.items import ItemCatalogue
from twin.lockstep import LockstepSetup, StepObserver
from twin.lockstep_plant import LockstepPlant
from twin.operator import SimulatedOperator
from twin.optics import Renderer
from twin.perfect_detector import PerfectDetector
from twin.product_samples import ProductSampler
from twin.sights import RecordedSight, RenderedSight, Sight, TrueSight
from twin.viewpoint import downstream_calibration, true_calibration
from twin.world import World
from vision.ports import Camera, Detector
from vision.tracker_config import TrackerConfig

START_NS = MonotonicNs(NS_PER_S)
"""Virtual time zero; any instant would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedLine:
    """The line's own settings, as its configuration file gives them.

    Attributes:
        session_id: for the records.
        stations: jet bars in order downstream.
        recipe: what to do with which fraction.
        limits: freshness and trust limits.
        tracker: tracker settings.
        stall_after_ms: camera silence after which the line is held.
        plc: the PLC section; cycle and heartbeat timeout are used, the transport is not.
        compute_latency_ms: from a frame's exposure to its pulses at the PLC link.
        valves: what valves are rated and judged by.
        bars: what valve tests found out about the bars.
        downstream_camera: a camera looks behind the bars, at `valves.downstream_mm`.
    """

    session_id: str
    stations: tuple[StationConfig, ...]
    recipe: RecipeConfig
    limits: LimitsConfig
    tracker: TrackerConfig
    stall_after_ms: float
    plc: PlcConfig
    compute_latency_ms: float = 20.0
    valves: ValvesConfig | None = None
    bars: tuple[BarResponse, ...] = ()
    downstream_camera: bool = False


PipelineMaker = Callable[[SimulatedLine, LineCalibration], LinePipeline]
"""Makes the pipeline of a run."""


def twin_run(
    line: SimulatedLine,
    config: TwinConfig,
    *,
    mm_per_tick: float,
    catalogue: ItemCatalogue,
    items: int,
    detector: Detector | None = None,
    belts: Path | None = None,
    observer: StepObserver | None = None,
    pipeline: PipelineMaker | None = None,
    believed: LineCalibration | None = None,
) -> LockstepSetup:
    """Let the twin's items ride through the line.

    Args:
        line: the line's settings.
        config: of the world.
        mm_per_tick: encoder scale.
        catalogue: what falls onto the belt.
        items: how many.
        detector: looks at the rendered camera; None takes the perfect detector and draws nothing.
        belts: folder of photographs of belts; None paints one.
        observer: watches every step.
        pipeline: makes another pipeline than the line's own, for comparison.
        believed: calibration that the line works with; None for the true one.

    Raises:
        ValueError: the recipe and stations, or mix and catalogue, do not fit each other.
        FileNotFoundError: `belts` holds no readable picture.
    """
    plant = _plant(line, config, mm_per_tick)
    world = World(
        config=config,
        stations=line.stations,
        catalogue=catalogue,
        drive=plant.drive,
        item_limit=items,
    )
    plant.wire_valves(world.switch)
    calibrations = tuple(
        true_calibration(config, mm_per_tick=mm_per_tick, index=index)
        for index in range(config.camera.count)
    )
    sight = _sight(world, calibrations, detector, belts)
    known = calibrations if believed is None else (believed,)
    setup = _setup(line, config, plant, world, sight, known, observer, pipeline)
    behind = _behind(line, config, mm_per_tick)
    if behind is None:
        return setup
    return replace(setup, behind=_downstream_sight(world, behind, detector, belts))


def recording_run(
    line: SimulatedLine,
    config: TwinConfig,
    *,
    calibration: LineCalibration,
    camera: Camera,
    detector: Detector,
    observer: StepObserver | None = None,
) -> LockstepSetup:
    """Run somebody's frames through the line; what the items truly are, nobody knows.

    Args:
        line: the line's settings.
        config: its belt section moves the belt.
        calibration: of the camera that took the frames.
        camera: open, unpaced where it can be.
        detector: looks at the frames.
        observer: watches every step.

    Raises:
        vision.errors.CameraError: there is no first frame.
    """
    plant = _plant(line, config, calibration.travel.mm_per_tick)
    sight = RecordedSight(
        camera=camera,
        detector=detector,
        start_ns=START_NS,
        frames_per_s=config.camera.frames_per_s,
    )
    return _setup(line, config, plant, None, sight, (calibration,), observer)


def _plant(line: SimulatedLine, config: TwinConfig, mm_per_tick: float) -> LockstepPlant:
    return LockstepPlant(
        config=config,
        stations=line.stations,
        plc=line.plc,
        mm_per_tick=mm_per_tick,
        start_ns=START_NS,
    )


def _sight(
    world: World,
    calibrations: Sequence[LineCalibration],
    detector: Detector | None,
    belts: Path | None,
) -> Sight:
    frames_per_s = world.config.camera.frames_per_s
    if detector is None:
        first, *beside = (PerfectDetector(world=world, plane=c.plane) for c in calibrations)
        return TrueSight(detector=first, start_ns=START_NS, frames_per_s=frames_per_s, more=beside)
    renderer, *others = (
        Renderer(config=world.config, plane=c.plane, sprites=world.catalogue.sprites, belts=belts)
        for c in calibrations
    )
    return RenderedSight(
        world=world,
        renderer=renderer,
        detector=detector,
        start_ns=START_NS,
        frames_per_s=frames_per_s,
        more=others,
    )


def _setup(
    line: SimulatedLine,
    config: TwinConfig,
    plant: LockstepPlant,
    world: World | None,
    sight: Sight,
    calibrations: Sequence[LineCalibration],
    observer: StepObserver | None,
    pipeline: PipelineMaker | None = None,
) -> LockstepSetup:
    calibration, *more_cameras = calibrations
    view_start_mm = calibration.view_s_min_mm
    calibration = replace(calibration, bars=line.bars)
    mm_per_tick = calibration.travel.mm_per_tick
    behind = None if world is None else _behind(line, config, mm_per_tick)

    def pick_lamps() -> int:
        return 0 if world is None else len(world.pick_lamps(view_start_mm))

    return LockstepSetup(
        core=build_core(
            session_id=line.session_id,
            bundle_id=sight.bundle_id,
            calibration=calibration,
            stations=line.stations,
            recipe=line.recipe,
            limits=line.limits,
            tracker=line.tracker
            if world is not None
            else line.tracker.model_copy(update={"notice_knocks": False}),
            stall_after_ms=line.stall_after_ms,
            more_cameras=more_cameras,
            pipeline=None if pipeline is None else pipeline(line, calibration),
            valves=line.valves,
            downstream=behind,
        ),
        plant=plant,
        world=world,
        sight=sight,
        operator=SimulatedOperator(config=config.operator, pick_lamps=pick_lamps),
        stations=line.stations,
        recipe=line.recipe,
        compute_latency_ms=line.compute_latency_ms,
        cycle_ms=line.plc.cycle_ms,
        observer=observer,
        sampler=_sampler(line, config, world),
    )


def _sampler(line: SimulatedLine, config: TwinConfig, world: World | None) -> ProductSampler | None:
    if world is None or config.samples is None or not line.recipe.hold:
        return None
    return ProductSampler(config.samples, line.recipe, line.stations, world.bins, seed=config.seed)


def _behind(line: SimulatedLine, config: TwinConfig, mm_per_tick: float) -> LineCalibration | None:
    """Return the calibration of the camera behind the bars, None without one."""
    s_mm = None if line.valves is None else line.valves.downstream_mm
    if s_mm is None or not line.downstream_camera:
        return None
    return downstream_calibration(config, mm_per_tick=mm_per_tick, middle_mm=s_mm)


def _downstream_sight(
    world: World, calibration: LineCalibration, detector: Detector | None, belts: Path | None
) -> DownstreamSight:
    if detector is None:
        return TrueDownstreamSight(world, calibration)
    renderer = Renderer(
        config=world.config,
        plane=calibration.plane,
        sprites=world.catalogue.sprites,
        belts=belts,
    )
    return RenderedDownstreamSight(world, calibration, renderer=renderer, detector=detector)
