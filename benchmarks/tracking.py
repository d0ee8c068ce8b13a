"""Passages foreseen over a blind flight: the project's estimator beside simple ones.

Made tracks of three kinds of material (`benchmarks/track_scenes.py`); a file of recorded ones is
scored by `python -m vision.tracking.score`. A correction learnt from the estimator's own errors
is tried beside it, to show whether it would earn its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.result import Figures
from benchmarks.track_scenes import BELT_SPEED_MM_PER_S, BLIND_MM, KINDS, TrackKind, make_tracks
from vision.tracking.arrival import predict_arrival
from vision.tracking.recorded import RecordedTrack
from vision.tracking.score import Score, Task, lines_of, score_tracks

_LINE_MARGIN_MM: Final = 8.0
"""The nozzle line lies this far before a track's last view, so that the truth was seen."""
_TRAINING_SEED, _TEST_SEED = 101, 1
_RIDGE: Final = 1.0
_KEYS: Final = {
    "fixed delay": "fixed_delay",
    "constant speed, all views": "constant_speed",
    "constant acceleration, all views": "constant_acceleration",
    "predict_arrival": "arrival",
    "predict_arrival, belt speed known": "arrival_belt_known",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a correction learns from: features and errors in time of one kind's tracks."""

    features: npt.NDArray[np.float64]
    error_ms: npt.NDArray[np.float64]


def lined_up(kind: TrackKind, count: int, *, seed: int) -> tuple[RecordedTrack, ...]:
    """Return made tracks, each moved so that its nozzle line lies at 0."""
    moved = []
    for track in make_tracks(kind, count, seed=seed):
        line_mm = float(track.y_mm.max()) - _LINE_MARGIN_MM
        times, x, y = track.truth or (track.times_s, track.x_mm, track.y_mm)
        moved.append(
            RecordedTrack(
                name=track.name,
                kind=track.kind,
                times_s=track.times_s,
                x_mm=track.x_mm,
                y_mm=track.y_mm - line_mm,
                truth=(times, x, y - line_mm),
            )
        )
    return tuple(moved)


def lesson(tracks: Sequence[RecordedTrack]) -> Lesson:
    """Return what a correction could see at the last view, and what the estimator missed by."""
    features, errors = [], []
    for track in tracks:
        seen, passage = track.before(-BLIND_MM), track.passage(0.0)
        if passage is None or len(seen.times_s) < 3:
            continue
        found = predict_arrival(seen.times_s, seen.x_mm, seen.y_mm, 0.0)
        times = seen.times_s - seen.times_s[-1]
        bow, slope, _ = np.polynomial.polynomial.polyfit(times, seen.y_mm, 2)[::-1]
        features.append(
            (
                1.0,
                found.speed_mm_per_s / BELT_SPEED_MM_PER_S - 1.0,
                slope / BELT_SPEED_MM_PER_S - 1.0,
                bow / BELT_SPEED_MM_PER_S,
                1e3 * found.sd_time_s,
                1.0 / found.used,
            )
        )
        errors.append(1e3 * (found.time_s - passage[0]))
    return Lesson(features=np.array(features), error_ms=np.array(errors))


def learnt_gain(kind: TrackKind, count: int) -> tuple[float, float]:
    """Return the share of hits in time without and with a correction learnt on other tracks."""
    training = lesson(lined_up(kind, count, seed=_TRAINING_SEED))
    test = lesson(lined_up(kind, count, seed=_TEST_SEED))
    x = training.features
    weights = np.linalg.solve(
        x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ np.clip(training.error_ms, -2.0, 2.0)
    )
    corrected = test.error_ms - test.features @ weights
    return float(np.mean(np.abs(test.error_ms) <= 1.0)), float(np.mean(np.abs(corrected) <= 1.0))


def figures_of(scores: Sequence[Score]) -> tuple[tuple[str, float], ...]:
    """Return hits by kind and method."""
    return tuple(
        (f"hits_{score.kind.split()[-1]}_{_KEYS[score.method]}", score.hits)
        for score in scores
        if score.method in _KEYS
    )


def run(*, quick: bool, console: Console) -> Figures:
    """Score all methods on made tracks of every kind."""
    count = 250 if quick else 2000
    scores: list[Score] = []
    learnt: list[tuple[str, float]] = []
    for kind in KINDS:
        tracks = lined_up(kind, count, seed=_TEST_SEED)
        scores += score_tracks(tracks, Task(nozzle_y_mm=0.0), BELT_SPEED_MM_PER_S)
        before, after = learnt_gain(kind, count // 2)
        learnt.append((f"learnt_gain_{kind.name.split()[-1]}", after - before))
    for line in lines_of(scores):
        console.print(line, highlight=False, soft_wrap=True)
    return Figures(
        values=(*figures_of(scores), *learnt),
        notes=(
            "hits: within 1 ms and 2.5 mm after 44 mm unseen; made tracks, see track_scenes.py",
            (
                "learnt_gain: change of the share within 1 ms by a ridge regression on the "
                "estimator's own errors, learnt on other tracks; it is not in the line"
            ),
        ),
    )
