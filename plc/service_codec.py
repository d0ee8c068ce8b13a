"""Stations, valve pages, manual tests and triggers: register words to values and back; pure."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from plc.codec import to_bytes, to_words
from plc.registers import PAGE_VALVES, SERVICE, STATIONS, TEST

_STATION = struct.Struct(f">{STATIONS.layout}")
_TEST = struct.Struct(f">{TEST.layout}")
_VALVE = struct.Struct(f">{PAGE_VALVES.layout}")
_SERVICE = struct.Struct(f">{SERVICE.layout}")
NEVER_TENTH_MS = 0xFFFF
"""A response that the pressure sensor did not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationEntry:
    """One entry of the block `stations`, a field per register, in its order and units."""

    kind: int
    valve_count: int
    first_output: int
    queue_used: int
    min_open_tick: int
    max_open_tick: int
    min_open_ms: int
    max_open_ms: int
    pressure: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTestEntry:
    """The block `valve_test`, a field per register, in its order and units."""

    sequence: int
    state: int
    reason: int
    station: int
    valve: int
    pulses_done: int
    open_tick: int
    pressure_before: int
    pressure_min: int
    response_tenth_ms: int
    minimum_tenth_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveEntry:
    """One entry of the valve page, a field per register, in its order and units."""

    cycles: int
    last_open_tick: int
    min_open_ms: int
    max_open_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMailbox:
    """The service mailbox, a field per register, in its order and units."""

    owner_id: int = 0
    command_sequence: int = 0
    station: int = 0
    valve: int = 0
    open_ms: int = 0
    pause_ms: int = 0
    count: int = 0
    wanted_page: int = 0
    simulated_ticks_per_s: int = 0
    simulated_start_tick: int = 0


_station_values = attrgetter(*StationEntry.__slots__)
_test_values = attrgetter(*ValveTestEntry.__slots__)
_valve_values = attrgetter(*ValveEntry.__slots__)
_service_values = attrgetter(*ServiceMailbox.__slots__)


def encode_station(entry: StationEntry) -> bytes:
    """Return one station's words as big-endian bytes."""
    return _STATION.pack(*_station_values(entry))


def decode_station(words: Sequence[int]) -> StationEntry:
    """Read one station from its entry's words."""
    values = _STATION.unpack(to_bytes(words))
    return StationEntry(**dict(zip(StationEntry.__slots__, values, strict=True)))


def encode_test(entry: ValveTestEntry) -> bytes:
    """Return the test block's words as big-endian bytes."""
    return _TEST.pack(*_test_values(entry))


def decode_test(words: Sequence[int]) -> ValveTestEntry:
    """Read the test block."""
    values = _TEST.unpack(to_bytes(words))
    return ValveTestEntry(**dict(zip(ValveTestEntry.__slots__, values, strict=True)))


def encode_valve(entry: ValveEntry) -> bytes:
    """Return one valve's words as big-endian bytes."""
    return _VALVE.pack(*_valve_values(entry))


def decode_valve(words: Sequence[int]) -> ValveEntry:
    """Read one valve from its entry's words."""
    values = _VALVE.unpack(to_bytes(words))
    return ValveEntry(**dict(zip(ValveEntry.__slots__, values, strict=True)))


def encode_service(mailbox: ServiceMailbox) -> list[int]:
    """Return the words of one write of the service mailbox.

    Raises:
        ValueError: a value that its register cannot hold.
    """
    try:
        return to_words(_SERVICE.pack(*_service_values(mailbox)))
    except struct.error as error:
        msg = f"the service mailbox cannot hold {mailbox}: {error}"
        raise ValueError(msg) from error


def decode_service(words: Sequence[int]) -> ServiceMailbox:
    """Read the service mailbox."""
    values = _SERVICE.unpack(to_bytes(words))
    return ServiceMailbox(**dict(zip(ServiceMailbox.__slots__, values, strict=True)))
