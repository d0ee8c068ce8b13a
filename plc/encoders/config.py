"""The [encoder] section of line.toml: where the belt's ticks come from."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calibration.section import Section

Baud = Annotated[int, Field(ge=1200, le=4_000_000)]


class PlcEncoder(Section):
    """The PLC counts; it is the only encoder by which a PLC can fire."""

    kind: Literal["plc"] = "plc"


class RegisterEncoder(Section):
    """A counter module of the remote I/O, read with the same link."""

    kind: Literal["register"]
    address: int = Field(ge=0, le=65535)
    words: Literal[1, 2] = 2
    """16 or 32 bits."""
    low_word_first: bool = False
    input_register: bool = False
    """Read with FC4 instead of FC3."""


class _SerialCounter(Section):
    device: str = Field(min_length=1)
    """Serial device, best by id: /dev/serial/by-id/…"""
    poll_ms: float = Field(default=2.0, ge=0.5, le=100)
    """Time between two questions, or between two looks at what a streaming counter sent."""
    silence_ms: float = Field(default=200.0, ge=10, le=5000)
    """Silence after which the counter counts as unplugged."""
    modulo: int = Field(default=0, ge=0)
    """The count runs from 0 to this minus one; 0: it wraps at 2^32."""
    reverse: bool = False
    """Count the other way round."""


class QsbEncoder(_SerialCounter):
    """US Digital QSB."""

    kind: Literal["qsb"]
    baud: Baud = 230400
    stream: bool = True
    """The counter reports by itself; otherwise it is asked."""


class AsciiEncoder(_SerialCounter):
    """A counter that sends its absolute count as a decimal number per line."""

    kind: Literal["ascii"]
    baud: Baud
    query: str = ""
    """Sent at each poll; empty for a counter that sends by itself."""


class AsciiDeltaEncoder(_SerialCounter):
    """A counter that answers any byte with the ticks since it was last asked."""

    kind: Literal["ascii_delta"]
    baud: Baud
    query: str = Field(default="?", min_length=1)


class TextEncoder(_SerialCounter):
    """A counter that sends its count within other text."""

    kind: Literal["text"]
    baud: Baud
    pattern: str
    """Regular expression with one group, the decimal count."""
    query: str = ""

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            msg = f"pattern is no regular expression: {error}"
            raise ValueError(msg) from error
        if groups != 1:
            msg = f"pattern needs exactly one group around the count, has {groups}"
            raise ValueError(msg)
        return self


class BinaryEncoder(_SerialCounter):
    """A counter that sends frames: two start bytes, 32-bit count, checksum.

    The checksum is the sum of the four count bytes modulo 256.
    """

    kind: Literal["binary"]
    baud: Baud
    query_hex: str = Field(default="", pattern=r"^([0-9A-Fa-f]{2})*$")
    """Bytes sent at each poll; empty for a counter that sends by itself."""
    start_hex: str = Field(default="AA55", pattern=r"^[0-9A-Fa-f]{4}$")
    low_byte_first: bool = False


SerialEncoderConfig = QsbEncoder | AsciiEncoder | AsciiDeltaEncoder | TextEncoder | BinaryEncoder
EncoderConfig = Annotated[
    PlcEncoder | RegisterEncoder | SerialEncoderConfig, Field(discriminator="kind")
]
