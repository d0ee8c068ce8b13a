"""How the soft PLC of a line file is set up."""

from pathlib import Path

from controller.config_report import ConfigError
from controller.line_file import LineFile, MeasuredCalibration
from controller.plc_assembly import stations_of
from plc.config import PlcConfig, TcpTransport, TlsTransport
from twin.config import TwinConfig
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.setup import SerialEndpoint, SoftPlcSetup, TcpEndpoint, nozzles_mm

_PARITY_LETTERS = {"none": "N", "even": "E", "odd": "O"}


def setup_of(line: LineFile, twin: TwinConfig, start_ns: int, path: Path) -> SoftPlcSetup:
    """Return the only soft PLC that a line file describes; see `setups_of`.

    Raises:
        ConfigError: the line has several, or the belt's scale is not in the line file.
    """
    return _setup(line, line.queue_plc, twin, start_ns=start_ns, path=path)


def setups_of(
    line: LineFile, twin: TwinConfig, start_ns: int, path: Path
) -> tuple[SoftPlcSetup, ...]:
    """Return the soft PLCs that a line file describes, with the twin's valves behind them.

    Args:
        line: the line.
        twin: belt and hidden valves.
        start_ns: instant of zero travel, monotonic.
        path: of the line file, for the error.

    Raises:
        ConfigError: the belt's scale is not in the line file, or plain remote I/O is.
    """
    plcs = [plc for plc in line.plcs if isinstance(plc, PlcConfig)]
    if len(plcs) < len(line.plcs):
        msg = f'{path}: plc.mode: the twin\'s valves hang on PLCs of mode "queue" only'
        raise ConfigError([msg])
    return tuple(_setup(line, plc, twin, start_ns=start_ns, path=path) for plc in plcs)


def _setup(
    line: LineFile, plc: PlcConfig, twin: TwinConfig, *, start_ns: int, path: Path
) -> SoftPlcSetup:
    if isinstance(line.calibration, MeasuredCalibration):
        msg = f"{path}: calibration.kind: the soft PLC needs mm_per_tick, use nominal or twin"
        raise ConfigError([msg])
    mm_per_tick = line.calibration.mm_per_tick / plc.tick_ratio
    stations = [line.stations[index] for index in stations_of(line, plc)]
    return SoftPlcSetup(
        plc=SoftPlcConfig.for_line(
            stations,
            heartbeat_timeout_ms=plc.heartbeat_timeout_ms,
            line_id=plc.line_id,
            ticks_per_s=twin.belt.speed_mm_per_s / mm_per_tick,
        ),
        belt=twin.belt,
        mm_per_tick=mm_per_tick,
        belt_seed=twin.seed,
        air=twin.air,
        nozzles_mm=nozzles_mm(stations),
        start_ns=start_ns,
        endpoint=_endpoint(plc),
        unit_id=plc.unit_id,
    )


def _endpoint(plc: PlcConfig) -> TcpEndpoint | SerialEndpoint:
    transport = plc.transport
    if isinstance(transport, TcpTransport):
        return TcpEndpoint(host=transport.host, port=transport.port)
    if isinstance(transport, TlsTransport):
        msg = "plc.transport.kind: the line file names the line's own certificate, not the PLC's"
        raise ConfigError([msg])
    return SerialEndpoint.model_validate(
        {
            "device": transport.device,
            "baud": transport.baud,
            "parity": _PARITY_LETTERS[transport.parity],
            "stop_bits": transport.stop_bits,
        }
    )
