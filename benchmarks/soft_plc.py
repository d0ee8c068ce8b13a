"""The standard line's soft PLC in its own processes, and the driver's settings towards it."""

from benchmarks.standard_line import StandardLine
from calibration.clock import MonotonicClock
from plc.config import PlcConfig, TcpTransport
from twin.config import BeltConfig
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.launch import SoftPlcProcesses, launch
from twin.soft_plc.setup import SoftPlcSetup, TcpEndpoint

FIFO_PRIORITY = 50


def start_soft_plc(
    standard: StandardLine, belt: BeltConfig, *, fifo_priority: int = FIFO_PRIORITY
) -> SoftPlcProcesses:
    """Start scan process and Modbus server on any free TCP port.

    Args:
        standard: whose stations the PLC has.
        belt: that it drives and whose encoder it reads.
        fifo_priority: real-time priority of the scan, 0 for none.

    Raises:
        SoftPlcError: a process does not come up.
    """
    config = standard.line.queue_plc
    return launch(
        SoftPlcSetup(
            plc=SoftPlcConfig.for_line(
                standard.line.stations,
                heartbeat_timeout_ms=config.heartbeat_timeout_ms,
                ticks_per_s=standard.ticks_per_s,
            ),
            belt=belt,
            mm_per_tick=standard.mm_per_tick,
            belt_seed=standard.twin.seed,
            start_ns=MonotonicClock().now_ns(),
            endpoint=TcpEndpoint(port=0),
            unit_id=config.unit_id,
            fifo_priority=fifo_priority,
        )
    )


def driver_config(standard: StandardLine, plc: SoftPlcProcesses) -> PlcConfig:
    """Return the standard line's [plc] section with the port that the PLC took."""
    transport = TcpTransport(kind="tcp", host="127.0.0.1", port=plc.port)
    return standard.line.queue_plc.model_copy(update={"transport": transport})
