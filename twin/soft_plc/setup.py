"""What the soft PLC's processes are told when they start."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from calibration.section import Section
from controller.stations import JetBarConfig, StationConfig
from twin.config import AirConfig, BeltConfig
from twin.soft_plc.config import SoftPlcConfig


class TcpEndpoint(Section):
    """Serve Modbus TCP."""

    kind: Literal["tcp"] = "tcp"
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    """0 takes any free port."""


RoleRight = Literal["read", "write"]


class TlsEndpoint(Section):
    """Serve Modbus/TCP Security; each role may do what the table says, others nothing."""

    kind: Literal["tls"] = "tls"
    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535)
    """0 takes any free port."""
    ca: Path
    """Signs the masters' certificates."""
    certificate: Path
    key: Path
    roles: dict[str, RoleRight] = Field(
        default_factory=lambda: dict[str, RoleRight](operator="write", viewer="read")
    )


class SerialEndpoint(Section):
    """Serve Modbus RTU on a serial port."""

    kind: Literal["rtu"] = "rtu"
    device: str
    baud: int = 115200
    parity: Literal["N", "E", "O"] = "E"
    stop_bits: Literal[1, 2] = 1


class SoftPlcSetup(Section):
    """A soft PLC, its belt drive and its plug."""

    plc: SoftPlcConfig
    belt: BeltConfig
    mm_per_tick: float = Field(gt=0)
    """True belt travel per encoder tick."""
    belt_seed: int
    """Of the belt's speed drift."""
    start_ns: int
    """Instant of zero travel, monotonic."""
    first_tick: int = 0
    """Encoder count at zero travel."""
    air: AirConfig | None = None
    """True valves of the bars, for their pressure sensors; None fits no sensors that know them."""
    nozzles_mm: tuple[float, ...] = ()
    """Nozzles of every station, 0 where there is no jet bar; one each where `air` is given."""
    endpoint: Annotated[TcpEndpoint | TlsEndpoint | SerialEndpoint, Field(discriminator="kind")]
    unit_id: int = Field(default=1, ge=1, le=247)
    fifo_priority: int = Field(default=50, ge=0, le=99)
    """Real-time priority of the scan process where the system permits it; 0 asks for none."""
    unhurried_tolerance_tick: int = Field(default=20, ge=0)
    """Late tolerance where real-time priority is not granted: on a busy machine one pulse in four
    then comes more than one tick late, and 10 mm beside the mark is better than not at all."""


def nozzles_mm(stations: Sequence[StationConfig]) -> tuple[float, ...]:
    """Return the nozzles of every station, 0 where there is no jet bar."""
    return tuple(s.nozzle_mm if isinstance(s, JetBarConfig) else 0.0 for s in stations)
