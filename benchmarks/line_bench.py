"""The line's own runtime on a bench: real threads, detector, Modbus link and soft PLC."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.belt_camera import BeltCamera
from benchmarks.scenes import EndlessBelt
from benchmarks.soft_plc import driver_config
from benchmarks.standard_line import StandardLine
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_MS, NS_PER_S
from controller.assembly import build_core
from controller.camera_row import CameraRow, RowSeat
from controller.config import FractionRule, RecipeConfig
from controller.detector_row import DetectorRow
from controller.latency_window import LatencyWindow, Stage
from controller.live_picture import LivePicture
from controller.plc_thread import PlcThread
from controller.runtime import LineRuntime
from controller.snapshot import LineSnapshot, OperatorRequest, StageLatency
from controller.states import LineState
from controller.types import ActionPolicy, ItemRecord
from plc.modbus_link import open_link
from twin.config import OperatorConfig
from twin.operator import SimulatedOperator
from twin.soft_plc.launch import SoftPlcProcesses
from twin.viewpoint import true_calibration
from vision.config import DetectorConfig
from vision.factory import open_detector
from vision.types import Fraction

READY_S = 30.0
LOOK_S = 0.05
AT_SPEED = 0.95
SETTLE_S = 0.3
"""After a change of scene, until the items of the old one have been decided."""


class LineBenchError(Exception):
    """The line did not come into production."""


class Stopwatch:
    """Latency sink that keeps single durations while it is asked to."""

    def __init__(self) -> None:
        self._window = LatencyWindow()
        self._keeping = False
        self._frame_ns = 0
        self.frames_ns: list[int] = []
        self.pulses_ns: list[int] = []

    def start(self) -> None:
        """Forget what was kept and keep from now on."""
        self.frames_ns, self.pulses_ns = [], []
        self._keeping = True

    def stop(self) -> None:
        """Keep no more."""
        self._keeping = False

    def add(self, stage: Stage, duration_ns: int) -> None:
        """Count one duration; see the port."""
        self._window.add(stage, duration_ns)
        if not self._keeping:
            return
        if stage is Stage.EXPOSURE_TO_LINK:
            self.pulses_ns.append(duration_ns)
        elif stage is Stage.EXPOSURE_TO_PIPELINE:
            self._frame_ns = duration_ns
        else:
            self._frame_ns += duration_ns
            if stage is Stage.STEP:
                self.frames_ns.append(self._frame_ns)

    def drain(self) -> tuple[StageLatency, ...]:
        """Return the window's summary; see the port."""
        return self._window.drain()


class BenchFeed:
    """Line feed without a telemetry process: a simulated operator reads the snapshots."""

    def __init__(self) -> None:
        self._operator = SimulatedOperator(config=OperatorConfig(), pick_lamps=lambda: 0)
        self._requests: tuple[OperatorRequest, ...] = ()
        self.snapshot: LineSnapshot | None = None

    def open_session(
        self, *, session_id: str, line_id: str, station_names: tuple[str, ...]
    ) -> None:
        """Nobody to announce it to."""

    def publish_record(self, record: ItemRecord) -> bool:  # noqa: ARG002 - the port's signature
        """Drop it."""
        return True

    def publish_snapshot(self, snapshot: LineSnapshot) -> None:
        """Show it to the operator."""
        self.snapshot = snapshot
        self._requests += self._operator.look(snapshot)

    def publish_picture(self, jpeg: bytes) -> None:
        """Drop it."""

    def take_requests(self) -> tuple[OperatorRequest, ...]:
        """Return what the operator asked for."""
        requests, self._requests = self._requests, ()
        return requests

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What one scene came to.

    Attributes:
        frames_per_s: processed.
        frame_ms: (n,) exposure to the end of tracking and planning, per frame.
        pulse_ms: (m,) exposure to the end of the exchange that gave it to the PLC, per pulse.
    """

    frames_per_s: float
    frame_ms: npt.NDArray[np.float64]
    pulse_ms: npt.NDArray[np.float64]


class LineBench:
    """One running line. Use `line_bench` to get one."""

    def __init__(self, *, runtime: LineRuntime, camera: BeltCamera, feed: BenchFeed) -> None:
        """Take a runtime whose latency sink is a `Stopwatch` of this bench's making."""
        self._runtime, self._camera, self._feed = runtime, camera, feed
        self._clock, self._never = MonotonicClock(), threading.Event()

    def bring_up(self, speed_mm_per_s: float) -> None:
        """Wait until the line sorts with the belt at speed.

        Raises:
            LineBenchError: it does not.
        """
        deadline_ns = self._clock.now_ns() + int(READY_S * NS_PER_S)
        while True:
            self._runtime.check()
            line = self._feed.snapshot
            if (
                line is not None
                and line.state is LineState.EXECUTE
                and line.belt_speed_mm_per_s >= AT_SPEED * speed_mm_per_s
            ):
                return
            if self._clock.now_ns() > deadline_ns:
                msg = f"the line is not in production after {READY_S:g} s: {line}"
                raise LineBenchError(msg)
            self._clock.wait(self._never, LOOK_S)

    def measure(
        self, watch: Stopwatch, belt: EndlessBelt, *, frames_per_s: float, seconds: float
    ) -> Measured:
        """Show a belt for a while and time what the line makes of it."""
        self._camera.show(belt, frames_per_s)
        self._clock.wait(self._never, SETTLE_S)
        began_ns = self._clock.now_ns()
        watch.start()
        self._clock.wait(self._never, seconds)
        watch.stop()
        elapsed_s = (self._clock.now_ns() - began_ns) / NS_PER_S
        self._runtime.check()
        return Measured(
            frames_per_s=len(watch.frames_ns) / elapsed_s,
            frame_ms=np.array(watch.frames_ns) / NS_PER_MS,
            pulse_ms=np.array(watch.pulses_ns) / NS_PER_MS,
        )


