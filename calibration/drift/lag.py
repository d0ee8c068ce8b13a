"""Watches one delay, the camera's or a bar's, for a change."""

from calibration.drift.alarm import MEMORY, DriftFinding, DriftKind, SteadyMean
from calibration.drift.cost import ALONG_COST, cost_of, limit_of


class LagWatch:
    """One delay's changes. One thread."""

    def __init__(self, kind: DriftKind, where: str) -> None:
        """Begin with no change.

        Args:
            kind: DELAY_CHANGED or VALVE_LAG.
            where: which bar or witness.
        """
        self._kind, self._where = kind, where
        self._mean = SteadyMean(memory=MEMORY)

    def add(self, change_ms: float) -> None:
        """Take in the mean of a second: the measured delay less the calibrated one."""
        self._mean.add(change_ms)

    def findings(self, speed_mm_per_s: float) -> tuple[DriftFinding, ...]:
        """Return the change if it is beyond its limit and surely so.

        Args:
            speed_mm_per_s: of the belt, which makes millimetres of a delay; above zero.
        """
        limit_ms = 1000.0 * limit_of(ALONG_COST) / speed_mm_per_s
        if not self._mean.beyond(limit_ms):
            return ()
        change_ms = self._mean.mean
        return (
            DriftFinding(
                kind=self._kind,
                where=self._where,
                value=change_ms,
                limit=limit_ms,
                unit="ms later than calibrated",
                loss_points=cost_of(change_ms * speed_mm_per_s / 1000.0, ALONG_COST),
            ),
        )


class SecondMeans:
    """Gathers what comes at any rate into the mean of each second. One thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._sum, self._count, self._begun_s = 0.0, 0, 0.0

    def add(self, value: float, at_s: float) -> float | None:
        """Take a value in.

        Args:
            value: measured.
            at_s: when, of a clock that may begin anew.

        Returns:
            The mean of the second that ended before this value, None while it lasts.
        """
        ended = None
        if self._count and not 0.0 <= at_s - self._begun_s < 1.0:
            ended = self._sum / self._count
            self._sum, self._count = 0.0, 0
        if not self._count:
            self._begun_s = at_s
        self._sum += value
        self._count += 1
        return ended
