"""The Structured Text program: up to date, in MATIEC's dialect, and run scan by scan."""

import re

import pytest
from blark.parse import parse_source_code
from hypothesis import given, settings
from hypothesis import strategies as st

from plc.batches import next_sequence
from plc.codec import Mailbox, MailboxPulse, decode_report, decode_status, encode_mailbox
from plc.register_flags import PulseReason, RequestFlag, StatusFlag
from plc.registers import BLOCKS, HISTORY, LATCHES, MAILBOX, READ_WORDS, SERVICE, STATIONS
from plc.service_codec import ServiceMailbox, decode_station, decode_test, encode_service
from plc.st.__main__ import main
from plc.st.assemble import PROGRAM, program_text
from tests.support.openplc import Runtime
from tests.support.st_compiler import load
from tests.support.st_lexer import StError, tokens_of

OWNER = 0xC0FFEE
SAFETY, TRIGGER, PHASE_A, PHASE_B, REST_4, WORK_4 = 0, 1, 2, 3, 12, 28
RUN = RequestFlag.RUN | RequestFlag.BELT_RUN


class Plc:
    """The program with its inputs at hand, a counter as encoder, and a good master."""

    def __init__(self, text: str | None = None) -> None:
        self.runtime = Runtime(text or PROGRAM.read_text())
        self.runtime.set_input(SAFETY, on=True)
        self.heartbeat = 0
        self.count = 1000
        self.scan()

    def scan(self, count: int = 1, *, ticks: int = 0) -> None:
        for _ in range(count):
            self.count = (self.count + ticks) % 2**32
            self.runtime.set_analog(0, self.count >> 16)
            self.runtime.set_analog(1, self.count & 0xFFFF)
            self.runtime.scan()

    def read(self, address: int, count: int) -> list[int]:
        pdu = bytes((3, *address.to_bytes(2), *count.to_bytes(2)))
        answer = self.runtime.answer(pdu)[2:]
        return [answer[i] << 8 | answer[i + 1] for i in range(0, len(answer), 2)]

    def write(self, address: int, words: list[int]) -> None:
        head = bytes((16, *address.to_bytes(2), *len(words).to_bytes(2), 2 * len(words)))
        self.runtime.answer(head + b"".join(word.to_bytes(2) for word in words))

    @property
    def status(self):
        return decode_status(self.read(0, READ_WORDS))

    def send(self, requests=RUN, *, pulses=(), base_tick=0, base_id=1, flap_hold=0) -> None:
        self.heartbeat = next_sequence(self.heartbeat)
        accepted = self.status.accepted_batch
        mailbox = Mailbox(
            owner_id=OWNER,
            heartbeat=self.heartbeat,
            requests=requests,
            flap_hold=flap_hold,
            batch_sequence=next_sequence(accepted) if pulses else accepted,
            pulse_count=len(pulses),
            base_pulse_id=base_id,
            base_tick=base_tick % 2**32,
            pulses=tuple(pulses),
        )
        self.write(MAILBOX.address, encode_mailbox(mailbox))

    def run(self) -> None:
        for requests in (RequestFlag(0), RUN):
            self.send(requests)
            self.scan()
        assert self.status.state == 1

    def service(self, **fields) -> None:
        self.write(SERVICE.address, encode_service(ServiceMailbox(owner_id=OWNER, **fields)))

    def coils(self, first: int, count: int) -> list[int]:
        answer = self.runtime.answer(bytes((1, *first.to_bytes(2), *count.to_bytes(2))))[2:]
        return [i for i in range(count) if answer[i // 8] >> i % 8 & 1]

    def reports(self):
        found = {}
        for number in range(1, self.status.report_sequence + 1):
            place = HISTORY.address + number % 128 * HISTORY.stride
            entry = decode_report(self.read(place, HISTORY.stride), number)
            assert entry is not None
            found[entry.pulse_id] = entry
        return found


def one(station=0, first=3, last=5, offset=0, ticks=20):
    return MailboxPulse(
        station=station,
        first_valve=first,
        last_valve=last,
        open_offset_tick=offset,
        duration_tick=ticks,
    )


def with_constant(name: str, value: str) -> str:
    text, count = re.subn(rf"(\b{name} : \w+ := )[\w#]+;", rf"\g<1>{value};", PROGRAM.read_text())
    assert count == 1
    return text


def test_the_program_is_up_to_date_with_its_sources_and_the_map(capsys):
    assert PROGRAM.read_text() == program_text(), "run make plc-program"
    assert main(["--check"]) == 0
    assert not capsys.readouterr().err


def test_every_located_variable_lies_within_openplcs_areas_and_none_twice():
    _, located, _ = load(PROGRAM.read_text())
    assert len(set(located.values())) == len(located)
    assert all(int(re.search(r"\d+", a)[0]) < 1024 for a in located.values() if a[2] == "W")
    bits = [a[3:].split(".") for a in located.values() if a[2] == "X"]
    assert all(8 * int(byte) + int(bit) < 800 for byte, bit in bits)
    words = {a for a in located.values() if a[1:3] in ("QW", "MW")}
    assert len(words) == sum(block.words for block in BLOCKS)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_an_independent_grammar_reads_the_whole_program():
    # It is one for TwinCAT and knows no CONFIGURATION, which ends the file.
    text, _, _ = PROGRAM.read_text().partition("CONFIGURATION")
    assert parse_source_code(text).exception is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x (* a (* b *) c *)", "comment inside"),
        ("// no", "no Structured Text of ours"),
        ("log := 1;", "means something else"),
        ("a__b := 1;", "means something else"),
    ],
)
def test_words_that_matiec_reads_otherwise_are_refused(text, words):
    with pytest.raises(StError, match=words):
        tokens_of(text)


