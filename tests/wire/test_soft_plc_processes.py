"""The soft PLC's processes: bytes on the wire, third-party masters, and every way to die."""

import os
import re
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from plc.errors import PlcFaultError, PlcLinkError
from plc.types import PlcState
from tests.support.modbus_bytes import RawClient, exception
from tests.support.plc_bench import AT, IDLE, RUN, pulse, wait_ms
from tests.support.plc_wire import (
    HEARTBEAT_TIMEOUT_MS,
    TOLERANCE_TICK,
    UNIT_ID,
    free_port,
    real_rig,
    setup,
    tcp_config,
    tcp_plc,
)
from twin.soft_plc.launch import SoftPlcError, launch
from twin.soft_plc.setup import SerialEndpoint, TcpEndpoint
from twin.wiring import BeltCommand, ValveEdge

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[2]
MBPOLL = shutil.which("mbpoll")
REACTION_NS = (HEARTBEAT_TIMEOUT_MS + 250) * 1_000_000
"""The configured time, and room for a test machine that schedules late."""
CLOCK = MonotonicClock()


@pytest.fixture(scope="module")
def shared_plc():
    with tcp_plc() as processes:
        yield processes


@pytest.fixture
def rig(shared_plc):
    rig = real_rig(tcp_config(shared_plc.port))
    yield rig
    rig.link.close()
    shared_plc.check()


@pytest.fixture
def raw(shared_plc):
    client = RawClient(shared_plc.port, unit=UNIT_ID)
    yield client
    client.close()


def wait_until(condition, what):
    deadline_ns = CLOCK.now_ns() + 20_000_000_000
    while not condition():
        assert CLOCK.now_ns() < deadline_ns, what
        wait_ms(5)


def drain(processes, *, until_quiet_ms=300.0):
    """Return the plant events that are there or come within a while."""
    events = []
    while processes.events.poll(until_quiet_ms / 1e3):
        try:
            events.extend(processes.events.recv())
        except EOFError:
            break
    return events


def test_status_bytes_as_any_master_sees_them(rig, raw):
    rig.start()
    words = raw.read(0, 39)
    assert words[:4] == [0x534C, 3, 1, 1]
    assert words[4] & 7 == 7
    assert words[20] == 256
    assert words[29:33] == [HEARTBEAT_TIMEOUT_MS, TOLERANCE_TICK, 3, 184]
    assert raw.read(128, 8) == [1, 80, 0, 0, 20, 600, 0, 150]
    assert raw.read(138, 3) == [1, 80, 80]
    first = words[6] << 16 | words[7]
    words = raw.read(0, 39)
    assert words[6] << 16 | words[7] >= first


def test_an_independent_master_can_fire_a_valve_by_bytes_alone(raw):
    beat = 50_000

    def write(requests, sequence=None, pulses=(), base_tick=0):
        nonlocal beat
        beat += 1
        named = sequence if sequence is not None else raw.read(18, 1)[0]
        words = [0x1234, 0x5678, beat, requests, 0, named, len(pulses), 0, 0, 4711]
        words += [base_tick >> 16, base_tick & 0xFFFF, 0x0001, *[0] * 7]
        words += [word for one in pulses for word in one]
        words[4] = sum((index + 1) * word for index, word in enumerate(words)) & 0xFFFF
        raw.write(1028, words)

    def state_is(state, requests):
        write(requests)
        return raw.read(3, 1)[0] == state

    wait_until(lambda: state_is(0, 0), "not stopped")
    wait_until(lambda: state_is(1, 3), "not running")
    wait_until(lambda: (write(3), raw.read(7, 1)[0] != 0)[1], "belt does not move")
    reports_before, sequence = raw.read(36, 1)[0], raw.read(18, 1)[0] % 0xFFFF + 1
    high, low = raw.read(6, 2)
    write(3, sequence, [(0x0A0C, 3000, 500)], high << 16 | low)
    seen = set()

    def done():
        write(3)
        bits = raw.ask(struct.pack(">BHH", 1, 80, 16))
        assert bits[:2] == bytes((1, 2))
        seen.add(bits[2:])
        return raw.read(36, 1)[0] != reports_before

    wait_until(done, "no report")
    assert seen == {b"\x00\x00", b"\x00\x1c"}, "valves 10 to 12 of station 1, bit 0 first"
    slot = (reports_before + 1) % 12
    report = raw.read(51 + 6 * slot, 6)
    assert report[:3] == [0, 4711, ((reports_before + 1) & 0x7FF) << 5 | 1]
    write(16)


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (struct.pack(">BHHBH", 16, 3, 1, 2, 1), 2),
        (struct.pack(">BHH", 6, 1023, 1), 2),
        (struct.pack(">BHH", 3, 2048, 1), 2),
        (struct.pack(">BHH", 3, 2040, 20), 2),
        (struct.pack(">BHH", 5, 0, 0xFF00), 2),
        (struct.pack(">BHHBB", 15, 0, 8, 1, 255), 2),
        (struct.pack(">BHH", 4, 0, 1), 2),
        (struct.pack(">BHHHHBH", 23, 0, 1, 1024, 1, 2, 7), 1),
        (struct.pack(">BHHH", 22, 1024, 0, 0), 1),
    ],
)
def test_what_the_map_does_not_offer_is_an_exception(raw, pdu, code):
    assert raw.ask(pdu) == exception(pdu[0], code)


