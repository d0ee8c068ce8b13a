"""Cost of one frame between detection and pulses, by the number of items tracked.

Made detections of a full belt run through the pipeline of the standard line: locate, track, fuse,
decide, weigh by-catch, plan, reserve valves. "200 tracks" means that the tracker
follows about 200 items at once between the camera's first sight and the jets (500 of 1100 mm in
view), a fifth of them targets that are fired at; every frame is new, none is skipped.
"""

import gc
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.result import Figures
from benchmarks.standard_line import StandardLine, standard_line
from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_S, MonotonicNs
from controller.pipeline import SortingPipeline
from controller.step import LineStatus
from twin.viewpoint import true_calibration
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp

REPEATS: Final = 3
"""Runs over the same frames; a frame's cost is its least, for what other processes of the machine
take at one moment they do not take again at the same frame."""
COUNTS: Final = (25, 50, 100, 200)
FRAMES_PER_S: Final = 100.0
"""The rate that the scale aim names."""
_TARGETS: Final = 0.2
_SIZE_MM: Final = (40.0, 110.0)
_FRAME_AGE_MS: Final = 20.0
_TICK_SD: Final = 0.3
_WARM_UP: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBelt:
    """Items spread over an endless belt, so that a wanted number is tracked at any time.

    Attributes:
        x_mm: (n,) centres across.
        y_mm: (n,) centres along, belt frame.
        half_mm: (n, 2) half width and half length.
        scores: (n, 6) class scores.
    """

    x_mm: npt.NDArray[np.float64]
    y_mm: npt.NDArray[np.float64]
    half_mm: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float32]

    def seen(self, calibration: LineCalibration, travel_mm: float) -> Detections:
        """Return what a perfect detector finds of the items in view."""
        s_mm = travel_mm - self.y_mm
        near = np.flatnonzero(
            (s_mm + self.half_mm[:, 1] > calibration.view_s_min_mm)
            & (s_mm - self.half_mm[:, 1] < calibration.view_s_max_mm)
        )
        centre = np.column_stack((self.x_mm[near], s_mm[near]))
        half = self.half_mm[near]
        corners = np.stack(
            [centre + half * np.array(turn) for turn in ((-1, -1), (1, -1), (1, 1), (-1, 1))],
            axis=1,
        )
        plane = calibration.plane
        image = plane.to_image_px(corners.reshape(-1, 2)).reshape(len(near), 4, 2)
        boxes = np.concatenate((image.min(axis=1), image.max(axis=1)), axis=1)
        boxes = np.clip(boxes, 0.0, [plane.image_width_px, plane.image_height_px] * 2)
        return Detections(boxes_px=boxes.astype(np.float32), scores=self.scores[near])


def made_belt(tracked: int, frames: int, standard: StandardLine) -> tuple[MadeBelt, float]:
    """Return items for a run, and the length of belt over which `tracked` of them lie.

    Items lie on a jittered grid: as dense as wanted without lying on one another, as a feeder
    would leave them; smaller ones where more are wanted.
    """
    rng = np.random.default_rng(tracked)
    reach_mm = standard.twin.camera.view_length_mm + standard.line.stations[0].distance_mm
    per_mm = tracked / reach_mm
    step_mm = standard.twin.belt.speed_mm_per_s / FRAMES_PER_S
    length_mm = reach_mm * 2 + frames * step_mm
    count = int(per_mm * length_mm)
    columns = max(4, round(np.sqrt(per_mm * standard.twin.belt.width_mm**2)))
    column = rng.permuted(np.arange(count) % columns)
    pitch_mm = standard.twin.belt.width_mm / columns
    size_mm = np.clip(rng.uniform(*_SIZE_MM, (count, 2)), 8.0, 0.8 * pitch_mm)
    scores = np.full((count, len(FRACTIONS)), 0.01, dtype=np.float32)
    wanted = rng.uniform(size=count) < _TARGETS
    others = [i for i, f in enumerate(FRACTIONS) if f is not Fraction.MERCURY_LAMP][1:]
    named = np.where(wanted, FRACTIONS.index(Fraction.PLASTIC), rng.choice(others, count))
    scores[np.arange(count), named] = 0.95
    return (
        MadeBelt(
            x_mm=(column + 0.5) * pitch_mm,
            y_mm=np.sort(rng.uniform(0.0, length_mm, count)),
            half_mm=size_mm / 2,
            scores=scores,
        ),
        step_mm,
    )


def step_costs_ms(tracked: int, frames: int, standard: StandardLine) -> npt.NDArray[np.float64]:
    """Return the cost of each frame, ms, with about `tracked` items on the belt."""
    belt, step_mm = made_belt(tracked, frames + _WARM_UP, standard)
    calibration = true_calibration(standard.twin, mm_per_tick=standard.mm_per_tick)
    pipeline = SortingPipeline(
        calibration=calibration,
        stations=standard.line.stations,
        recipe=standard.line.recipe,
        limits=standard.line.limits,
        tracker=standard.line.tracker,
    )
    costs = np.empty(frames + _WARM_UP)
    gc.disable()
    try:
        for index in range(frames + _WARM_UP):
            travel_mm = index * step_mm
            seen = belt.seen(calibration, travel_mm)
            tick = travel_mm / standard.mm_per_tick
            stamp = FrameStamp(
                seq=index, exposed_ns=MonotonicNs(round(index * NS_PER_S / FRAMES_PER_S)), tick=tick
            )
            status = LineStatus(
                may_fire=True,
                now_tick=tick + _FRAME_AGE_MS * 1e-3 * standard.ticks_per_s,
                tick_sd=_TICK_SD,
                ticks_per_s=standard.ticks_per_s,
                frame_age_ms=_FRAME_AGE_MS,
            )
            began_ns = perf_counter_ns()
            pipeline.step(stamp, seen, status)
            costs[index] = (perf_counter_ns() - began_ns) / 1e6
    finally:
        gc.enable()
    return costs[_WARM_UP:]


def run(*, quick: bool, console: Console) -> Figures:
    """Measure every number of items."""
    standard = standard_line()
    frames = 250 if quick else 2000
    costs = {}
    for tracked in COUNTS:
        runs = [step_costs_ms(tracked, frames, standard) for _ in range(REPEATS)]
        costs[tracked] = np.min(runs, axis=0)
        console.print(f"{tracked} items: median {np.median(costs[tracked]):.3f} ms")
    values = [
        (f"{name}_{tracked}", float(np.percentile(cost, share)))
        for tracked, cost in costs.items()
        for name, share in (("p50_ms", 50), ("p99_ms", 99))
    ]
    values.append(("growth_200_over_50", float(np.median(costs[200]) / np.median(costs[50]))))
    return Figures(
        values=tuple(values),
        notes=(
            "whole step of the pipeline: locating, tracking and fusing included, 100 frames/s",
            f"the least of {REPEATS} runs over the same frames, frame by frame",
            "growth of n log n from 50 to 200 items would be 5.4",
        ),
    )
