"""What the driver makes of devices that are not a healthy PLC of ours."""

import pytest

from calibration.clock import MonotonicClock
from plc.errors import PlcFaultError, PlcLinkError, PlcMapError
from plc.modbus_link import open_link
from plc.registers import READ_WORDS
from tests.support.modbus_bytes import canned_server, exception, registers
from tests.support.plc_bench import IDLE
from tests.support.plc_wire import free_port, rtu_config, tcp_config

pytestmark = pytest.mark.wire

OURS = [0x534C, 3, 1, *[0] * (READ_WORDS - 3)]


def link_to(port):
    return open_link(tcp_config(port), MonotonicClock())


def test_nobody_listening_is_a_link_error_naming_the_address():
    port = free_port()
    with pytest.raises(PlcLinkError, match=f"127.0.0.1:{port} unit 5"):
        link_to(port).connect()


def test_a_serial_port_that_does_not_exist_is_a_link_error():
    link = open_link(rtu_config("/dev/does-not-exist"), MonotonicClock())
    with pytest.raises(PlcLinkError, match="/dev/does-not-exist"):
        link.connect()


def test_a_device_that_stays_silent_is_a_link_error():
    with canned_server(lambda _: b"") as port, pytest.raises(PlcLinkError, match="not answer"):
        link_to(port).connect()


def test_a_device_that_hangs_up_is_a_link_error():
    with canned_server(lambda _: None) as port, pytest.raises(PlcLinkError, match="closed by"):
        link_to(port).connect()


def test_a_short_answer_is_a_link_error():
    with (
        canned_server(lambda _: registers(OURS[:100])) as port,
        pytest.raises(PlcLinkError, match="100 of 123"),
    ):
        link_to(port).connect()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "illegal function"),
        (2, "illegal address"),
        (4, "device failure"),
        (6, "device busy"),
        (11, "wrong unit id"),
        (99, "exception 99"),
    ],
)
def test_exceptions_are_named_faults(code, words):
    with (
        canned_server(lambda pdu: exception(pdu[0], code)) as port,
        pytest.raises(PlcFaultError, match=words),
    ):
        link_to(port).connect()


def test_another_device_is_refused_by_its_magic():
    with (
        canned_server(lambda _: registers([0] * READ_WORDS)) as port,
        pytest.raises(PlcMapError, match="magic 0x0000"),
    ):
        link_to(port).connect()


def test_another_map_version_is_refused_naming_both():
    with (
        canned_server(lambda _: registers([0x534C, 7, *OURS[2:]])) as port,
        pytest.raises(PlcMapError, match=r"version 7, this driver needs 0x534c version 3"),
    ):
        link_to(port).connect()


def test_a_fault_in_operation_keeps_the_link_a_hang_up_breaks_it():
    answers = {3: registers(OURS), 16: exception(16, 6)}
    with canned_server(lambda pdu: answers[pdu[0]]) as port:
        link = link_to(port)
        link.connect()
        with pytest.raises(PlcFaultError, match="exception 6"):
            link.exchange(IDLE, ())
        answers[16] = None
        with pytest.raises(PlcLinkError, match="closed by the PLC"):
            link.exchange(IDLE, ())
        with pytest.raises(PlcLinkError, match="connect first"):
            link.exchange(IDLE, ())
        link.connect()
        link.close()
