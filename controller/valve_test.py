"""The guided valve test: each valve of a bar fires alone, in maintenance mode, and is judged.

Command line and page drive the same function; what fires and looks is behind the port.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from calibration.solve.valve_answers import (
    HealthRules,
    SensorDelay,
    answer_curve,
    bar_response,
    sensor_delay,
)
from calibration.valve_response import BarResponse, ValveHealth, ValveResponse
from calibration.valve_shot import ValveShot
from controller.config_report import UsageError
from controller.stations import JetBarConfig

LENGTH_SHARES: Final = (1.25, 2.5, 5.0)
"""Lengths of test pulses over the valve's shortest one: they show the sensor's time constant."""


class ValveTestError(UsageError):
    """What is asked for cannot be tested, with what to ask for instead."""


class ValveTestAbortedError(Exception):
    """A person broke the test off; the valves are closed."""


class ValveBench(Protocol):
    """Fires one valve at a time and sees what comes of it. One thread; every call blocks.

    Every method raises `plc.errors.PlcError` where the PLC fails or refuses. Entering brings the
    PLC into maintenance mode, leaving closes every valve and ends that mode.
    """

    @property
    def method(self) -> str:
        """What looks at the valves: pressure or camera."""
        ...

    @property
    def scan_ms(self) -> float:
        """Time between two looks."""
        ...

    def __enter__(self) -> Self:
        """Enter maintenance mode; raises if the line is not at rest."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every valve and leave maintenance mode. Never raises."""
        ...

    def check(self, station: int) -> None:
        """Raise if a station is no bar of the PLC, or nothing looks at it."""
        ...

    def shoot(self, station: int, valve: int, *, open_ms: int, count: int) -> Sequence[ValveShot]:
        """Fire one valve `count` times and return what was seen of each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTestRequest:
    """What to test.

    Attributes:
        index: of the station.
        station: the bar.
        valves: to test, in order.
        shots: of each valve, over all lengths of pulse.
        by: who tests.
        at_utc: ISO date and time.
    """

    index: int
    station: JetBarConfig
    valves: tuple[int, ...]
    shots: int
    by: str
    at_utc: str

    def __post_init__(self) -> None:
        """Refuse valves that the bar does not have, and fewer shots than lengths.

        Raises:
            ValveTestError: with what to ask for instead.
        """
        last = self.station.valve_count - 1
        unknown = [valve for valve in self.valves if not 0 <= valve <= last]
        if unknown or not self.valves:
            asked = f"valve {unknown[0]}" if unknown else "no valve"
            msg = f"station {self.station.name!r}: {asked} asked for, it has valves 0 to {last}"
            raise ValveTestError(msg)
        if self.shots < 2 * len(LENGTH_SHARES):
            msg = f"{self.shots} shots a valve are too few; fire at least {2 * len(LENGTH_SHARES)}"
            raise ValveTestError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTestResult:
    """What a test of one bar found.

    Attributes:
        response: what is stored and aimed with.
        delay: of the sensor.
        curves: (length ms, answer) of the tested valves, by valve.
        tested: valves fired now; the others are as they were found before.
    """

    response: BarResponse
    delay: SensorDelay
    curves: tuple[tuple[int, tuple[tuple[float, float], ...]], ...]
    tested: tuple[int, ...]


def run_valve_test(
    bench: ValveBench,
    request: ValveTestRequest,
    *,
    before: BarResponse | None = None,
    rules: HealthRules | None = None,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    stopped: Callable[[], bool] = lambda: False,
) -> ValveTestResult:
    """Test one bar. The bench has been entered.

    Args:
        bench: fires and looks.
        request: what to test.
        before: the last test of the bar, for valves that are not tested now.
        rules: when a valve counts as slow or dead.
        progress: told how many valves are done, of how many.
        stopped: asked before each valve whether a person broke the test off.

    Raises:
        plc.errors.PlcError: the PLC, the sensor or the mode does not let it be done.
        ValveTestAbortedError: as `stopped` said.
        calibration.errors.ProcedureError: what was seen makes no sense.
    """
    bench.check(request.index)
    shots: dict[int, list[ValveShot]] = {}
    for done, valve in enumerate(request.valves):
        if stopped():
            msg = f"broken off at valve {valve}; all valves are closed, nothing was stored"
            raise ValveTestAbortedError(msg)
        progress(done, len(request.valves))
        shots[valve] = _shoot(bench, request, valve)
    progress(len(request.valves), len(request.valves))
    delay = sensor_delay(shots, scan_ms=bench.scan_ms, pressure=bench.method == "pressure")
    response = bar_response(
        shots,
        delay,
        station=request.station.name,
        method=bench.method,
        by=request.by,
        at_utc=request.at_utc,
        rules=rules,
        known=_nominal(request.station) if before is None else before.valves,
    )
    curves = tuple((valve, tuple(answer_curve(own).items())) for valve, own in shots.items())
    return ValveTestResult(response=response, delay=delay, curves=curves, tested=request.valves)


def _nominal(station: JetBarConfig) -> tuple[ValveResponse, ...]:
    """Return the valves of a bar that was never tested, as its section says; no shot was fired."""
    return tuple(
        ValveResponse(
            valve=valve,
            health=ValveHealth.OK,
            shots=0,
            open_lag_ms=station.valve_open_lag_ms,
            open_lag_sd_ms=0.0,
            close_lag_ms=station.valve_close_lag_ms,
            close_lag_sd_ms=0.0,
            jitter_ms=station.valve_jitter_ms,
            jitter_sd_ms=0.0,
            strength=1.0,
        )
        for valve in range(station.valve_count)
    )


def _shoot(bench: ValveBench, request: ValveTestRequest, valve: int) -> list[ValveShot]:
    station, lengths = request.station, len(LENGTH_SHARES)
    seen: list[ValveShot] = []
    for at, share in enumerate(LENGTH_SHARES):
        open_ms = min(round(station.min_open_ms * share), int(station.max_open_ms))
        count = request.shots // lengths + (at < request.shots % lengths)
        seen += bench.shoot(request.index, valve, open_ms=open_ms, count=count)
    return seen
