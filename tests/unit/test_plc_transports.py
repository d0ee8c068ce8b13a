"""Timing of serial buses, and what the configuration of a link refuses."""

import pytest
from pydantic import ValidationError

from plc.config import DirectConfig, PlcConfig
from plc.transport_config import RtuTransport, TlsTransport

RTU = {"kind": "rtu", "device": "/dev/x", "baud": 19200, "parity": "even", "stop_bits": 1}


@pytest.mark.parametrize(
    ("baud", "silence_ms"),
    [(9600, 4.01), (19200, 2.005), (38400, 1.75), (57600, 1.75), (115200, 1.75), (230400, 1.75)],
)
def test_frames_are_3_5_characters_apart_and_1_75_ms_above_19200_baud(baud, silence_ms):
    transport = RtuTransport.model_validate(RTU | {"baud": baud})
    assert transport.silence_ms == pytest.approx(silence_ms, abs=0.01)


def test_a_device_that_wants_a_longer_turnaround_gets_it_and_never_a_shorter_one():
    slow = RtuTransport.model_validate(RTU | {"turnaround_ms": 8.0})
    assert slow.silence_ms == 8.0
    quick = RtuTransport.model_validate(RTU | {"turnaround_ms": 0.1})
    assert quick.silence_ms == pytest.approx(2.005, abs=0.01)


def test_echo_and_rts_exclude_each_other():
    with pytest.raises(ValidationError, match="switches by itself"):
        RtuTransport.model_validate(RTU | {"echo": True, "rs485": {}})


def test_the_registered_port_of_modbus_security_is_the_default():
    files = dict.fromkeys(("ca", "certificate", "key"), "x.pem")
    assert TlsTransport.model_validate({"kind": "tls", "host": "plc"} | files).port == 802


def plc(**changes):
    given = {
        "transport": RTU,
        "unit_id": 1,
        "timeout_ms": 200,
        "cycle_ms": 10,
        "heartbeat_timeout_ms": 600,
        "max_ticks_per_s": 8000,
        "encoder_stall_ms": 500,
    }
    return given | changes


def test_a_timeout_shorter_than_the_answer_on_the_wire_is_refused_with_the_arithmetic():
    assert PlcConfig.model_validate(plc()).timeout_ms == 200
    with pytest.raises(ValidationError, match="at 19200 baud 125 registers take 151 ms"):
        PlcConfig.model_validate(plc(timeout_ms=150))


DIRECT = {
    "mode": "direct",
    "transport": {"kind": "tcp", "host": "io", "port": 502},
    "timeout_ms": 50,
    "coil_count": 64,
    "first_coils": [0],
    "watchdog_ms": 500,
    "max_open_ms": 200,
}


def test_a_remote_io_needs_its_watchdog_and_feeds_it_in_time():
    assert DirectConfig.model_validate(plc(**DIRECT)).watchdog_ms == 500
    without = {key: value for key, value in DIRECT.items() if key != "watchdog_ms"}
    with pytest.raises(ValidationError, match="watchdog_ms"):
        DirectConfig.model_validate(plc(**without))
    with pytest.raises(ValidationError, match="or it trips in operation"):
        DirectConfig.model_validate(
            plc(
                **DIRECT,
            )
            | {"watchdog_ms": 55}
        )


def test_a_coil_beyond_the_last_is_refused():
    with pytest.raises(ValidationError, match="coil 64 is named, coil_count 64 has 0 to 63"):
        DirectConfig.model_validate(plc(**DIRECT) | {"belt_coil": 64})


def test_pressure_inputs_are_named_for_every_station_or_for_none():
    with pytest.raises(ValidationError, match="names 2 registers for 1 stations"):
        DirectConfig.model_validate(plc(**DIRECT) | {"pressure_inputs": [4, 5]})