def test_another_unit_id_does_not_answer_for_the_plc(shared_plc):
    client = RawClient(shared_plc.port, unit=UNIT_ID + 1)
    assert client.ask(struct.pack(">BHH", 3, 0, 1)) == exception(3, 11)
    client.close()


def test_single_registers_of_the_mailbox_can_be_written_and_read_back(raw):
    assert raw.ask(struct.pack(">BHH", 6, 1030, 0x1234)) == struct.pack(">BHH", 6, 1030, 0x1234)
    assert raw.read(1030, 1) == [0x1234]


@pytest.mark.skipif(MBPOLL is None, reason="mbpoll is not installed: apt-get install mbpoll")
def test_mbpoll_reads_the_map_while_the_line_runs(rig, shared_plc):
    rig.start()
    command = [MBPOLL, "-m", "tcp", "-a", str(UNIT_ID), "-p", str(shared_plc.port), "-0", "-1"]
    process = subprocess.Popen(
        [*command, "-t", "4", "-r", "0", "-c", "39", "127.0.0.1"], stdout=subprocess.PIPE, text=True
    )
    while process.poll() is None:
        rig.cycle(RUN)
    output = process.stdout.read()
    process.stdout.close()
    values = dict(re.findall(r"\[(\d+)\]:\s+(-?\d+)", output))
    assert (values["0"], values["1"], values["3"]) == ("21324", "3", "1"), output
    coils = subprocess.run(
        [*command, "-t", "0", "-r", "0", "-c", "80", "127.0.0.1"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    assert re.search(r"\[79\]:\s+0", coils)


def test_the_safety_input_stops_everything(rig, shared_plc):
    tick = rig.start().status.tick
    rig.cycle(RUN, [pulse(1, tick + 30_000)])
    shared_plc.set_safety(ok=False)
    status = rig.cycle_until(RUN, lambda e: not e.status.safety_ok).status
    assert status.state is PlcState.SAFE
    shared_plc.set_safety(ok=True)
    status = rig.cycle_until(RUN, lambda e: e.status.safety_ok).status
    assert status.state is PlcState.SAFE
    assert not status.belt_running


MASTER = """
import sys
from tests.support.plc_bench import RUN, pulse
from tests.support.plc_wire import real_rig, tcp_config
rig = real_rig(tcp_config(int(sys.argv[1])))
started = rig.start().status
tick, fired = started.tick, started.counters.fired
rig.cycle(RUN, [pulse(i, tick + 600 * i, ticks=590) for i in range(1, 60)])
rig.cycle_until(RUN, lambda e: e.status.queue_used > 40 and e.status.counters.fired > fired)
print("running", flush=True)
while True:
    rig.cycle(RUN)
    if sys.stdin in __import__("select").select([sys.stdin], [], [], 0)[0]:
        rig.link.close()
        sys.stdin.read()
"""


def kill(process):
    process.send_signal(signal.SIGKILL)


def freeze(process):
    process.send_signal(signal.SIGSTOP)


def disconnect(process):
    process.stdin.write("close\n")
    process.stdin.flush()


@pytest.mark.parametrize("silence", [kill, freeze, disconnect])
def test_a_silent_pc_means_closed_valves_and_an_empty_queue(shared_plc, silence):
    master = subprocess.Popen(
        [sys.executable, "-c", MASTER, str(shared_plc.port)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert master.stdout.readline() == "running\n"
        silent_ns = CLOCK.now_ns()
        silence(master)
        raw = RawClient(shared_plc.port, unit=UNIT_ID)
        wait_until(lambda: raw.read(AT["state"], 1) == [2], "not safe")
        assert raw.read(AT["queue_used"], 1) == [0], "queue"
        assert raw.read(AT["blocked_total"], 2) != [0, 0], "blocked pulses are counted"
        assert not any(raw.ask(struct.pack(">BHH", 1, 0, 768))[2:]), "coils"
        raw.close()
        edges = [e for e in drain(shared_plc) if isinstance(e, ValveEdge)]
    finally:
        master.kill()
        master.communicate()
    assert any(edge.opened for edge in edges)
    assert max(edge.at_ns for edge in edges) <= silent_ns + REACTION_NS
    open_count = sum(1 if edge.opened else -1 for edge in edges)
    assert open_count == 0


def test_a_used_port_is_named():
    with launch(setup(TcpEndpoint(port=0))) as first:
        with pytest.raises(SoftPlcError, match=f"127.0.0.1:{first.port}, another program"):
            launch(setup(TcpEndpoint(port=first.port)))
        first.check()


def test_a_missing_serial_port_is_named():
    with pytest.raises(SoftPlcError, match="/dev/does-not-exist"):
        launch(setup(SerialEndpoint(device="/dev/does-not-exist")))


def test_stopping_closes_open_valves_and_stops_the_belt():
    with tcp_plc() as processes:
        rig = real_rig(tcp_config(processes.port))
        tick = rig.start().status.tick
        rig.cycle(RUN, [pulse(i, tick + 1500 + 500 * i, ticks=590) for i in range(30)[1:]])
        rig.cycle_until(RUN, lambda e: e.status.counters.fired > 0)
        processes.stop()
        events = drain(processes)
        with pytest.raises(PlcLinkError):
            rig.cycle(RUN)
    edges = [e for e in events if isinstance(e, ValveEdge)]
    assert edges
    assert sum(1 if edge.opened else -1 for edge in edges) == 0
    assert [e.run for e in events if isinstance(e, BeltCommand)] == [True, False]


def test_a_frozen_scan_is_noticed_and_a_dead_one_ends_the_server():
    with tcp_plc() as processes:
        rig = real_rig(tcp_config(processes.port))
        rig.start()
        os.kill(processes.scan_pid, signal.SIGSTOP)
        with pytest.raises(PlcFaultError, match="has not scanned"):
            rig.cycle_until(RUN, lambda _: False)
        os.kill(processes.scan_pid, signal.SIGKILL)

        def ended():
            try:
                processes.check()
            except SoftPlcError:
                return True
            return False

        wait_until(ended, "nobody noticed")
        with pytest.raises((PlcLinkError, PlcFaultError)):
            rig.cycle_until(IDLE, lambda _: False)
        rig.link.close()


OWNER = """
from tests.support.plc_wire import tcp_plc
plc = tcp_plc()
print(plc.scan_pid, plc.server_pid, flush=True)
input()
"""


def test_the_processes_end_with_their_owner():
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    owner.kill()
    owner.communicate()
    for pid in pids:
        wait_until(lambda pid=pid: not alive(pid), f"process {pid} outlives its owner")


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_free_port_is_taken_when_asked_for():
    port = free_port()
    with launch(setup(TcpEndpoint(port=port))) as processes:
        assert processes.port == port
