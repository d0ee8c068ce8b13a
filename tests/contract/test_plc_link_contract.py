"""What every PlcLink promises, against the soft PLC in process, over Modbus TCP and over RTU."""

import pytest

from plc.errors import PlcLinkError
from plc.types import PlcState, PulseOutcome
from tests.support.direct_rig import direct_rig, direct_setup, remote_io_setup
from tests.support.plc_bench import BELT, IDLE, RUN, PlcBench, pulse
from tests.support.plc_wire import (
    SOCAT,
    real_rig,
    rtu_config,
    serial_pair,
    setup,
    tcp_config,
    tcp_plc,
)
from twin.remote_io.launch import RemoteIoProcess
from twin.soft_plc.launch import launch
from twin.soft_plc.setup import SerialEndpoint

LEAD_TICK = 2800
"""0.5 s at 2.8 m/s: enough for a busy machine to deliver a pulse."""


class PlcLinkContract:
    """Run against each implementation by the fixture `rig`."""

    def test_connecting_is_idempotent_and_starts_nothing(self, rig):
        rig.link.connect()
        rig.link.connect()
        status = rig.cycle_until(IDLE, lambda e: e.status.heartbeat_ok).status
        assert status.state is PlcState.STOPPED
        assert status.safety_ok
        assert status.queue_used == 0

    def test_without_a_connection_an_exchange_is_a_link_error(self, rig):
        rig.link.close()
        with pytest.raises(PlcLinkError):
            rig.link.exchange(IDLE, ())

    def test_closing_twice_is_harmless_and_connecting_again_works(self, rig):
        rig.link.connect()
        rig.link.close()
        rig.link.close()
        rig.link.connect()
        rig.cycle(IDLE)

    def test_belt_runs_on_request_and_the_encoder_counts(self, rig):
        rig.link.connect()
        rig.cycle_until(IDLE, lambda e: e.status.heartbeat_ok)
        started = rig.cycle_until(BELT, lambda e: e.status.belt_running)
        assert started.status.state is PlcState.STOPPED
        at = started.status.tick
        rig.cycle_until(BELT, lambda e: e.status.tick > at + 100)
        rig.cycle_until(IDLE, lambda e: not e.status.belt_running)

    def test_readings_are_stamped_in_order(self, rig):
        rig.start()
        readings = [rig.cycle(RUN).status for _ in range(20)]
        stamps = [r.read_ns for r in readings]
        assert stamps == sorted(set(stamps))
        assert all(r.round_trip_ns >= 0 for r in readings)
        assert [r.tick for r in readings] == sorted(r.tick for r in readings)

    def test_pulses_of_several_stations_fire_once_at_their_ticks(self, rig):
        tick = rig.start().status.tick
        before = rig.cycle(RUN).status.counters.fired
        at = tick + LEAD_TICK
        commands = [
            pulse(i, at + 37 * i, station=i % 3, first=i % 20, last=i % 20 + 3)
            for i in range(1, 21)
        ]
        rig.cycle(RUN, commands)
        status = rig.cycle_until(RUN, lambda _: len(rig.reports) == 20).status
        outcomes = [rig.outcome(command.pulse_id).outcome for command in commands]
        assert set(outcomes) <= rig.good_outcomes
        for command in commands:
            report = rig.outcome(command.pulse_id)
            if report.outcome is PulseOutcome.LATE:
                continue
            assert -rig.early_tick <= report.open_tick - command.open_tick <= rig.tolerance_tick
            assert report.close_tick >= command.close_tick - rig.early_tick
        assert status.counters.fired - before == outcomes.count(PulseOutcome.FIRED)
        assert outcomes.count(PulseOutcome.FIRED) >= len(commands) - rig.late_in(37)
        assert rig.lost == 0

    def test_late_pulse_is_refused_and_counted(self, rig):
        tick = rig.start().status.tick
        before = rig.cycle(RUN).status.counters.late
        rig.cycle(RUN, [pulse(1, tick - 50)])
        status = rig.cycle_until(RUN, lambda _: 1 in rig.reports).status
        report = rig.outcome(1)
        assert (report.outcome, report.open_tick) == (PulseOutcome.LATE, tick - 50)
        assert status.counters.late - before == 1

    def test_malformed_pulses_are_refused_and_counted(self, rig):
        tick = rig.start().status.tick
        before = rig.cycle(RUN).status.counters.refused
        at = tick + LEAD_TICK
        commands = [
            pulse(1, at, first=80, last=80),
            pulse(2, at, station=9),
            pulse(3, at, ticks=601),
            pulse(4, at, ticks=19),
        ]
        rig.cycle(RUN, commands)
        status = rig.cycle_until(RUN, lambda _: len(rig.reports) == 4).status
        assert {rig.outcome(i).outcome for i in (1, 2, 3, 4)} == {PulseOutcome.REFUSED}
        assert status.counters.refused - before == 4

    def test_a_stopped_plc_blocks_pulses(self, rig):
        rig.start()
        tick = rig.cycle_until(BELT, lambda e: e.status.state is PlcState.STOPPED).status.tick
        rig.cycle(BELT, [pulse(1, tick + LEAD_TICK)])
        rig.cycle_until(BELT, lambda _: 1 in rig.reports)
        assert rig.outcome(1).outcome is PulseOutcome.BLOCKED

    def test_stopping_flushes_the_queue(self, rig):
        tick = rig.start().status.tick
        rig.cycle(RUN, [pulse(i, tick + 20_000 + i) for i in range(1, 11)])
        rig.cycle_until(RUN, lambda e: e.status.queue_used == 10)
        status = rig.cycle_until(BELT, lambda _: len(rig.reports) == 10).status
        assert {rig.outcome(i).outcome for i in range(1, 11)} == {PulseOutcome.BLOCKED}
        assert status.queue_used == 0

    def test_more_pulses_than_one_batch_holds_all_arrive(self, rig):
        tick = rig.start().status.tick
        rig.cycle(RUN, [pulse(i, tick + 5000 + 15 * i, station=i % 2) for i in range(1, 101)])
        rig.cycle_until(RUN, lambda _: len(rig.reports) == 100)
        outcomes = [rig.outcome(i).outcome for i in range(1, 101)]
        assert set(outcomes) <= rig.good_outcomes
        assert outcomes.count(PulseOutcome.FIRED) >= 100 - rig.late_in(15)
        assert rig.lost == 0

    def test_many_reports_at_once_all_arrive_in_order(self, rig):
        tick = rig.start().status.tick
        rig.cycle(RUN, [pulse(i, tick - 100) for i in range(1, 61)])
        rig.cycle_until(RUN, lambda _: len(rig.reports) == 60)
        assert list(rig.reports) == list(range(1, 61))
        assert rig.lost == 0

    def test_reports_made_while_disconnected_are_read_after_connecting(self, rig):
        tick = rig.start().status.tick
        rig.cycle(RUN, [pulse(1, tick + 30_000)])
        rig.cycle_until(RUN, lambda e: e.status.queue_used == 1)
        rig.link.close()
        rig.pass_ms(rig.silence_ms)
        rig.link.connect()
        rig.cycle_until(RUN, lambda _: 1 in rig.reports)
        assert rig.outcome(1).outcome is PulseOutcome.BLOCKED

    def test_after_silence_reconnecting_does_not_resume(self, rig):
        rig.start()
        rig.link.close()
        rig.pass_ms(rig.silence_ms)
        rig.link.connect()
        for _ in range(20):
            status = rig.cycle(RUN).status
        assert status.state is PlcState.SAFE
        assert not status.belt_running
        rig.cycle_until(IDLE, lambda e: e.status.state is PlcState.STOPPED)
        rig.cycle_until(RUN, lambda e: e.status.state is PlcState.RUNNING)


