"""Lamps among a million items: no jet on or beside one, and the belt asked to stop in time.

Two measurements. The crowded belt (benchmarks/hazard_belt.py): real tracker, policy, hazard watch
and planner, eyes worse than the line's, every pulse held against the lamps' true outlines. And the
demonstration line in virtual time with all of its parts: PLC, stops, a person who picks lamps.
"""

import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.hazard_belt import HazardBelt, HazardTally, together
from benchmarks.hazard_line import LineTally, run_line
from benchmarks.result import Figures
from benchmarks.standard_line import standard_line
from controller.line_file import hazards_budget
from twin.viewpoint import true_calibration

OCCUPANCIES = (0.10, 0.20, 0.30)
LAMP_SHARE = 0.02
"""Ten times what household waste may hold, so that a million items tell something about lamps."""
PIECE = 20_000
"""Items of one stretch of belt; stretches are independent and run on all cores."""


def run_piece(piece: tuple[int, int, float]) -> HazardTally:
    """Run one stretch: items, seed, occupancy."""
    items, seed, occupancy = piece
    belt = HazardBelt(items=items, seed=seed, occupancy=occupancy, lamp_share=LAMP_SHARE)
    return belt.run()


def pieces(*, quick: bool) -> list[tuple[int, int, float]]:
    """Return the stretches to run, crowded ones first in equal numbers of items."""
    count, items = (6, 1500) if quick else (50, PIECE)
    return [(items, seed, OCCUPANCIES[-1 - seed % 3]) for seed in range(1, count + 1)]


def run(*, quick: bool, console: Console) -> Figures:
    """Run all stretches and the whole line."""
    wanted = pieces(quick=quick)
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
        task = progress.add_task("stretches of belt", total=len(wanted) + 1)
        line = pool.submit(run_line, 200 if quick else 3000)
        running = {pool.submit(run_piece, piece): piece for piece in wanted}
        found: dict[int, HazardTally] = {}
        for future in as_completed(running):
            found[running[future][1]] = future.result()
            progress.advance(task)
        whole = line.result()
        progress.advance(task)
    return _figures(together([found[seed] for seed in sorted(found)]), whole)


def _figures(belt: HazardTally, line: LineTally) -> Figures:
    standard = standard_line()
    budget = hazards_budget(
        standard.line, true_calibration(standard.twin, mm_per_tick=standard.mm_per_tick)
    )
    limit_mm = 0.0 if budget is None else budget.available_mm
    return Figures(
        values=(
            ("lamps", belt.lamps + line.lamps),
            ("lamps_jetted", belt.lamps_jetted + line.lamps_jetted),
            ("lamps_stopped", belt.lamps_stopped + line.lamps_stopped),
        ),
        notes=(
            (
                f"crowded belt: {belt.items:,} items at 10, 20 and 30 % occupancy, {belt.pulses:,} "
                f"pulses, {belt.lamps:,} lamps whole or broken that showed a quarter of themselves "
                f"in some frame; single views are missed (10 %) and scores drawn from 0.35 up"
            ),
            (
                f"{belt.hidden:,} more lamps never showed under what lay on them; air reached "
                f"{belt.hidden_jetted:,} of those: no camera can prevent that"
            ),
            (
                f"first sight to stop request: {belt.mean_response_mm:.0f} mm in the mean, "
                f"{belt.worst_response_mm:.0f} mm at most of those stopped in time; "
                f"{limit_mm:.0f} mm to the jets"
            ),
            (
                f"not stopped in time: {belt.lamps - belt.lamps_stopped:,} lamps that poor sights "
                "never made sure enough; jets kept clear of them all the same"
            ),
            f"false stops by look-alikes: {belt.false_stops:,} in {belt.belt_s / 3600:.1f} h",
            (
                f"whole line in virtual time: {line.items:,} items on the demonstration line, "
                f"{line.lamps} lamps, {line.lamps_jetted} jetted, {line.lamps_stopped} stopped for "
                f"and picked, {line.batteries} batteries and {line.canisters} canisters, of which "
                f"air reached {line.batteries_jetted} and {line.canisters_jetted}"
            ),
        ),
    )
