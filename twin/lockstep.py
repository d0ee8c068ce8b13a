"""Runs the whole line in virtual time: deterministic by seed, and as fast as the computer can.

Line core, PLC link, register map and soft PLC are the ones of a real run; only their clock is not.
The line computes in no time of its own: a frame's decisions reach the PLC link a configured
latency after its exposure, as they would on a plant.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration.clock import MonotonicClock, seconds_between
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from controller.camera_frame import CameraFrame
from controller.config import RecipeConfig
from controller.core import LineCore
from controller.outcome import CaptureFigures, FrameOutcome
from controller.snapshot import LineSnapshot
from controller.states import LineState
from controller.stations import StationConfig
from controller.types import ItemRecord, Totals
from plc.errors import EncoderError, PlcError
from twin.bins import Bins, FractionScore
from twin.downstream_sight import DownstreamSight
from twin.lockstep_plant import LockstepPlant
from twin.operator import SimulatedOperator
from twin.product_samples import ProductSampler
from twin.sights import Sight, Sighting
from twin.world import World
from vision.types import CameraLosses, Fraction

_LOOK_NS = 100 * NS_PER_MS
"""How often the operator glances at the line."""

_AT_SPEED = 0.9
"""Share of its nominal speed from which a recording may begin."""

_TAIL_NS = 1 * NS_PER_S
"""Run on after the last item or frame, until what was in view then has left it and is decided."""

_FIGURES = CaptureFigures(
    frames_dropped=0, losses=CameraLosses(), frames_per_s=0.0, records_dropped=0, latencies=()
)


class LockstepError(Exception):
    """The simulated line came to a stand and nobody beside it knows how to go on."""


class StepObserver(Protocol):
    """Watches a run from outside, for instance to record it."""

    def step(self, image: npt.NDArray[np.uint8] | None, outcome: FrameOutcome) -> None:
        """One frame went through the pipeline; `image` is None where nothing was drawn."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LockstepSetup:
    """What a run consists of; all of it is used up by the run.

    Attributes:
        core: the line, freshly built with the sight's `bundle_id`.
        plant: drive, PLC and link, at time zero.
        world: the twin's belt, or None when the frames come from a recording.
        sight: what the line sees.
        operator: the person beside the line.
        stations: the line's jet bars.
        recipe: what was wanted, for the scores.
        compute_latency_ms: from a frame's exposure to its pulses at the PLC link.
        cycle_ms: time between two exchanges with the PLC.
        observer: watches every step, or None.
        sampler: takes samples of held products, or None.
        behind: looks at the belt behind the bars, or None.
        patience_s: virtual time without any item closed after which the run is given up.
    """

    core: LineCore
    plant: LockstepPlant
    world: World | None
    sight: Sight
    operator: SimulatedOperator
    stations: tuple[StationConfig, ...]
    recipe: RecipeConfig
    compute_latency_ms: float = 20.0
    cycle_ms: float = 10.0
    observer: StepObserver | None = None
    sampler: ProductSampler | None = None
    behind: DownstreamSight | None = None
    patience_s: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What a run came to.

    Attributes:
        items: that were fed (twin) or seen (recording).
        totals: the line's own balance; nothing in flight.
        fractions: truth scores in the order of FRACTIONS, None for a recording.
        lamps: lamps fed, None for a recording.
        lamps_jetted: lamps that a jet struck, None for a recording.
        lamps_picked: lamps that the operator took off the belt.
        air_open_s: valve-seconds of air, None for a recording.
        frames: processed.
        belt_s: virtual time of the run.
        wall_s: real time of the run.
        records: every item's story.
        snapshot: the line's condition at the end.
        bins: where everything truly went, None for a recording.
    """

    items: int
    totals: Totals
    fractions: tuple[tuple[Fraction, FractionScore], ...] | None
    lamps: int | None
    lamps_jetted: int | None
    lamps_picked: int
    air_open_s: float | None
    frames: int
    belt_s: float
    wall_s: float
    records: tuple[ItemRecord, ...]
    snapshot: LineSnapshot
    bins: Bins | None


def run_lockstep(
    setup: LockstepSetup, progress: Callable[[int], None] | None = None
) -> SimulationResult:
    """Run until every item has reached a bin, or the recording is over, and all are accounted for.

    Args:
        setup: what to run.
        progress: told the number of items done (twin) or frames done (recording), now and then.

    Raises:
        LockstepError: the line stands and nothing happens any more.
        vision.errors.VisionError: a recording cannot be read, or the detector failed.
    """
    return _Run(setup, progress).run()


class _Run:
    def __init__(self, setup: LockstepSetup, progress: Callable[[int], None] | None) -> None:
        self._setup, self._progress = setup, progress
        self._core, self._plant = setup.core, setup.plant
        self._clock = setup.plant.clock
        self._start_ns = self._clock.now_ns()
        self._cycle_ns = MonotonicNs(self._start_ns)
        self._look_ns = MonotonicNs(self._start_ns)
        self._computing: list[Sighting] = []
        self._records: list[ItemRecord] = []
        self._frames = 0
        self._moved_ns, self._done = self._start_ns, 0
        self._ended_ns = self._start_ns

    def run(self) -> SimulationResult:
        wall = MonotonicClock()
        began_ns = wall.now_ns()
        self._plant.link.connect()
        while not self._over():
            self._turn()
        self._core.close(self._clock.now_ns())
        self._records += self._core.take_records()
        return self._result(seconds_between(began_ns, wall.now_ns()))

    def _turn(self) -> None:
        """Move to the next event and let it happen."""
        setup = self._setup
        exposure_ns = setup.sight.next_ns()
        result_ns = self._computed_ns()
        due_ns = min(exposure_ns, result_ns or exposure_ns, self._cycle_ns, self._look_ns)
        self._plant.advance_to(MonotonicNs(due_ns))
        if due_ns == result_ns:
            self._step(self._computing.pop(0))
        elif due_ns == exposure_ns:
            self._expose()
        elif due_ns == self._cycle_ns:
            self._exchange()
        else:
            self._operate()

    def _computed_ns(self) -> int | None:
        if not self._computing:
            return None
        latency_ns = int(self._setup.compute_latency_ms * NS_PER_MS)
        return self._computing[0].exposed_ns + latency_ns

    def _expose(self) -> None:
        if self._setup.world is not None:
            self._setup.world.advance(self._clock.now_ns())
        seen = self._setup.sight.look()
        if self._setup.behind is not None:
            found = self._setup.behind.look(seen.seq)
            self._core.looked_downstream(seen.seq, seen.exposed_ns, found)
        self._computing.append(seen)

    def _step(self, seen: Sighting) -> None:
        now_ns = self._clock.now_ns()
        self._frames += 1
        more = [
            CameraFrame(camera=i, seq=seen.seq, exposed_ns=seen.exposed_ns, detections=found)
            for i, found in enumerate(seen.more, start=1)
        ]
        outcome = self._core.frame(seen.seq, seen.exposed_ns, seen.detections, now_ns, more)
        if outcome is not None:
            if self._setup.observer is not None:
                self._setup.observer.step(seen.image, outcome)
            if outcome.result.planned:
                self._exchange()
        self._note_progress()

    def _exchange(self) -> None:
        """Write and read the PLC, as the PLC thread does: each cycle and whenever pulses wait."""
        now_ns = self._clock.now_ns()
        self._cycle_ns = MonotonicNs(now_ns + int(self._setup.cycle_ms * NS_PER_MS))
        commands = self._core.take_commands()
        try:
            self._plant.link.connect()
            exchange = self._plant.link.exchange(self._core.plc_request(), commands)
        except EncoderError as error:
            self._core.encoder_failed(str(error), now_ns)
        except PlcError as error:
            self._core.link_lost(error, now_ns)
        else:
            self._core.exchanged(exchange, now_ns)
        self._records += self._core.take_records()

    def _operate(self) -> None:
        now_ns = self._clock.now_ns()
        self._look_ns = MonotonicNs(now_ns + _LOOK_NS)
        if self._core.state is LineState.EXECUTE and self._at_speed():
            self._setup.sight.begin(now_ns)
        for request in self._setup.operator.look(self._core.snapshot(_FIGURES, now_ns)):
            self._core.operator(request, now_ns)
        if self._setup.sampler is not None:
            for sample in self._setup.sampler.look(now_ns):
                self._core.operator(sample, now_ns)

    def _at_speed(self) -> bool:
        speed_mm_per_s = self._plant.drive.speed_mm_per_s(self._clock.now_ns())
        return speed_mm_per_s >= _AT_SPEED * self._plant.nominal_speed_mm_per_s

    def _over(self) -> bool:
        world = self._setup.world
        now_ns = self._clock.now_ns()
        if not (self._setup.sight.ended if world is None else world.exhausted):
            self._ended_ns = now_ns
        return now_ns - self._ended_ns > _TAIL_NS and self._core.items_in_flight == 0

    def _note_progress(self) -> None:
        world = self._setup.world
        now_ns = self._clock.now_ns()
        done = self._frames if world is None else world.bins.items
        if done + len(self._records) != self._done:
            self._done, self._moved_ns = done + len(self._records), now_ns
        elif now_ns - self._moved_ns > self._setup.patience_s * NS_PER_S:
            snapshot = self._core.snapshot(_FIGURES, now_ns)
            msg = (
                f"no item closed for {self._setup.patience_s:.0f} s of belt time: the line is "
                f"{snapshot.state.value} ({snapshot.state_reason})"
            )
            raise LockstepError(msg)
        if self._progress is not None and self._frames % 50 == 0:
            self._progress(done)

    def _result(self, wall_s: float) -> SimulationResult:
        setup, world, now_ns = self._setup, self._setup.world, self._clock.now_ns()
        snapshot = self._core.snapshot(_FIGURES, now_ns)
        names = tuple(station.name for station in setup.stations)
        scores = None if world is None else world.bins.scores(setup.recipe.fractions, names)
        return SimulationResult(
            items=snapshot.totals.seen if world is None else world.fed,
            totals=snapshot.totals,
            fractions=None if scores is None else tuple(scores.items()),
            lamps=None if world is None else world.bins.lamps,
            lamps_jetted=None if world is None else world.bins.lamps_jetted,
            lamps_picked=setup.operator.lamps_picked,
            air_open_s=None if world is None else world.air_open_s,
            frames=self._frames,
            belt_s=seconds_between(self._start_ns, now_ns),
            wall_s=wall_s,
            records=tuple(self._records),
            snapshot=snapshot,
            bins=None if world is None else world.bins,
        )
