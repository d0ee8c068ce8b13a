"""The factory of the driver: transport and register link from the configuration."""

from functools import partial

from calibration.clock import Clock
from plc.config import DirectConfig, PlcConfig, RtuTransport, TlsTransport
from plc.modbus_clients import client_maker
from plc.modbus_transport import ModbusTransport
from plc.register_link import RegisterLink
from plc.tick_extension import TickExtension
from plc.tls import role_of


def open_transport(config: PlcConfig | DirectConfig, clock: Clock) -> ModbusTransport:
    """Make the transport that the configuration describes, not yet connected."""
    transport = config.transport
    if isinstance(transport, RtuTransport):
        address, silence_ms = transport.device, transport.silence_ms
    else:
        address, silence_ms = f"{transport.host}:{transport.port}", 0.0
    role = partial(role_of, transport.certificate) if isinstance(transport, TlsTransport) else None
    return ModbusTransport(
        make_client=client_maker(transport, timeout_s=config.timeout_ms / 1e3),
        address=address,
        unit_id=config.unit_id,
        clock=clock,
        silence_ms=silence_ms,
        role=role,
    )


def open_link(config: PlcConfig, clock: Clock) -> RegisterLink:
    """Make the driver that the configuration describes, not yet connected."""
    return RegisterLink(
        transport=open_transport(config, clock),
        clock=clock,
        ticks=TickExtension(
            max_ticks_per_s=config.max_ticks_per_s, stall_ms=config.encoder_stall_ms
        ),
        heartbeat_timeout_ms=config.heartbeat_timeout_ms,
        line_id=config.line_id,
    )
