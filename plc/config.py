"""The [plc] section of line.toml: one PLC, several, or remote I/O timed by the PC."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Discriminator, Field, Tag, model_validator

from calibration.section import Section
from plc.transport_config import RtuTransport, TcpTransport, TlsTransport, Transport

__all__ = [
    "DirectConfig",
    "PlcConfig",
    "PlcSection",
    "RtuTransport",
    "TcpTransport",
    "TlsTransport",
    "Transport",
    "transports_from",
]


Device = TypeVar("Device", "PlcConfig", "DirectConfig")


class _Device(Section):
    """What a PLC and a remote I/O have in common."""

    name: str = Field(default="plc", min_length=1, max_length=40)
    """For messages; several PLCs need different names."""
    transport: Transport
    unit_id: int = Field(ge=1, le=247)
    timeout_ms: float = Field(gt=0, le=2000)
    """Longest wait for one answer."""
    cycle_ms: float = Field(ge=2, le=200)
    """Time between two exchanges."""
    heartbeat_timeout_ms: float = Field(ge=20, le=2000)
    """Silence after which the valves are closed; refused if the PLC is set otherwise."""
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

    @model_validator(mode="after")
    def _answers_fit_the_timeout(self) -> Self:
        transport = self.transport
        if isinstance(transport, RtuTransport) and self.timeout_ms <= transport.longest_exchange_ms:
            msg = (
                f"timeout_ms {self.timeout_ms:g} is too short: at {transport.baud} baud 125 "
                f"registers take {transport.longest_exchange_ms:.0f} ms on the wire"
            )
            raise ValueError(msg)
        return self


class PlcConfig(_Device):
    """One PLC that runs this project's program: how to reach it and what is believed of it."""

    mode: Literal["queue"] = "queue"
    line_id: int = Field(default=1, ge=1, le=65535)
    """Line that the PLC program says it belongs to; a PLC of another line is refused. 1 is the only
    line of a plant."""
    stations: tuple[str, ...] = ()
    """Names of the stations whose valves it drives, in the order of its own station numbers;
    empty: all of the line's."""
    tick_ratio: float = Field(default=1.0, gt=0)
    """Ticks of its encoder for one tick of the first PLC's."""


class DirectConfig(_Device):
    """Remote I/O without a program: the PC times every coil write itself."""

    mode: Literal["direct"]
    coil_count: int = Field(ge=1, le=1968)
    """Outputs of the remote I/O, from coil 0; one FC15 takes at most 1968."""
    first_coils: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    """Coil of valve 0 of each station, downstream order."""
    pressure_inputs: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Input register (FC4) with the air pressure of each station's bar, 0.1 kPa, downstream order;
    empty: no sensors are wired, and no valve can be tested by pressure."""
    belt_coil: int | None = Field(default=None, ge=0)
    """Output that lets the belt drive run; absent where somebody else runs the belt."""
    safety_input: int | None = Field(default=None, ge=0)
    """Discrete input that says that the safety circuit is closed; absent: not read."""
    watchdog_ms: float = Field(gt=0, le=2000)
    """The remote I/O's own watchdog, as set in it: without requests for this long it switches all
    outputs off. Mandatory: nothing else closes a valve when this PC's power fails."""
    max_open_ms: float = Field(gt=0, le=2000)
    """Longest time that a valve is held open."""
    fifo_priority: int = Field(default=60, ge=0, le=98)
    """Real-time priority of the firing process where the system permits it; 0 asks for none."""
    proof_writes: int = Field(default=2000, ge=200, le=20_000)
    """Writes by which the precision is measured at start; one in 1000 is the 99.9 % point."""

    @model_validator(mode="after")
    def _coils_are_there(self) -> Self:
        if self.pressure_inputs and len(self.pressure_inputs) != len(self.first_coils):
            msg = (
                f"pressure_inputs names {len(self.pressure_inputs)} registers for "
                f"{len(self.first_coils)} stations; name one for each, or none"
            )
            raise ValueError(msg)
        wanted = [*self.first_coils, *([] if self.belt_coil is None else [self.belt_coil])]
        if max(wanted) >= self.coil_count:
            msg = f"coil {max(wanted)} is named, coil_count {self.coil_count} has 0 to " + str(
                self.coil_count - 1
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _watchdog_is_fed(self) -> Self:
        slowest_ms = self.cycle_ms + self.timeout_ms
        if self.watchdog_ms <= slowest_ms:
            msg = (
                f"watchdog_ms {self.watchdog_ms:g} must exceed cycle_ms {self.cycle_ms:g} + "
                f"timeout_ms {self.timeout_ms:g} = {slowest_ms:g}, or it trips in operation"
            )
            raise ValueError(msg)
        return self


def _form(value: Any) -> str:
    """Tell the forms of the section apart: [[plc]], or [plc] with its mode."""
    if isinstance(value, list | tuple):
        return "several"
    mode = value.get("mode", "queue") if isinstance(value, Mapping) else value.mode
    return mode if isinstance(mode, str) else "queue"


PlcSection = Annotated[
    Annotated[PlcConfig, Tag("queue")]
    | Annotated[DirectConfig, Tag("direct")]
    | Annotated[tuple[PlcConfig, ...], Tag("several"), Field(min_length=1)],
    Discriminator(
        _form,
        custom_error_type="plc_mode",
        custom_error_message="plc.mode is 'queue' or 'direct'",
    ),
]
"""What `[plc]` or `[[plc]]` may hold."""


def transports_from(device: Device, folder: Path) -> Device:
    """Return the device with the paths in its transport made to start at `folder`."""
    transport = device.transport
    if not isinstance(transport, TlsTransport):
        return device
    paths = {name: folder / getattr(transport, name) for name in ("ca", "certificate", "key")}
    return device.model_copy(update={"transport": transport.model_copy(update=paths)})
