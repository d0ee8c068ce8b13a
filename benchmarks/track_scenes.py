"""Made tracks of a small belt sorter: rolling spheres, tumbling cylinders, settled grain.

Recorded tracks of a real sorter would be better and can be scored with the same command
(`python -m vision.tracking.score`). These follow the field's published facts: a camera of 200 to
250 Hz at 2.88 px/mm, a belt at about 1 m/s, 44 mm between the last sight and the nozzles. How
much the speeds of each kind differ is set so that a fixed delay hits as often as it does on the
recorded ones (80, 79 and 98 %); everything else follows from rolling, friction and impacts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vision.tracking.recorded import RecordedTrack

Float64Array = npt.NDArray[np.float64]

BELT_SPEED_MM_PER_S: Final = 1000.0
BLIND_MM: Final = 44.0
_STEP_S: Final = 0.0005
_PX_MM: Final = 1.0 / 2.88
_PAST_MM: Final = 12.0
"""Tracks go on behind the nozzle line, so that the truth is seen and not extrapolated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackKind:
    """What moves, and how well it is seen.

    Attributes:
        name: of the kind.
        slip_sd: spread of the speed over the belt when first seen, share of the belt speed.
        lateral_sd_mm_per_s: spread of the speed across the belt.
        decay_s: time constant with which friction takes both away.
        rattle_mm_per_sqrt_s: spread that small knocks add to the speed, mm/s per root second.
        bounces_per_s: how often an item jumps.
        bounce_sd_mm_per_s: spread of the change of speed at a jump.
        noise_px: spread of the centre of one picture of the item.
        outlier_share: share of positions that are several pixels wrong.
        missing_share: share of views that are missing.
    """

    name: str
    slip_sd: float
    lateral_sd_mm_per_s: float
    decay_s: float
    rattle_mm_per_sqrt_s: float
    bounces_per_s: float
    bounce_sd_mm_per_s: float
    noise_px: float
    outlier_share: float = 0.003
    missing_share: float = 0.02


SPHERES: Final = TrackKind(
    name="spheres",
    slip_sd=0.0225,
    lateral_sd_mm_per_s=20.0,
    decay_s=0.8,
    rattle_mm_per_sqrt_s=4.0,
    bounces_per_s=0.0,
    bounce_sd_mm_per_s=0.0,
    noise_px=0.2,
)
CYLINDERS: Final = TrackKind(
    name="cylinders",
    slip_sd=0.0175,
    lateral_sd_mm_per_s=25.0,
    decay_s=0.5,
    rattle_mm_per_sqrt_s=30.0,
    bounces_per_s=0.25,
    bounce_sd_mm_per_s=30.0,
    noise_px=0.35,
)
GRAIN: Final = TrackKind(
    name="settled grain",
    slip_sd=0.009,
    lateral_sd_mm_per_s=6.0,
    decay_s=0.3,
    rattle_mm_per_sqrt_s=8.0,
    bounces_per_s=0.4,
    bounce_sd_mm_per_s=22.0,
    noise_px=0.4,
)
KINDS: Final = (SPHERES, CYLINDERS, GRAIN)


def make_tracks(
    kind: TrackKind, count: int, *, seed: int, noise_factor: float = 1.0
) -> tuple[RecordedTrack, ...]:
    """Return made tracks of one kind; the same seed, the same tracks.

    Args:
        kind: what moves.
        count: how many.
        seed: of everything random.
        noise_factor: scales the noise of the positions, to see what a worse camera costs.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    return tuple(_make(kind, rng, f"{kind.name} {i}", noise_factor) for i in range(count))


def _make(
    kind: TrackKind, rng: np.random.Generator, name: str, noise_factor: float
) -> RecordedTrack:
    visible_mm = float(rng.uniform(70.0, 160.0))
    length_mm = visible_mm + BLIND_MM + _PAST_MM
    times, x, y = _motion(kind, rng, length_mm)
    frames_per_s = 250.0 if rng.uniform() < 0.5 else 200.0
    shots = np.arange(float(rng.uniform(0, 1 / frames_per_s)), times[-1], 1 / frames_per_s)
    shots = shots[rng.uniform(size=len(shots)) >= kind.missing_share]
    noise_mm = kind.noise_px * _PX_MM * noise_factor
    seen = np.stack([np.interp(shots, times, place) for place in (x, y)])
    seen += rng.normal(0.0, noise_mm, seen.shape)
    wrong = rng.uniform(size=len(shots)) < kind.outlier_share
    seen[:, wrong] += rng.normal(0.0, 8.0 * _PX_MM, (2, int(wrong.sum())))
    return RecordedTrack(
        name=name, kind=kind.name, times_s=shots, x_mm=seen[0], y_mm=seen[1], truth=(times, x, y)
    )


def _motion(
    kind: TrackKind, rng: np.random.Generator, length_mm: float
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return times, x and y of one item until it has gone `length_mm`, and a little on."""
    steps = int(1.3 * length_mm / BELT_SPEED_MM_PER_S / _STEP_S)
    jumps = _jumps(kind, rng, steps)
    speed = np.empty((2, steps))
    speed[:, 0] = (
        rng.normal(0.0, kind.lateral_sd_mm_per_s),
        rng.normal(0.0, kind.slip_sd * BELT_SPEED_MM_PER_S),
    )
    knock = kind.rattle_mm_per_sqrt_s * np.sqrt(_STEP_S) * rng.normal(size=(2, steps)) + jumps
    keep = np.exp(-_STEP_S / kind.decay_s)
    for step in range(1, steps):
        speed[:, step] = keep * speed[:, step - 1] + knock[:, step]
    speed[1] += BELT_SPEED_MM_PER_S
    place = np.asarray(np.cumsum(speed, axis=1) * _STEP_S, dtype=np.float64)
    place[0] += rng.uniform(20.0, 140.0)
    times = np.asarray(np.arange(steps) * _STEP_S, dtype=np.float64)
    return times, place[0], place[1]


def _jumps(kind: TrackKind, rng: np.random.Generator, steps: int) -> Float64Array:
    """Return (2, steps) sudden changes of speed."""
    hit = rng.uniform(size=steps) < kind.bounces_per_s * _STEP_S
    jumps = np.zeros((2, steps))
    jumps[:, hit] = rng.normal(0.0, kind.bounce_sd_mm_per_s, (2, int(hit.sum())))
    return jumps
