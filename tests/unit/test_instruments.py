"""Scales and sensors: their lines, frames, registers and totals, without wires."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plc.errors import PlcFaultError
from plc.instruments.config import RegisterPoint, RegisterType, WeightProtocol
from plc.instruments.register_values import decode, encode
from plc.instruments.totaliser import Totaliser
from plc.instruments.weight_text import read_line

SICS, HEADER, TOLEDO = WeightProtocol.SICS, WeightProtocol.HEADER, WeightProtocol.TOLEDO


@pytest.mark.parametrize(
    ("protocol", "line", "grams", "net", "stable"),
    [
        (SICS, b"S S     123.45 kg\r\n", 123_450, True, True),
        (SICS, b"S D      -0.5 g\r\n", -0.5, True, False),
        (SICS, b"S S    1.2345 t\r\n", 1_234_500, True, True),
        (HEADER, b"ST,GS,+  123.4kg\r\n", 123_400, False, True),
        (HEADER, b"US,NT,-00012.5 g", -12.5, True, False),
        (HEADER, b"st,gs,   10lb\r\n", 4535.9237, False, True),
        (TOLEDO, b"\x02\x2b\x30\x20001234000000\r", 123_400, False, True),
        (TOLEDO, b"half\x02\x2a\x3b\x20 00250000000\r", -250_000, True, False),
        (TOLEDO, b"\x02\x2c\x20\x20000100000000\r", 453.59237, False, True),
    ],
)
def test_a_weight_is_read_as_the_scale_means_it(protocol, line, grams, net, stable):
    weight = read_line(protocol, line)
    assert weight.mass_g == pytest.approx(grams)
    assert (weight.net, weight.stable) == (net, stable)


@pytest.mark.parametrize(
    ("protocol", "line", "words"),
    [
        (SICS, b"S I\r\n", "busy or in motion"),
        (SICS, b"S +\r\n", "overload"),
        (SICS, b"ES\r\n", "does not know the command"),
        (SICS, b"S S 1,5 kg\r\n", "is the protocol right"),
        (HEADER, b"OL,GS,+       kg\r\n", "overload"),
        (HEADER, b"ST,GS,+  123.4\r\n", "unit is missing"),
        (HEADER, b"ST,GS,+kg\r\n", "unit is missing"),
        (HEADER, b"123.4 kg\r\n", "is the protocol right"),
        (HEADER, b"\xff\x80\x12\r\n", "baud, parity or data bits"),
        (TOLEDO, b"\x02\x2b\x34\x20001234000000\r", "out of its range"),
        (TOLEDO, b"\x02\x2b\x30\x200012\r", "no Toledo continuous frame"),
        (TOLEDO, b"001234000000\r", "no Toledo continuous frame"),
    ],
)
def test_what_is_no_weight_is_told_in_words_and_never_taken_for_one(protocol, line, words):
    with pytest.raises(PlcFaultError, match=words):
        read_line(protocol, line)


@given(st.sampled_from(WeightProtocol), st.binary(max_size=40))
def test_any_bytes_are_a_weight_or_an_error_of_this_family(protocol, line):
    try:
        weight = read_line(protocol, line)
    except PlcFaultError:
        return
    assert abs(weight.mass_g) < 1e12


def point(kind, order="high_first", **more):
    return RegisterPoint(address=10, type=kind, word_order=order, **more)


@pytest.mark.parametrize(
    ("kind", "order", "words", "value"),
    [
        ("int16", "high_first", [0xFFFE], -2),
        ("uint16", "high_first", [0xFFFE], 65534),
        ("int32", "high_first", [0xFFFF, 0xFFFE], -2),
        ("uint32", "low_first", [0x0002, 0x0001], 65538),
        ("float32", "high_first", [0x42F6, 0xE979], 123.456),
        ("float32", "low_first", [0xE979, 0x42F6], 123.456),
    ],
)
def test_registers_are_read_by_their_layout(kind, order, words, value):
    assert decode(point(kind, order), words) == pytest.approx(value)


def test_scale_and_offset_turn_raw_values_into_units():
    assert decode(point("int16", scale=0.1, offset=-40.0), [655]) == pytest.approx(25.5)


@pytest.mark.parametrize("words", [[0x7FC0, 0], [0x7F80, 0], [0xFF80, 0]])
def test_a_float_that_is_no_number_is_a_fault(words):
    with pytest.raises(PlcFaultError, match="no number"):
        decode(point("float32"), words)


@given(
    st.sampled_from(RegisterType),
    st.sampled_from(["high_first", "low_first"]),
    st.integers(0, 30_000),
)
def test_what_is_encoded_decodes_to_itself(kind, order, value):
    layout = point(kind, order)
    assert decode(layout, encode(layout, value)) == value


def test_a_total_is_followed_over_its_wrap():
    total = Totaliser(1_000_000)
    for reading in (990_000, 999_000, 4_000, 14_000):
        passed = total.take(reading)
    assert (passed.mass_g, passed.resets) == (24_000, 0)


def test_a_reset_is_counted_and_a_creeping_zero_is_not():
    total = Totaliser(10_000_000)
    for reading in (500_000, 500_500, 500_200, 500_500, 501_000):
        passed = total.take(reading)
    assert (passed.mass_g, passed.resets) == (1_000, 0)
    assert (total.take(2_000).mass_g, total.take(3_000).resets) == (3_000, 1)


@given(st.lists(st.integers(0, 50_000), max_size=60), st.integers(0, 999_999))
def test_whatever_passes_is_what_the_totaliser_says_over_any_number_of_wraps(steps, start):
    total, reading = Totaliser(1_000_000), start
    passed = total.take(reading)
    for step in steps:
        reading = (reading + step) % 1_000_000
        passed = total.take(reading)
    assert (passed.mass_g, passed.resets) == (sum(steps), 0)
