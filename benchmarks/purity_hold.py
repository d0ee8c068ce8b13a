"""A product's purity held over a step of the composition, beside the same recipe left alone.

The twin's standard line at 20 % occupancy, perfect detector, plain shapes: every third of a minute
up to 150 pieces of the plastic that fell are sorted and weighed, five seconds later the line is
told. Half-way the district changes: less than half the plastic, wet food instead of other things.
Time is pressed together, samples come thirty times as often as on a plant; what is held does not
depend on it.
"""

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from benchmarks.result import Figures
from benchmarks.standard_line import standard_line
from calibration.units import NS_PER_S
from controller.purity.config import HoldConfig
from twin.assembly import twin_run
from twin.bins import Fate
from twin.config import MixChange, ProductSamplesConfig
from twin.items import PlainCatalogue
from twin.lockstep import run_lockstep
from twin.simulation import simulated_line
from vision.types import Fraction

WANTED = 0.935
OCCUPANCY = 0.20
ITEMS = 24_000
QUICK_ITEMS = 6_000
SEEDS = (1, 2, 3)
WINDOW_S = 20.0
_SETTLING_WINDOWS = 4
_SAMPLE_MIN = 1 / 3
_BEFORE = {Fraction.PLASTIC: 0.3, Fraction.PAPER: 0.3, Fraction.OTHER: 0.4}
_AFTER = {Fraction.PLASTIC: 0.12, Fraction.PAPER: 0.5, Fraction.FOOD: 0.38}
_ITEMS_PER_M = 22.0
"""About what lies on a metre of this belt at this occupancy, to place the step half-way."""

Float64Array = npt.NDArray[np.float64]
Windows = dict[int, list[float]]
"""By window: mass of plastic in the product, of other things in it, of plastic fed."""


def held_run(seed: int, items: int, wanted: float | None) -> tuple[Windows, float]:
    """Run one line; returns what fell in every window and the price of impurity at the end."""
    standard = standard_line()
    line, twin = simulated_line(standard.line), standard.twin
    change = MixChange(at_belt_m=items / _ITEMS_PER_M / 2, mix=_AFTER)
    feed = twin.feed.model_copy(
        update={"occupancy": OCCUPANCY, "mix": _BEFORE, "changes": (change,)}
    )
    samples = ProductSamplesConfig(every_min=_SAMPLE_MIN, pieces=150, delay_min=1 / 12)
    world = twin.model_copy(update={"seed": seed, "feed": feed, "samples": samples})
    hold = (
        {}
        if wanted is None
        else {Fraction.PLASTIC: HoldConfig(purity=wanted, interval_min=_SAMPLE_MIN)}
    )
    setup = twin_run(
        replace(line, recipe=line.recipe.model_copy(update={"hold": hold})),
        world,
        mm_per_tick=standard.mm_per_tick,
        catalogue=PlainCatalogue(),
        items=items,
    )
    windows: Windows = defaultdict(lambda: [0.0, 0.0, 0.0])

    def fell(fate: Fate) -> None:
        window = windows[int(setup.plant.clock.now_ns() / NS_PER_S // WINDOW_S)]
        plastic = fate.fraction is Fraction.PLASTIC
        if fate.bin_index == 0:
            window[0 if plastic else 1] += fate.mass_g
        window[2] += fate.mass_g if plastic else 0.0

    assert setup.world is not None
    setup.world.bins.tell(fell)
    result = run_lockstep(setup)
    price = result.snapshot.holds[0].price if result.snapshot.holds else 1.0
    return dict(windows), price


def run(*, quick: bool, console: Console) -> Figures:
    """Measure the held and the free line on the same items."""
    items, seeds = (QUICK_ITEMS, SEEDS[:1]) if quick else (ITEMS, SEEDS)
    jobs = [(seed, wanted) for seed in seeds for wanted in (None, WANTED)]
    with ProcessPoolExecutor() as pool:
        futures = [pool.submit(held_run, seed, items, wanted) for seed, wanted in jobs]
        found = dict(zip(jobs, (future.result() for future in futures), strict=True))
    values: list[tuple[str, float]] = [("wanted", WANTED)]
    table = Table(title=f"plastic, purity / recovery by mass, {items:,} items a seed")
    for heading in ("line", "before the step", "after it", "once settled"):
        table.add_column(heading, justify="right")
    for name, wanted in (("free", None), ("held", WANTED)):
        spans = [_spans(found[seed, wanted][0]) for seed in seeds]
        sums = [np.sum([span[i] for span in spans], axis=0) for i in range(3)]
        shares = [(s[0] / (s[0] + s[1]), s[0] / s[2]) for s in sums]
        table.add_row(name, *(f"{p:.1%} / {r:.1%}" for p, r in shares))
        for when, (purity, recovery) in zip(("before", "after", "settled"), shares, strict=True):
            values += [(f"{name}_purity_{when}", purity), (f"{name}_recovery_{when}", recovery)]
    values.append(("price_at_end", float(np.mean([found[seed, WANTED][1] for seed in seeds]))))
    console.print(table)
    return Figures(
        values=tuple(values),
        notes=(
            (
                f"seeds {', '.join(map(str, seeds))}; the first {_SETTLING_WINDOWS} windows of "
                f"{WINDOW_S:.0f} s after the start count nowhere; settled: as many after the step"
            ),
            "price_at_end: of a gram of impurity, in the recipe's",
        ),
    )


def _spans(windows: Windows) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the sums before the step, after it, and once settled."""
    rows = np.array([windows[key] for key in sorted(windows)])
    half = len(rows) // 2
    settling = min(_SETTLING_WINDOWS, half // 2)
    return (
        rows[settling:half].sum(axis=0),
        rows[half:].sum(axis=0),
        rows[half + settling :].sum(axis=0),
    )
