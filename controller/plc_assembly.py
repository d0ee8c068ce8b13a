"""Builds the line's PLC side from its configuration: one PLC, several, or direct mode."""

from calibration.clock import Clock
from calibration.line_calibration import LineCalibration
from controller.line_file import LineFile
from controller.plc_group import Member, PlcGroup
from controller.plc_thread import PlcThread
from controller.ports import PlcSide
from controller.stations import BeltRequestConfig, JetBarConfig
from controller.valve_test import ValveBench
from plc.config import DirectConfig, PlcConfig
from plc.direct.direct_link import DirectLink
from plc.direct.direct_valve_bench import DirectPressureBench
from plc.direct.setup import DirectSetup
from plc.modbus_link import open_link, open_transport
from plc.tick_bridge import TickBridge
from plc.valve_bench import PressureBench

_SHORTEST_SHARE, _LONGEST_SHARE = 0.5, 1.5
"""Pulses are planned at speeds that differ from the nominal one; beyond this they are mistakes."""
_APART_MM = 10.0
"""Two encoders of one belt may wander this far apart: less than a nozzle pitch."""
_NO_PITCH_MM = 50.0
"""Flaps and gates alone: no nozzle is missed."""


def open_plc_side(line: LineFile, calibration: LineCalibration, clock: Clock) -> PlcSide:
    """Return what the runtime talks to; nothing is connected yet."""
    mm_per_tick, main = calibration.travel.mm_per_tick, line.main_plc
    if isinstance(main, DirectConfig):
        link = DirectLink(direct_setup(line, main, mm_per_tick=mm_per_tick))
        return PlcThread(link=link, clock=clock, cycle_ms=main.cycle_ms)
    plcs = [plc for plc in line.plcs if isinstance(plc, PlcConfig)]
    if len(plcs) == 1:
        return PlcThread(link=open_link(main, clock), clock=clock, cycle_ms=main.cycle_ms)
    members = [
        Member(
            name=plc.name,
            thread=PlcThread(link=open_link(plc, clock), clock=clock, cycle_ms=plc.cycle_ms),
            stations=stations_of(line, plc),
            bridge=TickBridge(ratio=plc.tick_ratio, limit_tick=_APART_MM / mm_per_tick)
            if index
            else None,
        )
        for index, plc in enumerate(plcs)
    ]
    return PlcGroup(members, clock)


def stations_of(line: LineFile, plc: PlcConfig) -> dict[int, int]:
    """Return the PLC's own number of each of the line's stations that it drives."""
    names = line.station_names
    driven = plc.stations or names
    return {names.index(name): own for own, name in enumerate(driven)}


def valve_benches(line: LineFile, clock: Clock) -> tuple[tuple[ValveBench, frozenset[int]], ...]:
    """Return a bench for each PLC or remote I/O, with the line's stations that it fires."""
    benches: list[tuple[ValveBench, frozenset[int]]] = []
    for plc in line.plcs:
        if isinstance(plc, DirectConfig):
            wired = DirectPressureBench(open_transport(plc, clock), plc, clock)
            benches.append((wired, frozenset(range(len(line.stations)))))
        else:
            own = stations_of(line, plc)
            benches.append((PressureBench(open_link(plc, clock), clock, own), frozenset(own)))
    return tuple(benches)


def direct_setup(line: LineFile, device: DirectConfig, *, mm_per_tick: float) -> DirectSetup:
    """Return what the firing process is told of the line."""
    ticks_per_ms = line.line.belt_speed_mm_per_s / mm_per_tick / 1e3
    pulsed = [s for s in line.stations if not isinstance(s, BeltRequestConfig)]
    pitches_mm = [s.valve_pitch_mm for s in pulsed if isinstance(s, JetBarConfig)]
    shortest_ms = min((s.min_open_ms for s in pulsed), default=1.0)
    longest_ms = max((s.max_open_ms for s in pulsed), default=device.max_open_ms)
    return DirectSetup(
        device=device,
        encoder=line.encoder,
        valve_counts=tuple(station.valve_count for station in line.stations),
        pitch_mm=min(pitches_mm, default=_NO_PITCH_MM),
        mm_per_tick=mm_per_tick,
        speed_mm_per_s=line.line.belt_speed_mm_per_s,
        min_open_tick=max(1, int(_SHORTEST_SHARE * shortest_ms * ticks_per_ms)),
        max_open_tick=int(_LONGEST_SHARE * longest_ms * ticks_per_ms) + 1,
    )
