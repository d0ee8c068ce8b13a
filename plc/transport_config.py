"""How a Modbus device is reached: TCP, TCP inside TLS, or RTU over a serial port."""

import sys
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from calibration.section import Section

BITS_PER_CHARACTER = 11
"""Start, eight data bits, parity or a second stop bit, stop (Modbus serial line 1.02, 2.5.1)."""
LONGEST_EXCHANGE_BYTES = 8 + 5 + 250
"""A request for 125 registers, the longest there is, and its answer, RTU framing included."""
_SILENCE_CHARACTERS = 3.5
_FIXED_SILENCE_MS = 1.75
"""Above 19200 baud the silence between frames is fixed (Modbus over serial line 1.02, 2.5.1.1)."""
_FIXED_ABOVE_BAUD = 19200


class TcpTransport(Section):
    """Modbus TCP."""

    kind: Literal["tcp"]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)


class TlsTransport(Section):
    """Modbus/TCP Security: Modbus TCP inside TLS, with a certificate on both sides.

    The line's role is in its certificate, as a UTF8String under OID 1.3.6.1.4.1.50316.802.1.
    """

    kind: Literal["tls"]
    host: str = Field(min_length=1)
    port: int = Field(default=802, ge=1, le=65535)
    """802 is the port registered for Modbus/TCP Security."""
    ca: Path
    """PEM file of the authority that signed the PLC's certificate."""
    certificate: Path
    """PEM file of the line's own certificate."""
    key: Path
    """PEM file of the line's private key, not encrypted; readable by the line's user alone."""
    server_name: str | None = Field(default=None, min_length=1)
    """Name in the PLC's certificate, where it differs from `host`."""


class Rs485(Section):
    """Direction of an RS-485 transceiver that the PC itself must switch by RTS.

    Leave this out for adapters that switch by themselves, as most USB adapters do.
    """

    rts_on_send: bool = True
    """Level of RTS while sending."""
    delay_before_send_ms: float = Field(default=0.0, ge=0, le=50)
    delay_after_send_ms: float = Field(default=0.0, ge=0, le=50)


class RtuTransport(Section):
    """Modbus RTU over a serial port (RS-485 or RS-232)."""

    kind: Literal["rtu"]
    device: str = Field(min_length=1)
    """Serial device, best by id: /dev/serial/by-id/…"""
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400]
    parity: Literal["none", "even", "odd"]
    stop_bits: Literal[1, 2]
    turnaround_ms: float = Field(default=0.0, ge=0, le=200)
    """Rest that the device wants between its answer and the next request, if more than the
    silence between frames."""
    echo: bool = False
    """The adapter hands back what is sent (two-wire RS-485 with its receiver always on)."""
    rs485: Rs485 | None = None

    @property
    def silence_ms(self) -> float:
        """Shortest silence on the line between two frames."""
        fixed = self.baud > _FIXED_ABOVE_BAUD
        character_ms = 1e3 * BITS_PER_CHARACTER / self.baud
        silence_ms = _FIXED_SILENCE_MS if fixed else _SILENCE_CHARACTERS * character_ms
        return max(silence_ms, self.turnaround_ms)

    @property
    def longest_exchange_ms(self) -> float:
        """Time on the wire of the longest request with its answer."""
        return 1e3 * LONGEST_EXCHANGE_BYTES * BITS_PER_CHARACTER / self.baud

    @model_validator(mode="after")
    def _both_ends_rest(self) -> Self:
        if self.echo and self.rs485 is not None:
            msg = "echo goes with an adapter that switches by itself, rs485 with one that does not"
            raise ValueError(msg)
        return self


Transport = Annotated[TcpTransport | TlsTransport | RtuTransport, Field(discriminator="kind")]


def main() -> int:
    """Print the silence and the longest exchange at every baud rate; returns 0."""
    sys.stdout.write("baud     silence   longest exchange\n")
    for baud in get_args(RtuTransport.model_fields["baud"].annotation):
        bus = RtuTransport(kind="rtu", device="-", baud=baud, parity="even", stop_bits=1)
        words = f"{baud:<8} {bus.silence_ms:.2f} ms   {bus.longest_exchange_ms:.0f} ms"
        sys.stdout.write(words + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
