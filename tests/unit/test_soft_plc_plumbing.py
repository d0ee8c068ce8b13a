"""The soft PLC's shared registers, event pipe, constants and in-process transport."""

import os
from multiprocessing import Pipe

import pytest

from calibration.valve_map import ValveSpan
from controller.stations import JetBarConfig
from plc.errors import PlcFaultError, PlcLinkError
from plc.modbus_link import open_link
from plc.types import EjectionCommand
from tests.support.plc_bench import IDLE, PLC_CONFIG, PlcBench, VirtualClock
from tests.support.plc_wire import tcp_config
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.event_pipe import EventPipe
from twin.soft_plc.in_process import InProcessTransport, in_process_link
from twin.soft_plc.program import SoftPlc
from twin.soft_plc.shared_registers import (
    AREA_BYTES,
    COIL_BYTES,
    SharedRegisters,
    TornRegistersError,
    create_memory,
)
from twin.wiring import BeltCommand, ValveEdge


def edge(number):
    return ValveEdge(station=0, valve=number % 80, opened=True, tick=number, at_ns=number)


@pytest.fixture
def memory():
    descriptor = create_memory()
    yield descriptor
    os.close(descriptor)


def test_a_reader_gets_what_the_writer_published(memory):
    writer, reader = SharedRegisters(memory), SharedRegisters(memory)
    area, coils = os.urandom(AREA_BYTES), os.urandom(COIL_BYTES)
    writer.publish(area, coils)
    assert reader.read() == (area, coils)
    writer.close()
    reader.close()


def test_a_half_written_copy_is_never_returned(memory):
    writer, reader = SharedRegisters(memory), SharedRegisters(memory)
    writer.publish(bytes(AREA_BYTES), bytes(COIL_BYTES))
    os.pwrite(memory, b"\xff", 100)
    with pytest.raises(TornRegistersError):
        reader.read()
    writer.close()
    reader.close()


def test_events_arrive_in_order_in_small_messages():
    reader, writer = Pipe(duplex=False)
    pipe = EventPipe(writer)
    pipe.send([edge(i) for i in range(40)], BeltCommand(run=True, at_ns=5))
    received = []
    while reader.poll(0):
        received.append(reader.recv())
    assert [len(message) for message in received] == [16, 16, 9]
    flat = [event for message in received for event in message]
    assert flat == [BeltCommand(run=True, at_ns=5), *(edge(i) for i in range(40))]
    reader.close()
    writer.close()


def test_a_reader_that_does_not_read_costs_edges_never_the_belt_command():
    reader, writer = Pipe(duplex=False)
    pipe = EventPipe(writer)
    for start in range(0, 20_000, 100):
        pipe.send([edge(start + i) for i in range(100)], None)
    assert pipe.dropped > 0
    pipe.send([], BeltCommand(run=False, at_ns=9))
    received = []
    while reader.poll(0):
        received.extend(reader.recv())
        pipe.send([], None)
    assert BeltCommand(run=False, at_ns=9) in received
    edges = sum(isinstance(event, ValveEdge) for event in received)
    assert edges + pipe.dropped == 20_000
    reader.close()
    writer.close()


def test_a_reader_that_is_gone_is_no_error():
    reader, writer = Pipe(duplex=False)
    pipe = EventPipe(writer)
    reader.close()
    pipe.send([edge(1)], None)
    pipe.send([edge(2)], None)
    writer.close()


def station(**changes):
    values = {
        "name": "bar",
        "distance_mm": 600,
        "valve_count": 80,
        "valve_pitch_mm": 12.5,
        "first_valve_x_mm": 6.25,
        "valve_open_lag_ms": 4,
        "valve_close_lag_ms": 4,
        "valve_jitter_ms": 1,
        "min_open_ms": 8,
        "max_open_ms": 200,
        "max_duty": 0.6,
        "duty_window_ms": 1000,
    }
    return JetBarConfig(**values | changes)


def test_constants_follow_from_the_stations():
    stations = [station(), station(valve_count=64, min_open_ms=10, max_open_ms=100)]
    config = SoftPlcConfig.for_line(stations, heartbeat_timeout_ms=300, ticks_per_s=5600)
    assert config.station_valves == (80, 64)
    assert config.min_open_tick <= 8 * 5.6 * 0.98 < 8 * 5.6 * 1.02 < config.max_open_tick
    assert config.max_open_tick >= 200 * 5.6 * 1.02
    assert config.max_open_ms >= 200


def test_registers_outside_the_map_are_faults():
    plc = SoftPlc(PLC_CONFIG, boot_number=1)
    transport = InProcessTransport(plc, lambda: None)
    with pytest.raises(PlcLinkError):
        transport.read_holding(0, 1)
    transport.open()
    with pytest.raises(PlcFaultError, match="2048 to 2048"):
        transport.read_holding(2048, 1)
    with pytest.raises(PlcFaultError, match="3 to 3"):
        transport.write_holding(3, [1])
    transport.write_holding(1030, [0x1234])
    assert transport.read_holding(1030, 1) == [0x1234]
    assert transport.read_holding(125, 3) == [0, 0, 0]


def test_the_in_process_link_is_a_plc_link():
    bench = PlcBench()
    link = in_process_link(
        bench.plc,
        clock=bench.clock,
        scan=bench.scan,
        heartbeat_timeout_ms=200,
        max_ticks_per_s=8000,
    )
    link.connect()
    assert link.exchange(IDLE, ()).status.safety_ok


def test_a_link_that_was_never_connected_closes_quietly_and_asks_nobody():
    link = open_link(tcp_config(5020), VirtualClock())
    link.close()
    with pytest.raises(PlcLinkError):
        link._transport.read_holding(0, 1)


@pytest.mark.parametrize(("pulse_id", "close_tick"), [(0, 20), (1, 10)])
def test_a_command_that_does_not_open_cannot_be_made(pulse_id, close_tick):
    with pytest.raises(ValueError, match="do not open it"):
        EjectionCommand(
            pulse_id=pulse_id,
            station=0,
            valves=ValveSpan(first=0, last=0),
            open_tick=10,
            close_tick=close_tick,
        )
