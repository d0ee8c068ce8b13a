"""What is read and commanded beside the cycle: stations, valve counters, manual valve tests."""

from dataclasses import replace

from plc.ports import RegisterTransport
from plc.register_flags import FlapPosition, StationKind, ValveTestReason, ValveTestState
from plc.registers import (
    MAX_STATIONS,
    PAGE,
    PAGE_VALVES,
    SERVICE,
    STATIONS,
    TEST,
    VALVES_PER_PAGE,
)
from plc.service_codec import (
    NEVER_TENTH_MS,
    ServiceMailbox,
    decode_station,
    decode_test,
    decode_valve,
    encode_service,
)
from plc.service_types import StationInfo, ValveCounter, ValveTest, ValveTestResult

_STATIONS_PER_READ = 8
_KPA = 0.1
_MS = 0.1
_MAX_SEQUENCE = 0xFFFF


class RegisterService:
    """Requests outside the cycle, for the thread that exchanges. Each blocks up to the timeout.

    All raise `PlcLinkError` and `PlcFaultError` as the transport does.
    """

    def __init__(self, transport: RegisterTransport, *, owner_id: int) -> None:
        """Share the driver's transport and identity."""
        self._transport = transport
        self._mailbox = ServiceMailbox(owner_id=owner_id)

    def stations(self) -> tuple[StationInfo, ...]:
        """Read what stands at each station and the limits that hold there."""
        words: list[int] = []
        for first in range(0, MAX_STATIONS, _STATIONS_PER_READ):
            at = STATIONS.address + first * STATIONS.stride
            words += self._transport.read_holding(at, _STATIONS_PER_READ * STATIONS.stride)
        infos: list[StationInfo] = []
        for at in range(0, STATIONS.words, STATIONS.stride):
            entry = decode_station(words[at : at + STATIONS.stride])
            if entry.kind != StationKind.NONE:
                infos.append(
                    StationInfo(
                        station=at // STATIONS.stride,
                        kind=StationKind(entry.kind),
                        valve_count=entry.valve_count,
                        first_output=entry.first_output,
                        queue_used=entry.queue_used,
                        min_open_tick=entry.min_open_tick,
                        max_open_tick=entry.max_open_tick,
                        min_open_ms=entry.min_open_ms,
                        max_open_ms=entry.max_open_ms,
                        pressure_kpa=entry.pressure * _KPA,
                        position=FlapPosition(entry.position),
                    )
                )
        return tuple(infos)

    def command_test(self, test: ValveTest) -> int:
        """Command one manual test and return its number; only in maintenance will it be done.

        Raises:
            ValueError: a value that its register cannot hold.
        """
        shown = decode_test(self._transport.read_holding(TEST.address, TEST.words))
        sequence = shown.sequence % _MAX_SEQUENCE + 1
        self._write(
            command_sequence=sequence,
            station=test.station,
            valve=test.valve,
            open_ms=test.open_ms,
            pause_ms=test.pause_ms,
            count=test.count,
        )
        return sequence

    def test_result(self) -> ValveTestResult:
        """Read what became of the last test; compare its number."""
        entry = decode_test(self._transport.read_holding(TEST.address, TEST.words))
        return ValveTestResult(
            sequence=entry.sequence,
            state=ValveTestState(entry.state),
            reason=ValveTestReason(entry.reason),
            station=entry.station,
            valve=entry.valve,
            pulses_done=entry.pulses_done,
            open_tick=entry.open_tick,
            pressure_before_kpa=entry.pressure_before * _KPA,
            pressure_min_kpa=entry.pressure_min * _KPA,
            response_ms=_duration_ms(entry.response_tenth_ms),
            minimum_ms=_duration_ms(entry.minimum_tenth_ms),
        )

    def ask_for_page(self, page: int) -> None:
        """Ask for outputs `16 x page` and following; the PLC shows them within a scan or two."""
        self._write(wanted_page=page)

    def page(self) -> tuple[int, tuple[ValveCounter, ...]]:
        """Read the page that the PLC shows: its number, and its valves by output."""
        words = self._transport.read_holding(PAGE.address, PAGE.words + PAGE_VALVES.words)
        number = words[0]
        counters: list[ValveCounter] = []
        for index in range(VALVES_PER_PAGE):
            at = PAGE.words + index * PAGE_VALVES.stride
            entry = decode_valve(words[at : at + PAGE_VALVES.stride])
            counters.append(
                ValveCounter(
                    output=number * VALVES_PER_PAGE + index,
                    cycles=entry.cycles,
                    last_open_tick=entry.last_open_tick,
                    min_open_ms=entry.min_open_ms,
                    max_open_ms=entry.max_open_ms,
                )
            )
        return number, tuple(counters)

    def simulate(self, *, ticks_per_s: int, start_tick: int = 0) -> None:
        """Have the program count an encoder of its own, 0 to end that; see the register map."""
        self._write(simulated_ticks_per_s=ticks_per_s, simulated_start_tick=start_tick)

    def _write(self, **changed: int) -> None:
        mailbox = replace(self._mailbox, **changed)
        self._transport.write_holding(SERVICE.address, encode_service(mailbox))
        self._mailbox = mailbox


def _duration_ms(tenths: int) -> float | None:
    return None if tenths == NEVER_TENTH_MS else tenths * _MS
