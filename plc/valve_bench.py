"""Fires single valves through the PLC's service registers and reads its pressure sensor.

Implements the controller's `ValveBench` over the driver. The heartbeat goes on between all reads:
a bench that falls silent makes the PLC close its valves and leave maintenance, as it should.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from calibration.clock import Clock
from calibration.units import NS_PER_MS, MonotonicNs
from calibration.valve_shot import ValveShot
from plc.errors import EncoderError, PlcError, PlcLinkError
from plc.register_flags import StationKind, ValveTestReason, ValveTestState
from plc.register_link import RegisterLink
from plc.service_types import StationInfo, ValveTest, ValveTestResult
from plc.types import PlcRequest, PlcState, PlcStatus

_log = logging.getLogger(__name__)

_CYCLE_S: Final = 0.02
_ENTER_MS: Final = 2000.0
_PAUSE_MS: Final = 200
"""Between two pulses: three time constants of a manifold that refills in 60 ms."""
_WHOLE_MS: Final = 120
"""After the end of a pulse: slow valves have closed, and the next pulse is still to come."""
_LOST_ANSWERS: Final = 3
"""Times that one call's shots are fired anew; a link that loses more is to be mended."""
_SLACK_MS: Final = 2000.0
"""Longer than a test may take beyond its pulses and pauses before the PLC counts as stuck."""
_NO_AIR_KPA: Final = 90.0
"""Below this the flow is not choked and no valve can be judged."""

_WORDS: Final[dict[ValveTestReason, str]] = {
    ValveTestReason.NOT_IN_MAINTENANCE: "the PLC is not in maintenance mode: stop the line and "
    "change its mode first",
    ValveTestReason.NOT_THE_OWNER: "another master controls the PLC: end the line's program, or "
    "test from its page",
    ValveTestReason.STATION_UNKNOWN: "the PLC knows no such station",
    ValveTestReason.VALVE_UNKNOWN: "the PLC knows no such valve",
    ValveTestReason.DURATION_OUT_OF_LIMITS: "the pulse is shorter or longer than the PLC allows",
    ValveTestReason.COUNT_OUT_OF_LIMITS: "the PLC does not fire so many pulses in one test",
    ValveTestReason.BUSY: "the PLC is busy with another test",
}


class ValveBenchError(PlcError):
    """The valve bench cannot do what is asked, with what to do about it."""


class OutOfModeError(ValveBenchError):
    """The PLC is not in maintenance mode any more."""


