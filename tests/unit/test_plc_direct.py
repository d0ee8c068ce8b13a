"""Direct mode's pure parts: what is written, what is refused, how precise is precise enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plc.direct.coil_image import CoilImage
from plc.direct.precision import Precision, RunningPrecision
from plc.direct.valve_program import ValveProgram
from plc.types import PlcState, PulseOutcome
from tests.support.direct_rig import COIL_COUNT, FIRST_COILS, direct_setup
from tests.support.plc_bench import pulse

MS = 1_000_000


def rounding_server(size):
    """A server that clears what lies between the end of a write and the end of its last byte."""
    coils = [False] * size

    def write(first, values):
        end = min(size, first + -(-len(values) // 8) * 8)
        coils[first : first + len(values)] = values
        coils[first + len(values) : end] = [False] * (end - first - len(values))

    return coils, write


@given(
    st.integers(1, 70),
    st.lists(st.lists(st.tuples(st.integers(0, 69), st.booleans()), max_size=6), max_size=20),
)
def test_a_server_that_rounds_writes_up_to_a_byte_never_disturbs_a_neighbour(size, writes):
    image = CoilImage(size)
    coils, write = rounding_server(size)
    for changes in writes:
        for coil, on in changes:
            if coil < size:
                image.set(coil, on=on)
        changed = image.take_changes()
        if changed is not None:
            first, values = changed
            assert first % 8 == 0
            assert len(values) % 8 == 0 or first + len(values) == size
            write(first, values)
        assert coils == [image.is_on(coil) for coil in range(size)]
    assert image.take_changes() is None


def running():
    program = ValveProgram(direct_setup(1, pitch_mm=12.0))
    program.follow(run=False, may_run=True, tick=0)
    program.follow(run=True, may_run=True, tick=0)
    assert program.state is PlcState.RUNNING
    return program


def switch(program, tick, now_ns=0):
    before = program.open_pulses
    program.switch(tick, now_ns)
    program.switched(before, round(tick))


def on(program):
    return [coil for coil in range(COIL_COUNT) if program.image.is_on(coil)]


def take(program, *commands, tick=0.0, too_fast=False):
    for command in commands:
        program.take(command, tick, too_fast=too_fast)


def test_overlapping_pulses_of_one_valve_merge():
    program = running()
    take(program, pulse(1, 100, ticks=60), pulse(2, 140, ticks=60))
    assert program.next_tick() == 100
    switch(program, 100)
    assert on(program) == list(range(3, 10))
    for tick in (140, 160):
        switch(program, tick)
        assert on(program) == list(range(3, 10))
    switch(program, 200)
    assert on(program) == []
    assert [(r.pulse_id, r.outcome) for r in program.take_reports()] == [
        (1, PulseOutcome.FIRED),
        (2, PulseOutcome.FIRED),
    ]


def test_stations_have_their_own_coils():
    program = running()
    take(program, pulse(1, 100, station=2, first=0, last=1))
    switch(program, 100)
    assert on(program) == [FIRST_COILS[2], FIRST_COILS[2] + 1]


def test_a_pulse_more_than_half_a_pitch_late_is_not_fired():
    program = running()
    take(program, pulse(1, 100), pulse(2, 110), pulse(3, 50), tick=60.0)
    switch(program, 118)
    outcomes = {r.pulse_id: r.outcome for r in program.take_reports()}
    assert outcomes == {3: PulseOutcome.LATE, 1: PulseOutcome.LATE}
    assert program.open_pulses == {2}


def test_a_belt_faster_than_the_precision_allows_fires_nothing():
    program = running()
    take(program, pulse(1, 100), too_fast=True)
    (report,) = program.take_reports()
    assert report.outcome is PulseOutcome.REFUSED
    assert program.counters.refused == 1


def test_losing_the_line_closes_everything_and_blocks_what_waited():
    program = running()
    take(program, pulse(1, 100), pulse(2, 5000))
    switch(program, 100)
    program.follow(run=True, may_run=False, tick=120)
    assert program.state is PlcState.SAFE
    assert on(program) == []
    assert {r.pulse_id: r.outcome for r in program.take_reports()} == {
        1: PulseOutcome.FIRED,
        2: PulseOutcome.BLOCKED,
    }
    program.follow(run=True, may_run=True, tick=130)
    assert program.state is PlcState.SAFE


def test_a_valve_is_never_open_for_longer_than_allowed():
    program = running()
    take(program, pulse(1, 100, ticks=600))
    switch(program, 100, now_ns=0)
    program.close_overdue(150 * MS)
    assert on(program) != []
    program.close_overdue(151 * MS)
    assert on(program) == []
    switch(program, 700)
    assert on(program) == []


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(20, 200)), max_size=30), st.data())
def test_every_pulse_is_reported_exactly_once_whatever_happens(pulses, data):
    program = running()
    commands = [pulse(i, at, ticks=n) for i, (at, n) in enumerate(pulses, 1)]
    take(program, *commands)
    reports, tick = [], 0
    while program.next_tick() is not None:
        tick = max(tick, program.next_tick()) + data.draw(st.integers(0, 80))
        switch(program, tick)
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            program.trip(tick)
        reports += program.take_reports()
    reports += program.take_reports()
    assert sorted(report.pulse_id for report in reports) == [c.pulse_id for c in commands]
    assert on(program) == []


def test_precision_says_what_belt_speed_it_allows():
    precision = Precision.of([MS // 10] * 1999 + [2 * MS], latency_ns=0.0)
    assert (precision.p50_ms, precision.p999_ms, precision.worst_ms) == (0.1, 0.1, 2.0)
    assert precision.fastest_mm_per_s(12.5) == pytest.approx(62_500)
    words = precision.words(12.5)
    assert "0.10 ms (99.9 %) of 2000" in words
    assert "62500 mm/s" in words


def test_precision_in_operation_only_gets_worse():
    running_precision = RunningPrecision(Precision.of([MS] * 1000, latency_ns=0.0))
    for _ in range(5000):
        running_precision.add(MS // 10)
    assert running_precision.fastest_mm_per_s(10.0) == pytest.approx(5000)
    for _ in range(1000):
        running_precision.add(5 * MS)
    assert running_precision.fastest_mm_per_s(10.0) == pytest.approx(1000)
