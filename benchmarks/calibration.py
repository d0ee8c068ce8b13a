"""How well calibration finds random rigs' truth, how soon drift is found, how rarely by chance.

Every rig hides its truth from the procedures; only the judge sees both. The sorting figures come
from the standard scenario, sorted once with its true calibration and once with the one that the
procedures recovered on it.
"""

import logging
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.calibration_drift import drift_figures
from benchmarks.calibration_sorting import sorted_with, sorting_figures
from benchmarks.result import Figures
from benchmarks.standard_line import standard_line
from calibration.board.spec import board_named
from calibration.errors import ProcedureError
from calibration.line_calibration import LineCalibration
from calibration.procedures.places import reference_place
from calibration.procedures.steps import say_nothing
from calibration.procedures.valves import NominalBar
from calibration.procedures.whole import LineToCalibrate, Procedure, Signature, calibrate
from controller.stations import JetBarConfig
from twin.rig.bench import RigBench
from twin.rig.judge import Verdict, belt_errors_mm, judge
from twin.rig.truth import RigTruth, random_rig, rig_of

_BOARD = board_named("A3")
_SIGNATURE = Signature(by="benchmark", at_utc=datetime(2026, 1, 1, tzinfo=UTC), note="")
_QUICK_RIGS, _RIGS = 2, 100
_QUICK_ITEMS, _ITEMS = 400, 2000
_TRIES = 3
_AGAIN = 1000
"""Added to the noise's seed when a refused procedure is done again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RigResult:
    """One rig's calibration against its truth.

    Attributes:
        verdict: of the judge.
        errors_mm: belt errors over the view.
        refused: what the procedures refused before, with their remedies; they were run anew.
    """

    verdict: Verdict
    errors_mm: tuple[float, ...]
    refused: tuple[str, ...]


def calibrated(truth: RigTruth, bars: Sequence[NominalBar], seed: int) -> LineCalibration:
    """Return what all procedures together make of a rig."""
    line = LineToCalibrate(
        camera_id="twin",
        belt_id="twin",
        belt_width_mm=truth.belt_width_mm,
        speed_mm_per_s=truth.speed_mm_per_s,
        bars=tuple(bars),
        board=_BOARD,
        place=reference_place(_BOARD),
    )
    bench = RigBench(truth, _BOARD, seed=seed)
    wanted = frozenset(Procedure)
    return calibrate(bench, line, wanted, None, _SIGNATURE, say_nothing).calibration


def one_rig(seed: int) -> RigResult | str:
    """Calibrate one random rig and judge it; what is refused is done again, as on a plant.

    Returns:
        The result, or why the last of the tries was refused.
    """
    truth = random_rig(seed)
    # As on a drawing: the bar's place to a centimetre, the rest as ordered.
    bar = NominalBar(
        name="plastic", index=0, count=80, pitch_mm=12.5, first_x_mm=6.25, distance_mm=600.0
    )
    try:
        calibration, refused = _patiently(truth, bar, seed)
    except ProcedureError as error:
        return f"rig {seed}: {error}"
    return RigResult(
        verdict=judge(calibration, truth),
        errors_mm=tuple(belt_errors_mm(calibration, truth).tolist()),
        refused=refused,
    )


def _patiently(
    truth: RigTruth, bar: NominalBar, seed: int
) -> tuple[LineCalibration, tuple[str, ...]]:
    refused: list[str] = []
    for attempt in range(_TRIES - 1):
        try:
            return calibrated(truth, (bar,), seed + _AGAIN * attempt), tuple(refused)
        except ProcedureError as error:
            refused.append(f"rig {seed}: {error}")
    return calibrated(truth, (bar,), seed + _AGAIN * (_TRIES - 1)), tuple(refused)


def recovered_standard_line() -> LineCalibration:
    """Calibrate the standard scenario's own camera, belt and bar."""
    standard = standard_line()
    bars = [s for s in standard.line.stations if isinstance(s, JetBarConfig)]
    truth = rig_of(standard.twin, bars, mm_per_tick=standard.mm_per_tick)
    drawn = [
        NominalBar(
            name=bar.name,
            index=index,
            count=bar.valve_count,
            pitch_mm=bar.valve_pitch_mm,
            first_x_mm=bar.first_valve_x_mm,
            distance_mm=bar.distance_mm,
        )
        for index, bar in enumerate(bars)
    ]
    return calibrated(truth, drawn, seed=7)


def run(*, quick: bool, console: Console, **_: str) -> Figures:
    """Calibrate random rigs, watch drifting ones, and sort with what was recovered."""
    rigs, items = (_QUICK_RIGS, _QUICK_ITEMS) if quick else (_RIGS, _ITEMS)
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
        task = progress.add_task("rigs", total=rigs + 3)
        drift = pool.submit(drift_figures, quick=quick)
        believed = pool.submit(recovered_standard_line)
        work = [pool.submit(one_rig, seed) for seed in range(1, rigs + 1)]
        found = []
        for future in as_completed(work):
            found.append(future.result())
            progress.advance(task)
        results = [result for result in found if isinstance(result, RigResult)]
        given_up = sorted(words for words in found if isinstance(words, str))
        scores = [pool.submit(sorted_with, known, items) for known in (None, believed.result())]
        drifted = drift.result()
        progress.advance(task)
        true, recovered = (future.result() for future in scores)
        progress.advance(task, 2)
    return Figures(
        values=(
            *accuracy_figures(results),
            ("drift_found_s", drifted.slowest_s),
            ("drift_false_per_30_days", drifted.false_per_30_days),
            *sorting_figures(true, recovered),
            ("rigs", rigs),
            ("rigs_given_up", len(given_up)),
            ("rigs_done_again", sum(bool(result.refused) for result in results)),
            ("items", items),
        ),
        notes=(
            (
                f"{rigs} random rigs: 640 x 320 px over a metre of belt, lens, pose, scale, delay, "
                "bar and noise drawn anew; belt errors over the whole view, all rigs together; "
                "scale, delay and valve: the worst rig"
            ),
            *(f"refused, then done again: {words}" for r in results for words in r.refused),
            *(f"given up, in no figure: {words}" for words in given_up),
            *drifted.notes,
            (
                "sorting: standard scenario at 10 % occupancy, perfect detector, plastic by mass, "
                "with the true calibration and with the recovered one"
            ),
        ),
    )


def accuracy_figures(results: Sequence[RigResult]) -> tuple[tuple[str, float], ...]:
    """Return belt errors of all rigs together, and the worst rig's scale, delay and valve."""
    errors = np.concatenate([result.errors_mm for result in results])
    verdicts = [result.verdict for result in results]
    return (
        ("belt_rms_mm", float(np.sqrt((errors**2).mean()))),
        ("belt_p99_mm", float(np.percentile(errors, 99))),
        ("mm_per_tick_error_pct", max(v.mm_per_tick_error_pct for v in verdicts)),
        ("delay_error_ms", max(v.delay_error_ms for v in verdicts)),
        ("valve_error_mm", max(v.valve_error_mm for v in verdicts)),
        ("belt_rms_worst_rig_mm", max(v.belt_rms_mm for v in verdicts)),
        ("valve_error_median_mm", float(np.median([v.valve_error_mm for v in verdicts]))),
    )
