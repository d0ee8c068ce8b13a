"""Planned tick against fired tick at the soft PLC over loopback, beside a busy detector."""

import threading
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.gunner import Gunner, Shots
from benchmarks.result import Figures
from benchmarks.scenes import LOOP_MM, EndlessBelt, draw_belt
from benchmarks.soft_plc import FIFO_PRIORITY, start_soft_plc
from benchmarks.standard_line import StandardLine, standard_line
from plc.types import PulseOutcome
from twin.catalogue import open_catalogue
from vision.factory import open_detector
from vision.ports import Detector

PULSES_PER_TURN = 8
"""400 pulses a second: some twenty times what a belt covered to a fifth asks for."""
ITEMS_IN_VIEW = 20
IMAGES = 25
LATE_TICK = 1
"""A pulse that opens later than this after its planned tick fired late."""


class FlatOut:
    """Detects in one image after the other without a pause, in the process of the PLC thread."""

    def __init__(self, detector: Detector, belt: EndlessBelt) -> None:
        self._detector, self._belt = detector, belt
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="detector", daemon=True)
        self.frames = 0
        """Images done."""

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._detector.detect(self._belt.images[self.frames % len(self._belt.images)])
            self.frames += 1


def shoot(standard: StandardLine, *, pulses: int, fifo_priority: int, progress: Progress) -> Shots:
    """Fire `pulses` through the line's PLC thread and the Modbus link at a fresh soft PLC.

    Args:
        standard: the line.
        pulses: how many.
        fifo_priority: of the PLC's scan, 0 for none.
        progress: shows how far it is.

    Raises:
        SoftPlcError: the soft PLC does not start.
        GunnerError: it does not run.
    """
    words = "pulses" if fifo_priority else "pulses, scan without priority"
    task = progress.add_task(words, total=pulses)
    with start_soft_plc(standard, standard.twin.belt, fifo_priority=fifo_priority) as plc:
        gunner = Gunner(standard=standard, plc=plc)
        try:
            gunner.start()
            while (left := pulses - len(gunner.shots.planned)) > 0:
                gunner.turn(min(left, PULSES_PER_TURN))
                progress.update(task, completed=len(gunner.shots.planned))
            gunner.settle()
        finally:
            gunner.stop()
    return gunner.shots


def figures_of(shots: Shots, *, suffix: str = "") -> tuple[tuple[str, float], ...]:
    """Return the figures of one run.

    `late` pulses fired late; what the PLC refused as late is `late_refused`, other refusals are
    `refused` and `blocked`. `lost` pulses have no report at all; `double` ones have more than one,
    or opened their valve more than once.
    """
    outcomes = dict.fromkeys(PulseOutcome, 0)
    errors_tick: list[int] = []
    for pulse_id, reports in shots.reports.items():
        outcomes[reports[0].outcome] += 1
        if reports[0].outcome is PulseOutcome.FIRED:
            errors_tick.append(reports[0].open_tick - shots.planned[pulse_id].open_tick)
    sizes = np.abs(errors_tick) if errors_tick else np.zeros(1)
    repeated = sum(len(reports) > 1 for reports in shots.reports.values())
    values: dict[str, float] = {
        "pulses": len(shots.planned),
        "p50_ticks": float(np.percentile(sizes, 50, method="higher")),
        "p999_ticks": float(np.percentile(sizes, 99.9, method="higher")),
        "max_ticks": float(sizes.max()),
        "late": sum(error > LATE_TICK for error in errors_tick),
        "lost": len(shots.planned.keys() - shots.reports.keys()),
        "double": repeated + max(0, shots.openings - len(errors_tick)),
        "fired": len(errors_tick),
        "late_refused": outcomes[PulseOutcome.LATE],
        "refused": outcomes[PulseOutcome.REFUSED],
        "blocked": outcomes[PulseOutcome.BLOCKED],
        "restarts": shots.restarts,
    }
    return tuple((key + suffix, value) for key, value in values.items())


def run(*, quick: bool, console: Console) -> Figures:
    """Fire with real-time priority for the PLC's scan, then a share of it without."""
    standard = standard_line()
    camera = standard.twin.camera
    belt = draw_belt(
        standard, open_catalogue(), items_in_view=ITEMS_IN_VIEW, step_mm=LOOP_MM / IMAGES
    )
    detector = open_detector(standard.line.detector, (camera.height_px, camera.width_px))
    pulses, unhurried = (1500, 500) if quick else (20_000, 4000)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        FlatOut(detector, belt) as load,
        Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress,
    ):
        shots = shoot(standard, pulses=pulses, fifo_priority=FIFO_PRIORITY, progress=progress)
        plain = shoot(standard, pulses=unhurried, fifo_priority=0, progress=progress)
    return Figures(
        values=(
            *figures_of(shots),
            *figures_of(plain, suffix="_no_priority"),
            ("detector_frames", load.frames),
        ),
        notes=(
            (
                "2.8 m/s, 0.5 mm per tick: a tick is 0.18 ms; 400 pulses/s through PLC thread and "
                "Modbus TCP to the soft PLC's processes; detector flat out in the PLC thread's "
                "process"
            ),
            (
                "late: fired more than one tick late; late_refused: the PLC did not fire because "
                "it was too late; lost: never reported; double: reported or opened twice"
            ),
            (
                "_no_priority: the scan process without SCHED_FIFO, which tolerates 20 ticks "
                "before it refuses a pulse as late"
            ),
        ),
    )
