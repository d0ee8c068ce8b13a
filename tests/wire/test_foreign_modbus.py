"""Modbus as others wrote it: libmodbus, mbpoll and npm modbus-serial against ours."""

import json
import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from plc.batches import BatchSender
from plc.codec import decode_mailbox, decode_status, encode_mailbox
from plc.errors import PlcFaultError, PlcLinkError
from plc.modbus_link import open_transport
from plc.registers import MAILBOX, MAILBOX_WORDS, READ_WORDS
from tests.support.libmodbus_program import HAS_LIBMODBUS, WHY_NOT, build_slave
from tests.support.plc_bench import AT, IDLE, pulse, wait_ms
from tests.support.plc_wire import TIMEOUT_MS, UNIT_ID, free_port, tcp_config
from tests.support.st_process import openplc

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
NODE_PACKAGES = ROOT / "var" / "node" / "node_modules"
CLOCK = MonotonicClock()
needs_libmodbus = pytest.mark.skipif(not HAS_LIBMODBUS, reason=WHY_NOT)
needs_node = pytest.mark.skipif(
    not (shutil.which("node") and (NODE_PACKAGES / "modbus-serial").exists()),
    reason="modbus-serial is not installed: run deploy/install-test-packages.sh with npm present",
)
needs_mbpoll = pytest.mark.skipif(
    shutil.which("mbpoll") is None, reason="mbpoll is not installed: apt-get install mbpoll"
)


@pytest.fixture(scope="module")
def slave_program(tmp_path_factory):
    return build_slave(tmp_path_factory.mktemp("libmodbus"))


@contextmanager
def running(*command, **environment):
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def libmodbus(program, *, delay_ms=0):
    port = free_port()
    with running(str(program), str(port), str(delay_ms)) as process:
        transport = open_transport(tcp_config(port), CLOCK)
        transport.open()
        try:
            yield process, transport
        finally:
            transport.close()


def mailbox_words():
    sender = BatchSender(owner_id=0x00C0FFEE)
    sender.put([pulse(1, 0x12345678), pulse(2, 0x12345690, station=1)])
    return encode_mailbox(sender.next_mailbox(IDLE))


@needs_libmodbus
def test_words_of_32_bits_lie_as_libmodbus_reads_them(slave_program):
    with libmodbus(slave_program) as (process, transport):
        status = decode_status(transport.read_holding(0, READ_WORDS))
        assert (status.magic, status.map_version, status.line_id) == (0x534C, 3, 1)
        assert status.encoder_tick == 0x12345678
        transport.write_holding(MAILBOX.address, mailbox_words())
        assert process.stdout.readline() == f"base tick {0x12345678}\n"
        back = transport.read_holding(MAILBOX.address, MAILBOX_WORDS)
        assert decode_mailbox(back).pulses[1].station == 1


@needs_libmodbus
def test_bits_lie_as_libmodbus_keeps_them_and_it_rounds_no_write_up(slave_program):
    with libmodbus(slave_program) as (_, transport):
        transport.write_coils(0, [True] * 16)
        transport.write_coils(3, [False, True, False])
        coils = transport.read_coils(0, 16)
        assert [i for i, on in enumerate(coils) if not on] == [3, 5]


@needs_libmodbus
def test_what_libmodbus_does_not_have_is_a_named_fault(slave_program):
    with libmodbus(slave_program) as (_, transport):
        with pytest.raises(PlcFaultError, match="exception 2"):
            transport.read_holding(2040, 20)
        assert transport.read_holding(0, 1) == [0x534C]


@needs_libmodbus
def test_a_slave_that_answers_after_100_ms_is_slow_and_not_wrong(slave_program):
    with libmodbus(slave_program, delay_ms=100) as (_, transport):
        for _ in range(3):
            assert transport.read_holding(0, 2) == [0x534C, 3]


@needs_libmodbus
def test_a_frozen_slave_is_noticed_and_its_late_answer_is_not_taken_for_another(slave_program):
    with libmodbus(slave_program) as (process, transport):
        process.send_signal(signal.SIGSTOP)
        asked_ns = CLOCK.now_ns()
        with pytest.raises(PlcLinkError, match="does not answer"):
            transport.read_holding(0, 1)
        assert (CLOCK.now_ns() - asked_ns) / 1e6 < 8 * TIMEOUT_MS
        process.send_signal(signal.SIGCONT)
        transport.open()
        assert transport.read_holding(AT["encoder_tick"], 2) == [0x1234, 0x5678]


@needs_node
def test_registers_and_coils_on_modbus_serial_as_slave():
    port = free_port()
    script = str(SUPPORT / "modbus_serial.js")
    with running("node", script, "slave", str(port), NODE_PACKAGES=str(NODE_PACKAGES)):
        transport = open_transport(tcp_config(port), CLOCK)
        transport.open()
        words = mailbox_words()
        transport.write_holding(MAILBOX.address, words)
        back = transport.read_holding(MAILBOX.address, len(words))
        transport.write_coils(8, [True, False, True])
        coils = transport.read_coils(0, 16)
        transport.close()
    assert back == words
    assert [i for i, on in enumerate(coils) if on] == [8, 10]


@needs_node
def test_modbus_serial_as_master_gets_control_of_the_plc_program():
    words = BatchSender(owner_id=0x12345678)
    environment = {
        **os.environ,
        "NODE_PACKAGES": str(NODE_PACKAGES),
        "MAILBOX": json.dumps(encode_mailbox(words.next_mailbox(IDLE))),
    }
    with openplc() as port:
        command = ["node", str(SUPPORT / "modbus_serial.js"), "master", str(port), str(UNIT_ID)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert len(seen["head"]) == 123
    assert seen["head"][:3] == [0x534C, 3, 1]
    after = decode_status(seen["after"])
    assert (after.lease_owner, after.heartbeat_echo) == (0x12345678, 1)
    assert not any(seen["coils"])
    assert "address" in seen["refused"].lower()


@needs_mbpoll
def test_mbpoll_reads_a_32_bit_value_high_word_first_and_writes_one_register():
    with openplc() as port:
        base = ["mbpoll", "-m", "tcp", "-a", "1", "-p", str(port), "-0", "-1"]
        owner = [*base, "-t", "4:hex", "-r", str(AT["owner_id"])]
        for value in ("0x0000", "0x0000"):
            subprocess.run([*owner, "127.0.0.1", value], check=True, stdout=subprocess.DEVNULL)
        transport = open_transport(tcp_config(port), CLOCK)
        transport.open()
        sender = BatchSender(owner_id=0x12345678)
        transport.write_holding(MAILBOX.address, encode_mailbox(sender.next_mailbox(IDLE)))
        wait_ms(50)
        shown = subprocess.run(
            [*base, "-t", "4:int", "-B", "-r", str(AT["lease_owner"]), "-c", "1", "127.0.0.1"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        transport.close()
    assert re.search(rf"\[{AT['lease_owner']}\]:\s+{0x12345678}\b", shown), shown
