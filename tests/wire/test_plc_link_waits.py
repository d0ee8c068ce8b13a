"""How the driver waits: no hidden retries, no busy loop, no trust in the wall clock."""

import struct
import threading
import time

import pytest

from calibration.clock import MonotonicClock
from controller.plc_thread import LinkLost, PlcThread, TimedCommand
from plc.errors import PlcFaultError, PlcLinkError
from plc.modbus_link import open_link, open_transport
from plc.registers import MAGIC, MAP_VERSION, READ_WORDS
from plc.types import PulseOutcome
from tests.support.counter_device import CounterDevice
from tests.support.line_process import wait_for
from tests.support.modbus_bytes import canned_server, exception, registers
from tests.support.plc_bench import IDLE, pulse, wait_ms
from tests.support.plc_wire import rtu_config, tcp_config

pytestmark = pytest.mark.wire

CLOCK = MonotonicClock()
OURS = [MAGIC, MAP_VERSION, *[0] * (READ_WORDS - 2)]


def test_a_request_without_an_answer_is_sent_once():
    asked = []
    with canned_server(lambda pdu: asked.append(pdu) or b"") as port:
        with pytest.raises(PlcLinkError, match="does not answer"):
            open_link(tcp_config(port), CLOCK).connect()
        assert len(asked) == 1


def test_a_request_answered_with_an_exception_is_sent_once():
    asked = []
    with canned_server(lambda pdu: asked.append(pdu) or exception(pdu[0], 6)) as port:
        with pytest.raises(PlcFaultError, match="device_busy"):
            open_link(tcp_config(port), CLOCK).connect()
        assert len(asked) == 1


def test_a_wall_clock_that_stands_or_steps_back_does_not_stretch_the_wait(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    with canned_server(lambda _: b"") as port, pytest.raises(PlcLinkError):
        open_link(tcp_config(port), CLOCK).connect()


def attempts(answer, *, for_ms):
    """Let a PLC thread try for a while; returns how often it asked."""
    asked = []

    def serve(pdu):
        asked.append(pdu)
        return answer(pdu)

    with canned_server(serve) as port:
        thread = PlcThread(link=open_link(tcp_config(port), CLOCK), clock=CLOCK, cycle_ms=2)
        thread.start()
        wait_for(lambda: asked, "the first attempt")
        thread.ask(IDLE)
        wait_ms(for_ms)
        thread.stop()
        events = thread.take_events()
    assert all(isinstance(event, LinkLost) for event in events)
    return len(asked), len(events)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: None,
        lambda pdu: exception(pdu[0], 2),
        lambda _: registers([0] * READ_WORDS),
    ],
    ids=["hangs up", "refuses", "another device"],
)
def test_a_plc_that_cannot_be_used_is_tried_with_back_off_and_no_busy_loop(answer):
    """At 2 ms a cycle a busy loop would ask hundreds of times; the back-off begins at 100 ms."""
    asked, told = attempts(answer, for_ms=900)
    assert 2 <= asked <= 8
    assert told <= asked + 1


def test_a_plc_that_lets_itself_be_reached_and_then_breaks_off_backs_off_too():
    def answer(pdu):
        if pdu[0] != 3:
            return None
        address, count = struct.unpack(">HH", pdu[1:5])
        return registers(OURS[:count] if address == 0 else [0] * count)

    asked, _ = attempts(answer, for_ms=900)
    assert asked <= 40


def test_pulses_that_never_left_are_told_as_blocked_once():
    with canned_server(lambda _: None) as port:
        thread = PlcThread(link=open_link(tcp_config(port), CLOCK), clock=CLOCK, cycle_ms=2)
        commands = [pulse(i, 1000 * i) for i in (1, 2, 3)]
        thread.submit([TimedCommand(command=c, exposed_ns=0) for c in commands])
        thread.start()
        told = wait_for(thread.take_events, "the loss")[0]
        assert [(r.pulse_id, r.outcome) for r in told.unsent] == [
            (i, PulseOutcome.BLOCKED) for i in (1, 2, 3)
        ]
        again = wait_for(thread.take_events, "the next attempt")[0]
        assert again.unsent == ()
        thread.stop()


def test_rts_switching_that_the_port_cannot_do_is_named_with_the_remedy(tmp_path):
    device = CounterDevice(tmp_path / "port")
    device.plug_in()
    config = rtu_config(str(device.path))
    wired = config.transport.model_validate(config.transport.model_dump() | {"rs485": {}})
    link = open_transport(config.model_copy(update={"transport": wired}), CLOCK)
    with pytest.raises(PlcLinkError, match="switches by itself"):
        link.open()
    device.unplug()


def test_an_adapter_that_echoes_is_understood(tmp_path):
    device = CounterDevice(tmp_path / "port")
    device.plug_in()
    config = rtu_config(str(device.path))
    wired = config.transport.model_copy(update={"echo": True})
    link = open_transport(config.model_copy(update={"transport": wired}), CLOCK)
    link.open()
    answer = bytes((5, 3, 2, 0, 7))
    ended = threading.Event()

    def bus():
        """What the master sends comes back, and then the device answers."""
        sent = b""
        while len(sent) < 8 and not ended.wait(0.001):
            sent += device.heard()
        device.send(sent + answer + crc(answer))

    wires = threading.Thread(target=bus)
    wires.start()
    assert link.read_holding(0, 1) == [7]
    link.close()
    ended.set()
    wires.join()
    device.unplug()


def crc(frame):
    """Return the checksum of an RTU frame (Modbus over serial line 1.02, appendix B)."""
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")
