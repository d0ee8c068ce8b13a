"""Codec round trips, and the orders of words and bits."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plc.codec import (
    Mailbox,
    MailboxPulse,
    ReportEntry,
    StatusBlock,
    decode_mailbox,
    decode_report,
    decode_status,
    encode_mailbox,
    encode_report,
    encode_status,
    signed_difference,
    to_bytes,
    to_words,
)
from plc.register_types import Kind
from plc.registers import MAILBOX_WORDS, STATUS, RequestFlag
from plc.types import PulseOutcome

words16 = st.integers(0, 0xFFFF)
words32 = st.integers(0, 0xFFFFFFFF)
statuses = st.builds(
    StatusBlock,
    **{r.name: words32 if r.kind is Kind.U32 else words16 for r in STATUS.registers},
)
reports = st.builds(
    ReportEntry,
    number=words32,
    pulse_id=words32,
    outcome=st.sampled_from(PulseOutcome),
    open_tick=words32,
    duration_tick=words16,
)
pulses = st.builds(
    MailboxPulse,
    station=st.integers(0, 15),
    first_valve=st.integers(0, 255),
    last_valve=st.integers(0, 255),
    open_offset_tick=words16,
    duration_tick=words16,
)


@st.composite
def mailboxes(draw):
    batch = tuple(draw(st.lists(pulses, max_size=32)))
    return Mailbox(
        heartbeat=draw(words16),
        requests=RequestFlag(draw(st.integers(0, 3))),
        batch_sequence=draw(words16),
        pulse_count=len(batch),
        base_pulse_id=draw(words32),
        base_tick=draw(words32),
        pulses=batch,
    )


@given(statuses)
def test_status_round_trip(status):
    words = to_words(encode_status(status))
    assert len(words) == STATUS.words
    assert decode_status(words) == status
    assert to_bytes(words) == encode_status(status)


@given(statuses)
def test_each_status_value_lies_at_its_address(status):
    words = to_words(encode_status(status))
    for register in STATUS.registers:
        value = getattr(status, register.name)
        if register.kind is Kind.U32:
            high, low = words[register.address : register.address + 2]
            assert value == high << 16 | low
        else:
            assert value == words[register.address]


@given(reports)
def test_report_round_trip(report):
    assert decode_report(to_words(encode_report(report)), report.number) == report


@given(reports, st.integers(1, 4095))
def test_a_report_with_another_number_is_not_taken(report, off):
    assert decode_report(to_words(encode_report(report)), report.number + off) is None


@pytest.mark.parametrize("outcome", [0, 5, 15])
def test_a_report_with_an_unknown_outcome_is_not_taken(outcome):
    assert decode_report([0, 1, 1 << 4 | outcome, 0, 0, 0], 1) is None


def test_report_bytes_are_pinned():
    report = ReportEntry(
        number=0x12345,
        pulse_id=0x00010002,
        outcome=PulseOutcome.LATE,
        open_tick=0x00030004,
        duration_tick=5,
    )
    assert to_words(encode_report(report)) == [1, 2, 0x3452, 3, 4, 5]


@given(mailboxes())
def test_mailbox_round_trip(mailbox):
    words = encode_mailbox(mailbox)
    assert len(words) == 16 + 3 * len(mailbox.pulses) <= MAILBOX_WORDS
    assert decode_mailbox(words + [0] * (MAILBOX_WORDS - len(words))) == mailbox


def test_mailbox_words_are_pinned():
    def one(station, first, last, offset, ticks):
        return MailboxPulse(
            station=station,
            first_valve=first,
            last_valve=last,
            open_offset_tick=offset,
            duration_tick=ticks,
        )

    mailbox = Mailbox(
        heartbeat=7,
        requests=RequestFlag.BELT_RUN,
        batch_sequence=9,
        pulse_count=5,
        base_pulse_id=0x00010002,
        base_tick=0x00030004,
        pulses=tuple(one(i + 1, i, 0x10 + i, 100 + i, 50 + i) for i in range(5)),
    )
    header = [7, 2, 9, 5, 1, 2, 3, 4, 0x4321, 0x0005, 0, 0, 0, 0, 0, 0]
    first = [0x0010, 100, 50]
    last = [0x0414, 104, 54]
    words = encode_mailbox(mailbox)
    assert words[:16] == header
    assert (words[16:19], words[28:31]) == (first, last)


def test_pulses_beyond_the_mailbox_are_not_decoded():
    words = [0] * MAILBOX_WORDS
    words[3] = 1000
    mailbox = decode_mailbox(words)
    assert (mailbox.pulse_count, len(mailbox.pulses)) == (1000, 32)


def test_unknown_request_bits_are_ignored():
    words = [0] * MAILBOX_WORDS
    words[1] = 0xFFFF
    assert decode_mailbox(words).requests == RequestFlag.RUN | RequestFlag.BELT_RUN


GOOD = {
    "heartbeat": 1,
    "requests": RequestFlag(0),
    "batch_sequence": 1,
    "pulse_count": 1,
    "base_pulse_id": 1,
    "base_tick": 0,
}
GOOD_PULSE = {
    "station": 0,
    "first_valve": 0,
    "last_valve": 0,
    "open_offset_tick": 0,
    "duration_tick": 1,
}


@pytest.mark.parametrize("name", [n for n in GOOD if n != "requests"])
@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_header_value_that_does_not_fit_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name):
        encode_mailbox(Mailbox(**GOOD | {name: value}, pulses=()))


@pytest.mark.parametrize("name", [f.name for f in fields(MailboxPulse)])
@pytest.mark.parametrize("value", [-1, 1 << 16])
def test_a_pulse_value_that_does_not_fit_is_refused_by_name(name, value):
    wrong = MailboxPulse(**GOOD_PULSE | {name: value})
    with pytest.raises(ValueError, match=name):
        encode_mailbox(Mailbox(**GOOD, pulses=(wrong,)))


def test_more_than_32_pulses_are_refused():
    with pytest.raises(ValueError, match="33 pulses"):
        encode_mailbox(Mailbox(**GOOD, pulses=(MailboxPulse(**GOOD_PULSE),) * 33))


@given(words32, st.integers(-(2**31), 2**31 - 1))
def test_signed_difference_undoes_a_wrapping_addition(earlier, step):
    assert signed_difference((earlier + step) % 2**32, earlier) == step
