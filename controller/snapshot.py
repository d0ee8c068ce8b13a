"""The line's condition at one instant, as published to telemetry, and what operators send back."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from calibration.units import MonotonicNs
from controller.miss_watch import DownstreamCount
from controller.purity.hold import HoldStanding
from controller.states import LineCommand, LineMode, LineState
from controller.types import Totals
from controller.valve_wear import BarWear
from plc.types import PulseCounters
from vision.types import CameraLosses, Fraction

LATENCY_BOUNDS_MS: Final = (2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0)
"""Upper ends of the latency histogram: dense where budgets of plants lie (50 to 250 ms)."""


class AlarmKind(StrEnum):
    """Conditions on which an operator must act."""

    LAMP_FOUND = "lamp_found"
    HAZARD_CRAWLS = "hazard_crawls"
    HAZARD_PASSES = "hazard_passes"
    HAZARD_STOPS_OFTEN = "hazard_stops_often"
    CAMERA_STALLED = "camera_stalled"
    CAMERA_LOST = "camera_lost"
    PLC_LINK_LOST = "plc_link_lost"
    PLC_WRONG_MAP = "plc_wrong_map"
    PLC_FAULT = "plc_fault"
    PLC_SAFE_STATE = "plc_safe_state"
    SAFETY_NOT_OK = "safety_not_ok"
    PLC_CERTIFICATE = "plc_certificate"
    ENCODER_FAULT = "encoder_fault"
    ENCODER_STUCK = "encoder_stuck"
    ENCODER_REVERSED = "encoder_reversed"
    ENCODER_GLITCHES = "encoder_glitches"
    ENCODER_MISSING_PULSES = "encoder_missing_pulses"
    ENCODER_SLIP = "encoder_slip"
    ENCODER_SCALE = "encoder_scale"
    CAMERA_MOVED = "camera_moved"
    CLOCK_UNSURE = "clock_unsure"
    CLOCK_DISAGREES = "clock_disagrees"
    LATE_PULSES = "late_pulses"
    PURITY_NOT_HELD = "purity_not_held"
    DISK_FULL = "disk_full"
    ACCOUNTS_TROUBLE = "accounts_trouble"
    DELIVERY_DEAD = "delivery_dead"
    INSTRUMENT_ALARM = "instrument_alarm"
    STORAGE_TIME = "storage_time"
    VALVE_FAULTY = "valve_faulty"
    DOWNSTREAM_CAMERA_LOST = "downstream_camera_lost"
    DRIFT_CAMERA_MOVED = "drift_camera_moved"
    DRIFT_FOCUS_LOST = "drift_focus_lost"
    DRIFT_WINDOW_DIRTY = "drift_window_dirty"
    DRIFT_LIGHT_FAILING = "drift_light_failing"
    DRIFT_ENCODER_SLIP = "drift_encoder_slip"
    DRIFT_DELAY_CHANGED = "drift_delay_changed"
    DRIFT_VALVE_LAG = "drift_valve_lag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One standing alarm.

    Attributes:
        kind: what is wrong.
        raised_ns: when it was raised.
        detail: what was seen, with figures.
        remedy: what the operator is to do.
        acknowledged: an operator has seen it.
    """

    kind: AlarmKind
    raised_ns: MonotonicNs
    detail: str
    remedy: str
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageLatency:
    """Latency of one pipeline stage over the last snapshot interval, milliseconds.

    Attributes:
        stage: capture_to_detect, detect, step, capture_to_link …
        p50_ms: median.
        p99_ms: 99th percentile.
        count: number of samples.
        buckets: samples since the session began up to each of LATENCY_BOUNDS_MS, cumulative, the
            last one of all samples; empty from a source that keeps none.
        sum_ms: of all samples since the session began.
    """

    stage: str
    p50_ms: float
    p99_ms: float
    count: int
    buckets: tuple[int, ...] = ()
    sum_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTime:
    """Time in one PackML state of one mode since the session began.

    Attributes:
        mode: PackML unit mode.
        state: PackML state.
        total_ms: in all.
    """

    mode: LineMode
    state: LineState
    total_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltUse:
    """How the belt was used since the session began; occupancy comes of two of these.

    Attributes:
        width_mm: usable width.
        travelled_mm: by the clock fit, while there was one.
        covered_mm2: belt that items covered, each place once.
    """

    width_mm: float
    travelled_mm: float
    covered_mm2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MassStanding:
    """What masses are estimated with, and whether they hold just now.

    Attributes:
        model: built-in, or the version of the plant's own.
        overlap_index: area of the boxes / area they cover, over the newest metres of belt.
        valid: the index is within its limit; masses estimated beyond it are not to be counted on.
    """

    model: str
    overlap_index: float
    valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRequest:
    """What an operator asked for and did not get.

    Attributes:
        seq: of the session's refusals, from 1.
        at_ns: when.
        operator: who asked.
        reason: why not, for people.
    """

    seq: int
    at_ns: MonotonicNs
    operator: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSnapshot:
    """Published a few times a second; levels and running totals, so that a lost one is harmless.

    Attributes:
        session_id: of this line run.
        at_ns: when it was taken.
        state: PackML state.
        mode: PackML unit mode.
        state_reason: why the line is in this state, for people.
        valid_commands: which the line would take now.
        belt_speed_mm_per_s: from the clock fit.
        frames: frames processed since start.
        frames_dropped: frames the camera made that were not processed.
        camera_losses: frames the camera made that never became an image.
        frame_age_ms: age of the newest frame.
        frames_per_s: over the last snapshot interval.
        totals: of items.
        pulses_commanded: since start.
        late_pulses: refused by the PLC since start.
        records_dropped: not handed over because the queue was full; the totals still hold them.
        link_ok: the PLC answers.
        link_round_trip_ms: last exchange.
        tick_sd: standard deviation of the clock fit, ticks.
        queue_used: pulses waiting in the PLC.
        bundle_id: model bundle in use.
        alarms: standing alarms.
        latencies: by stage.
        bars: wear and air of every jet bar.
        air_nl_per_t: normal litres of air per tonne of items seen, None before the first item.
        masses: what they are estimated with, and whether they hold just now.
        pulses: the PLC's totals since it booted, None before it answered.
        belt: how the belt was used, None from a source that does not tell.
        state_ms: how long the present state has lasted.
        state_times: of every state the line was in.
        holds: products whose purity is held.
        refusals: the newest requests of operators that were refused, oldest first.
        downstream: what was seen behind the bars, None where nobody looks.
    """

    session_id: str
    at_ns: MonotonicNs
    state: LineState
    mode: LineMode
    state_reason: str
    valid_commands: tuple[LineCommand, ...]
    belt_speed_mm_per_s: float
    frames: int
    frames_dropped: int
    camera_losses: CameraLosses
    frame_age_ms: float
    frames_per_s: float
    totals: Totals
    pulses_commanded: int
    late_pulses: int
    records_dropped: int
    link_ok: bool
    link_round_trip_ms: float
    tick_sd: float
    queue_used: int
    bundle_id: str
    alarms: tuple[Alarm, ...]
    latencies: tuple[StageLatency, ...]
    bars: tuple[BarWear, ...] = ()
    air_nl_per_t: float | None = None
    masses: MassStanding | None = None
    pulses: PulseCounters | None = None
    belt: BeltUse | None = None
    state_ms: float = 0.0
    state_times: tuple[StateTime, ...] = ()
    holds: tuple[HoldStanding, ...] = ()
    refusals: tuple[RefusedRequest, ...] = ()
    downstream: DownstreamCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackmlRequest:
    """An operator asks for a state change; the controller may refuse."""

    command: LineCommand
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeAlarm:
    """An operator has seen an alarm."""

    kind: AlarmKind
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LampRemoved:
    """An operator has taken the lamp of the standing alarm off the line by hand."""

    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRequest:
    """An operator asks for another unit mode, as before valves are tested; it may be refused."""

    mode: LineMode
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSampled:
    """A sample of a product was sorted and weighed.

    Attributes:
        fraction: the product's.
        target_g: mass of what belongs in it.
        other_g: mass of what does not.
        pieces: number of pieces.
        began_s_ago: when the first of it was ejected, seconds before now.
        ended_s_ago: when the last of it was.
        operator: who.
    """

    fraction: Fraction
    target_g: float
    other_g: float
    pieces: int
    began_s_ago: float
    ended_s_ago: float
    operator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPurity:
    """The manager wants another purity of a product that is held.

    Attributes:
        fraction: the product's.
        purity: share of its mass.
        operator: who.
    """

    fraction: Fraction
    purity: float
    operator: str


OperatorRequest = (
    PackmlRequest | AcknowledgeAlarm | LampRemoved | ModeRequest | ProductSampled | SetPurity
)
