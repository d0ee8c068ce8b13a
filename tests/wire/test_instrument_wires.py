"""Scales and sensors on real wires: serial ports by pty, Modbus TCP; and what is booked of them."""

import asyncio
import os
import threading
import tty
from contextlib import contextmanager

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from calibration.clock import MonotonicClock
from plc.errors import PlcFaultError, PlcLinkError
from plc.instruments.config import (
    ModbusDevice,
    RegisterPoint,
    SerialBeltScale,
)
from plc.instruments.readers import PointReader, open_scale
from plc.instruments.register_values import encode
from telemetry.database.address import sqlite_url
from telemetry.database.migration import open_database
from telemetry.ledger.books import books_of
from telemetry.ledger.chain import entry_of
from telemetry.ledger.instrument_watch import InstrumentWatch
from telemetry.ledger.store import Ledger
from tests.support.plant import NOON, WallClock, accounts
from twin.soft_plc.modbus_server import listening_port

pytestmark = pytest.mark.wire
CLOCK = MonotonicClock()


class Indicator:
    """A scale's indicator on a pty: answers queries, or sends a line for every one it is told."""

    def __init__(self, lines, *, asked):
        self._master, slave = os.openpty()
        tty.setraw(slave)
        tty.setraw(self._master)
        self.path = os.ttyname(slave)
        self._slave = slave
        self._lines = list(lines)
        self._asked = asked
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        os.write(self._slave, b"\n")
        self._thread.join()
        os.close(self._slave)
        os.close(self._master)

    def _run(self):
        while not self._stop.is_set():
            if self._asked:
                os.read(self._master, 64)
            if self._stop.is_set():
                return
            line = self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]
            os.write(self._master, line)
            if not self._asked:
                self._stop.wait(0.02)


def serial_scale(path, protocol, query=""):
    return SerialBeltScale(
        kind="serial",
        id="BS-1",
        device=path,
        protocol=protocol,
        query=query,
        timeout_ms=1500,
        wraps_at_kg=100_000,
    )


def test_a_sics_scale_is_asked_and_answers():
    with Indicator([b"S S     123.45 kg\r\n", b"S I\r\n"], asked=True) as indicator:
        reader = open_scale(serial_scale(indicator.path, "sics", "SI"), CLOCK)
        assert reader.read_g() == 123_450
        with pytest.raises(PlcFaultError, match="busy"):
            reader.read_g()
        reader.close()


def test_an_indicator_that_sends_by_itself_is_read_between_its_lines():
    with Indicator([b"ST,GS,+  88.0kg\r\n"], asked=False) as indicator:
        reader = open_scale(serial_scale(indicator.path, "header"), CLOCK)
        assert [reader.read_g() for _ in range(3)] == [88_000] * 3
        reader.close()


def test_toledo_continuous_frames_are_read_between_their_ends():
    with Indicator([b"\x02\x2b\x30\x20001234000000\r"], asked=False) as indicator:
        reader = open_scale(serial_scale(indicator.path, "toledo"), CLOCK)
        assert reader.read_g() == 123_400
        reader.close()


def test_a_port_that_is_not_there_or_silent_is_an_error_of_the_link(tmp_path):
    with pytest.raises(PlcLinkError, match="cannot be opened"):
        open_scale(serial_scale(str(tmp_path / "ttyX"), "sics", "SI"), CLOCK).read_g()
    master, slave = os.openpty()
    tty.setraw(slave)
    quiet = serial_scale(os.ttyname(slave), "header").model_copy(update={"timeout_ms": 60.0})
    reader = open_scale(quiet, CLOCK)
    with pytest.raises(PlcLinkError, match="sends no whole line"):
        reader.read_g()
    reader.close()
    os.close(master)
    os.close(slave)


@contextmanager
def modbus_device(registers):
    """Serve holding registers over Modbus TCP; the list may be changed meanwhile."""
    loop, ready, ended = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    ports = []

    async def answer(_function, start, address, count, stored, _values):
        stored[address - start : address - start + count] = registers[address : address + count]

    async def serve():
        held = SimData(0, count=len(registers), values=0, datatype=DataType.REGISTERS)
        device = SimDevice(id=1, simdata=[held], action=answer)
        server = ModbusTcpServer([device], address=("127.0.0.1", 0))
        assert await server.listen()
        ports.append(listening_port(server))
        ready.set()
        await ended.wait()
        await server.shutdown()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def device(port):
    transport = {"kind": "tcp", "host": "127.0.0.1", "port": port}
    return ModbusDevice.model_validate({"transport": transport, "unit_id": 1, "timeout_ms": 1000})


TOTAL = RegisterPoint(address=10, type="uint32", word_order="low_first", scale=0.1)
SENSORS = {
    "gas_temperature": RegisterPoint(address=0, type="int16", scale=0.1),
    "humidity": RegisterPoint(address=1, type="uint16", scale=0.1),
    "dust_before": RegisterPoint(address=2, type="float32"),
    "dust_after": RegisterPoint(address=4, type="float32"),
    "filter_pressure": RegisterPoint(address=6, type="uint16"),
}