class PressureBench:
    """One PLC with a pressure sensor at each bar. One thread."""

    method = "pressure"

    def __init__(
        self, link: RegisterLink, clock: Clock, own: Mapping[int, int] | None = None
    ) -> None:
        """Take a driver that nobody else uses, not yet connected.

        Args:
            link: to the PLC.
            clock: waits.
            own: the PLC's number of each of the line's stations that it drives; None: the same.
        """
        self._link, self._clock, self._own = link, clock, own or {}
        self._stations: dict[int, StationInfo] = {}
        self._never = threading.Event()
        self._scan_us = 0

    @property
    def scan_ms(self) -> float:
        """Time between two looks at the sensor: the PLC's scan."""
        return self._scan_us / 1000.0

    def __enter__(self) -> Self:
        """Connect and bring the PLC into maintenance mode.

        Raises:
            PlcError: no PLC, another one, or it does not enter the mode.
        """
        self._enter()
        return self

    def _enter(self) -> None:
        self._link.connect()
        try:
            self._turn(maintenance=False)
            deadline_ns = self._clock.now_ns() + int(_ENTER_MS * NS_PER_MS)
            while (status := self._turn(maintenance=True)).state is not PlcState.MAINTENANCE:
                if self._clock.now_ns() > deadline_ns:
                    raise ValveBenchError(_why_not(status))
                self._clock.wait(self._never, _CYCLE_S)
            self._stations = {info.station: info for info in self._link.service.stations()}
        except BaseException:
            self._link.close()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ask for the end of maintenance, which closes every valve, and give the PLC back."""
        try:
            self._turn(maintenance=False)
        except PlcError:
            # Silence is as good: the PLC closes its valves when the heartbeat lapses.
            pass
        finally:
            self._link.close()

    def check(self, station: int) -> None:
        """Raise if a station is no jet bar of this PLC, or has no air or no sensor.

        Raises:
            ValveBenchError: with what to do.
        """
        station = self._own.get(station, station)
        info = self._stations.get(station)
        if info is None or info.kind is not StationKind.JET_BAR:
            msg = f"the PLC has no jet bar at station {station}; its program and the line differ"
            raise ValveBenchError(msg)
        require_air(info.pressure_kpa, station)

    def shoot(self, station: int, valve: int, *, open_ms: int, count: int) -> Sequence[ValveShot]:
        """Fire one valve `count` times; blocks for the pulses, the pauses and half a second.

        An answer that does not come in time, or so late that the PLC took the silence for the end,
        costs the shots of this call, not the whole test: the mode is entered again and they are
        fired anew.

        Raises:
            PlcError: the link broke again and again, the PLC refused or stopped the test, or it
                does not end.
        """
        for _ in range(_LOST_ANSWERS):
            try:
                return self._shoot(station, valve, open_ms=open_ms, count=count)
            except (PlcLinkError, OutOfModeError) as error:
                _log.warning("valve %d is fired anew: %s", valve, error)
                self._link.close()
                self._enter()
        return self._shoot(station, valve, open_ms=open_ms, count=count)

    def _shoot(self, station: int, valve: int, *, open_ms: int, count: int) -> list[ValveShot]:
        test = ValveTest(
            station=self._own.get(station, station),
            valve=valve,
            open_ms=open_ms,
            pause_ms=_PAUSE_MS,
            count=count,
        )
        sequence = self._link.service.command_test(test)
        longest_ms = count * (open_ms + _PAUSE_MS) + _SLACK_MS
        deadline_ns = MonotonicNs(self._clock.now_ns() + int(longest_ms * NS_PER_MS))
        shots: dict[int, ValveShot] = {}
        seen_ns: dict[int, int] = {}
        while True:
            self._turn(maintenance=True)
            result = self._link.service.test_result()
            if result.sequence == sequence:
                _require_taken(result)
                if result.pulses_done not in seen_ns:
                    seen_ns[result.pulses_done] = self._clock.now_ns()
                # Until then the next pulse has not opened, and this one's air has long gone.
                whole_ns = seen_ns[result.pulses_done] + _WHOLE_MS * NS_PER_MS
                if result.pulses_done and self._clock.now_ns() <= whole_ns:
                    shots[result.pulses_done] = _shot(result, open_ms)
                if result.state is ValveTestState.DONE:
                    return [shots[number] for number in sorted(shots)]
            if self._clock.now_ns() > deadline_ns:
                msg = f"the test of valve {valve} does not end; look at the PLC program"
                raise ValveBenchError(msg)
            self._clock.wait(self._never, _CYCLE_S)

    def _turn(self, *, maintenance: bool) -> PlcStatus:
        """Give a sign of life and read the PLC."""
        request = PlcRequest(run=False, belt_run=False, maintenance=maintenance)
        while True:
            try:
                status = self._link.exchange(request, ()).status
            except EncoderError:
                # Somebody turns the belt by hand; no valve test depends on the encoder.
                continue
            self._scan_us = self._link.scan_period_us
            return status


def require_air(pressure_kpa: float, station: int) -> None:
    """Raise where a bar's sensor shows nothing, or too little air to judge a valve by.

    Raises:
        ValveBenchError: with what to do.
    """
    if pressure_kpa == 0:
        msg = (
            f"no pressure sensor at station {station} of the PLC (it reads 0 kPa): wire one; "
            "without it no valve can be judged"
        )
        raise ValveBenchError(msg)
    if pressure_kpa < _NO_AIR_KPA:
        msg = (
            f"{pressure_kpa:.0f} kPa at station {station} of the PLC: open the main air valve; a "
            f"valve is judged from {_NO_AIR_KPA:.0f} kPa on"
        )
        raise ValveBenchError(msg)


def _shot(result: ValveTestResult, open_ms: int) -> ValveShot:
    return ValveShot(
        open_ms=float(open_ms),
        response_ms=result.response_ms,
        end_ms=result.minimum_ms,
        answer=max(result.pressure_before_kpa - result.pressure_min_kpa, 0.0),
        supply_kpa=result.pressure_before_kpa,
    )


def _require_taken(result: ValveTestResult) -> None:
    """Raise why the PLC does not do a test, if it does not."""
    if result.state is ValveTestState.ABORTED:
        msg = "the PLC broke the test off: it left maintenance mode (safety circuit, silence)"
        raise OutOfModeError(msg)
    if result.state is ValveTestState.REFUSED:
        msg = f"the PLC refused the test: {_WORDS.get(result.reason, result.reason.name)}"
        if result.reason is ValveTestReason.NOT_IN_MAINTENANCE:
            raise OutOfModeError(msg)
        raise ValveBenchError(msg)


def _why_not(status: PlcStatus) -> str:
    """Return why the PLC does not enter maintenance mode, and what to do."""
    if not status.safety_ok:
        return "the safety circuit is open: close guards and reset emergency stops first"
    return (
        f"the PLC is {status.state.name} and does not enter maintenance mode: stop the line (or "
        "end its program) and try again"
    )
