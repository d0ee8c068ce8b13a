"""Turns Modbus registers into numbers by a configured layout. Pure."""

import struct
from collections.abc import Sequence

from plc.errors import PlcFaultError
from plc.instruments.config import RegisterPoint, RegisterType

_FORMATS = {
    RegisterType.INT16: ">h",
    RegisterType.UINT16: ">H",
    RegisterType.INT32: ">i",
    RegisterType.UINT32: ">I",
    RegisterType.FLOAT32: ">f",
}


def decode(point: RegisterPoint, words: Sequence[int]) -> float:
    """Return the value of a point from its registers.

    Args:
        point: its layout.
        words: (point.type.words,) registers, 0..65535, as read.

    Raises:
        PlcFaultError: not a finite number: a sensor that is broken or another layout.
    """
    ordered = words if point.word_order == "high_first" else list(reversed(words))
    raw = struct.pack(f">{len(ordered)}H", *ordered)
    (value,) = struct.unpack(_FORMATS[point.type], raw)
    scaled = float(value) * point.scale + point.offset
    if not abs(scaled) < float("inf"):
        msg = f"register {point.address} holds {value}, no number; is its type {point.type.value}?"
        raise PlcFaultError(msg)
    return scaled


def encode(point: RegisterPoint, value: float) -> tuple[int, ...]:
    """Return the registers that `decode` turns into a value; for simulated devices."""
    raw: float | int = (value - point.offset) / point.scale
    if point.type is not RegisterType.FLOAT32:
        raw = round(raw)
    packed = struct.pack(_FORMATS[point.type], raw)
    words = struct.unpack(f">{len(packed) // 2}H", packed)
    return words if point.word_order == "high_first" else tuple(reversed(words))