def set_point(registers, point, value):
    words = encode(point, value)
    registers[point.address : point.address + len(words)] = words


def test_points_are_read_over_modbus_by_their_layout():
    registers = [0] * 20
    set_point(registers, TOTAL, 12_345.6)
    with modbus_device(registers) as port:
        reader = PointReader(device(port), CLOCK)
        assert reader.read(TOTAL) == pytest.approx(12_345.6)
        with pytest.raises(PlcFaultError, match="illegal address"):
            reader.read(RegisterPoint(address=500, type="uint16"))
        reader.close()
    with pytest.raises(PlcLinkError):
        PointReader(device(port), CLOCK).read(TOTAL)


class Plant:
    """A ledger with a belt scale and air sensors on one Modbus device."""

    def __init__(self, folder, port):
        scale = {"kind": "modbus", "id": "BS-1", "wraps_at_kg": 100_000}
        air = {
            "channels": {name: {"point": point} for name, point in SENSORS.items()},
            "limit": {
                "dust_after": {"highest": 10.0, "hysteresis": 1.0},
                "dew_point_margin": {"lowest": 2.0},
            },
        }
        self.clock = WallClock(NOON)
        self.database = open_database(sqlite_url(folder / "plant.sqlite"))
        plant = accounts(
            weighbridge=False,
            belt_scale=scale | {"device": device(port), "total_kg": TOTAL},
            air=air | {"device": device(port)},
        )
        self.ledger = Ledger(self.database, plant, now=self.clock)

    def watch(self):
        return InstrumentWatch(self.ledger, CLOCK)

    def received_kg(self):
        rows = self.ledger.standing(NOON.date(), NOON.date())
        return books_of(entry_of(row) for row in rows).received_g / 1000

    def air(self):
        rows = self.ledger.standing(NOON.date(), NOON.date())
        bodies = [entry_of(row).body for row in rows if row.kind == "air"]
        return {body.channel: body for body in bodies}


def in_order(registers):
    for name, value in {
        "gas_temperature": 20.0,
        "humidity": 50.0,
        "dust_before": 200.0,
        "dust_after": 2.0,
        "filter_pressure": 900,
    }.items():
        set_point(registers, SENSORS[name], value)


def test_a_belt_scale_is_booked_from_where_the_last_entry_ended_even_by_another_process(tmp_path):
    registers = [0] * 20
    in_order(registers)
    with modbus_device(registers) as port:
        plant = Plant(tmp_path, port)
        set_point(registers, TOTAL, 99_000.0)
        first = plant.watch()
        first.poll(plant.clock())
        set_point(registers, TOTAL, 99_400.0)
        plant.clock.step(minutes=30)
        first.poll(plant.clock())
        first.book(plant.clock())
        assert plant.received_kg() == 400.0
        first.close()
        set_point(registers, TOTAL, 150.0)
        plant.clock.step(minutes=30)
        second = plant.watch()
        second.poll(plant.clock())
        second.book(plant.clock())
        assert plant.received_kg() == pytest.approx(400.0 + 750.0)
        body = next(entry_of(r).body for r in plant.ledger.rows() if r.kind == "received")
        assert (body.mass.is_estimate, body.mass.method) == (False, "belt_scale")
        second.close()
        plant.database.close()


def test_air_is_booked_with_limits_dew_point_and_efficiency_and_alarms_stand_and_end(tmp_path):
    registers = [0] * 20
    in_order(registers)
    with modbus_device(registers) as port:
        plant = Plant(tmp_path, port)
        watch = plant.watch()
        watch.poll(plant.clock())
        assert watch.alarms == ()
        set_point(registers, SENSORS["dust_after"], 12.0)
        set_point(registers, SENSORS["humidity"], 95.0)
        plant.clock.step(seconds=10)
        watch.poll(plant.clock())
        assert {alarm.source for alarm in watch.alarms} == {
            "dust_after limit",
            "dew_point_margin limit",
        }
        in_order(registers)
        plant.clock.step(seconds=10)
        watch.poll(plant.clock())
        assert watch.alarms == ()
        watch.book(plant.clock())
        air = plant.air()
        assert set(air) == {*SENSORS, "dew_point_margin", "filter_efficiency"}
        assert (air["dust_after"].highest, air["dust_after"].over_limit_s) == (12.0, 10.0)
        assert air["filter_efficiency"].highest == pytest.approx(0.99)
        assert air["dew_point_margin"].lowest == pytest.approx(0.8, abs=0.1)
        watch.close()
    plant.clock.step(seconds=10)
    lost = plant.watch()
    lost.poll(plant.clock())
    assert {"BS-1", "dust_after"} <= {alarm.source for alarm in lost.alarms}
    plant.database.close()
