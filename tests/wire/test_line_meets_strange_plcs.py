"""The line's threads over a real socket to devices that are not, or no longer, a PLC of ours."""

import struct

import pytest

from controller.states import LineCommand
from plc.modbus_link import open_link
from plc.registers import READ_WORDS
from tests.support.cell_network import write_bundle
from tests.support.modbus_bytes import canned_server, exception, registers
from tests.support.plc_bench import IDLE
from tests.support.plc_wire import setup, tcp_config, tcp_plc
from tests.support.runtime_rig import CLOCK, RuntimeRig
from twin.soft_plc.launch import launch
from twin.soft_plc.setup import TcpEndpoint

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
        (
            registers([0x534C, 3, 7, *OURS[3:]]),
            "plc_wrong_map",
            "belongs to line 7, this is line 1",
        ),
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


def detail(snapshot, kind):
    (alarm,) = [alarm for alarm in snapshot.alarms if alarm.kind.value == kind]
    assert alarm.remedy
    return alarm.detail


def test_a_wrong_unit_id_is_named_with_the_device(bundle):
    with tcp_plc() as plc:
        link = open_link(tcp_config(plc.port).model_copy(update={"unit_id": 9}), CLOCK)
        with RuntimeRig(link, bundle) as rig:
            seen = rig.wait_alarm("plc_fault")
            words = detail(seen, "plc_fault")
            assert f"127.0.0.1:{plc.port} unit 9" in words
            assert "unit id" in words
            assert seen.state.value == "stopped"


def test_while_another_master_has_the_plc_the_line_waits_and_says_whose_it_is(bundle):
    with tcp_plc() as plc:
        other = open_link(tcp_config(plc.port), CLOCK)
        other.connect()
        other.exchange(IDLE, ())

        def still_there(snapshot):
            other.exchange(IDLE, ())
            return "plc_fault" in {alarm.kind.value for alarm in snapshot.alarms}

        with RuntimeRig(open_link(tcp_config(plc.port), CLOCK), bundle) as rig:
            seen = rig.wait(still_there, "the alarm")
            assert "another master (id 0x" in detail(seen, "plc_fault")
            assert seen.state.value == "stopped"
            other.close()
            rig.wait(lambda snapshot: snapshot.link_ok, "control of the PLC")
            assert rig.runtime.snapshot.state.value == "stopped"


def test_an_encoder_that_stands_at_zero_under_a_running_belt_stops_the_line(bundle):
    still = setup(TcpEndpoint(port=0)).model_copy(update={"mm_per_tick": 1e9})
    with launch(still) as plc, RuntimeRig(open_link(tcp_config(plc.port), CLOCK), bundle) as rig:
        rig.wait(lambda seen: seen.link_ok and seen.frames > 2, "link and frames")
        rig.press(LineCommand.RESET)
        rig.wait_state("idle")
        rig.press(LineCommand.START)
        seen = rig.wait_alarm("encoder_fault")
        assert "encoder stood still at 0 for" in detail(seen, "encoder_fault")
        assert "check coupling, cable and motor protection" in detail(seen, "encoder_fault")
        rig.wait_state("aborted")
