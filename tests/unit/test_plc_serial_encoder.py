"""A serial counter on a real terminal device: read, silent, unplugged, plugged in again."""

import pytest
from pydantic import TypeAdapter

from plc.encoders.config import AsciiEncoder, EncoderConfig
from plc.encoders.serial_encoder import SerialEncoder
from plc.errors import EncoderError, EncoderFault
from tests.support.counter_device import CounterDevice
from tests.support.plc_bench import VirtualClock

pytestmark = pytest.mark.wire

FRAME_7 = b"\xaa\x55\x00\x00\x00\x07\x07"


@pytest.fixture
def device(tmp_path):
    device = CounterDevice(tmp_path / "counter")
    device.plug_in()
    yield device
    device.unplug()


@pytest.fixture
def clock():
    return VirtualClock()


def opened(config, clock):
    encoder = SerialEncoder(config, clock)
    encoder.open()
    return encoder


def later(clock, ms):
    clock.time_ns += int(ms * 1e6)


@pytest.mark.parametrize(
    ("kind", "more", "asked", "answer"),
    [
        ("qsb", {}, b"R0E\r\nS0E\r\n", b"\ns0E00000007\r\n"),
        ("qsb", {"stream": False}, b"R0E\r\nR0E\r\n", b"\nr0E00000007\r\n"),
        ("ascii", {"baud": 115200}, b"", b"99\n7\n"),
        ("ascii", {"baud": 115200, "query": "g"}, b"g", b"99\n7\n"),
        ("ascii_delta", {"baud": 115200}, b"?", b"99\n7\n"),
        ("text", {"baud": 9600, "pattern": r"n=(\d+)"}, b"", b"9\nn=7\n"),
        ("binary", {"baud": 9600, "query_hex": "3F"}, b"?", FRAME_7),
    ],
)
def test_every_counter_is_asked_as_it_wants_and_understood(
    device, clock, kind, more, asked, answer
):
    given = {"kind": kind, "device": str(device.path)} | more
    encoder = opened(TypeAdapter(EncoderConfig).validate_python(given), clock)
    later(clock, 5)
    assert encoder.poll() is None
    assert device.heard() == asked
    device.send(answer)
    later(clock, 2)
    reading = encoder.poll()
    assert reading.total == 7
    assert reading.read_ns <= clock.now_ns()
    assert reading.uncertain_ns == 1_000_000
    encoder.close()


def ascii_encoder(device, clock, **more):
    return opened(AsciiEncoder(kind="ascii", device=str(device.path), baud=115200, **more), clock)


def test_the_newest_of_several_counts_is_taken_and_wraps_are_followed(device, clock):
    encoder = ascii_encoder(device, clock, modulo=1000)
    device.send(b"x\n990\n995\n4\n")
    assert encoder.poll().total == 1004
    encoder.close()


def test_a_counter_that_falls_silent_is_named_once(device, clock):
    encoder = ascii_encoder(device, clock)
    device.send(b"\n5\n")
    assert encoder.poll().total == 5
    later(clock, 199)
    assert encoder.poll() is None
    later(clock, 2)
    with pytest.raises(EncoderError, match="silent for 200 ms") as caught:
        encoder.poll()
    assert caught.value.fault is EncoderFault.UNPLUGGED
    assert encoder.poll() is None
    encoder.close()


def test_pulling_the_plug_is_told_once_and_plugging_in_goes_on_from_the_total(device, clock):
    encoder = ascii_encoder(device, clock)
    device.send(b"\n100\n")
    assert encoder.poll().total == 100
    device.unplug()
    later(clock, 5)
    with pytest.raises(EncoderError, match="is gone") as caught:
        encoder.poll()
    assert caught.value.fault is EncoderFault.UNPLUGGED
    for _ in range(20):
        later(clock, 50)
        assert encoder.poll() is None
    device.plug_in()
    later(clock, 3000)
    assert encoder.poll() is None
    device.send(b"\n3\n8\n")
    later(clock, 5)
    assert encoder.poll().total == 105
    encoder.close()


def test_a_missing_port_is_named(tmp_path, clock):
    config = AsciiEncoder(kind="ascii", device=str(tmp_path / "none"), baud=9600)
    with pytest.raises(EncoderError, match="plug it in"):
        SerialEncoder(config, clock).open()
