"""Turns what is observed of the line into standing alarms with what the operator is to do.

Pure: told what was observed, it says what stands. Delays and deadbands are those of the
rationalised list (`controller/alarm_list.toml`).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from calibration.drift.alarm import DriftFinding, DriftKind
from calibration.units import NS_PER_S, MonotonicNs
from controller.alarm_list import entry_of
from controller.belt_watch import BeltFinding, BeltTrouble
from controller.config import LimitsConfig
from controller.drift_watch import DRIFT_ALARMS, words_of
from controller.snapshot import Alarm, AlarmKind
from controller.standing_alarms import StandingAlarms
from plc.types import PlcState

_HOUR_NS: Final = 3600 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is known of the line at one instant.

    Attributes:
        now_ns: the instant.
        frame_age_ms: age of the newest frame, None before the first one of the session.
        camera_error: why there is no camera, None if it is well.
        link_error: why the PLC does not answer, None if it does.
        wrong_map: the PLC answers with another register map.
        plc_fault: the PLC answered with an exception; what it was, else None.
        plc_state: as last read, None before the first reading.
        safety_ok: as last read; True before the first reading.
        encoder_error: why ticks mean nothing, None if they do.
        camera_moved: how far everything in view jumped at once, None if it did not.
        tick_sd: standard deviation of the clock fit in ticks, None while there is no fit.
        late_pulses: pulses the PLC has refused as late since the session began.
        lamps_standing: hazardous items on the line.
        disk_full: records cannot be written to disk.
        valve_trouble: which valves a technician has to see to and why, None if none.
        purity_trouble: which product's purity cannot be held and what to do, None if all are.
        camera_wanted: frames should be coming (the line is started or about to be).
        certificate: the link error is that PLC and line do not trust each other's certificates.
        belt_finding: what encoder and camera disagree about, None while they agree.
        latch_disagreement: what camera triggers and clock fit disagree about, else None.
        hazards_crawling: hazardous items for which the belt crawls.
        hazards_passing: hazardous items carried past, until an operator confirms them.
        hazard_stops: times that a hazard stopped the belt or made it crawl since the session began.
        drifted: what of the calibration no longer holds.
        downstream_error: why the camera behind the bars sees nothing, None if it is well or absent.
    """

    now_ns: MonotonicNs
    frame_age_ms: float | None
    camera_error: str | None
    link_error: str | None
    wrong_map: bool
    plc_fault: str | None
    plc_state: PlcState | None
    safety_ok: bool
    encoder_error: str | None
    camera_moved: str | None
    tick_sd: float | None
    late_pulses: int
    lamps_standing: int
    disk_full: bool
    camera_wanted: bool
    valve_trouble: str | None = None
    purity_trouble: str | None = None
    certificate: bool = False
    belt_finding: BeltFinding | None = None
    latch_disagreement: str | None = None
    hazards_crawling: int = 0
    hazards_passing: int = 0
    hazard_stops: int = 0
    drifted: tuple[DriftFinding, ...] = ()
    downstream_error: str | None = None


class HealthMonitor:
    """Keeps the standing alarms. One thread."""

    def __init__(self, limits: LimitsConfig, *, stall_after_ms: float) -> None:
        """Start without alarms.

        Args:
            limits: of the clock fit.
            stall_after_ms: silence after which the camera counts as stalled.
        """
        self._stall_after_ms = stall_after_ms
        self._limits = limits
        self._standing = StandingAlarms()
        self._late_pulses = 0
        self._late_count = 0
        self._hazard_stops = 0
        self._stopped_ns: deque[MonotonicNs] = deque()

    def observe(self, seen: Observation) -> tuple[Alarm, ...]:
        """Take an observation in and return the alarms that stand now, oldest first."""
        for kind, condition in _CONDITIONS.items():
            detail = condition(self, seen)
            self._standing.tell(kind, detail, seen.now_ns, starting=_starting(kind, seen))
        return self._standing.alarms

    def acknowledge(self, kind: AlarmKind) -> bool:
        """Note that an operator has seen an alarm. Returns False if it does not stand."""
        return self._standing.acknowledge(kind)

    def _limit(self, kind: AlarmKind, limit: float) -> float:
        return limit * (1.0 - entry_of(kind).deadband) if kind in self._standing else limit

    def camera_stalled(self, seen: Observation) -> str | None:
        """Frames are older than they may be while the camera itself reports no error."""
        if seen.camera_error is not None or not seen.camera_wanted:
            return None
        if seen.frame_age_ms is None:
            return "no frame yet"
        limit_ms = self._stall_after_ms
        if seen.frame_age_ms <= self._limit(AlarmKind.CAMERA_STALLED, limit_ms):
            return None
        return f"newest frame is {seen.frame_age_ms:.0f} ms old, limit {limit_ms:g} ms"

    def clock_unsure(self, seen: Observation) -> str | None:
        """The clock fit is missing or too wide while the PLC answers."""
        if seen.link_error is not None or seen.plc_state is None:
            return None
        if seen.tick_sd is None:
            return "no fit between PLC ticks and PC time yet"
        limit = self._limits.max_tick_sd
        if seen.tick_sd <= self._limit(AlarmKind.CLOCK_UNSURE, limit):
            return None
        return f"tick uncertain by {seen.tick_sd:.1f} ticks, limit {limit:g}"

    def late_pulses(self, seen: Observation) -> str | None:
        """The PLC refused pulses as late since the last observation."""
        new = seen.late_pulses - self._late_pulses
        self._late_pulses = seen.late_pulses
        if new <= 0:
            return None
        standing = AlarmKind.LATE_PULSES in self._standing
        self._late_count = new + (self._late_count if standing else 0)
        return f"{self._late_count} pulses came too late and were refused"

    def hazard_stops_often(self, seen: Observation) -> str | None:
        """Hazards, real or not, stopped the belt more often within an hour than was agreed."""
        self._stopped_ns.extend([seen.now_ns] * (seen.hazard_stops - self._hazard_stops))
        self._hazard_stops = seen.hazard_stops
        while self._stopped_ns and seen.now_ns - self._stopped_ns[0] > _HOUR_NS:
            self._stopped_ns.popleft()
        limit = self._limits.max_hazard_stops_per_hour
        if len(self._stopped_ns) <= limit:
            return None
        return f"{len(self._stopped_ns)} within an hour, agreed are {limit:g}"


