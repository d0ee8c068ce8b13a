"""The line's threads over a real socket to devices that are not, or no longer, a PLC of ours."""

import struct

import pytest

from plc.modbus_link import open_link
from plc.registers import READ_WORDS
from tests.support.cell_network import write_bundle
from tests.support.modbus_bytes import canned_server, exception, registers
from tests.support.plc_wire import tcp_config
from tests.support.runtime_rig import CLOCK, RuntimeRig

pytestmark = pytest.mark.wire

OURS = [0x534C, 3, 1, *[0] * (READ_WORDS - 3)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.mark.parametrize(
    ("answer", "alarm", "words"),
    [
        (registers([0x534C, 7, *OURS[2:]]), "plc_wrong_map", "version 7, this driver needs"),
        (registers([0] * READ_WORDS), "plc_wrong_map", "magic 0x0000"),
        (exception(3, 4), "plc_fault", "device failure"),
        (b"", "plc_link_lost", "not answer"),
    ],
)
def test_a_device_that_is_no_plc_of_ours_is_named_in_an_alarm_and_the_line_stays_stopped(
    bundle, answer, alarm, words
):
    with canned_server(lambda _: answer) as port:
        link = open_link(tcp_config(port), CLOCK)
        with RuntimeRig(link, bundle) as rig:
            seen = rig.wait_alarm(alarm)
            (standing,) = seen.alarms
            assert words in standing.detail
            assert standing.remedy
            assert seen.state.value == "stopped"
            assert not seen.link_ok


def test_a_plc_that_starts_to_refuse_writes_is_a_fault_and_keeps_its_connection(bundle):
    answers = {16: exception(16, 6)}
    connections = []

    def answer(pdu):
        if pdu[0] == 3:
            address, count = struct.unpack(">HH", pdu[1:5])
            connections.append(address)
            return registers(OURS[:count])
        return answers[pdu[0]]

    with canned_server(answer) as port:
        link = open_link(tcp_config(port), CLOCK)
        with RuntimeRig(link, bundle) as rig:
            seen = rig.wait_alarm("plc_fault")
            assert "exception 6" in next(a.detail for a in seen.alarms)
            assert seen.state.value == "stopped"
