"""The driver over the soft PLC, with answers and requests lost on the way."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plc.batches import BatchSender
from plc.codec import encode_mailbox
from plc.errors import EncoderError, PlcFaultError, PlcLeaseError, PlcLinkError, PlcMapError
from plc.ports import RegisterTransport
from plc.register_link import RegisterLink
from plc.registers import MAILBOX
from plc.tick_extension import TickExtension
from plc.types import PlcState, PulseOutcome
from tests.support.plc_bench import (
    AT,
    BELT,
    HEARTBEAT_TIMEOUT_MS,
    IDLE,
    PLC_CONFIG,
    RUN,
    PlcBench,
    pulse,
)
from twin.soft_plc.in_process import InProcessTransport
from twin.soft_plc.program import SoftPlc


class FaultyTransport:
    """Passes on to a transport; loses requests or answers, alters words or refuses as told."""

    def __init__(self, inner: RegisterTransport) -> None:
        self.inner = inner
        self.faults: list[str] = []
        self.patch: dict[int, int] = {}
        self.exception: str | None = None
        self.silent = False

    def open(self) -> None:
        if self.silent:
            raise PlcLinkError("nobody there")
        self.inner.open()

    def read_holding(self, address: int, count: int) -> list[int]:
        words = self._pass(lambda: self.inner.read_holding(address, count))
        for at, word in self.patch.items():
            if address <= at < address + count:
                words[at - address] = word
        return words

    def write_holding(self, address: int, words: Sequence[int]) -> None:
        self._pass(lambda: self.inner.write_holding(address, words))

    def close(self) -> None:
        self.inner.close()

    def _pass(self, request):
        fault = self.faults.pop(0) if self.faults else ""
        if self.exception:
            raise PlcFaultError(self.exception)
        if fault == "request lost":
            raise PlcLinkError("no answer")
        answer = request()
        if fault == "answer lost":
            raise PlcLinkError("no answer")
        return answer


class FaultyBench(PlcBench):
    def __init__(self, **options) -> None:
        super().__init__(wrap=self._keep, **options)

    def _keep(self, transport):
        self.transport = FaultyTransport(transport)
        return self.transport


@pytest.fixture
def bench():
    return FaultyBench()


def test_another_magic_is_refused_naming_both(bench):
    bench.transport.patch = {0: 0x1234}
    with pytest.raises(PlcMapError, match=r"magic 0x1234 version 3, .* needs 0x534c version 3"):
        bench.link.connect()
    with pytest.raises(PlcLinkError):
        bench.link.exchange(IDLE, ())


def test_another_map_version_is_refused_naming_both(bench):
    bench.transport.patch = {1: 1}
    with pytest.raises(PlcMapError, match=r"magic 0x534c version 1, .* needs 0x534c version 3"):
        bench.link.connect()


def test_the_plc_of_another_line_is_refused_naming_both(bench):
    bench.transport.patch = {AT["line_id"]: 7}
    with pytest.raises(PlcMapError, match=r"belongs to line 7, this is line 1; .*plc.line_id"):
        bench.link.connect()


def test_a_plc_with_a_simulated_encoder_is_refused(bench):
    bench.transport.patch = {AT["flags"]: 0x80 | 1}
    with pytest.raises(PlcMapError, match="simulated encoder"):
        bench.link.connect()


def test_a_second_master_is_told_who_has_control_and_changes_nothing(bench):
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 3000)])
    bench.cycle(RUN)
    other = RegisterLink(
        transport=InProcessTransport(bench.plc, bench.scan),
        clock=bench.clock,
        ticks=TickExtension(max_ticks_per_s=8000, stall_ms=500),
        heartbeat_timeout_ms=HEARTBEAT_TIMEOUT_MS,
        owner_id=0xABCD,
    )
    with pytest.raises(PlcLeaseError, match=r"another master .* until it is silent for 200 ms"):
        other.connect()
    stranger = BatchSender(owner_id=0xABCD)
    stranger.put([pulse(99, bench.tick + 500)])
    bench.plc.write_holding(MAILBOX.address, encode_mailbox(stranger.next_mailbox(IDLE)))
    bench.scan()
    bench.cycle_until(RUN, lambda _: 1 in bench.reports)
    assert bench.outcome(1).outcome is PulseOutcome.FIRED
    assert list(bench.reports) == [1]
    assert bench.plc.read_holding(AT["foreign_writes"], 1) == [1]
    bench.pass_ms(300)
    other.connect()
    assert other.exchange(IDLE, ()).status.state is PlcState.STOPPED
    with pytest.raises(PlcLeaseError):
        bench.link.exchange(RUN, ())


def test_a_master_that_closes_frees_the_plc_at_once(bench):
    bench.start()
    bench.link.close()
    bench.scan()
    assert bench.plc.read_holding(AT["lease_owner"], 2) == [0, 0]
    assert bench.plc.state is PlcState.SAFE


def test_a_plc_that_tolerates_longer_silence_than_the_line_is_refused(bench):
    bench.transport.patch = {AT["heartbeat_timeout_ms"]: HEARTBEAT_TIMEOUT_MS + 1}
    with pytest.raises(PlcMapError, match="201 ms of silence"):
        bench.link.connect()


def test_an_absent_plc_is_a_link_error_and_a_later_connect_succeeds(bench):
    bench.transport.silent = True
    with pytest.raises(PlcLinkError):
        bench.link.connect()
    bench.transport.silent = False
    bench.link.connect()
    bench.link.connect()
    assert bench.cycle(IDLE).status.state is PlcState.STOPPED


def test_without_a_connection_commands_are_not_taken(bench):
    bench.start()
    bench.link.close()
    bench.link.close()
    with pytest.raises(PlcLinkError, match="connect first"):
        bench.link.exchange(RUN, [pulse(1, bench.tick + 500)])
    bench.link.connect()
    for _ in range(50):
        bench.cycle(RUN)
    assert not bench.reports


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
def test_a_batch_whose_answer_was_lost_fires_exactly_once(bench, fault):
    bench.start()
    at = bench.tick + 600
    bench.transport.faults = [fault]
    with pytest.raises(PlcLinkError):
        bench.cycle(RUN, [pulse(1, at)])
    bench.link.connect()
    bench.cycle_until(RUN, lambda _: 1 in bench.reports)
    assert bench.outcome(1).outcome is PulseOutcome.FIRED
    assert [edge.tick for edge in bench.edges if edge.opened and edge.valve == 5] == [at]


def test_a_modbus_exception_keeps_the_connection_and_the_batch(bench):
    bench.start()
    bench.transport.exception = "exception 6, device busy"
    with pytest.raises(PlcFaultError):
        bench.cycle(RUN, [pulse(1, bench.tick + 600)])
    bench.transport.exception = None
    bench.cycle_until(RUN, lambda _: 1 in bench.reports)
    assert bench.outcome(1).outcome is PulseOutcome.FIRED


def test_a_program_that_stands_still_behind_a_live_server_is_noticed(bench):
    bench.start()
    bench.transport.patch = {AT["scan_counter"]: 99}
    bench.cycle(RUN)
    with pytest.raises(PlcFaultError, match="has not scanned for 2"):
        bench.cycle_until(RUN, lambda _: False)


def test_a_state_the_map_does_not_know_is_a_fault(bench):
    bench.start()
    bench.transport.patch = {AT["state"]: 9}
    with pytest.raises(PlcFaultError, match="state 9"):
        bench.cycle(RUN)


def test_an_encoder_jump_is_told_once_and_no_report_is_lost(bench):
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick - 10)])
    bench.transport.patch = {AT["encoder_tick"]: 0x0100}
    with pytest.raises(EncoderError, match="jumped"):
        bench.cycle(RUN)
    bench.cycle(RUN)
    assert bench.outcome(1).outcome is PulseOutcome.LATE


def test_a_dead_encoder_is_noticed(bench):
    bench.link.connect()
    bench.cycle(IDLE)
    frozen = bench.tick
    bench.transport.patch = {
        AT["encoder_tick"]: frozen >> 16,
        AT["encoder_tick"] + 1: frozen & 0xFFFF,
    }
    with pytest.raises(EncoderError, match="stood still"):
        bench.cycle_until(BELT, lambda _: False)


def test_reports_beyond_the_recent_ones_are_read_from_the_history(bench):
    bench.start()
    commands = [pulse(i, bench.tick - 10) for i in range(1, 101)]
    bench.cycle(RUN, commands)
    bench.cycle_until(RUN, lambda _: len(bench.reports) == 100)
    assert bench.lost == 0
    assert list(bench.reports) == list(range(1, 101))


def test_reports_after_a_long_gap_are_counted_as_lost(bench):
    bench.start()
    bench.link.close()
    bench.scan()
    write_batches(bench.plc, bench, batches=5)
    bench.link.connect()
    bench.cycle_until(IDLE, lambda _: bench.lost > 0)
    assert bench.lost == 5 * 32 - 128
    assert len(bench.reports) == 128


def write_batches(plc: SoftPlc, bench: PlcBench, *, batches: int) -> None:
    sender = BatchSender(owner_id=9)
    accepted = AT["accepted_batch"]
    sender.acknowledge(*plc.read_holding(accepted, 1))
    sender.put([pulse(i, bench.tick + 100) for i in range(1, 32 * batches + 1)])
    while sender.waiting:
        plc.write_holding(MAILBOX.address, encode_mailbox(sender.next_mailbox(IDLE)))
        bench.scan()
        sender.acknowledge(*plc.read_holding(accepted, 1))
    plc.write_holding(MAILBOX.address, encode_mailbox(sender.farewell()))
    bench.scan()


def test_a_new_driver_does_not_return_reports_of_an_earlier_session():
    first = FaultyBench()
    first.start()
    first.cycle(RUN, [pulse(1, first.tick - 10)])
    first.cycle(RUN)
    assert first.outcome(1).outcome is PulseOutcome.LATE
    first.link.close()
    second = FaultyBench()
    second.plc, second.drive, second.virtual.time_ns = first.plc, first.drive, first.clock.now_ns()
    second.transport.inner = first.transport.inner
    second.link.connect()
    assert second.cycle(IDLE).reports == ()


def test_a_restarted_plc_is_taken_up_and_stays_stopped():
    bench = FaultyBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick - 10)])
    bench.cycle(RUN)
    fresh = SoftPlc(PLC_CONFIG, boot_number=8)
    bench.plc = fresh
    bench.transport.inner._plc = fresh
    bench.cycle(RUN, [pulse(2, bench.tick + 500)])
    for _ in range(5):
        status = bench.cycle(RUN).status
    assert status.state is PlcState.STOPPED
    assert bench.outcome(2).outcome is PulseOutcome.BLOCKED


def test_a_program_that_numbers_its_boot_by_the_first_write_has_not_booted_then(bench):
    bench.transport.patch = {AT["boot_number"]: 0}
    bench.start()
    at = bench.tick + 600
    bench.cycle(RUN, [pulse(1, at)])
    bench.transport.patch = {}
    bench.cycle_until(RUN, lambda _: 1 in bench.reports)
    assert bench.outcome(1).outcome is PulseOutcome.FIRED


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["", "", "", "", "request lost", "answer lost"]), min_size=20, max_size=60
    )
)
def test_under_any_losses_no_pulse_fires_twice_and_none_vanishes(faults):
    bench = FaultyBench()
    bench.start()
    bench.transport.faults = list(faults)
    given_to_the_link = set()
    for pulse_id in range(1, 25):
        try:
            bench.link.connect()
            given_to_the_link.add(pulse_id)
            bench.cycle(RUN, [pulse(pulse_id, bench.tick + 700, first=pulse_id, last=pulse_id)])
        except PlcLinkError:
            bench.pass_ms(2)
    bench.transport.faults = []
    bench.link.connect()
    bench.cycle_until(RUN, lambda _: set(bench.reports) == given_to_the_link)
    opened = [edge.valve for edge in bench.edges if edge.opened]
    assert len(opened) == len(set(opened))
    fired = {i for i in bench.reports if bench.outcome(i).outcome is PulseOutcome.FIRED}
    assert set(opened) == fired


class DeafAfterWriting:
    """A transport whose writes arrive and whose next answer does not."""

    def __init__(self, transport):
        self._transport = transport
        self.open, self.close = transport.open, transport.close
        self.deaf = False
        self._wrote = False

    def write_holding(self, address, words):
        self._transport.write_holding(address, words)
        self._wrote = True

    def read_holding(self, address, count):
        wrote, self._wrote = self._wrote, False
        if self.deaf and wrote:
            raise PlcLinkError("no answer")
        return self._transport.read_holding(address, count)


def test_no_report_is_overwritten_while_writes_arrive_and_answers_do_not():
    wires = []

    def wired(transport):
        wires.append(DeafAfterWriting(transport))
        return wires[0]

    bench = PlcBench(wrap=wired)
    tick = bench.start().status.tick
    for first in range(1, 400, 25):
        commands = [pulse(i, tick - 100) for i in range(first, first + 25)]
        wires[0].deaf = True
        with pytest.raises(PlcLinkError):
            bench.link.exchange(RUN, commands)
        bench.pass_ms(10)
        bench.link.connect()
        bench.pass_ms(10)
    wires[0].deaf = False
    bench.cycle_until(RUN, lambda _: len(bench.reports) == 400)
    assert bench.lost == 0
