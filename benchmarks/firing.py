"""Planned tick against fired tick: through PLC queues, by direct coil writes, and naively.

A pulse is one valve opening. One ejection opens twelve valves at once (150 mm of item); each is
checked against what the PLC's output did.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.firing_coils import direct_errors_ms, naive_errors_ms
from benchmarks.firing_load import FlatOut
from benchmarks.firing_queue import QueueRun, Scenario, run_queue
from benchmarks.result import Figures
from benchmarks.scenes import LOOP_MM, draw_belt
from benchmarks.standard_line import StandardLine, standard_line
from plc.types import PulseOutcome
from twin.catalogue import open_catalogue
from vision.factory import open_detector

RATES_PER_MIN = (2000, 5000)
SPEEDS_MM_PER_S = (2800.0, 5080.0)
ITEMS_IN_VIEW = 20
IMAGES = 25
CLEAN_S, FAULTS_S, DIRECT_S, NAIVE = 100.0, 25.0, 30.0, 2000
"""Of the full run: 4 clean scenarios of 1600 and 4000 pulses a second make 1.1 million."""
QUICK_CLEAN_S, QUICK_FAULTS_S, QUICK_DIRECT_S, QUICK_NAIVE = 1.5, 2.0, 1.5, 50


def scenarios(*, quick: bool) -> tuple[Scenario, ...]:
    """Return the queue runs: both rates at both speeds, without faults and with them.

    The quick run takes the slow rate at the slow speed and the fast one at the fast speed.
    """
    pairs = (
        list(zip(RATES_PER_MIN, SPEEDS_MM_PER_S, strict=True))
        if quick
        else [(rate, speed) for rate in RATES_PER_MIN for speed in SPEEDS_MM_PER_S]
    )
    lengths = (QUICK_CLEAN_S, QUICK_FAULTS_S) if quick else (CLEAN_S, FAULTS_S)
    return tuple(
        Scenario(rate_per_min=rate, speed_mm_per_s=speed, for_s=for_s, faults=faults)
        for faults, for_s in zip((False, True), lengths, strict=True)
        for rate, speed in pairs
    )


def queue_figures(runs: Sequence[QueueRun], *, suffix: str = "") -> tuple[tuple[str, float], ...]:
    """Return the figures of several queue runs taken together.

    `late` pulses fired more than a tick late. What the PLC did not fire is in `ejections_*`, by its
    own reason; `lost` pulses have no word at all or did not open though reported fired;
    `double` ones opened or were reported more than once.
    """
    verdicts = [verdict for run in runs for verdict in run.verdicts]
    errors = np.abs(np.fromiter((e for v in verdicts for e in v.errors_tick), dtype=np.float64))
    sizes = errors if len(errors) else np.zeros(1)
    p50, p99, p999 = np.percentile(sizes, (50, 99, 99.9), method="higher")
    reasons: Counter[str] = sum((v.reasons for v in verdicts), Counter())
    values: dict[str, float] = {
        "pulses": sum(v.pulses for v in verdicts),
        "p50_ticks": float(p50),
        "p99_ticks": float(p99),
        "p999_ticks": float(p999),
        "max_ticks": float(sizes.max()),
        "late": sum(v.late for v in verdicts),
        "lost": sum(v.lost for v in verdicts),
        "double": sum(v.double for v in verdicts),
        "opened": len(errors),
        "ejections_fired": sum(v.outcomes[PulseOutcome.FIRED] for v in verdicts),
        **{f"ejections_{reason}": count for reason, count in sorted(reasons.items())},
        "restarts": sum(run.restarts for run in runs),
        "links_lost": sum(run.lost_links for run in runs),
        "reports_lost": sum(run.reports_lost for run in runs),
    }
    return tuple((key + suffix, value) for key, value in values.items())


def coil_figures(
    name: str, errors_ms: Sequence[float], not_fired: int
) -> tuple[tuple[str, float], ...]:
    """Return the figures of coil writes that the PC timed."""
    errors = np.array(errors_ms) if errors_ms else np.zeros(1)
    p50, p99, p999 = np.percentile(errors, (50, 99, 99.9), method="higher")
    return (
        (f"{name}_ejections", len(errors_ms)),
        (f"{name}_not_fired", not_fired),
        (f"{name}_p50_ms", float(p50)),
        (f"{name}_p99_ms", float(p99)),
        (f"{name}_p999_ms", float(p999)),
        (f"{name}_max_ms", float(errors.max())),
    )


def run(*, quick: bool, console: Console) -> Figures:
    """Run every scenario beside a detector that uses both cores."""
    standard = standard_line()
    with (
        _load(standard) as load,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as progress,
    ):
        clean, spoiled = _queue_runs(standard, progress, quick=quick)
        direct, refused = _direct_runs(standard, progress, quick=quick)
        naive = _naive_run(standard, progress, quick=quick)
        frames = load.frames
    faults: Counter[str] = sum((r.faults for r in spoiled), Counter())
    return Figures(
        values=(
            *queue_figures(clean),
            *queue_figures(spoiled, suffix="_faults"),
            *((f"faults_{name}", count) for name, count in sorted(faults.items())),
            *coil_figures("direct", direct, refused),
            *coil_figures("naive", naive, 0),
            ("detector_frames", frames),
        ),
        notes=_NOTES,
    )


_NOTES = (
    (
        "a pulse is one valve opening; an ejection opens 12 valves. 2 soft PLCs with 2 bars each, "
        "every bar at 2,000 and 5,000 ejections/min, belt at 2.8 and 5.08 m/s, 0.5 mm per tick "
        "(0.18 and 0.10 ms); the detector runs flat out on both cores in the PLC threads' process"
    ),
    (
        "late: opened more than one tick late; lost: no word, or reported fired and not seen to "
        "open; double: reported or opened twice, or opened though refused; every valve is "
        "compared with the PLC's output"
    ),
    (
        "ejections_late_arrived: handed over too late; ejections_late_scan: the PLC had it in "
        "time, but its scan came to it more than a tick late (the machine took its processor "
        "away) and refused it; ejections_unsent and _silence: a link fault kept or flushed them"
    ),
    (
        "_faults: the links go through a proxy that delays, loses and duplicates frames, resets "
        "connections and leaves them half open, one fault every 0.8 s"
    ),
    (
        "direct: remote I/O timed by the firing process; naive: a thread that writes the coil when "
        "it is time; both in ms from the planned instant to the output, per ejection"
    ),
)


def _load(standard: StandardLine) -> FlatOut:
    camera = standard.twin.camera
    belt = draw_belt(
        standard, open_catalogue(), items_in_view=ITEMS_IN_VIEW, step_mm=LOOP_MM / IMAGES
    )
    both_cores = standard.line.detector.model_copy(update={"threads": 2})
    return FlatOut(open_detector(both_cores, (camera.height_px, camera.width_px)), belt)


def _queue_runs(
    standard: StandardLine, progress: Progress, *, quick: bool
) -> tuple[list[QueueRun], list[QueueRun]]:
    clean: list[QueueRun] = []
    spoiled: list[QueueRun] = []
    for scenario in scenarios(quick=quick):
        words = (
            f"{scenario.rate_per_min}/min at {scenario.speed_mm_per_s / 1e3:g} m/s"
            f"{', link faults' if scenario.faults else ''}"
        )
        with _shown(progress, words) as done:
            result = run_queue(standard, scenario, done)
        (spoiled if scenario.faults else clean).append(result)
    return clean, spoiled


def _direct_runs(
    standard: StandardLine, progress: Progress, *, quick: bool
) -> tuple[list[float], int]:
    errors: list[float] = []
    not_fired = 0
    for rate, speed in zip(RATES_PER_MIN, SPEEDS_MM_PER_S, strict=True):
        with _shown(progress, f"direct, {rate}/min at {speed / 1e3:g} m/s") as done:
            more, refused = direct_errors_ms(
                standard,
                rate_per_min=rate,
                speed_mm_per_s=speed,
                for_s=QUICK_DIRECT_S if quick else DIRECT_S,
                progress=done,
            )
        errors += more
        not_fired += refused
    return errors, not_fired


def _naive_run(standard: StandardLine, progress: Progress, *, quick: bool) -> list[float]:
    with _shown(progress, "naive coil writes") as done:
        count = QUICK_NAIVE if quick else NAIVE
        return naive_errors_ms(standard, count=count, progress=done)


@contextmanager
def _shown(progress: Progress, words: str) -> Iterator[Callable[[float], None]]:
    """Show a bar while something runs; yields what is told the share done."""
    task = progress.add_task(words, total=1.0)
    yield lambda share: progress.update(task, completed=share)
    progress.remove_task(task)
