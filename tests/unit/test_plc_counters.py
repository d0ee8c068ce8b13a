"""What serial counters say, in every dialect, whole, torn and garbled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plc.encoders.counter_binary import BinaryCounter
from plc.encoders.counter_text import DeltaCounter, QsbCounter, TextCounter
from plc.encoders.unwrapped import Unwrapped

TURN = 1 << 32


def torn(counter, text, size):
    """Feed a text in pieces of `size` bytes."""
    counts = []
    for at in range(0, len(text), size):
        counts += counter.feed(text[at : at + size])
    return counts


def frame(count, start=b"\xaa\x55", order="big"):
    body = (count % TURN).to_bytes(4, order)
    return start + body + bytes((sum(body) & 0xFF,))


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_absolute_counts_survive_half_lines_at_start_up_and_any_line_end(size):
    assert torn(TextCounter(), b"345\r\n12346\n-3\r12350\r\n\r\n12351\n", size) == [
        12346,
        TURN - 3,
        12350,
        12351,
    ]


def test_noise_is_counted_and_passed_over():
    counter = TextCounter()
    assert counter.feed(b"\n\xff\xfe12\n12a\n\n1 2\n77\n") == [77]
    assert counter.rejected == 3


def test_a_line_that_never_ends_does_not_fill_the_memory():
    counter = TextCounter()
    for _ in range(1000):
        assert counter.feed(b"9" * 1000) == []
    assert counter.feed(b"\n5\n") == [5]


def test_a_count_within_other_text_is_found_by_its_group():
    counter = TextCounter(pattern=r"Count: (-?\d+)")
    assert counter.feed(b"nt: 3\nQuadrature Encoder Count: 123\nready\nCount: -5 ok\n") == [
        123,
        TURN - 5,
    ]
    assert counter.rejected == 1


def test_deltas_add_up_with_sign_and_wrap():
    counter = DeltaCounter(query="?")
    assert counter.feed(b"99\n5\n-7\n0\n3\n") == [5, TURN - 2, TURN - 2, 1]


@pytest.mark.parametrize(
    "line",
    [
        "r0E0000ABCD",
        "s0E0000ABCD",
        "r 0E 0000ABCD",
        "s0E0000ABCD00000123",
        "r0E0000ABCD!",
        "r 0E 0000ABCD 00000123 !",
        "R0e0000abcd",
    ],
)
def test_a_qsb_reply_is_read_in_every_form_the_device_sends(line):
    assert QsbCounter(stream=False).feed(b"\r\n" + line.encode() + b"\r\n") == [0xABCD]


def test_a_qsb_is_stopped_started_and_stopped():
    counter = QsbCounter(stream=True)
    assert counter.opening() == b"R0E\r\nS0E\r\n"
    assert counter.query == b""
    assert counter.closing() == b"R0E\r\n"
    assert QsbCounter(stream=False).query == b"R0E\r\n"


def test_other_qsb_registers_and_half_replies_are_no_counts():
    counter = QsbCounter(stream=False)
    assert counter.feed(b"BCD\r\nr1400000123\r\nr0E12\r\ne1234\r\nr0E00000007\r\n") == [7]
    assert counter.rejected == 2


@pytest.mark.parametrize("size", [1, 2, 5, 50])
def test_binary_frames_are_found_in_noise_and_pieces(size):
    good = [frame(5), frame(0xAA55AA55), frame(-1)]
    spoiled = frame(9)[:-1] + b"\x00"
    stream = b"\x01\x55\xaa" + good[0] + spoiled + good[1] + b"\xaa" + good[2]
    counter = BinaryCounter(start=b"\xaa\x55", query=b"", low_byte_first=False)
    assert torn(counter, stream, size) == [5, 0xAA55AA55, TURN - 1]
    assert counter.rejected > 0


def test_binary_frames_may_have_their_low_byte_first():
    counter = BinaryCounter(start=b"\x02\x03", query=b"?", low_byte_first=True)
    assert counter.feed(frame(0x01020304, b"\x02\x03", "little")) == [0x01020304]


@given(
    st.integers(0, TURN - 1),
    st.lists(st.integers(-1000, 1000), max_size=50),
    st.sampled_from([2048, 10_000, 65536, TURN]),
)
def test_a_total_goes_on_across_wraps_in_both_directions(first, steps, modulus):
    total = Unwrapped(modulus)
    expected = first % modulus
    assert total.extend(expected) == expected
    for step in steps:
        expected += step
        assert total.extend(expected % modulus) == expected


def test_a_reversed_total_counts_the_other_way_and_goes_on_after_a_restart():
    total = Unwrapped(1000, reverse=True)
    assert [total.extend(count) for count in (10, 5, 995)] == [-10, -5, 5]
    total.restart()
    assert total.extend(700) == 5
    assert total.extend(690) == 15
