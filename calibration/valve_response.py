"""How each valve of a bar answers, as a valve test measured it: lags, jitter, strength, health."""

from dataclasses import dataclass
from enum import StrEnum


class ValveHealth(StrEnum):
    """Whether a valve can be counted on."""

    OK = "ok"
    SLOW = "slow"
    """It blows, but later than its neighbours by more than can be ignored; it is fired earlier."""
    DEAD = "dead"
    """No air comes, and no living neighbour stands beside it."""
    WIDENED_BY_NEIGHBOURS = "widened_by_neighbours"
    """No air comes; the living valves beside it open in its place."""

    @property
    def blows(self) -> bool:
        """Whether air comes when the valve is switched on."""
        return self in (ValveHealth.OK, ValveHealth.SLOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveResponse:
    """What was measured of one valve. A valve that does not blow has lags and jitter of zero.

    Attributes:
        valve: index, 0 at the left edge seen downstream.
        health: what follows from the measurement.
        shots: how often it was fired for the measurement; 0 for a valve that was never tested,
            whose figures are those of its station's section.
        open_lag_ms: mean time from switching on to air.
        open_lag_sd_ms: standard error of that mean.
        close_lag_ms: mean time from switching off to the air gone.
        close_lag_sd_ms: standard error of that mean.
        jitter_ms: standard deviation of the open lag from shot to shot.
        jitter_sd_ms: standard error of that.
        strength: its air compared with the bar's median valve; 1 is alike, 0 none.
    """

    valve: int
    health: ValveHealth
    shots: int
    open_lag_ms: float
    open_lag_sd_ms: float
    close_lag_ms: float
    close_lag_sd_ms: float
    jitter_ms: float
    jitter_sd_ms: float
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BarResponse:
    """What a valve test found out about one bar.

    Attributes:
        station: name of the bar in the line file.
        measured_at_utc: ISO date and time.
        measured_by: who did the test.
        method: pressure or camera.
        valves: every valve of the bar, in order.
    """

    station: str
    measured_at_utc: str
    measured_by: str
    method: str
    valves: tuple[ValveResponse, ...]

    def __post_init__(self) -> None:
        """Refuse a bar with gaps.

        Raises:
            ValueError: valves are missing or out of order.
        """
        if [valve.valve for valve in self.valves] != list(range(len(self.valves))):
            msg = f"bar {self.station!r}: valves must be 0, 1, 2 ... without gaps"
            raise ValueError(msg)

    @property
    def silent(self) -> frozenset[int]:
        """Valves that do not blow."""
        return frozenset(valve.valve for valve in self.valves if not valve.health.blows)


def covered(healths: tuple[ValveHealth, ...]) -> tuple[ValveHealth, ...]:
    """Return the healths with every dead valve that has a living neighbour marked as covered."""
    blows = [health.blows for health in healths]
    beside = zip([False, *blows[:-1]], [*blows[1:], False], strict=True)
    return tuple(
        health
        if health.blows
        else ValveHealth.WIDENED_BY_NEIGHBOURS
        if left or right
        else ValveHealth.DEAD
        for health, (left, right) in zip(healths, beside, strict=True)
    )
