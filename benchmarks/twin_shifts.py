"""Real lockstep runs of the twin: does the interval from sampled portions hold the bin's truth?

The whole line in virtual time: tracks, decisions, pulses, the soft PLC, air, by-catch. The detector
is the perfect one, so what is impure is so by air and by neighbours: what only samples of the
product can see. Portions of consecutive items are taken from the product's bin and sorted by
the truth; the interval is compared with the purity of the whole bin.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from typing_extensions import override

from benchmarks.standard_line import standard_line
from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, Evidence, Share
from twin.assembly import SimulatedLine, twin_run
from twin.bins import Bins, Fate
from twin.catalogue import open_catalogue
from twin.lockstep import LockstepError, LockstepSetup, run_lockstep
from vision.types import Fraction

ITEMS: Final = 900
OCCUPANCY: Final = 0.25
"""Crowded, so that there is by-catch to be found."""
PORTION_ITEMS: Final = 8
EVERY_OTHER: Final = 2
"""Of consecutive portions, every second one is sorted by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinRun:
    """One run.

    Attributes:
        product_items: that fell into the plastic bin.
        purity: true purity of the bin by mass.
        low: of the interval from the sampled portions.
        high: likewise.
    """

    product_items: int
    purity: float
    low: float
    high: float

    @property
    def hit(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.purity <= self.high


class _RememberingBins(Bins):
    """Bins that also keep what fell into them, in order."""

    def __init__(self, station_count: int) -> None:
        super().__init__(station_count)
        self.fates: list[Fate] = []

    @override
    def add(self, fate: Fate) -> None:
        super().add(fate)
        self.fates.append(fate)


def twin_runs(count: int) -> tuple[TwinRun, ...]:
    """Run `count` belts that differ by their seeds, as many at once as there are cores."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return tuple(pool.map(twin_run_of, range(1, count + 1)))


def twin_run_of(seed: int) -> TwinRun:
    """Run one belt and estimate its plastic product from sampled portions.

    Raises:
        LockstepError: the line stood, or too few items were ejected for an interval.
        ValueError: the run was set up without a world.
    """
    setup = _setup(seed)
    bins = _RememberingBins(len(setup.stations))
    if setup.world is None:
        msg = "a run on the twin has a world"
        raise ValueError(msg)
    setup.world.bins = bins
    run_lockstep(setup)
    station = _plastic_station(setup)
    product = [fate for fate in bins.fates if fate.bin_index == station]
    mass = np.array([fate.mass_g for fate in product])
    target = mass * np.array([fate.fraction is Fraction.PLASTIC for fate in product])
    whole = len(product) // PORTION_ITEMS * PORTION_ITEMS
    portions = slice(None, None, EVERY_OTHER)
    wholes = mass[:whole].reshape(-1, PORTION_ITEMS).sum(axis=1)[portions]
    told = block_ratio(
        target[:whole].reshape(-1, PORTION_ITEMS).sum(axis=1)[portions],
        wholes,
        basis=Basis.MASS,
        evidence=Evidence(
            n_blocks=len(wholes),
            n_objects=len(wholes) * PORTION_ITEMS,
            audited_kg=float(wholes.sum()) / 1000.0,
        ),
        sampled_share=float(wholes.sum() / mass.sum()),
    )
    if not isinstance(told, Share):
        msg = f"the run gave no interval: {told.reason}"
        raise LockstepError(msg)
    return TwinRun(
        product_items=len(product),
        purity=float(target.sum() / mass.sum()),
        low=told.low,
        high=told.high,
    )


def _setup(seed: int) -> LockstepSetup:
    standard = standard_line()
    line = standard.line
    return twin_run(
        SimulatedLine(
            session_id="benchmark",
            stations=line.stations,
            recipe=line.recipe,
            limits=line.limits,
            tracker=line.tracker,
            stall_after_ms=line.camera.stall_after_ms,
            plc=line.queue_plc,
        ),
        standard.twin.with_changes(occupancy=OCCUPANCY, seed=seed),
        mm_per_tick=standard.mm_per_tick,
        catalogue=open_catalogue(None),
        items=ITEMS,
    )


def _plastic_station(setup: LockstepSetup) -> int:
    wanted = setup.recipe.fractions[Fraction.PLASTIC].station
    return [station.name for station in setup.stations].index(str(wanted))