BODY = """PROGRAM Trial
  VAR a : UINT; b : UDINT; c : BOOL; END_VAR
  {}
END_PROGRAM
CONFIGURATION Config0 RESOURCE Res0 ON Plc0
TASK Main0(INTERVAL := T#1ms, PRIORITY := 0);
PROGRAM Inst0 WITH Main0 : Trial; END_RESOURCE END_CONFIGURATION
"""


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("a := b;", "UDINT where UINT belongs"),
        ("b := a + b;", "UINT and UDINT in one expression"),
        ("c := a AND c;", "AND of UINT and BOOL"),
        ("a := 65536;", "65536 is no UINT"),
        ("IF a THEN a := 1; END_IF;", "UINT where BOOL belongs"),
        ("e := 1;", "e is not declared"),
    ],
)
def test_what_matiec_does_not_compile_is_refused(statement, words):
    with pytest.raises(StError, match=words):
        load(BODY.format(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "a := 65535; a := a + 1;",
        "a := 0; c := (a - 1) > 5;",
        "b := UDINT#0; c := (b - UDINT#1) > UDINT#5;",
        "b := UDINT#70000; a := UDINT_TO_UINT(b);",
    ],
)
def test_what_compilers_compute_differently_stops_the_program(statement):
    program, _, _ = load(BODY.format(statement))
    with pytest.raises(StError):
        program.scan__()


def test_a_udint_wraps_where_a_difference_is_assigned():
    program, _, _ = load(BODY.format("b := UDINT#3; b := b - UDINT#5;"))
    program.scan__()
    assert program.b == 2**32 - 2


def test_a_pulse_opens_and_closes_at_its_ticks_and_is_reported():
    plc = Plc()
    plc.run()
    at = plc.count + 50
    plc.send(pulses=[one()], base_tick=at)
    seen = {}
    for _ in range(100):
        plc.scan(ticks=1)
        seen.setdefault(tuple(plc.coils(0, 16)), plc.count)
    assert seen[3, 4, 5] == at
    (report,) = plc.reports().values()
    assert (report.reason, report.open_tick, report.duration_tick) == (PulseReason.FIRED, at, 20)


@pytest.mark.parametrize(
    ("source", "start", "steps"),
    [
        ("1", 2**32 - 40, 10),
        ("1", 40, -10),
        ("2", 65_500, 10),
        ("2", 40, -10),
    ],
)
def test_a_counters_wrap_in_either_direction_is_no_jump(source, start, steps):
    plc = Plc(with_constant("encoder_source", source))
    plc.count = start
    plc.scan()
    before = plc.status.encoder_tick
    for _ in range(20):
        plc.scan(ticks=steps)
        if source == "2":
            plc.runtime.set_analog(0, 0)
    assert (plc.status.encoder_tick - before) % 2**32 == 20 * steps % 2**32


def test_quadrature_counts_every_edge_in_both_directions():
    plc = Plc(with_constant("encoder_source", "3"))
    turn = [(0, 0), (1, 0), (1, 1), (0, 1)]

    def go(phases):
        for a, b in phases:
            plc.runtime.set_input(PHASE_A, on=bool(a))
            plc.runtime.set_input(PHASE_B, on=bool(b))
            plc.scan()
        return plc.status.encoder_tick

    assert go(turn * 5) == 19
    assert go(reversed(turn * 2)) == 19 - 7
    assert go(reversed(turn * 4)) == (12 - 16) % 2**32


def test_triggers_are_counted_and_latched_with_their_ticks():
    plc = Plc()
    ticks = []
    for _ in range(70):
        plc.scan(ticks=7)
        plc.runtime.set_input(TRIGGER, on=True)
        plc.scan(2)
        ticks.append(plc.count)
        plc.runtime.set_input(TRIGGER, on=False)
        plc.scan()
    assert plc.status.trigger_total == 70
    for number in range(7, 71):
        high, low = plc.read(LATCHES.address + 2 * (number % 64), 2)
        assert high << 16 | low == ticks[number - 1]


def test_a_lost_safety_circuit_closes_everything_and_says_why():
    plc = Plc()
    plc.run()
    plc.send(pulses=[one(ticks=2000), one(offset=5000)], base_tick=plc.count + 5)
    plc.scan(20, ticks=1)
    assert plc.coils(0, 16) == [3, 4, 5]
    plc.runtime.set_input(SAFETY, on=False)
    plc.scan()
    assert (plc.coils(0, 768), plc.status.state, plc.status.queue_used) == ([], 2, 0)
    assert [r.reason for r in plc.reports().values()] == [
        PulseReason.FIRED_CUT,
        PulseReason.SAFETY,
    ]
    plc.runtime.set_input(SAFETY, on=True)
    plc.send()
    plc.scan(5)
    assert plc.status.state == 2


