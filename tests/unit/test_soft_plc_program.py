"""The PLC program in virtual time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.units import BeltTick, MonotonicNs
from plc.codec import Mailbox, MailboxPulse, encode_mailbox
from plc.registers import MAILBOX, RequestFlag
from plc.types import PlcState, PulseOutcome
from tests.support.plc_bench import AT, BELT, IDLE, PLC_CONFIG, RUN, PlcBench, pulse
from twin.soft_plc.program import SoftPlc


def test_boots_stopped_with_valves_closed_and_belt_at_rest():
    bench = PlcBench()
    bench.link.connect()
    status = bench.cycle(IDLE).status
    assert status.state is PlcState.STOPPED
    assert not status.belt_running
    assert not any(bench.plc.coils())


def test_a_run_request_that_was_never_off_does_not_start():
    bench = PlcBench()
    bench.link.connect()
    for _ in range(5):
        status = bench.cycle(RUN).status
    assert status.state is PlcState.STOPPED
    assert not status.belt_running


def test_pulse_switches_exactly_at_its_ticks():
    bench = PlcBench()
    bench.start()
    at = bench.tick + 500
    bench.cycle(RUN, [pulse(1, at)])
    bench.cycle_until(RUN, lambda _: 1 in bench.reports)
    opened = [edge for edge in bench.edges if edge.opened]
    closed = [edge for edge in bench.edges if not edge.opened]
    assert [edge.valve for edge in opened] == list(range(3, 10))
    assert {edge.tick for edge in opened} == {at}
    assert {edge.tick for edge in closed} == {at + 60}
    report = bench.outcome(1)
    assert (report.outcome, report.open_tick, report.close_tick) == (
        PulseOutcome.FIRED,
        at,
        at + 60,
    )


def test_coils_show_the_open_valves():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 100, station=1, first=0, last=8)])
    bench.cycle_until(RUN, lambda _: bench.open_valves > 0)
    assert bench.plc.coils()[10:12] == b"\xff\x01"


def test_overlapping_pulses_keep_a_valve_open_without_a_gap():
    bench = PlcBench()
    bench.start()
    at = bench.tick + 500
    commands = [
        pulse(1, at, first=2, last=4),
        pulse(2, at + 40, first=4, last=6),
        pulse(3, at + 100, first=4, last=4),
    ]
    bench.cycle(RUN, commands)
    bench.cycle_until(RUN, lambda _: len(bench.reports) == 3)
    ticks = [(edge.opened, edge.tick) for edge in bench.edges if edge.valve == 4]
    assert ticks == [(True, at), (False, at + 160)]


def test_valve_under_a_stopped_belt_closes_by_time():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 100, ticks=600)])
    bench.cycle_until(RUN, lambda _: bench.open_valves > 0)
    bench.drive.command(run=False, at_ns=bench.clock.now_ns())
    opened_ns = next(edge.at_ns for edge in bench.edges if edge.opened)
    while bench.open_valves:
        bench.cycle(RUN)
    closed_ns = bench.edges[-1].at_ns
    assert closed_ns - opened_ns <= (PLC_CONFIG.max_open_ms + 2) * 1_000_000


def test_silence_closes_open_valves_blocks_the_queue_and_stops_the_belt():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 50, ticks=600), pulse(2, bench.tick + 3000)])
    bench.cycle_until(RUN, lambda _: bench.open_valves > 0)
    silent_ns = bench.clock.now_ns()
    bench.pass_ms(150)
    assert bench.plc.state is PlcState.RUNNING
    bench.pass_ms(60)
    assert bench.plc.state is PlcState.SAFE
    assert bench.open_valves == 0
    assert bench.edges[-1].at_ns - silent_ns <= 201 * 1_000_000
    status = bench.cycle(RUN).status
    assert not status.belt_running
    assert status.queue_used == 0
    bench.cycle(RUN)
    assert bench.outcome(1).outcome is PulseOutcome.FIRED
    assert bench.outcome(2).outcome is PulseOutcome.BLOCKED


def test_after_silence_only_a_stop_and_a_start_resume():
    bench = PlcBench()
    bench.start()
    bench.pass_ms(300)
    for _ in range(20):
        status = bench.cycle(RUN).status
    assert status.state is PlcState.SAFE
    assert status.heartbeat_ok
    assert not status.belt_running
    bench.cycle(IDLE)
    assert bench.cycle(IDLE).status.state is PlcState.STOPPED
    bench.cycle(RUN)
    assert bench.cycle(RUN).status.state is PlcState.RUNNING


def test_silence_while_stopped_stops_the_belt_and_needs_a_new_request():
    bench = PlcBench()
    bench.link.connect()
    bench.cycle(IDLE)
    bench.cycle(BELT)
    assert bench.cycle(BELT).status.belt_running
    bench.pass_ms(300)
    for _ in range(5):
        assert not bench.cycle(BELT).status.belt_running
    bench.cycle(IDLE)
    bench.cycle(BELT)
    assert bench.cycle(BELT).status.belt_running


def test_belt_may_be_configured_to_run_on_in_silence():
    bench = PlcBench(config=PLC_CONFIG.model_copy(update={"belt_stops_on_silence": False}))
    bench.start()
    bench.pass_ms(300)
    status = bench.cycle(RUN).status
    assert status.belt_running
    assert status.state is PlcState.SAFE


def test_lost_safety_input_makes_safe_at_once_and_stays_until_restarted():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 50, ticks=600), pulse(2, bench.tick + 3000)])
    bench.cycle_until(RUN, lambda _: bench.open_valves > 0)
    bench.plc.set_safety(ok=False)
    status = bench.cycle(RUN).status
    assert (status.state, status.safety_ok) == (PlcState.SAFE, False)
    assert bench.open_valves == 0
    assert bench.cycle(IDLE).status.state is PlcState.SAFE
    bench.plc.set_safety(ok=True)
    assert bench.cycle(RUN).status.state is PlcState.SAFE
    bench.cycle(IDLE)
    bench.cycle(RUN)
    assert bench.cycle(RUN).status.state is PlcState.RUNNING


def test_late_pulse_is_refused_and_counted():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick - 1), pulse(2, bench.tick + 300)])
    status = bench.cycle_until(RUN, lambda _: 2 in bench.reports).status
    assert bench.outcome(1).outcome is PulseOutcome.LATE
    assert bench.outcome(2).outcome is PulseOutcome.FIRED
    assert (status.counters.late, status.counters.fired) == (1, 1)


def test_pulse_that_a_stalled_scan_missed_is_late_not_fired():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 200)])
    bench.virtual.time_ns += 80_000_000
    bench.scan()
    bench.cycle(RUN)
    assert bench.outcome(1).outcome is PulseOutcome.LATE
    assert not bench.edges


def test_pulses_beyond_limits_are_refused():
    bench = PlcBench()
    bench.start()
    at = bench.tick + 500
    refused = [
        pulse(1, at, ticks=19),
        pulse(2, at, ticks=601),
        pulse(3, at, first=79, last=80),
        pulse(4, at, station=2, first=20, last=24),
        pulse(5, at, station=3),
    ]
    bench.cycle(RUN, [*refused, pulse(6, at, ticks=20), pulse(7, at, ticks=600, station=2)])
    status = bench.cycle_until(RUN, lambda _: 7 in bench.reports).status
    for command in refused:
        assert bench.outcome(command.pulse_id).outcome is PulseOutcome.REFUSED
    assert bench.outcome(6).outcome is PulseOutcome.FIRED
    assert status.counters.refused == 5


def test_full_queue_refuses():
    bench = PlcBench(config=PLC_CONFIG.model_copy(update={"queue_size": 3}))
    bench.start()
    at = bench.tick + 500
    bench.cycle(
        RUN, [pulse(i, at + i, station=0) for i in (1, 2, 3, 4)] + [pulse(5, at, station=1)]
    )
    bench.cycle_until(RUN, lambda _: len(bench.reports) == 5)
    outcomes = [bench.outcome(i).outcome for i in (1, 2, 3, 4, 5)]
    fired = PulseOutcome.FIRED
    assert outcomes == [fired, fired, fired, PulseOutcome.REFUSED, fired]


def test_batch_that_claims_more_pulses_than_fit_is_refused_whole():
    plc = SoftPlc(PLC_CONFIG, boot_number=1)
    one = MailboxPulse(
        station=0, first_valve=0, last_valve=0, open_offset_tick=100, duration_tick=50
    )
    words = encode_mailbox(
        Mailbox(
            owner_id=1,
            heartbeat=1,
            requests=RequestFlag(0),
            flap_hold=0,
            batch_sequence=1,
            pulse_count=40,
            base_pulse_id=1,
            base_tick=0,
            pulses=(one,),
        )
    )
    plc.write_holding(MAILBOX.address, words)
    plc.scan(BeltTick(0), MonotonicNs(1))
    assert plc.read_holding(AT["report_sequence"], 2) == [0, 1]
    assert plc.read_holding(AT["refused_total"], 2) == [0, 1]


def test_shut_down_closes_valves_and_stops_the_belt():
    bench = PlcBench()
    bench.start()
    bench.cycle(RUN, [pulse(1, bench.tick + 50, ticks=600)])
    bench.cycle_until(RUN, lambda _: bench.open_valves > 0)
    output = bench.plc.shut_down(bench.tick, bench.clock.now_ns())
    assert len(output.valves) == 7
    assert output.belt is not None
    assert not output.belt.run
    assert not any(bench.plc.coils())


def test_encoder_wrap_does_not_disturb_pulses():
    bench = PlcBench(first_tick=2**32 - 2000)
    bench.start()
    at = 2**32 - 5
    assert bench.tick < at
    bench.cycle(RUN, [pulse(1, at), pulse(2, at + 40, station=1), pulse(3, at + 2000)])
    bench.cycle_until(RUN, lambda _: len(bench.reports) == 3)
    for pulse_id, wanted in ((1, at), (2, at + 40), (3, at + 2000)):
        report = bench.outcome(pulse_id)
        assert (report.outcome, report.open_tick) == (PulseOutcome.FIRED, wanted)


spans = st.tuples(st.integers(0, 15), st.integers(0, 6)).map(lambda s: (s[0], s[0] + s[1]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), spans, st.integers(150, 900), st.integers(20, 200)),
        min_size=1,
        max_size=25,
    )
)
def test_each_valve_is_open_exactly_while_some_pulse_wants_it(drawn):
    bench = PlcBench()
    bench.start()
    base = bench.tick
    commands = [
        pulse(i + 1, base + offset, ticks=ticks, station=station, first=first, last=last)
        for i, (station, (first, last), offset, ticks) in enumerate(drawn)
    ]
    bench.cycle(RUN, commands)
    bench.cycle_until(RUN, lambda _: len(bench.reports) == len(commands))
    wanted: dict[tuple[int, int], set[int]] = {}
    for command in commands:
        assert bench.outcome(command.pulse_id).outcome is PulseOutcome.FIRED
        for valve in range(command.valves.first, command.valves.last + 1):
            ticks = range(command.open_tick, command.close_tick)
            wanted.setdefault((command.station, valve), set()).update(ticks)
    opened: dict[tuple[int, int], set[int]] = {}
    since: dict[tuple[int, int], int] = {}
    for edge in bench.edges:
        key = (edge.station, edge.valve)
        if edge.opened:
            assert key not in since
            since[key] = edge.tick
        else:
            opened.setdefault(key, set()).update(range(since.pop(key), edge.tick))
    assert not since
    assert opened == wanted
