"""Simple ways to foresee a passage, to be compared with `predict_arrival` on the same tracks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vision.tracking.arrival import predict_arrival
from vision.tracking.recorded import RecordedTrack

Float64Array = npt.NDArray[np.float64]
Foreseen = tuple[float, float]
"""Time, s, and lateral place, mm, of a passage."""
Method = Callable[[RecordedTrack, float], Foreseen]

RECENT: Final = 5
"""Views of the usual guess by recent speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedDelay:
    """Every item takes the same time from its last sight, as far as there is to go.

    The speed is the median over the tracks scored: the best that a fixed delay can be set to.
    """

    speed_mm_per_s: float

    @classmethod
    def set_on(cls, tracks: Sequence[RecordedTrack]) -> "FixedDelay":
        """Return the delay that suits these tracks best."""
        speeds = [
            (t.y_mm[-1] - t.y_mm[0]) / (t.times_s[-1] - t.times_s[0])
            for t in tracks
            if len(t.times_s) > 1
        ]
        return cls(speed_mm_per_s=float(np.median(speeds)))

    def __call__(self, seen: RecordedTrack, nozzle_y_mm: float) -> Foreseen:
        """Return the passage of an item whose last view is known."""
        ahead_s = (nozzle_y_mm - seen.y_mm[-1]) / self.speed_mm_per_s
        return float(seen.times_s[-1] + ahead_s), float(seen.x_mm[-1])


def _polynomial(degree: int, views: int | None = None) -> Method:
    """Return least squares of a polynomial of time, over all views or the last few."""

    def foresee(seen: RecordedTrack, nozzle_y_mm: float) -> Foreseen:
        last = slice(None) if views is None else slice(-views, None)
        times, zero = seen.times_s[last], seen.times_s[-1]
        power = min(degree, len(times) - 1)
        along = np.polynomial.Polynomial.fit(times - zero, seen.y_mm[last], power).convert()
        across = np.polynomial.Polynomial.fit(times - zero, seen.x_mm[last], power).convert()
        ahead_s = 0.0
        for _ in range(6):
            speed = max(float(along.deriv()(ahead_s)), 1.0)
            ahead_s += (nozzle_y_mm - float(along(ahead_s))) / speed
        return float(zero + ahead_s), float(across(ahead_s))

    return foresee


def _ours(belt_speed_mm_per_s: float | None) -> Method:
    def foresee(seen: RecordedTrack, nozzle_y_mm: float) -> Foreseen:
        found = predict_arrival(
            seen.times_s,
            seen.x_mm,
            seen.y_mm,
            nozzle_y_mm,
            belt_speed_mm_per_s=belt_speed_mm_per_s,
        )
        return found.time_s, found.lateral_mm

    return foresee


def methods(
    tracks: Sequence[RecordedTrack], belt_speed_mm_per_s: float | None
) -> tuple[tuple[str, Method], ...]:
    """Return all ways to foresee a passage, by name, the project's own last.

    Args:
        tracks: observations before the blind stretch; the fixed delay is set on them.
        belt_speed_mm_per_s: of the belt where it is known, else None.
    """
    own: list[tuple[str, Method]] = [("predict_arrival", _ours(None))]
    if belt_speed_mm_per_s is not None:
        own.append(("predict_arrival, belt speed known", _ours(belt_speed_mm_per_s)))
    return (
        ("fixed delay", FixedDelay.set_on(tracks)),
        (f"constant speed, last {RECENT} views", _polynomial(1, RECENT)),
        ("constant speed, all views", _polynomial(1)),
        ("constant acceleration, all views", _polynomial(2)),
        *own,
    )
