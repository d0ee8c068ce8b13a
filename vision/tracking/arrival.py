"""When and where one item passes the nozzles, from nothing but where it was seen and when.

One pure function, so that recorded tracks of a real machine can be scored against it:

    from vision.tracking.arrival import predict_arrival
    arrival = predict_arrival(times_s, x_mm, y_mm, nozzle_y_mm)

`python -m vision.tracking.score TRACKS` does that for a file of tracks.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vision.tracking.motion_bank import Filtered, Hypotheses, run_bank

Float64Array = npt.NDArray[np.float64]
Observed = Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer]

_NEWTON_STEPS: Final = 6
_LEAST_NOISE_MM: Final = 0.01
"""Positions on a belt are never better than this: a thirtieth of a pixel of a usual line."""
_USUAL_NOISE_MM: Final = 0.3
"""Where too few positions tell the noise: a pixel of a sorter with 2.88 px/mm."""
_NOISE_PRIOR_VIEWS: Final = 2.0
"""How many residuals the usual noise weighs against the track's own."""
_GROSS_SIGMA: Final = 6.0
_GROSS_MM: Final = 1.0
"""A position further from its neighbours' line than both of these is another item's, or none."""
_JUMP_SIGMA: Final = 8.0
_JUMP_MM: Final = 2.0
"""A step between two views that differs from the item's usual speed by more than both of these is
the step to another item: a track whose identity was swapped."""
_FEWEST_AFTER_JUMP: Final = 4
_MAD_TO_SD: Final = 1.4826
_FEWEST_TO_CLEAN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An item's predicted passage of the nozzle line.

    Attributes:
        time_s: of the passage, on the clock of the observations.
        lateral_mm: position across the belt there.
        sd_time_s: standard deviation of `time_s`.
        sd_lateral_mm: standard deviation of `lateral_mm`.
        speed_mm_per_s: along the belt at the passage.
        used: observations that counted; the others contradicted their neighbours.
    """

    time_s: float
    lateral_mm: float
    sd_time_s: float
    sd_lateral_mm: float
    speed_mm_per_s: float
    used: int


def predict_arrival(
    times_s: Observed,
    x_mm: Observed,
    y_mm: Observed,
    nozzle_y_mm: float,
    *,
    belt_speed_mm_per_s: float | None = None,
    noise_sd_mm: float | None = None,
) -> Arrival:
    """Predict when and where an item passes the nozzle line.

    It may lie still on the belt, slide, roll or bounce; times may be irregular, views missing,
    single positions wrong. Give the belt speed where it is known: an item that lies still is then
    known better than its own few positions tell.

    Args:
        times_s: (n,) times of the observations, any order, any zero; two or more different ones,
            or one where the belt speed is given.
        x_mm: (n,) positions of the item's centre across the belt. NaN marks a missing view.
        y_mm: (n,) positions along the belt, growing downstream.
        nozzle_y_mm: position of the nozzle line, on the same scale as `y_mm`.
        belt_speed_mm_per_s: of the belt, None where it is not known.
        noise_sd_mm: spread of one observed position; None estimates it from the track.

    Returns:
        Time and place with their standard deviations.

    Raises:
        ValueError: lengths differ, too few usable observations, or the item does not move towards
            the nozzle line.
    """
    times, across, along = _usable(times_s, x_mm, y_mm, alone=belt_speed_mm_per_s is not None)
    noises = [noise_sd_mm or _noise_sd(times, place) for place in (across, along)]
    keep = _credible(times, across, noises[0]) & _credible(times, along, noises[1])
    keep &= _since_jump(times, across, along, keep, max(noises))
    if noise_sd_mm is None and not keep.all():
        noises = [_noise_sd(times[keep], place[keep]) for place in (across, along)]
    times, across, along = times[keep], across[keep], along[keep]
    guess = _mean_speed(times, along) if belt_speed_mm_per_s is None else belt_speed_mm_per_s
    if guess <= 0:
        msg = f"the item moves at {guess:.0f} mm/s along the belt; it never reaches the nozzles"
        raise ValueError(msg)
    motions = Hypotheses.along(noise_sd=noises[1], rest_speed=belt_speed_mm_per_s, guess=guess)
    found = run_bank(times, along, motions)
    ahead, speed, sd_s = _passage(found, motions, nozzle_y_mm, guess)
    ahead_s = float(found.weight @ ahead)
    sideways = Hypotheses.along(noise_sd=noises[0], rest_speed=0.0, guess=0.0)
    lateral, sd_mm = _lateral(run_bank(times, across, sideways), sideways, ahead_s)
    return Arrival(
        time_s=float(times[-1]) + ahead_s,
        lateral_mm=lateral,
        sd_time_s=math.sqrt(float(found.weight @ (sd_s**2 + (ahead - ahead_s) ** 2))),
        sd_lateral_mm=sd_mm,
        speed_mm_per_s=float(found.weight @ speed),
        used=len(times),
    )


def _usable(
    times_s: Observed, x_mm: Observed, y_mm: Observed, *, alone: bool
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the finite observations in order of time, one per instant."""
    rows = [np.asarray(row, dtype=np.float64) for row in (times_s, x_mm, y_mm)]
    if len({row.shape for row in rows}) != 1 or rows[0].ndim != 1:
        shapes = ", ".join(str(row.shape) for row in rows)
        msg = f"times, x and y must be equally long lists, they are {shapes}"
        raise ValueError(msg)
    table = np.stack(rows)
    table = table[:, np.isfinite(table).all(axis=0)]
    table = table[:, np.argsort(table[0], kind="stable")]
    _, first = np.unique(table[0], return_index=True)
    table = table[:, first]
    needed = 1 if alone else 2
    if table.shape[1] < needed:
        msg = (
            f"{table.shape[1]} usable observation(s) at different times; {needed} are needed "
            f"{'with' if alone else 'without'} a belt speed"
        )
        raise ValueError(msg)
    return table[0], table[1], table[2]


