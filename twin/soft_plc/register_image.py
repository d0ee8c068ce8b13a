"""Everything the soft PLC writes, as it lies in the holding registers."""

from plc.codec import TICK_MASK
from plc.register_flags import FlapPosition, StationKind
from plc.registers import (
    BELT_RUN_COIL,
    BELT_SLOW_COIL,
    HISTORY,
    LATCHES,
    MAINTENANCE_COIL,
    MAP_WORDS,
    PAGE,
    PAGE_VALVES,
    RECENT,
    RECENT_LATCHES,
    RUNNING_COIL,
    SAFE_COIL,
    STATIONS,
    TEST,
    VALVES_PER_PAGE,
)
from plc.service_codec import (
    StationEntry,
    ValveEntry,
    encode_station,
    encode_test,
    encode_valve,
)
from plc.types import PlcState
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.plant_inputs import PlantInputs
from twin.soft_plc.report_log import ReportLog, TriggerLog
from twin.soft_plc.service_desk import ServiceDesk
from twin.soft_plc.valve_bank import ValveBank

_REFRESH_SCANS = 16
"""Stations and valve page are for people and start-up: shown every so many scans."""
_NO_VALVE = bytes(2 * PAGE_VALVES.stride)


class RegisterImage:
    """Bytes of holding registers 0 to the end of the map; the mailboxes stay zero in it."""

    def __init__(self, config: SoftPlcConfig, valves: ValveBank) -> None:
        """Begin all zero."""
        self.area = bytearray(2 * MAP_WORDS)
        self._config, self._valves = config, valves
        self._limits = [config.limits(i) for i in range(len(config.station_valves))]
        self._shown: tuple[int, int] | None = None

    def put(self, address: int, content: bytes | bytearray) -> None:
        """Lay bytes at a register's address."""
        self.area[2 * address : 2 * address + len(content)] = content

    def rings(self, reports: ReportLog, triggers: TriggerLog) -> None:
        """Copy the rings of reports and triggers."""
        self.put(RECENT.address, reports.recent)
        self.put(HISTORY.address, reports.history)
        self.put(RECENT_LATCHES.address, triggers.recent)
        self.put(LATCHES.address, triggers.history)

    def show_tables(self, scan: int, desk: ServiceDesk, held: list[int]) -> None:
        """Lay stations, test and valve page where they are old or another page is wanted."""
        if not desk.tester.watching and self._shown is not None:
            shown_scan, page = self._shown
            if page == desk.page and (scan - shown_scan) & 0xFFFF < _REFRESH_SCANS:
                return
        self._shown = (scan, desk.page)
        self._stations(desk.inputs, held)
        self.put(TEST.address, encode_test(desk.tester.entry()))
        self._page(desk.page)

    def _stations(self, inputs: PlantInputs, held: list[int]) -> None:
        for station, limits in enumerate(self._limits):
            kind = self._config.kind(station)
            flap = kind is not StationKind.JET_BAR
            entry = StationEntry(
                kind=kind,
                valve_count=self._config.valves_of(station),
                first_output=self._valves.output(station, 0),
                queue_used=held[station],
                min_open_tick=limits.min_open_tick,
                max_open_tick=limits.max_open_tick,
                min_open_ms=limits.min_open_ms,
                max_open_ms=limits.max_open_ms,
                pressure=0 if flap else round(inputs.pressure_kpa(station) * 10),
                position=inputs.flap_position(station) if flap else FlapPosition.MOVING,
            )
            self.put(STATIONS.address + station * STATIONS.stride, encode_station(entry))

    def _page(self, number: int) -> None:
        """Lay one page of valve counters; outputs that are not there are zero."""
        valves = self._valves
        self.put(PAGE.address, number.to_bytes(2))
        for index in range(VALVES_PER_PAGE):
            output = number * VALVES_PER_PAGE + index
            content = _NO_VALVE
            if output < valves.count:
                content = encode_valve(
                    ValveEntry(
                        cycles=valves.cycles[output] & TICK_MASK,
                        last_open_tick=valves.last_open_tick[output] & TICK_MASK,
                        min_open_ms=valves.min_open_ms[output],
                        max_open_ms=valves.max_open_ms[output],
                    )
                )
            self.put(PAGE_VALVES.address + index * PAGE_VALVES.stride, content)


def with_lamps(valves: bytes | bytearray, state: PlcState, *, belt: bool, slow: bool) -> bytes:
    """Return all coils: the valves' and those for belt drive and lamps."""
    coils = bytearray(valves)
    others = {
        BELT_RUN_COIL: belt,
        BELT_SLOW_COIL: slow,
        RUNNING_COIL: state is PlcState.RUNNING,
        SAFE_COIL: state is PlcState.SAFE,
        MAINTENANCE_COIL: state is PlcState.MAINTENANCE,
    }
    for coil, on in others.items():
        coils[coil >> 3] |= on << (coil & 7)
    return bytes(coils)
