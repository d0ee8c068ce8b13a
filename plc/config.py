"""The [plc] section of line.toml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calibration.section import Section


class TcpTransport(Section):
    """Modbus TCP."""

    kind: Literal["tcp"]
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)


class RtuTransport(Section):
    """Modbus RTU over a serial port (RS-485 or RS-232)."""

    kind: Literal["rtu"]
    device: str = Field(min_length=1)
    """Serial device, best by id: /dev/serial/by-id/…"""
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400]
    parity: Literal["none", "even", "odd"]
    stop_bits: Literal[1, 2]


class PlcConfig(Section):
    """One PLC: how to reach it and what is believed of its answers."""

    transport: Annotated[TcpTransport | RtuTransport, Field(discriminator="kind")]
    unit_id: int = Field(ge=1, le=247)
    timeout_ms: float = Field(gt=0, le=2000)
    """Longest wait for one answer."""
    cycle_ms: float = Field(ge=2, le=200)
    """Time between two exchanges."""
    heartbeat_timeout_ms: float = Field(ge=20, le=2000)
    """Silence after which the PLC closes its valves; refused if the PLC is set otherwise."""
    max_ticks_per_s: float = Field(gt=0)
    """More than the belt can do; faster encoder counts are a fault."""
    encoder_stall_ms: float = Field(ge=50)
    """A belt driven this long without a tick means a dead encoder."""

    @model_validator(mode="after")
    def _heartbeat_survives_a_lost_answer(self) -> Self:
        slowest_ms = self.cycle_ms + 2 * self.timeout_ms
        if self.heartbeat_timeout_ms <= slowest_ms:
            msg = (
                f"heartbeat_timeout_ms {self.heartbeat_timeout_ms:g} must exceed cycle_ms "
                f"{self.cycle_ms:g} + 2 x timeout_ms {self.timeout_ms:g} = {slowest_ms:g}: "
                "one lost answer would stop the line"
            )
            raise ValueError(msg)
        return self
