"""Real lockstep runs of the twin: intervals, masses and composition against what the bins hold.

The whole line in virtual time: tracks, decisions, pulses, the soft PLC, air, by-catch. The detector
is the perfect one, so what is impure is so by air and by neighbours: what only samples of the
product can see. Portions of consecutive items are taken from each product's bin and sorted by
the truth; the interval is compared with the purity of the whole bin. What the line saw of every
item (its box) and what each fraction truly weighed are kept for `benchmarks/twin_masses.py`.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from benchmarks.standard_line import standard_line
from calibration.mass_model import size_terms
from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, Evidence, Share
from twin.assembly import SimulatedLine, twin_run
from twin.bins import Bins, Fate
from twin.catalogue import open_catalogue
from twin.lockstep import LockstepSetup, run_lockstep
from vision.types import FRACTIONS, Fraction

Float64Array = npt.NDArray[np.float64]

ITEMS: Final = 900
OCCUPANCY: Final = 0.25
"""Crowded, so that there is by-catch to be found."""
PORTION_ITEMS: Final = 8
PORTIONS_MIN: Final = 4
"""Fewer sampled portions tell no variation; such a product is not counted."""
EVERY_OTHER: Final = 2
"""Of consecutive portions, every second one is sorted by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinProduct:
    """One product of one run.

    Attributes:
        items: that fell into its bin.
        purity: true purity of the bin by mass.
        low: of the interval from the sampled portions.
        high: likewise.
    """

    items: int
    purity: float
    low: float
    high: float

    @property
    def hit(self) -> bool:
        """Whether the interval holds the truth."""
        return self.low <= self.purity <= self.high


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwinRun:
    """One run.

    Attributes:
        products: that had portions enough.
        terms: (6, 3) sums of the size terms of what the line took for each fraction.
        square: (6, 3, 3) sums of their products.
        named: (6,) how many items those were.
        mass_g: (6,) what each fraction truly weighed.
    """

    products: tuple[TwinProduct, ...]
    terms: Float64Array
    square: Float64Array
    named: npt.NDArray[np.int64]
    mass_g: Float64Array


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
    """Run one belt.

    Raises:
        LockstepError: the line stood.
        ValueError: the run was set up without a world.
    """
    setup = _setup(seed)
    bins = _RememberingBins(len(setup.stations))
    if setup.world is None:
        msg = "a run on the twin has a world"
        raise ValueError(msg)
    setup.world.bins = bins
    result = run_lockstep(setup)
    terms, square = np.zeros((len(FRACTIONS), 3)), np.zeros((len(FRACTIONS), 3, 3))
    named = np.zeros(len(FRACTIONS), np.int64)
    for record in result.records:
        place = FRACTIONS.index(record.decision.fraction)
        (sizes,) = size_terms([record.track.width_mm], [record.track.length_mm])
        terms[place] += sizes
        square[place] += np.outer(sizes, sizes)
        named[place] += 1
    mass_g = np.zeros(len(FRACTIONS))
    for fate in bins.fates:
        mass_g[FRACTIONS.index(fate.fraction)] += fate.mass_g
    told = (_product(bins.fates, *wanted) for wanted in _wanted(setup))
    return TwinRun(
        products=tuple(product for product in told if product is not None),
        terms=terms,
        square=square,
        named=named,
        mass_g=mass_g,
    )


def _product(fates: list[Fate], station: int, targets: frozenset[Fraction]) -> TwinProduct | None:
    product = [fate for fate in fates if fate.bin_index == station]
    whole = len(product) // PORTION_ITEMS * PORTION_ITEMS
    if whole < PORTIONS_MIN * EVERY_OTHER * PORTION_ITEMS:
        return None
    mass = np.array([fate.mass_g for fate in product])
    target = mass * np.array([fate.fraction in targets for fate in product])
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
        return None
    return TwinProduct(
        items=len(product),
        purity=float(target.sum() / mass.sum()),
        low=told.low,
        high=told.high,
    )


def _wanted(setup: LockstepSetup) -> tuple[tuple[int, frozenset[Fraction]], ...]:
    """Return each station with the fractions that belong into its bin."""
    rules = setup.recipe.fractions
    return tuple(
        (index, frozenset(f for f, rule in rules.items() if rule.station == station.name))
        for index, station in enumerate(setup.stations)
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
