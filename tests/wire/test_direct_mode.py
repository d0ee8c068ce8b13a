"""Direct mode on a real remote I/O: what is measured, what is refused, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from plc.encoders.config import AsciiEncoder
from plc.errors import DirectModeError, EncoderError, EncoderFault, PlcError, PlcLinkError
from plc.types import PlcState, PulseOutcome
from tests.support.counter_device import CounterDevice
from tests.support.direct_rig import direct_rig, direct_setup, remote_io_setup
from tests.support.line_process import wait_for
from tests.support.plc_bench import BELT, IDLE, RUN, pulse, wait_ms
from tests.support.plc_wire import free_port
from twin.remote_io.launch import RemoteIoProcess
from twin.wiring import ValveEdge

pytestmark = [pytest.mark.wire, pytest.mark.quiet]

CLOCK = MonotonicClock()
ROOT = Path(__file__).parents[2]


class Seat:
    """A remote I/O, the line's end, and what the outputs did."""

    def __init__(self, remote, **changes):
        self.remote = remote
        self.rig, self.link = direct_rig(direct_setup(remote.port, **changes))
        self.open = set()
        self.edges = []

    def look(self):
        """Take in what was switched; returns the valves that are on."""
        while self.remote.events.poll(0):
            for edge in self.remote.events.recv():
                if isinstance(edge, ValveEdge):
                    self.edges.append(edge)
                    change = self.open.add if edge.opened else self.open.discard
                    change((edge.station, edge.valve))
        return self.open


@pytest.fixture
def seat():
    with RemoteIoProcess(remote_io_setup()) as remote:
        seat = Seat(remote)
        yield seat
        seat.link.shut_down()


def cycle_until_error(seat, request, kind):
    """Exchange until the link raises; returns what it raised, which must be of a kind."""
    for _ in range(300):
        try:
            seat.rig.cycle(request)
        except kind as error:
            return error
    raise AssertionError("no error came")


def recovers(seat):
    """Return whether an exchange goes well now."""
    try:
        seat.link.connect()
        return seat.rig.cycle(IDLE).status.state is PlcState.STOPPED
    except PlcError:
        return False


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def long_pulse(seat):
    """Fire a pulse that stays open, and wait until the outputs show it."""
    tick = seat.rig.start().status.tick
    seat.rig.cycle(RUN, [pulse(1, tick + 1500, ticks=600)])
    seat.rig.cycle_until(RUN, lambda _: seat.look())


def test_the_precision_is_measured_and_told_before_anything_fires(seat):
    seat.rig.link.connect()
    precision = seat.link.precision
    assert precision.writes == 200
    assert 0 < precision.p50_ms <= precision.p999_ms <= precision.worst_ms
    assert seat.look() == set()
    assert seat.edges == []


def test_a_belt_too_fast_for_the_measured_precision_is_refused_with_the_figures():
    with RemoteIoProcess(remote_io_setup()) as remote:
        seat = Seat(remote, pitch_mm=0.001, speed_mm_per_s=50_000.0)
        with pytest.raises(DirectModeError, match="direct mode refused at 50000 mm/s") as caught:
            seat.link.connect()
        assert "(99.9 %)" in str(caught.value)
        assert "slow the belt" in str(caught.value)


def test_when_the_line_dies_the_firing_process_closes_all_valves_and_exits(seat):
    """The line is a process of its own here, killed while a valve is open."""
    code = (
        "import sys, threading\n"
        "from tests.support.direct_rig import direct_rig, direct_setup\n"
        "from tests.support.plc_bench import RUN, pulse\n"
        f"rig, link = direct_rig(direct_setup({seat.remote.port}))\n"
        "tick = rig.start().status.tick\n"
        "rig.cycle(RUN, [pulse(i, tick + 1500 + 590 * i, ticks=600) for i in range(1, 40)])\n"
        "print(link.pid, flush=True)\n"
        "while True: rig.cycle(RUN)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as line:
        pid = int(line.stdout.readline())
        wait_for(seat.look, lambda: "a valve to open")
        line.kill()
    wait_for(lambda: is_gone(pid), lambda: "the firing process to exit")
    wait_for(lambda: not seat.look(), lambda: f"all valves closed, open: {seat.open}")


def test_a_frozen_line_closes_the_valves_by_its_missing_heartbeat(seat):
    long_pulse(seat)
    wait_for(lambda: not seat.look(), lambda: "all valves closed")
    wait_ms(1.2 * 600)
    status = seat.rig.cycle(RUN).status
    assert status.state is PlcState.SAFE


def test_a_killed_firing_process_leaves_the_valves_to_the_watchdog_and_is_named(seat):
    long_pulse(seat)
    os.kill(seat.link.pid, signal.SIGKILL)
    assert "has ended" in str(cycle_until_error(seat, RUN, DirectModeError))
    wait_for(lambda: not seat.look(), lambda: "the watchdog to close the valves")


def test_an_open_safety_circuit_closes_everything(seat):
    tick = seat.rig.start().status.tick
    seat.rig.cycle(RUN, [pulse(1, tick + 20_000)])
    seat.remote.set_safety(ok=False)
    status = seat.rig.cycle_until(RUN, lambda e: not e.status.safety_ok).status
    assert status.state is PlcState.SAFE
    seat.rig.cycle_until(RUN, lambda _: 1 in seat.rig.reports)
    assert seat.rig.outcome(1).outcome is PulseOutcome.BLOCKED


def test_nobody_at_the_address_is_a_link_error():
    _, link = direct_rig(direct_setup(free_port()))
    with pytest.raises(PlcLinkError, match="is it on and the address right"):
        link.connect()


def test_a_frozen_remote_io_is_a_link_error_and_comes_back(seat):
    seat.rig.start()
    os.kill(seat.remote.pid, signal.SIGSTOP)
    try:
        cycle_until_error(seat, RUN, PlcLinkError)
    finally:
        os.kill(seat.remote.pid, signal.SIGCONT)
    wait_for(lambda: recovers(seat), "the remote I/O to be found again")


def test_a_serial_counter_times_the_valves_and_its_loss_is_named(tmp_path):
    device = CounterDevice(tmp_path / "counter")
    device.plug_in()
    encoder = AsciiEncoder(kind="ascii", device=str(device.path), baud=115200)
    with RemoteIoProcess(remote_io_setup()) as remote:
        seat = Seat(remote, encoder=encoder)
        with device.counting(per_ms=3):
            seat.link.connect()
            at = seat.rig.cycle(BELT).status.tick
            seat.rig.cycle_until(BELT, lambda e: e.status.tick > at + 100)
        caught = cycle_until_error(seat, BELT, EncoderError)
        assert "silent for 200 ms" in str(caught)
        assert caught.fault is EncoderFault.UNPLUGGED
        with device.counting(per_ms=3):
            wait_for(lambda: recovers(seat), "the counter to be heard again")
        seat.link.shut_down()
    device.unplug()
