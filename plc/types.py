"""What goes to the PLC and what comes back, in ticks and valve indices."""

from dataclasses import dataclass
from enum import IntEnum

from calibration.units import BeltTick, MonotonicNs
from calibration.valve_map import ValveSpan
from plc.register_flags import FlapPosition, PulseReason


class PlcState(IntEnum):
    """State of the PLC program. It boots in STOPPED and never leaves it by itself."""

    STOPPED = 0
    RUNNING = 1
    SAFE = 2
    """Heartbeat lost or safety not OK: valves closed, queue flushed; needs a stop and a start."""
    MAINTENANCE = 3
    """Stopped, and valves may be tested by hand, one at a time."""


class PulseOutcome(IntEnum):
    """What became of a pulse, as the PLC reports it."""

    FIRED = 1
    LATE = 2
    """Arrived after its open tick; not fired."""
    REFUSED = 3
    """Malformed, queue full, valve out of range, open time out of limits; not fired."""
    BLOCKED = 4
    """Accepted, then not fired: stopped, safe state, or heartbeat lost before its open tick."""


_OUTCOMES = {
    PulseReason.FIRED: PulseOutcome.FIRED,
    PulseReason.FIRED_CUT: PulseOutcome.FIRED,
    PulseReason.LATE_ARRIVED: PulseOutcome.LATE,
    PulseReason.LATE_SCAN: PulseOutcome.LATE,
    PulseReason.NO_ROOM: PulseOutcome.REFUSED,
    PulseReason.STATION_UNKNOWN: PulseOutcome.REFUSED,
    PulseReason.VALVE_UNKNOWN: PulseOutcome.REFUSED,
    PulseReason.TOO_SHORT: PulseOutcome.REFUSED,
    PulseReason.TOO_LONG: PulseOutcome.REFUSED,
    PulseReason.MALFORMED: PulseOutcome.REFUSED,
    PulseReason.NOT_RUNNING: PulseOutcome.BLOCKED,
    PulseReason.STOPPED: PulseOutcome.BLOCKED,
    PulseReason.SILENCE: PulseOutcome.BLOCKED,
    PulseReason.SAFETY: PulseOutcome.BLOCKED,
}


def outcome_of(reason: PulseReason) -> PulseOutcome:
    """Return the outcome that a stated reason belongs to."""
    return _OUTCOMES[reason]


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
        reason: why it ended so.
    """

    pulse_id: int
    outcome: PulseOutcome
    open_tick: BeltTick
    close_tick: BeltTick
    reason: PulseReason = PulseReason.UNSTATED


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerLatch:
    """One camera trigger as the PLC saw it.

    Attributes:
        number: 1, 2, 3 ... since the PLC booted; the camera's frames count alike, so a gap in
            either shows.
        tick: encoder count at the rising edge of the trigger input.
    """

    number: int
    tick: BeltTick


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
        belt_slow: the drive is asked for its slow speed.
        ticks_per_s: magnitude of the encoder's rate over the last 100 ms.
        flap_positions: by station; empty from a PLC that has no flaps.
        trigger_total: number of the newest camera trigger.
        latch_in_hardware: trigger ticks are exact; else they are up to a scan late.
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
    belt_slow: bool = False
    ticks_per_s: int = 0
    flap_positions: tuple[FlapPosition, ...] = ()
    trigger_total: int = 0
    latch_in_hardware: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlcRequest:
    """What the PC asks of the PLC; repeated with every exchange until it changes.

    Attributes:
        run: the line may fire; a rising edge (False, then True) leaves STOPPED, never leaves SAFE.
        belt_run: the belt should move.
        belt_slow: at the drive's slow speed.
        maintenance: valves may be tested by hand; holds only while stopped.
        flaps_held: stations whose diverter or gate is held in its working position.
    """

    run: bool
    belt_run: bool
    belt_slow: bool = False
    maintenance: bool = False
    flaps_held: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The result of one write and one read.

    Attributes:
        status: as read.
        reports: pulse reports not returned before, in the order the PLC made them.
        reports_lost: reports the PLC overwrote before they were read.
        triggers: camera triggers not returned before, oldest first.
        triggers_lost: triggers overwritten before they were read.
    """

    status: PlcStatus
    reports: tuple[EjectionReport, ...]
    reports_lost: int
    triggers: tuple[TriggerLatch, ...] = ()
    triggers_lost: int = 0


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