class TestInProcess(PlcLinkContract):
    @pytest.fixture
    def rig(self):
        return PlcBench()


@pytest.fixture(scope="module")
def tcp_processes():
    with tcp_plc() as processes:
        yield processes


@pytest.fixture(scope="module")
def serial_device(tmp_path_factory):
    with (
        serial_pair(tmp_path_factory.mktemp("serial")) as (plc_end, pc_end),
        launch(setup(SerialEndpoint(device=plc_end, parity="N"))) as processes,
    ):
        yield pc_end
        processes.check()


@pytest.mark.wire
class TestModbusTcp(PlcLinkContract):
    @pytest.fixture
    def rig(self, tcp_processes):
        rig = real_rig(tcp_config(tcp_processes.port))
        yield rig
        rig.link.close()
        tcp_processes.check()


@pytest.mark.wire
@pytest.mark.skipif(SOCAT is None, reason="socat is not installed: apt-get install socat")
class TestModbusRtu(PlcLinkContract):
    @pytest.fixture
    def rig(self, serial_device):
        rig = real_rig(rtu_config(serial_device))
        yield rig
        rig.link.close()


@pytest.fixture(scope="module")
def remote_io():
    with RemoteIoProcess(remote_io_setup()) as process:
        yield process
        process.check()


@pytest.mark.wire
@pytest.mark.quiet
class TestDirectMode(PlcLinkContract):
    @pytest.fixture
    def rig(self, remote_io):
        rig, link = direct_rig(direct_setup(remote_io.port))
        yield rig
        link.shut_down()
        remote_io.check()
