"""Fires single valves of a remote I/O and reads the pressure sensors wired to its inputs.

Implements the controller's `ValveBench` for direct mode. Nobody enforces a maintenance mode in a
remote I/O: the bench wants every output off before it begins, closes what it opened whatever
happens, and the device's own watchdog does so should this program die.
"""

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S
from calibration.valve_shot import ValveShot
from plc.config import DirectConfig
from plc.ports import CoilTransport
from plc.valve_bench import ValveBenchError, require_air

_KPA_PER_COUNT: Final = 0.1
"""As in the register map of a PLC with a program."""
_FALL_SHARE: Final = 0.02
"""A valve has answered when its bar has lost this share of its pressure, as in a PLC."""
_WATCH_MS: Final = 120
"""After the end of a pulse; slow valves have closed by then."""
_PAUSE_MS: Final = 200
"""Between two pulses: three time constants of a manifold that refills in 60 ms."""
_LAST_MS: Final = 2.0
"""No look at the sensor begins so shortly before the valve is to close: it would close late."""


class DirectPressureBench:
    """One remote I/O with a pressure sensor at each bar. One thread; the line must not run."""

    method = "pressure"

    def __init__(self, transport: CoilTransport, device: DirectConfig, clock: Clock) -> None:
        """Take a connection that nobody else uses, not yet open."""
        self._transport, self._device, self._clock = transport, device, clock
        self._never = threading.Event()
        self._looks, self._looked_ns = 0, 0

    @property
    def scan_ms(self) -> float:
        """Time between two looks at the sensor: the mean of those so far."""
        return self._looked_ns / NS_PER_MS / self._looks if self._looks else 0.0

    def __enter__(self) -> Self:
        """Connect and see that nothing fires.

        Raises:
            PlcError: no device, an open safety circuit, or outputs that are on.
        """
        self._transport.open()
        try:
            self._require_rest()
        except BaseException:
            self._transport.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect; every valve is closed already. Never raises."""
        self._transport.close()

    def check(self, station: int) -> None:
        """Raise if no sensor looks at a station, or its bar has no air.

        Raises:
            ValveBenchError: with what to do.
        """
        inputs = self._device.pressure_inputs
        if not inputs:
            msg = (
                "no pressure sensor: wire one per bar to the remote I/O and name its input "
                "registers in plc.pressure_inputs; without one no valve can be judged"
            )
            raise ValveBenchError(msg)
        require_air(self._pressure_kpa(station), station)

    def shoot(self, station: int, valve: int, *, open_ms: int, count: int) -> Sequence[ValveShot]:
        """Fire one valve `count` times; blocks for the pulses and the pauses.

        Raises:
            PlcError: the link broke or the device refused; the valve is closed, by the device's
                watchdog if need be.
        """
        coil = self._device.first_coils[station] + valve
        return [self._shot(station, coil, open_ms) for _ in range(count)]

    def _shot(self, station: int, coil: int, open_ms: int) -> ValveShot:
        before_kpa = lowest_kpa = self._pressure_kpa(station)
        response_ms: float | None = None
        end_ms = 0.0
        opened_ns = self._switch(coil, on=True)
        try:
            close_ns = opened_ns + open_ms * NS_PER_MS
            while (left_ms := (close_ns - self._clock.now_ns()) / NS_PER_MS) > 0:
                if left_ms < _LAST_MS:
                    self._clock.wait(self._never, left_ms / 1e3)
                    break
                lowest_kpa, end_ms, response_ms = self._look(
                    station, before_kpa, opened_ns, (lowest_kpa, end_ms, response_ms)
                )
        finally:
            self._switch(coil, on=False)
        until_ns = close_ns + _WATCH_MS * NS_PER_MS
        while self._clock.now_ns() < until_ns:
            lowest_kpa, end_ms, response_ms = self._look(
                station, before_kpa, opened_ns, (lowest_kpa, end_ms, response_ms)
            )
        rest_ns = close_ns + _PAUSE_MS * NS_PER_MS - self._clock.now_ns()
        self._clock.wait(self._never, max(0, rest_ns) / NS_PER_S)
        return ValveShot(
            open_ms=float(open_ms),
            response_ms=response_ms,
            end_ms=end_ms if before_kpa > lowest_kpa else None,
            answer=max(before_kpa - lowest_kpa, 0.0),
            supply_kpa=before_kpa,
        )

    def _look(
        self,
        station: int,
        before_kpa: float,
        opened_ns: int,
        seen: tuple[float, float, float | None],
    ) -> tuple[float, float, float | None]:
        """Return lowest pressure, when it was, and when the bar answered, with one more look."""
        lowest_kpa, end_ms, response_ms = seen
        asked_ns = self._clock.now_ns()
        kpa = self._pressure_kpa(station)
        now_ns = self._clock.now_ns()
        self._looks, self._looked_ns = self._looks + 1, self._looked_ns + now_ns - asked_ns
        at_ms = ((asked_ns + now_ns) / 2 - opened_ns) / NS_PER_MS
        if response_ms is None and kpa <= (1 - _FALL_SHARE) * before_kpa:
            response_ms = at_ms
        return (kpa, at_ms, response_ms) if kpa < lowest_kpa else (lowest_kpa, end_ms, response_ms)

    def _switch(self, coil: int, *, on: bool) -> int:
        """Write one coil; returns the middle of the request, ns."""
        asked_ns = self._clock.now_ns()
        # Whole bytes: some devices clear the rest of the last one.
        first = coil // 8 * 8
        length = min(8, self._device.coil_count - first)
        self._transport.write_coils(first, [on and first + i == coil for i in range(length)])
        return (asked_ns + self._clock.now_ns()) // 2

    def _pressure_kpa(self, station: int) -> float:
        (count,) = self._transport.read_input(self._device.pressure_inputs[station], 1)
        return count * _KPA_PER_COUNT

    def _require_rest(self) -> None:
        device = self._device
        if device.safety_input is not None:
            (closed,) = self._transport.read_discrete(device.safety_input, 1)
            if not closed:
                msg = "the safety circuit is open: close guards and reset emergency stops first"
                raise ValveBenchError(msg)
        coils = self._transport.read_coils(0, device.coil_count)
        if any(coils):
            msg = (
                f"output {coils.index(True)} of the remote I/O is on: another program fires or the "
                "belt runs; end the line's program and stop the belt first"
            )
            raise ValveBenchError(msg)
