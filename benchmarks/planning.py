"""Cost of deciding and planning one frame, by the number of items tracked.

Made detections of a full belt run through the pipeline of the standard line; the clock runs from
the tracked belt to the pulses: wish, watch for hazards, weigh by-catch, choose windows, reserve
valves. The whole step, with locating and tracking, is told beside it. "200 tracks" means that the
tracker follows about 200 items at once between the camera's first sight and the jets (500 of
1100 mm in view), a fifth of them targets that are fired at; every frame is new, none is skipped.
"""

import gc
from dataclasses import dataclass
from time import thread_time_ns
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.result import Figures
from benchmarks.standard_line import StandardLine, standard_line
from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_S, MonotonicNs
from controller.pipeline import PAST_LAST_BAR_MM, SortingPipeline
from controller.step import LineStatus
from twin.viewpoint import true_calibration
from vision.tracker import Tracker
from vision.tracking.scene import BeltScene
from vision.types import FRACTIONS, Detections, Fraction, FrameStamp, LocatedDetections

REPEATS: Final = 5
"""Runs over the same frames; a frame's cost is its least: a cache that another process has emptied
at one moment is not emptied again at the same frame."""
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


class _Watched:
    """The line's tracker, which notes when it is done: what follows is deciding and planning."""

    def __init__(self, own: Tracker) -> None:
        self._own = own
        self.scene, self.mark_decided, self.forget = own.scene, own.mark_decided, own.forget
        self.done_ns = 0

    def update(self, stamp: FrameStamp, located: LocatedDetections) -> BeltScene:
        """Track, and note the time."""
        scene = self._own.update(stamp, located)
        self.done_ns = thread_time_ns()
        return scene


def step_costs_ms(tracked: int, frames: int, standard: StandardLine) -> npt.NDArray[np.float64]:
    """Run about `tracked` items through the line.

    Returns:
        (3, frames): ms of deciding and planning, ms of the whole step with locating and tracking,
        and items fired at.
    """
    belt, step_mm = made_belt(tracked, frames + _WARM_UP, standard)
    calibration = true_calibration(standard.twin, mm_per_tick=standard.mm_per_tick)
    last_mm = max(station.distance_mm for station in standard.line.stations)
    follower = _Watched(
        Tracker(standard.line.tracker, calibration, keep_until_s_mm=last_mm + PAST_LAST_BAR_MM)
    )
    pipeline = SortingPipeline(
        calibration=calibration,
        stations=standard.line.stations,
        recipe=standard.line.recipe,
        limits=standard.line.limits,
        tracker=standard.line.tracker,
        follower=follower,
    )
    costs = np.empty((3, frames + _WARM_UP))
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
            began_ns = thread_time_ns()
            result = pipeline.step(stamp, seen, status)
            ended_ns = thread_time_ns()
            ejected = sum(item.decision.station is not None for item in result.decided)
            costs[:, index] = ended_ns - follower.done_ns, ended_ns - began_ns, 1e6 * ejected
    finally:
        gc.enable()
    return costs[:, _WARM_UP:] / 1e6


def run(*, quick: bool, console: Console) -> Figures:
    """Measure every number of items."""
    standard = standard_line()
    frames = 250 if quick else 2000
    costs = {}
    for tracked in COUNTS:
        runs = [step_costs_ms(tracked, frames, standard) for _ in range(REPEATS)]
        costs[tracked] = np.min(runs, axis=0)
        planning, step = np.median(costs[tracked][:2], axis=1)
        console.print(f"{tracked} items: planning {planning:.3f} ms, whole step {step:.3f} ms")
    values = [
        (f"{part}{name}_{tracked}", float(np.percentile(cost[row], share)))
        for tracked, cost in costs.items()
        for row, part in enumerate(("", "step_"))
        for name, share in (("p50_ms", 50), ("p99_ms", 99))
    ]
    mean = {tracked: float(cost[0].mean()) for tracked, cost in costs.items()}
    values.append(("growth_200_over_50", mean[200] / mean[50]))
    values.append(("ejections_per_min_200", float(costs[200][2].mean()) * FRAMES_PER_S * 60.0))
    return Figures(
        values=tuple(values),
        notes=(
            (
                "p50_ms, p99_ms: from the tracked belt to decisions and pulses, 100 frames/s; "
                "step_: locating, tracking and fusing included; growth: of the mean cost"
            ),
            "processor time of the one thread that computes; the step waits for nothing",
            f"the least of {REPEATS} runs over the same frames, frame by frame",
            "growth of n log n from 50 to 200 items would be 5.4",
        ),
    )
