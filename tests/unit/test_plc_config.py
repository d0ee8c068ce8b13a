"""The [plc] section and the soft PLC's own constants."""

import pytest
from pydantic import ValidationError

from plc.config import PlcConfig, RtuTransport, TcpTransport
from twin.soft_plc.config import SoftPlcConfig

TCP = {"kind": "tcp", "host": "plc.local", "port": 502}
RTU = {"kind": "rtu", "device": "/dev/ttyUSB0", "baud": 115200, "parity": "even", "stop_bits": 1}
GOOD = {
    "transport": TCP,
    "unit_id": 1,
    "timeout_ms": 50,
    "cycle_ms": 10,
    "heartbeat_timeout_ms": 200,
    "max_ticks_per_s": 8000,
    "encoder_stall_ms": 500,
}


def test_the_transport_is_chosen_by_its_kind():
    assert isinstance(PlcConfig.model_validate(GOOD).transport, TcpTransport)
    assert isinstance(PlcConfig.model_validate(GOOD | {"transport": RTU}).transport, RtuTransport)


@pytest.mark.parametrize("key", list(GOOD))
def test_nothing_has_a_default(key):
    with pytest.raises(ValidationError, match=key):
        PlcConfig.model_validate({k: v for k, v in GOOD.items() if k != key})


@pytest.mark.parametrize(
    "change",
    [
        {"transport": TCP | {"baud": 9600}},
        {"transport": {"kind": "carrier pigeon"}},
        {"transport": RTU | {"baud": 1}},
        {"unit_id": 0},
        {"unit_id": 248},
        {"timeout_ms": 0},
        {"typo": 1},
    ],
)
def test_what_cannot_be_is_refused(change):
    with pytest.raises(ValidationError):
        PlcConfig.model_validate(GOOD | change)


def test_a_heartbeat_that_one_lost_answer_would_break_is_refused_with_the_arithmetic():
    with pytest.raises(ValidationError, match=r"cycle_ms 10 \+ 2 x timeout_ms 50 = 110"):
        PlcConfig.model_validate(GOOD | {"heartbeat_timeout_ms": 110})


def test_pulse_limits_of_the_soft_plc_must_be_in_order():
    with pytest.raises(ValidationError, match="min_open_tick 50 is above max_open_tick 40"):
        SoftPlcConfig(
            station_valves=(8,),
            heartbeat_timeout_ms=200,
            min_open_tick=50,
            max_open_tick=40,
            max_open_ms=100,
        )
