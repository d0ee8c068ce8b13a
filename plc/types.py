"""What goes to the PLC and what comes back, in ticks and valve indices."""

from dataclasses import dataclass
from enum import IntEnum

from calibration.units import BeltTick, MonotonicNs
from calibration.valve_map import ValveSpan


class PlcState(IntEnum):
    """State of the PLC program. It boots in STOPPED and never leaves it by itself."""

    STOPPED = 0
    RUNNING = 1
    SAFE = 2
    """Heartbeat lost or safety not OK: valves closed, queue flushed; needs a stop and a start."""


class PulseOutcome(IntEnum):
    """What became of a pulse, as the PLC reports it."""

    FIRED = 1
    LATE = 2
    """Arrived after its open tick; not fired."""
    REFUSED = 3
    """Malformed, queue full, valve out of range, open time out of limits; not fired."""
    BLOCKED = 4
    """Accepted, then not fired: stopped, safe state, or heartbeat lost before its open tick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionCommand:
    """One valve pulse, stamped with belt ticks; the PLC's own encoder compare executes it.

    Attributes:
        pulse_id: positive, unique within a session.
        station: index of the jet bar, 0 is the first downstream of the camera.
        valves: which valves open.
        open_tick: tick at which the valves are switched on (valve lag already subtracted).
        close_tick: tick at which they are switched off; greater than open_tick.
    """

    pulse_id: int
    station: int
    valves: ValveSpan
    open_tick: BeltTick
    close_tick: BeltTick

    def __post_init__(self) -> None:
        """Refuse a pulse that does not open.

        Raises:
            ValueError: close_tick is not after open_tick, or pulse_id is not positive.
        """
        if self.close_tick <= self.open_tick or self.pulse_id <= 0:
            msg = (
                f"pulse {self.pulse_id}: ticks {self.open_tick} to {self.close_tick} do not open it"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class EjectionReport:
    """The PLC's word on one pulse.

    Attributes:
        pulse_id: as commanded.
        outcome: what became of it.
        open_tick: tick at which the valves did open (FIRED), else the commanded tick.
        close_tick: tick at which they closed (FIRED), else the commanded tick.
    """

    pulse_id: int
    outcome: PulseOutcome
    open_tick: BeltTick
    close_tick: BeltTick


@dataclass(frozen=True, slots=True, kw_only=True)
class PulseCounters:
    """The PLC's running totals of pulses since it booted (32-bit, extended by the driver)."""

    fired: int
    late: int
    refused: int
    blocked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcStatus:
    """One reading of the PLC.

    Attributes:
        state: of the PLC program.
        tick: encoder count at the PLC's last scan, 64-bit extended.
        read_ns: middle of the request that read it.
        round_trip_ns: duration of that request.
        safety_ok: the separate safety hardware reports OK (read only, never written).
        belt_running: the belt drive reports motion or is commanded to run.
        heartbeat_ok: the PLC has seen this PC's heartbeat in time.
        queue_used: pulses waiting in the PLC.
        counters: pulse totals.
    """

    state: PlcState
    tick: BeltTick
    read_ns: MonotonicNs
    round_trip_ns: int
    safety_ok: bool
    belt_running: bool
    heartbeat_ok: bool
    queue_used: int
    counters: PulseCounters


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcRequest:
    """What the PC asks of the PLC; repeated with every exchange until it changes.

    Attributes:
        run: the line may fire; a rising edge (False, then True) leaves STOPPED, never leaves SAFE.
        belt_run: the belt should move.
    """

    run: bool
    belt_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The result of one write and one read.

    Attributes:
        status: as read.
        reports: pulse reports not returned before, in the order the PLC made them.
        reports_lost: reports the PLC overwrote before they were read.
    """

    status: PlcStatus
    reports: tuple[EjectionReport, ...]
    reports_lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CountReading:
    """One reading of an encoder that the PC reads itself.

    Attributes:
        total: ticks, carried on across the counter's wraps.
        read_ns: when the counter stood there.
        uncertain_ns: how far from that it may have been, either way.
    """

    total: int
    read_ns: MonotonicNs
    uncertain_ns: int
