"""One read of the PLC, and the status that the line sees in it."""

from dataclasses import dataclass

from calibration.units import MonotonicNs
from plc.codec import StatusBlock
from plc.errors import PlcFaultError, PlcMapError
from plc.register_flags import FlapPosition, StatusFlag
from plc.registers import MAGIC, MAP_VERSION
from plc.tick_extension import TickExtension
from plc.types import PlcState, PlcStatus, PulseCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One read of status, triggers and reports, and when the encoder stood at its count."""

    status: StatusBlock
    latches: list[int]
    recent: list[int]
    read_ns: MonotonicNs
    round_trip_ns: int
    uncertain_ns: int


def plc_status(reading: Reading, ticks: TickExtension) -> PlcStatus:
    """Return the status in the line's own units.

    Raises:
        PlcFaultError: a state that the map does not know.
    """
    status = reading.status
    flags = StatusFlag(status.flags)
    return PlcStatus(
        state=_state(status.state),
        tick=ticks.nearest(status.encoder_tick),
        read_ns=reading.read_ns,
        round_trip_ns=reading.round_trip_ns,
        safety_ok=StatusFlag.SAFETY_OK in flags,
        belt_running=StatusFlag.BELT_RUNNING in flags,
        heartbeat_ok=StatusFlag.HEARTBEAT_OK in flags,
        queue_used=status.queue_used,
        counters=PulseCounters(
            fired=status.fired_total,
            late=status.late_total,
            refused=status.refused_total,
            blocked=status.blocked_total,
        ),
        belt_slow=StatusFlag.BELT_SLOW in flags,
        ticks_per_s=status.encoder_ticks_per_s,
        flap_positions=tuple(
            FlapPosition(status.flap_positions >> 2 * station & 3)
            for station in range(status.station_count)
        ),
        trigger_total=status.trigger_total,
        latch_in_hardware=StatusFlag.LATCH_IN_HARDWARE in flags,
    )


def _state(value: int) -> PlcState:
    try:
        return PlcState(value)
    except ValueError as error:
        msg = f"the PLC reports state {value}, which the register map does not know"
        raise PlcFaultError(msg) from error


def require_our_plc(status: StatusBlock, *, line_id: int, heartbeat_timeout_ms: float) -> None:
    """Return if this is the PLC of this line, with this map, as strict as the line wants it.

    Raises:
        PlcMapError: it is not.
    """
    if (status.magic, status.map_version) != (MAGIC, MAP_VERSION):
        msg = (
            f"registers 0 and 1 hold magic {status.magic:#06x} version {status.map_version}, "
            f"this driver needs {MAGIC:#06x} version {MAP_VERSION}; check address and unit id, "
            "or load the PLC program that belongs to this release"
        )
        raise PlcMapError(msg)
    if status.line_id != line_id:
        msg = (
            f"the PLC belongs to line {status.line_id}, this is line {line_id}; check "
            "plc.transport, or set plc.line_id to the id in the PLC program"
        )
        raise PlcMapError(msg)
    if StatusFlag.SIMULATED in StatusFlag(status.flags):
        msg = (
            "the PLC counts a simulated encoder: a test of the PLC program is running, "
            "or its master ended in the middle; end it and try again"
        )
        raise PlcMapError(msg)
    if status.heartbeat_timeout_ms > heartbeat_timeout_ms:
        msg = (
            f"the PLC tolerates {status.heartbeat_timeout_ms} ms of silence, "
            f"plc.heartbeat_timeout_ms allows {heartbeat_timeout_ms:g}; set them alike"
        )
        raise PlcMapError(msg)