def test_a_manual_test_measures_the_pressure_of_its_bar():
    plc = Plc()
    plc.runtime.set_analog(2, 6000)
    plc.send(RequestFlag.MAINTENANCE)
    plc.scan()
    plc.service(command_sequence=9, station=0, valve=7, open_ms=30, pause_ms=100, count=1)
    plc.scan()
    assert plc.coils(0, 16) == [7]
    for scan in range(600):
        plc.runtime.set_analog(2, 6000 if scan < 8 or scan > 60 else 5600)
        if scan % 100 == 0:
            plc.send(RequestFlag.MAINTENANCE)
        plc.scan()
    test = decode_test(plc.read(416, 12))
    assert (test.sequence, test.state, test.reason, test.pulses_done) == (9, 2, 0, 1)
    assert (test.pressure_before, test.pressure_min) == (6000, 5600)
    assert test.response_tenth_ms == test.minimum_tenth_ms == 90
    assert plc.coils(0, 768) == []


def test_a_flap_with_limit_switches_shows_where_it_is_and_when_it_is_stuck():
    plc = Plc(with_constant("flap_switches", "TRUE"))

    def position(*, rest, working, scans=1, hold=16):
        plc.runtime.set_input(REST_4, on=rest)
        plc.runtime.set_input(WORK_4, on=working)
        for _ in range(scans):
            plc.send(RequestFlag(0), flap_hold=hold)
            plc.scan()
        return plc.status.flap_positions >> 8 & 3

    assert position(rest=True, working=False, hold=0) == 1
    assert position(rest=False, working=False) == 0
    assert position(rest=False, working=True) == 2
    assert position(rest=True, working=True) == 3
    assert position(rest=False, working=True) == 2
    assert position(rest=False, working=False, hold=0) == 0
    assert position(rest=False, working=False, hold=0, scans=650) == 3


def test_a_valve_with_limits_of_its_own_keeps_them():
    mark = "    bar := 0;\n    WHILE bar < 16 DO\n      queue(command := 12"
    text = PROGRAM.read_text()
    assert mark in text
    own = "    queue(command := 2, output := 4, min_ms := 40, max_ms := 60);\n"
    plc = Plc(text.replace(mark, own + mark, 1))
    plc.run()
    plc.send(pulses=[one(first=3, last=3), one(first=4, last=4)], base_tick=plc.count + 10)
    plc.scan(12, ticks=4)
    assert plc.coils(0, 16) == [4]
    plc.scan(40, ticks=4)
    assert plc.coils(0, 16) == []
    plc.send(pulses=[one(first=4, last=4, ticks=4000)], base_tick=plc.count + 10, base_id=9)
    plc.scan(70, ticks=4)
    assert plc.coils(0, 16) == []
    assert plc.status.queue_used == 1


def test_the_station_table_and_a_single_coil_written_from_outside():
    plc = Plc()
    plc.scan(20)
    last = decode_station(plc.read(STATIONS.address + 5 * STATIONS.stride, STATIONS.stride))
    assert (last.kind, last.valve_count, last.first_output) == (3, 1, 513)
    plc.runtime.answer(bytes((15, 0, 0, 0, 3, 1, 7)))
    plc.scan()
    assert plc.coils(0, 768) == []
    assert StatusFlag(plc.status.flags) == StatusFlag.SAFETY_OK | StatusFlag.CAN_SIMULATE


spans = st.tuples(st.integers(0, 100), st.integers(0, 6)).map(lambda s: (s[0], s[0] + s[1]))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), spans, st.integers(1, 300), st.integers(4, 90)),
        min_size=1,
        max_size=32,
    ),
    st.integers(0, 2**32 - 1),
)
def test_every_valve_is_open_exactly_while_some_pulse_wants_it(drawn, start):
    plc = Plc()
    plc.count = start
    plc.scan()
    plc.run()
    base = plc.count
    pulses = [one(bar, *span, offset, ticks) for bar, span, offset, ticks in drawn]
    plc.send(pulses=pulses, base_tick=base)
    for step in range(1, 400):
        if step % 100 == 0:
            plc.send()
        plc.scan(ticks=1)
        wanted = {
            128 * pulse.station + valve
            for pulse in pulses
            for valve in range(pulse.first_valve, pulse.last_valve + 1)
            if pulse.open_offset_tick <= step < pulse.open_offset_tick + pulse.duration_tick
        }
        lit = {coil for coil, on in enumerate(plc.runtime.program.coil_on[:512]) if on}
        assert lit == wanted
    assert plc.coils(0, 512) == []
    assert {r.reason for r in plc.reports().values()} == {PulseReason.FIRED}
    assert len(plc.reports()) == len(pulses)
