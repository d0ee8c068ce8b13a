"""Virtual time: the clock, and a plant whose valves switch exactly at their ticks."""

import threading

import pytest

from calibration.units import BeltTick
from calibration.valve_map import ValveSpan
from plc.types import EjectionCommand, PlcRequest, PlcState, PulseOutcome
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line
from twin.lockstep_plant import LockstepPlant
from twin.virtual_clock import VirtualClock

_RUN = PlcRequest(run=True, belt_run=True)
_STOP = PlcRequest(run=False, belt_run=False)


def _plant():
    line, config = shipped_line("standard")
    plant = LockstepPlant(
        config=config, stations=line.stations, plc=line.plc, mm_per_tick=MM_PER_TICK, start_ns=1000
    )
    edges = []
    plant.wire_valves(edges.append)
    plant.link.connect()
    return plant, edges


def _cycle(plant, request, until_s, commands=()):
    exchanges = [plant.link.exchange(request, commands)]
    while plant.clock.now_ns() < until_s * 1e9:
        plant.advance_to(plant.clock.now_ns() + 10_000_000)
        exchanges.append(plant.link.exchange(request, ()))
    return exchanges


def test_valves_switch_at_the_first_nanosecond_of_their_ticks():
    plant, edges = _plant()
    _cycle(plant, _STOP, 0.05)
    status = _cycle(plant, _RUN, 2.0)[-1].status
    assert status.state is PlcState.RUNNING
    pulse = EjectionCommand(
        pulse_id=1,
        station=0,
        valves=ValveSpan(first=3, last=5),
        open_tick=BeltTick(status.tick + 400),
        close_tick=BeltTick(status.tick + 500),
    )
    reports = [r for e in _cycle(plant, _RUN, 3.0, (pulse,)) for r in e.reports]
    assert [r.outcome for r in reports] == [PulseOutcome.FIRED]
    assert {(e.valve, e.opened) for e in edges} == {
        (v, o) for v in (3, 4, 5) for o in (True, False)
    }
    for edge in edges:
        planned = pulse.open_tick if edge.opened else pulse.close_tick
        assert edge.tick == planned
        assert plant.drive.tick(edge.at_ns) == planned
        assert plant.drive.tick(edge.at_ns - 1) < planned


def test_a_stop_with_pulses_waiting_neither_fires_them_nor_stalls_virtual_time():
    plant, edges = _plant()
    _cycle(plant, _STOP, 0.05)
    status = _cycle(plant, _RUN, 2.0)[-1].status
    pulse = EjectionCommand(
        pulse_id=1,
        station=0,
        valves=ValveSpan(first=3, last=5),
        open_tick=BeltTick(status.tick + 3000),
        close_tick=BeltTick(status.tick + 3100),
    )
    _cycle(plant, _RUN, 2.1, (pulse,))
    reports = [r for e in _cycle(plant, _STOP, 5.0) for r in e.reports]
    assert [r.outcome for r in reports] == [PulseOutcome.BLOCKED]
    assert edges == []
    assert plant.drive.speed_mm_per_s(plant.clock.now_ns()) == 0.0


def test_silence_stops_the_belt_in_virtual_time_too():
    plant, _ = _plant()
    _cycle(plant, _STOP, 0.05)
    _cycle(plant, _RUN, 2.0)
    plant.advance_to(4_000_000_000)
    assert plant.plc.state is PlcState.SAFE
    assert plant.drive.speed_mm_per_s(plant.clock.now_ns()) == 0.0


def test_virtual_clock_never_goes_back_and_never_waits():
    clock, event = VirtualClock(5), threading.Event()
    assert clock.wait(event, 1000.0) is False
    assert clock.now_ns() == 5
    clock.move_to(9)
    assert clock.now_ns() == 9
    event.set()
    assert clock.wait(event, 0.0) is True
    with pytest.raises(ValueError, match="cannot go back"):
        clock.move_to(8)
