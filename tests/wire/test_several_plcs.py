"""A line with two PLCs: each counts from its own zero, and losing either one is losing the link."""

import os
import signal
from contextlib import contextmanager

import pytest

from calibration.clock import MonotonicClock
from controller.plc_group import Member, PlcGroup
from controller.plc_thread import Exchanged, LinkLost, PlcThread, TimedCommand
from plc.modbus_link import open_link
from plc.tick_bridge import TickBridge
from plc.types import PlcState, PulseOutcome
from tests.support.line_process import wait_for
from tests.support.plc_bench import BELT, CYCLE_MS, IDLE, RUN, pulse
from tests.support.plc_wire import HEARTBEAT_TIMEOUT_MS, setup, tcp_config
from twin.soft_plc.launch import launch
from twin.soft_plc.setup import TcpEndpoint

pytestmark = pytest.mark.wire

CLOCK = MonotonicClock()
FIRST_TICK = 1_000_000


class Seat:
    """A group of two PLCs and what was heard of it."""

    def __init__(self, plcs):
        self.plcs = plcs
        members = [
            Member(
                name=name,
                thread=PlcThread(
                    link=open_link(tcp_config(plc.port), CLOCK), clock=CLOCK, cycle_ms=CYCLE_MS
                ),
                stations=stations,
                bridge=bridge,
            )
            for name, plc, stations, bridge in (
                ("north", plcs[0], {0: 0, 2: 1}, None),
                ("south", plcs[1], {1: 0}, TickBridge(ratio=1.0, limit_tick=2000.0)),
            )
        ]
        self.group = PlcGroup(members, CLOCK)
        self.bridge = members[1].bridge
        self.status, self.reports, self.lost, self.lost_ns = None, {}, None, 0
        self.request = IDLE

    def listen(self):
        self.group.check()
        self.group.ask(self.request)
        for event in self.group.take_events():
            if isinstance(event, Exchanged):
                self.status = event.exchange.status
                for report in event.exchange.reports:
                    assert report.pulse_id not in self.reports
                    self.reports[report.pulse_id] = report
            elif isinstance(event, LinkLost) and self.lost is None:
                self.lost, self.lost_ns = event.error, CLOCK.now_ns()
        return self.status

    def until(self, request, reached, what):
        self.request = request
        wait_for(lambda: self.listen() is not None and reached(self.status), what)

    def start(self):
        self.group.start()
        self.until(IDLE, lambda s: s.state is PlcState.STOPPED and s.heartbeat_ok, "stopped")
        self.until(BELT, lambda s: s.belt_running, "the belt to run")
        self.until(RUN, lambda s: s.state is PlcState.RUNNING, "both running")
        # Until both counts have long left their ramps the encoders tell of different belts.
        self.bridge.reset()
        self.until(RUN, lambda _: self.bridge.ready, "the counts compared")


@contextmanager
def two_plcs():
    with (
        launch(setup(TcpEndpoint(port=0))) as north,
        launch(setup(TcpEndpoint(port=0)).model_copy(update={"first_tick": FIRST_TICK})) as south,
    ):
        seat = Seat((north, south))
        try:
            yield seat
        finally:
            seat.group.stop()


def test_pulses_find_their_plc_and_come_back_in_the_lines_ticks():
    with two_plcs() as seat:
        seat.start()
        at = seat.status.tick + 4000
        commands = [pulse(i, at + 40 * i, station=i % 3) for i in range(1, 31)]
        seat.group.submit([TimedCommand(command=c, exposed_ns=0) for c in commands])
        seat.until(RUN, lambda _: len(seat.reports) == 30, "every report")
        for command in commands:
            report = seat.reports[command.pulse_id]
            assert report.outcome is PulseOutcome.FIRED
            assert abs(report.open_tick - command.open_tick) < 300
        assert seat.status.counters.fired == 30


@pytest.mark.parametrize("frozen", [0, 1])
def test_a_frozen_plc_is_noticed_by_name_in_under_two_heartbeats(frozen):
    with two_plcs() as seat:
        seat.start()
        since_ns = CLOCK.now_ns()
        os.kill(seat.plcs[frozen].server_pid, signal.SIGSTOP)
        try:
            wait_for(lambda: seat.listen() and seat.lost, "the loss")
        finally:
            os.kill(seat.plcs[frozen].server_pid, signal.SIGCONT)
        assert ("north", "south")[frozen] in str(seat.lost)
        assert seat.lost_ns - since_ns < 2 * HEARTBEAT_TIMEOUT_MS * 1_000_000


def test_a_pulse_for_a_plc_whose_count_is_unknown_is_blocked_and_told():
    with two_plcs() as seat:
        seat.start()
        seat.bridge.reset()
        commands = [pulse(1, seat.status.tick + 4000, station=1)]
        seat.group.submit([TimedCommand(command=c, exposed_ns=0) for c in commands])
        seat.until(RUN, lambda _: 1 in seat.reports, "the word on it")
        assert seat.reports[1].outcome is PulseOutcome.BLOCKED


def test_nothing_is_up_while_one_plc_is_missing():
    with two_plcs() as seat:
        seat.plcs[1].stop()
        seat.group.start()
        wait_for(lambda: seat.listen() or seat.lost, "the loss")
        assert "south" in str(seat.lost)
        assert seat.status is None
