"""What drifts, how a steady quantity is watched, and what is said when it no longer is steady."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FALSE_ALARM_SIGMA: Final = 6.5
"""A watched mean crosses this many of its own standard deviations by chance about once in 10^10
independent values; ten quantities with a value every few seconds have 10^7 in a month."""

MEMORY: Final = 12.0
"""Measurements that a mean goes back; with one a second, an error of one and a half times its
limit is found within 15 s."""


class DriftKind(StrEnum):
    """What of a calibration no longer holds."""

    CAMERA_MOVED = "camera_moved"
    FOCUS_LOST = "focus_lost"
    WINDOW_DIRTY = "window_dirty"
    LIGHT_FAILING = "light_failing"
    ENCODER_SLIP = "encoder_slip"
    DELAY_CHANGED = "delay_changed"
    VALVE_LAG = "valve_lag"


REMEDIES: Final[dict[DriftKind, str]] = {
    DriftKind.CAMERA_MOVED: "fasten the camera, then calibrate camera and belt again",
    DriftKind.FOCUS_LOST: "focus the lens on the belt, lock its ring, calibrate the camera again",
    DriftKind.WINDOW_DIRTY: "clean the camera's window there",
    DriftKind.LIGHT_FAILING: "look after that lamp and its supply",
    DriftKind.ENCODER_SLIP: "clean the encoder's wheel and its track, check its spring; then "
    "calibrate the encoder",
    DriftKind.DELAY_CHANGED: "check the camera's trigger, exposure and network; then calibrate the "
    "delay",
    DriftKind.VALVE_LAG: "check air pressure and the valves of this bar; then calibrate the valves",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """Something that drifted farther than its cost allows.

    Attributes:
        kind: what.
        where: which part, in words; empty where there is but one.
        value: how far, in `unit`.
        limit: from where on it is told.
        unit: of both.
        loss_points: purity and recovery expected to be lost until it is mended, percentage points.
    """

    kind: DriftKind
    where: str
    value: float
    limit: float
    unit: str
    loss_points: float

    @property
    def detail(self) -> str:
        """What was found, for people."""
        place = f"{self.where}: " if self.where else ""
        return (
            f"{place}{self.value:.3g} {self.unit}, limit {self.limit:.3g}; costs about "
            f"{self.loss_points:.1f} points of purity and recovery until it is mended"
        )

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.kind]


class SteadyMean:
    """The exponentially weighted mean of a quantity, and how sure it is. One thread."""

    def __init__(self, *, memory: float) -> None:
        """Begin without a value.

        Args:
            memory: samples over which an old value fades to a third.
        """
        self._share = 1.0 / memory
        self._mean, self._variance, self._count = 0.0, 0.0, 0

    def add(self, value: float) -> None:
        """Take a sample in."""
        self._count += 1
        share = max(self._share, 1.0 / self._count)
        off = value - self._mean
        self._mean += share * off
        self._variance += share * (off * off * (1.0 - share) - self._variance)

    @property
    def settled(self) -> bool:
        """Enough samples for the mean to be judged."""
        return self._count >= 2.0 / self._share

    @property
    def mean(self) -> float:
        """The mean."""
        return self._mean

    @property
    def sd(self) -> float:
        """Standard deviation of the mean, from the scatter of the samples about it."""
        share = max(self._share, 1.0 / max(self._count, 1))
        return math.sqrt(self._variance * share / (2.0 - share))

    def beyond(self, limit: float) -> bool:
        """Return whether the mean lies beyond a limit, and surely so."""
        return self.settled and abs(self._mean) > max(limit, FALSE_ALARM_SIGMA * self.sd)