@contextmanager
def line_bench(
    standard: StandardLine,
    detector_config: DetectorConfig,
    *,
    plc: SoftPlcProcesses,
    belt: EndlessBelt,
    watch: Stopwatch,
) -> Iterator[LineBench]:
    """Run the standard line in this process, with the recipe made `busy`.

    Args:
        standard: the line.
        detector_config: its [detector] section.
        plc: what it talks to.
        belt: what it sees first.
        watch: takes its durations.

    Raises:
        LineBenchError: the line does not come into production.
    """
    line, camera, clock = standard.line, standard.twin.camera, MonotonicClock()
    calibration = true_calibration(standard.twin, mm_per_tick=standard.mm_per_tick)
    speed_mm_per_s = standard.twin.belt.speed_mm_per_s
    eye = BeltCamera(
        belt=belt, frames_per_s=camera.frames_per_s, speed_mm_per_s=speed_mm_per_s, clock=clock
    )
    detector = open_detector(detector_config, (camera.height_px, camera.width_px))
    feed = BenchFeed()
    plc_config = driver_config(standard, plc)
    runtime = LineRuntime(
        core=build_core(
            session_id="benchmark",
            bundle_id=detector.bundle_id,
            calibration=calibration,
            stations=line.stations,
            recipe=busy(line.recipe),
            limits=line.limits,
            tracker=line.tracker,
            stall_after_ms=line.camera.stall_after_ms,
        ),
        cameras=CameraRow(
            [RowSeat(camera=eye, stall_after_ms=line.camera.stall_after_ms)], clock=clock
        ),
        detectors=DetectorRow([detector]),
        plc=PlcThread(link=open_link(plc_config, clock), clock=clock, cycle_ms=plc_config.cycle_ms),
        feed=feed,
        picture=LivePicture(calibration=calibration, feed=feed, clock=clock),
        recorder=None,
        clock=clock,
        latency=watch,
    )
    bench = LineBench(runtime=runtime, camera=eye, feed=feed)
    try:
        runtime.start()
        bench.bring_up(speed_mm_per_s)
        yield bench
    finally:
        runtime.stop()


def busy(recipe: RecipeConfig) -> RecipeConfig:
    """Return the recipe with many pulses to time, and none of them stopped by a look-alike lamp."""
    lamp = FractionRule(action=ActionPolicy.PASS, min_probability=0.5)
    ejected = recipe.fractions[Fraction.PLASTIC]
    rules = {
        **recipe.fractions,
        **dict.fromkeys((Fraction.PAPER, Fraction.FOOD, Fraction.WEEE), ejected),
        Fraction.MERCURY_LAMP: lamp,
    }
    return recipe.model_copy(update={"fractions": rules})
