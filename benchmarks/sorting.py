"""Purity, recovery and by-catch of the standard scenario, by occupancy and by detector.

The same code path as `run_line.py simulate`. With the perfect detector what is lost is lost by
tracking, planning and air; what the shipped detector loses on top is its own.
"""

import logging
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.result import Figures
from benchmarks.standard_line import standard_line
from twin.bins import FractionScore
from twin.simulation import DetectorChoice, SimulationRequest, simulate_twin
from vision.types import Fraction

OCCUPANCIES = (0.05, 0.10, 0.20)
SPEED_OCCUPANCY = 0.10
"""Occupancy at which the simulation's own speed is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One simulation to run.

    Attributes:
        occupancy: share of the belt's area covered.
        detector: whose eyes.
        items: how many.
    """

    occupancy: float
    detector: DetectorChoice
    items: int

    @property
    def suffix(self) -> str:
        """End of its figures' keys, for instance `_05` or `_05_shipped`."""
        name = "_shipped" if self.detector is DetectorChoice.SHIPPED else ""
        return f"_{round(self.occupancy * 100):02d}{name}"

    @property
    def tells_speed(self) -> bool:
        """Whether this is the run whose speed is told; it has the machine to itself."""
        return self.detector is DetectorChoice.PERFECT and self.occupancy == SPEED_OCCUPANCY


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one simulation came to.

    Attributes:
        plastic: scores of the ejected fraction.
        unclosed: items that the line saw and did not account for; must be zero.
        lamps_jetted: lamps struck by a jet; must be zero.
        taken_for_lamps: items that stopped the belt and were taken off by hand.
        x_real_time: belt time over the wall time of one core.
    """

    plastic: FractionScore
    unclosed: int
    lamps_jetted: int
    taken_for_lamps: int
    x_real_time: float


def simulate(point: Point) -> Outcome:
    """Run one point on one core."""
    standard = standard_line()
    result = simulate_twin(
        SimulationRequest(
            line=standard.line,
            twin=standard.twin.with_changes(occupancy=point.occupancy),
            items=point.items,
            photographs=None,
            detector=point.detector,
            observer=None,
        ),
        lambda _: None,
    )
    totals = result.totals
    closed = sum(totals.ejected) + totals.passed + totals.late + totals.blocked + totals.removed
    return Outcome(
        plastic=dict(result.fractions or ())[Fraction.PLASTIC],
        unclosed=totals.seen - closed,
        lamps_jetted=result.lamps_jetted or 0,
        taken_for_lamps=totals.removed,
        x_real_time=result.belt_s / result.wall_s,
    )


def points(*, quick: bool) -> tuple[Point, ...]:
    """Return what to simulate, the shipped detector's long runs first."""
    work = {
        DetectorChoice.SHIPPED: 120 if quick else 1200,
        DetectorChoice.PERFECT: 500 if quick else 6000,
    }
    return tuple(
        Point(occupancy=occupancy, detector=detector, items=items)
        for detector, items in work.items()
        for occupancy in OCCUPANCIES
    )


def figures_of(outcomes: Sequence[tuple[Point, Outcome]]) -> tuple[tuple[str, float], ...]:
    """Return the figures of all points, perfect detector first, by occupancy."""
    ordered = sorted(outcomes, key=lambda pair: (len(pair[0].suffix), pair[0].occupancy))
    values: list[tuple[str, float]] = []
    for point, outcome in ordered:
        for name, share in (
            ("purity", outcome.plastic.purity_mass),
            ("recovery", outcome.plastic.recovery_mass),
            ("by_catch", outcome.plastic.by_catch_mass),
        ):
            # JSON has no word for "nothing was ejected": the key is then absent.
            if share is not None:
                values.append((f"{name}{point.suffix}", share))
    for point, outcome in ordered:
        values.append((f"items{point.suffix}", point.items))
        values.append((f"taken_for_lamps{point.suffix}", outcome.taken_for_lamps))
    values.append(("unclosed", sum(outcome.unclosed for _, outcome in ordered)))
    values.append(("lamps_jetted", sum(outcome.lamps_jetted for _, outcome in ordered)))
    values += (
        ("x_real_time_perfect", outcome.x_real_time)
        for point, outcome in ordered
        if point.tells_speed
    )
    return tuple(values)


def run(*, quick: bool, console: Console) -> Figures:
    """Simulate all points: one alone, to tell its speed, the others one on each core."""
    wanted = points(quick=quick)
    alone = next(point for point in wanted if point.tells_speed)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress,
        ProcessPoolExecutor(
            max_workers=len(os.sched_getaffinity(0)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=logging.disable,
            initargs=(logging.ERROR,),
        ) as pool,
    ):
        task = progress.add_task("simulations", total=len(wanted))
        outcomes = [(alone, pool.submit(simulate, alone).result())]
        progress.advance(task)
        running = {pool.submit(simulate, point): point for point in wanted if point is not alone}
        for future in as_completed(running):
            outcomes.append((running[future], future.result()))
            progress.advance(task)
    bundle = standard_line().line.detector.bundle.name
    return Figures(
        values=figures_of(outcomes),
        notes=(
            (
                "plastic, ejected by one bar of 80 valves at 2.8 m/s; shares of mass; by_catch: of "
                "the mass that is not plastic, what left with it"
            ),
            f"no suffix: perfect detector; _shipped: bundle {bundle} on rendered frames",
            (
                "taken_for_lamps: items that the line held for and an operator took off; "
                "x_real_time_perfect: belt time over wall time of one core at 10 %, nothing drawn"
            ),
        ),
    )
