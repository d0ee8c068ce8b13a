"""How scales and sensors are reached, and what their registers and lines mean."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from calibration.section import Section
from plc.transport_config import RtuTransport, TcpTransport


class RegisterType(StrEnum):
    """What one or two registers hold."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    FLOAT32 = "float32"

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return 1 if self in (RegisterType.INT16, RegisterType.UINT16) else 2


class RegisterPoint(Section):
    """One value of a Modbus device."""

    table: Literal["holding", "input"] = "holding"
    address: int = Field(ge=0, le=65534)
    """Zero-based: 40001 of a manual is 0."""
    type: RegisterType
    word_order: Literal["high_first", "low_first"] = "high_first"
    """Which register of two holds the high half; devices differ."""
    scale: float = Field(default=1.0, gt=0)
    """Multiplies the raw value."""
    offset: float = 0.0
    """Added after that."""


class ModbusDevice(Section):
    """A Modbus device on its own connection."""

    transport: Annotated[TcpTransport | RtuTransport, Field(discriminator="kind")]
    unit_id: int = Field(ge=1, le=247)
    timeout_ms: float = Field(gt=0, le=5000)


class ModbusBeltScale(Section):
    """A belt scale with its totaliser in registers."""

    kind: Literal["modbus"]
    id: str = Field(pattern=r"^[\w.-]{1,40}$")
    device: ModbusDevice
    total_kg: RegisterPoint
    """The totaliser, scaled to kilograms."""
    wraps_at_kg: float = Field(gt=0)
    """Where the totaliser begins again at zero."""


class WeightProtocol(StrEnum):
    """How a scale writes weights on its serial port."""

    SICS = "sics"
    """Mettler Toledo SICS: `S S     123.45 kg`, asked for with SI or sent with SIR."""
    HEADER = "header"
    """Two headers, sign, value, unit: `ST,GS,+  123.4kg`, as many indicators send."""
    TOLEDO = "toledo"
    """Toledo continuous output: STX, three status bytes, six digits weight, six tare, CR."""


class SerialBeltScale(Section):
    """A belt scale or indicator that sends its total or weight on a serial port."""

    kind: Literal["serial"]
    id: str = Field(pattern=r"^[\w.-]{1,40}$")
    device: str = Field(min_length=1)
    """Serial device, best by id: /dev/serial/by-id/..."""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    protocol: WeightProtocol
    query: str = Field(default="", max_length=20)
    """Sent before each reading (SICS: `SI`); empty for scales that send by themselves."""
    timeout_ms: float = Field(default=1000.0, gt=0, le=10_000)
    wraps_at_kg: float = Field(gt=0)
    """Where the total begins again at zero."""


BeltScale = Annotated[ModbusBeltScale | SerialBeltScale, Field(discriminator="kind")]
