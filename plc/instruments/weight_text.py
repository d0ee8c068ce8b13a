"""Reads weights from the lines and frames that scales send on serial ports. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from plc.errors import PlcFaultError
from plc.instruments.config import WeightProtocol

_GRAMS: Final = {"g": 1.0, "kg": 1e3, "t": 1e6, "lb": 453.59237}
"""The pound is exact (international yard and pound agreement, 1959)."""
_SICS: Final = re.compile(r"^S ([SD]) +(-?\d+(?:\.\d+)?) *(g|kg|t|lb)$")
_SICS_TROUBLE: Final = {
    "S I": "the scale is busy or in motion",
    "S +": "overload",
    "S -": "underload",
    "S L": "the command's parameter is wrong",
    "ES": "the scale does not know the command",
    "ET": "transmission error",
    "EL": "the scale cannot execute the command",
}
_HEADER: Final = re.compile(
    r"^(ST|US|OL),(GS|NT|TR),([+-]?) *(-?\d*(?:\.\d+)?) *(g|kg|t|lb)?$", re.IGNORECASE
)
STX, CR, LF = 0x02, 0x0D, 0x0A
_TOLEDO_BYTES: Final = 16
"""STX, status A to C, six of weight, six of tare; CR or a checksum follows."""
_TOLEDO_DECIMALS: Final = (2, 1, 0, -1, -2, -3, -4, -5)
"""Power of ten by bits 0 to 2 of status A."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """One weight as a scale sent it.

    Attributes:
        mass_g: grams; negative below zero.
        net: less tare.
        stable: not in motion.
    """

    mass_g: float
    net: bool
    stable: bool


def read_line(protocol: WeightProtocol, line: bytes) -> Weight:
    """Return the weight of one line or frame, line end included or not.

    Raises:
        PlcFaultError: the scale says that it has no weight, or this is not its protocol.
    """
    if protocol is WeightProtocol.TOLEDO:
        return _toledo(line)
    try:
        text = line.decode("ascii").strip()
    except UnicodeDecodeError as error:
        msg = f"the scale sent {line!r}, which is no text: baud, parity or data bits are wrong"
        raise PlcFaultError(msg) from error
    return _sics(text) if protocol is WeightProtocol.SICS else _header(text)


def _sics(text: str) -> Weight:
    found = _SICS.match(text)
    if found is None:
        trouble = _SICS_TROUBLE.get(text, "this is no SICS weight; is the protocol right?")
        raise PlcFaultError(f"the scale sent {text!r}: {trouble}")
    status, value, unit = found.groups()
    return Weight(mass_g=float(value) * _GRAMS[unit], net=True, stable=status == "S")


def _header(text: str) -> Weight:
    found = _HEADER.match(text)
    if found is None:
        msg = f"the scale sent {text!r}, not a line like ST,GS,+  123.4kg; is the protocol right?"
        raise PlcFaultError(msg)
    status, kind, sign, value, unit = found.groups()
    if status.upper() == "OL":
        msg = f"the scale sent {text!r}: overload"
        raise PlcFaultError(msg)
    if not value or not unit:
        msg = f"the scale sent {text!r}: a value with its unit is missing"
        raise PlcFaultError(msg)
    factor = -1.0 if sign == "-" else 1.0
    return Weight(
        mass_g=factor * float(value) * _GRAMS[unit.lower()],
        net=kind.upper() == "NT",
        stable=status.upper() == "ST",
    )


def _toledo(frame: bytes) -> Weight:
    begin = frame.rfind(bytes([STX]))
    body = frame[begin : begin + _TOLEDO_BYTES] if begin >= 0 else b""
    digits = body[4:10].decode("ascii", errors="replace").strip()
    if len(body) != _TOLEDO_BYTES or not (digits.isascii() and digits.isdigit()):
        msg = f"the scale sent {frame!r}, no Toledo continuous frame; is the protocol right?"
        raise PlcFaultError(msg)
    a, b = body[1], body[2]
    if b & 0b100:
        msg = "the scale is out of its range"
        raise PlcFaultError(msg)
    unit_g = _GRAMS["kg"] if b & 0b10000 else _GRAMS["lb"]
    sign = -1.0 if b & 0b10 else 1.0
    return Weight(
        mass_g=sign * int(digits) * 10.0 ** _TOLEDO_DECIMALS[a & 0b111] * unit_g,
        net=bool(b & 0b1),
        stable=not b & 0b1000,
    )
