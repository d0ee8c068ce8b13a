"""Purity and recovery over occupancy and belt speed: this line, simpler ones, and without ideas.

The same code path as `run_line.py simulate`. With the perfect detector what is lost is lost by
tracking, planning and air; what the shipped detector loses on top is its own. Each idea of the
line is left out once, so that what earns nothing shows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.result import CannotRunError, Figures
from benchmarks.sorting_runs import ABLATIONS, NOMINAL_MM_PER_S, Method, Point, Tally, simulate
from benchmarks.spread import spread
from benchmarks.standard_line import standard_line
from twin.simulation import DetectorChoice

OCCUPANCIES: Final = (0.05, 0.10, 0.20)
SPEEDS_MM_PER_S: Final = (2000.0, NOMINAL_MM_PER_S, 4000.0)
SPEED_OCCUPANCY: Final = 0.10
"""Occupancy at which the simulation's own speed is told, and the air saved."""
_RIVALS: Final = (Method.NAIVE, Method.BYTETRACK, Method.FIXED_WINDOWS)
_WITH_EYES: Final = (*_RIVALS, Method.ONE_VIEW, Method.FOUND_OUTLINES)
_Z: Final = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How much is simulated.

    Attributes:
        seeds: belts for each point.
        perfect: items on each with the perfect detector.
        shipped: items on each with the shipped one.
    """

    seeds: tuple[int, ...]
    perfect: int
    shipped: int


QUICK: Final = Effort(seeds=(1,), perfect=200, shipped=40)
FULL: Final = Effort(seeds=(1, 2, 3, 4), perfect=1500, shipped=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float


def share_of(part: float, whole: float, effective: float) -> Share | None:
    """Return part / whole with its interval (Wilson), None where there is nothing.

    Args:
        part: of the whole.
        whole: all of it.
        effective: equal items that the whole is worth, (sum of masses)² / (sum of squares).
    """
    if whole <= 0 or effective <= 0:
        return None
    value = part / whole
    middle = (value + _Z**2 / (2 * effective)) / (1 + _Z**2 / effective)
    half = _Z * math.sqrt(value * (1 - value) / effective + _Z**2 / (4 * effective**2))
    half /= 1 + _Z**2 / effective
    return Share(value=value, low=max(0.0, middle - half), high=min(1.0, middle + half))


def shares(tally: Tally) -> Mapping[str, Share | None]:
    """Return purity, recovery and by-catch of the ejected fraction, by mass and by count."""
    count, mass, mass2 = tally.bins
    found: dict[str, Share | None] = {}
    for name, part, cells in (
        ("purity", (0, 0), ((0, 0), (1, 0))),
        ("recovery", (0, 0), ((0, 0), (0, 1))),
        ("by_catch", (1, 0), ((1, 0), (1, 1))),
    ):
        whole_g, squares = (sum(float(t[c]) for c in cells) for t in (mass, mass2))
        effective = whole_g**2 / squares if squares else 0.0
        found[name] = share_of(float(mass[part]), whole_g, effective)
        whole = sum(float(count[c]) for c in cells)
        found[f"{name}_count"] = share_of(float(count[part]), whole, whole)
    return found


def points(*, quick: bool) -> tuple[Point, ...]:
    """Return what to simulate, the long runs first."""
    effort = QUICK if quick else FULL
    wanted: list[Point] = []
    for seed in effort.seeds:
        for occupancy in OCCUPANCIES:
            own = Point(
                occupancy=occupancy,
                detector=DetectorChoice.PERFECT,
                items=effort.perfect,
                seed=seed,
            )
            eyes = replace(own, detector=DetectorChoice.SHIPPED, items=effort.shipped)
            wanted += (own, eyes)
            if quick:
                continue
            wanted += (replace(own, method=m) for m in (*_RIVALS, *ABLATIONS))
            wanted += (replace(eyes, method=m) for m in _WITH_EYES)
            wanted += (
                replace(own, method=method, speed_mm_per_s=speed)
                for method in (Method.OURS, *_RIVALS)
                for speed in SPEEDS_MM_PER_S
                if speed != NOMINAL_MM_PER_S
            )
        if quick:
            tenth = Point(
                occupancy=SPEED_OCCUPANCY, detector=DetectorChoice.PERFECT, items=effort.perfect
            )
            wanted += (replace(tenth, method=m) for m in (Method.NAIVE, Method.FIXED_WINDOWS))
    return tuple(sorted(wanted, key=lambda p: (p.detector.value != "shipped", -p.occupancy)))


def gathered(outcomes: Sequence[tuple[Point, Tally]]) -> dict[Point, Tally]:
    """Return the tallies of each point, its seeds added up; points without their seed, in order."""
    total: dict[Point, Tally] = {}
    for point, tally in sorted(outcomes, key=lambda pair: pair[0].seed):
        key = replace(point, seed=0)
        total[key] = total[key] + tally if key in total else tally
    ordered = sorted(
        total,
        key=lambda p: (
            p.method is not Method.OURS,
            p.detector.value == "shipped",
            list(Method).index(p.method),
            p.speed_mm_per_s != NOMINAL_MM_PER_S,
            p.speed_mm_per_s,
            p.occupancy,
        ),
    )
    return {point: total[point] for point in ordered}


def air_saving(total: Mapping[Point, Tally]) -> float | None:
    """Return the air saved beside fixed windows for each gram of target in its bin, at 10 %."""
    spent: dict[Method, float] = {}
    for point, tally in total.items():
        at_ten = point.occupancy == SPEED_OCCUPANCY and point.speed_mm_per_s == NOMINAL_MM_PER_S
        if at_ten and point.detector is DetectorChoice.PERFECT and tally.bins[1, 0, 0] > 0:
            spent[point.method] = tally.air_valve_s / float(tally.bins[1, 0, 0])
    if Method.OURS not in spent or not spent.get(Method.FIXED_WINDOWS):
        return None
    return 1.0 - spent[Method.OURS] / spent[Method.FIXED_WINDOWS]


def figures_of(total: Mapping[Point, Tally]) -> tuple[tuple[str, float], ...]:
    """Return the figures of all points; JSON has no word for nothing: such keys are absent."""
    values: list[tuple[str, float]] = []
    for point, tally in total.items():
        for name, share in shares(tally).items():
            if share is None:
                continue
            values.append((f"{name}{point.suffix}", share.value))
            if point.method is Method.OURS and not name.startswith("by_catch"):
                values.append((f"{name}{point.suffix}_low", share.low))
                values.append((f"{name}{point.suffix}_high", share.high))
    own = {p: t for p, t in total.items() if p.method is Method.OURS}
    for point, tally in own.items():
        values.append((f"items{point.suffix}", tally.items))
        values.append((f"taken_for_lamps{point.suffix}", tally.taken_for_lamps))
    if (saved := air_saving(total)) is not None:
        values.append(("air_saving", saved))
    values.append(("unclosed", sum(tally.unclosed for tally in own.values())))
    values.append(("lamps_jetted", sum(tally.lamps_jetted for tally in own.values())))
    values += (
        ("x_real_time_perfect", tally.belt_s / tally.wall_s)
        for point, tally in own.items()
        if point.suffix == f"_{round(SPEED_OCCUPANCY * 100):02d}"
    )
    return tuple(values)


def surface(total: Mapping[Point, Tally]) -> Table:
    """Return purity, recovery and air of every line at every occupancy and belt speed."""
    table = Table(title="purity / recovery, % of mass; air, valve-s per kg", title_justify="left")
    for column in ("line", "eyes", "m/s", *(f"{100 * o:.0f} %" for o in OCCUPANCIES)):
        table.add_column(column, justify="right" if column[0].isdigit() else "left")
    rows: dict[tuple[str, str, float], dict[float, str]] = {}
    for point, tally in total.items():
        key = (point.method.value or "this line", point.detector.value, point.speed_mm_per_s)
        found = shares(tally)
        purity, recovery = found["purity"], found["recovery"]
        kg = float(tally.bins[1, 0, 0]) / 1000.0
        rows.setdefault(key, {})[point.occupancy] = (
            f"{_percent(purity)} / {_percent(recovery)}  {tally.air_valve_s / kg:.0f}"
            if kg
            else "nothing ejected"
        )
    for (name, eyes, speed), cells in rows.items():
        table.add_row(name, eyes, f"{speed / 1000:.1f}", *(cells.get(o, "") for o in OCCUPANCIES))
    return table


def _percent(share: Share | None) -> str:
    if share is None:
        return "-"
    return f"{100 * share.value:.1f} ({100 * share.low:.1f}-{100 * share.high:.1f})"


def run(*, quick: bool, console: Console, ray_address: str | None = None) -> Figures:
    """Simulate all points, one on each core."""
    wanted = points(quick=quick)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    outcomes: list[tuple[Point, Tally]] = []
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("simulations", total=len(wanted))
        for point, tally in spread(simulate, wanted, ray_address=ray_address):
            outcomes.append((point, tally))
            progress.advance(task)
    if not outcomes:
        msg = "nothing was simulated"
        raise CannotRunError(msg)
    total = gathered(outcomes)
    console.print(surface(total))
    bundle = standard_line().line.detector.bundle.name
    return Figures(
        values=figures_of(total),
        notes=(
            (
                "plastic, ejected by one bar of 80 valves at 2.8 m/s; shares of mass (_count: of "
                "items) with 95 % intervals; by_catch: of the mass that is not plastic, what left "
                "with it"
            ),
            f"no suffix: perfect detector; _shipped: bundle {bundle} on rendered frames",
            (
                "air_saving: valve-seconds for each gram of plastic in its bin, beside fixed "
                "windows of 5 ms on either side with the same tracker, at 10 %"
            ),
            (
                "taken_for_lamps: items that the line held for and an operator took off; "
                "x_real_time_perfect: belt time over wall time of one core at 10 %, nothing drawn"
            ),
        ),
    )