def _starting(kind: AlarmKind, seen: Observation) -> bool:
    """Return whether the device behind an alarm has yet to answer for the first time."""
    if kind is AlarmKind.PLC_LINK_LOST:
        return seen.plc_state is None
    return kind is AlarmKind.CAMERA_STALLED and seen.frame_age_ms is None


def _lamp_found(_: HealthMonitor, seen: Observation) -> str | None:
    return f"{seen.lamps_standing} on the line" if seen.lamps_standing else None


def _some(count: int, where: str) -> str | None:
    return f"{count} {where}" if count else None


def _plc_safe_state(_: HealthMonitor, seen: Observation) -> str | None:
    if seen.link_error is not None or seen.plc_state is not PlcState.SAFE:
        return None
    return "the PLC has closed all valves and flushed its queue"


def _safety_not_ok(_: HealthMonitor, seen: Observation) -> str | None:
    if seen.link_error is not None or seen.safety_ok:
        return None
    return "the safety circuit is open"


def _link_lost(_: HealthMonitor, seen: Observation) -> str | None:
    return None if seen.wrong_map or seen.certificate else seen.link_error


def _belt(trouble: BeltTrouble) -> Callable[[HealthMonitor, Observation], str | None]:
    def found(_: HealthMonitor, seen: Observation) -> str | None:
        finding = seen.belt_finding
        return finding.words if finding is not None and finding.trouble is trouble else None

    return found


def _drifted(drift: DriftKind) -> Callable[[HealthMonitor, Observation], str | None]:
    return lambda _, seen: words_of(drift, seen.drifted)


_CONDITIONS: Final[dict[AlarmKind, Callable[[HealthMonitor, Observation], str | None]]] = {
    AlarmKind.LAMP_FOUND: _lamp_found,
    AlarmKind.HAZARD_CRAWLS: lambda _, seen: _some(seen.hazards_crawling, "on the crawling belt"),
    AlarmKind.HAZARD_PASSES: lambda _, seen: _some(seen.hazards_passing, "carried past"),
    AlarmKind.HAZARD_STOPS_OFTEN: HealthMonitor.hazard_stops_often,
    AlarmKind.CAMERA_STALLED: HealthMonitor.camera_stalled,
    AlarmKind.CAMERA_LOST: lambda _, seen: seen.camera_error,
    AlarmKind.PLC_LINK_LOST: _link_lost,
    AlarmKind.PLC_WRONG_MAP: lambda _, seen: seen.link_error if seen.wrong_map else None,
    AlarmKind.PLC_FAULT: lambda _, seen: seen.plc_fault,
    AlarmKind.PLC_SAFE_STATE: _plc_safe_state,
    AlarmKind.SAFETY_NOT_OK: _safety_not_ok,
    AlarmKind.ENCODER_FAULT: lambda _, seen: seen.encoder_error,
    AlarmKind.PLC_CERTIFICATE: lambda _, seen: seen.link_error if seen.certificate else None,
    **{AlarmKind(f"encoder_{trouble.value}"): _belt(trouble) for trouble in BeltTrouble},
    AlarmKind.CLOCK_DISAGREES: lambda _, seen: seen.latch_disagreement,
    AlarmKind.CAMERA_MOVED: lambda _, seen: seen.camera_moved,
    AlarmKind.CLOCK_UNSURE: HealthMonitor.clock_unsure,
    AlarmKind.LATE_PULSES: HealthMonitor.late_pulses,
    AlarmKind.VALVE_FAULTY: lambda _, seen: seen.valve_trouble,
    AlarmKind.PURITY_NOT_HELD: lambda _, seen: seen.purity_trouble,
    AlarmKind.DOWNSTREAM_CAMERA_LOST: lambda _, seen: seen.downstream_error,
    **{alarm: _drifted(drift) for drift, alarm in DRIFT_ALARMS.items()},
    AlarmKind.DISK_FULL: lambda _, seen: "records cannot be written" if seen.disk_full else None,
}
"""What raises each alarm: a detail while it stands, None when it does not."""