def _mean_speed(times: Float64Array, along: Float64Array) -> float:
    """Return the median of the speeds between all pairs of observations (Theil and Sen)."""
    i, j = np.triu_indices(len(times), k=max(1, len(times) // 3))
    return float(np.median((along[j] - along[i]) / (times[j] - times[i])))


def _neighbour_residuals(times: Float64Array, place: Float64Array) -> Float64Array:
    """Return (n - 2,) distances of inner positions from the line through their neighbours.

    Each is scaled to the spread of one position: of three positions with equal noise the middle
    one's distance has the variance 1 + a² + b² with the interpolation weights a and b.
    """
    span = times[2:] - times[:-2]
    after = (times[1:-1] - times[:-2]) / span
    distance = place[1:-1] - (1.0 - after) * place[:-2] - after * place[2:]
    return np.asarray(distance / np.sqrt(1.0 + after**2 + (1.0 - after) ** 2), dtype=np.float64)


def _noise_sd(times: Float64Array, place: Float64Array) -> float:
    """Return the spread of one position, from how far each lies off its neighbours' line.

    Steady motion of any speed does not show in it, and half of all positions may be wrong.
    """
    if len(times) < 3:
        return _USUAL_NOISE_MM
    residuals = _neighbour_residuals(times, place)
    own = _MAD_TO_SD * float(np.median(np.abs(residuals)))
    views = len(residuals)
    # Few residuals may be small by chance: the usual noise counts as two more of them.
    blended = (views * own**2 + _NOISE_PRIOR_VIEWS * _USUAL_NOISE_MM**2) / (
        views + _NOISE_PRIOR_VIEWS
    )
    return max(math.sqrt(blended) if views < 8 else own, _LEAST_NOISE_MM)


def _credible(times: Float64Array, place: Float64Array, noise_sd: float) -> npt.NDArray[np.bool_]:
    """Return (n,) which positions agree with any line through two of their neighbours."""
    count = len(times)
    keep = np.ones(count, dtype=np.bool_)
    if count < _FEWEST_TO_CLEAN:
        return keep
    limit = max(_GROSS_SIGMA * noise_sd, _GROSS_MM)
    for index in range(count):
        near = [i for i in range(max(0, index - 3), min(count, index + 4)) if i != index]
        near = sorted(near, key=lambda i: abs(i - index))[:4]
        guesses = [
            place[i] + (place[j] - place[i]) * (times[index] - times[i]) / (times[j] - times[i])
            for at, i in enumerate(near)
            for j in near[at + 1 :]
        ]
        keep[index] = abs(place[index] - float(np.median(guesses))) <= limit
    return keep if keep.sum() >= max(2, count // 2) else np.ones(count, dtype=np.bool_)


def _since_jump(
    times: Float64Array,
    across: Float64Array,
    along: Float64Array,
    keep: npt.NDArray[np.bool_],
    noise_sd: float,
) -> npt.NDArray[np.bool_]:
    """Return (n,) which observations are of the item seen last, if enough are left of it."""
    rows = np.flatnonzero(keep)
    if len(rows) < 2 * _FEWEST_AFTER_JUMP:
        return keep
    steps_s = np.diff(times[rows])
    jumped = np.zeros(len(steps_s), dtype=np.bool_)
    for place in (across[rows], along[rows]):
        steps_mm = np.diff(place)
        unusual = steps_mm - float(np.median(steps_mm / steps_s)) * steps_s
        jumped |= np.abs(unusual) > max(_JUMP_SIGMA * noise_sd, _JUMP_MM)
    after = int(np.flatnonzero(jumped)[-1]) + 1 if jumped.any() else 0
    kept = np.zeros_like(keep)
    kept[rows[after:] if len(rows) - after >= _FEWEST_AFTER_JUMP else rows] = True
    return kept


def _passage(
    found: Filtered, motions: Hypotheses, nozzle_y_mm: float, guess: float
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return when each hypothesis passes the line, (b,) s, its speed there and its spread, s."""
    slowest = 0.05 * guess
    ahead = (nozzle_y_mm - found.state[:, 0]) / guess
    for _ in range(_NEWTON_STEPS):
        place, speed, _ = found.at(motions, ahead)
        ahead = ahead + (nozzle_y_mm - place) / np.maximum(speed, slowest)
    _, speed, variance = found.at(motions, np.maximum(ahead, 0.0))
    speed = np.maximum(speed, slowest)
    return ahead, speed, np.sqrt(np.maximum(variance, 0.0)) / speed


def _lateral(found: Filtered, motions: Hypotheses, ahead_s: float) -> tuple[float, float]:
    place, _, variance = found.at(motions, np.full(len(found.weight), ahead_s))
    mean = float(found.weight @ place)
    return mean, math.sqrt(float(found.weight @ (variance + (place - mean) ** 2)))
