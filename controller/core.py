"""The line as one object that is told what happened and when: no thread, lock, clock or I/O.

Threads drive it on a plant (controller/runtime.py), virtual time drives it in the twin's lockstep.
Everything is called from one thread.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from calibration.drift.alarm import DriftFinding
from calibration.units import NS_PER_MS, MonotonicNs
from controller.belt_travel import BeltTravel
from controller.belt_watch import BeltLook
from controller.camera_frame import CameraFrame, RowStanding
from controller.health import HealthMonitor
from controller.ledger import ItemLedger
from controller.line_facts import LineFacts
from controller.outcome import CaptureFigures, FrameOutcome
from controller.packml import CommandReply, PackmlMachine, requests
from controller.ports import LinePipeline
from controller.purity.keeper import PurityKeeper
from controller.refusals import Refusals
from controller.slow_pick import SlowPick
from controller.snapshot import (
    AcknowledgeAlarm,
    Alarm,
    LampRemoved,
    LineSnapshot,
    ModeRequest,
    OperatorRequest,
    ProductSampled,
    SetPurity,
)
from controller.state_times import StateTimes
from controller.states import LineState
from controller.step import DecidedItem, Intervention, StepResult
from controller.types import ActionPolicy, DecisionReason, ItemRecord
from controller.valve_care import ValveCare
from controller.valve_wear import BarCount
from plc.errors import PlcError
from plc.types import EjectionCommand, EjectionReport, Exchange, PlcRequest
from vision.types import Detections, FrameStamp, Track

log = logging.getLogger(__name__)

MARKS_KEPT = 500
"""Decisions remembered for the live picture; more than any view holds."""


class LineCore:
    """States, alarms, items and pulses of one line run."""

    def __init__(
        self,
        *,
        session_id: str,
        bundle_id: str,
        pipeline: LinePipeline,
        machine: PackmlMachine,
        health: HealthMonitor,
        ledger: ItemLedger,
        facts: LineFacts,
        valves: ValveCare,
        purity: PurityKeeper,
        slow_pick: SlowPick,
        mm_per_tick: float,
        belt_width_mm: float,
        camera_delay_ms: float = 0.0,
    ) -> None:
        """Take the parts; all of them belong to this core alone from now on.

        `camera_delay_ms` is how much later than the true exposure the camera's stamps are.
        """
        self._camera_delay_ns = round(camera_delay_ms * NS_PER_MS)
        self._session_id, self._bundle_id = session_id, bundle_id
        self._pipeline, self._machine = pipeline, machine
        self._health, self._ledger = health, ledger
        self._facts, self._mm_per_tick = facts, mm_per_tick
        self._valves, self._slow_pick, self._purity = valves, slow_pick, purity
        self._refusals = Refusals()
        self._marks: dict[int, str] = {}
        self._interventions: list[Intervention] = []
        self._commands: list[EjectionCommand] = []
        self._records: list[ItemRecord] = []
        self._alarms: tuple[Alarm, ...] = ()
        self._frames = self._pulses_commanded = 0
        self._state_times, self._travel = StateTimes(), BeltTravel(belt_width_mm, mm_per_tick)

    @property
    def bundle_id(self) -> str:
        """Bundle that names the items."""
        return self._bundle_id

    @property
    def frames(self) -> int:
        """Frames taken in so far."""
        return self._frames

    @property
    def items_in_flight(self) -> int:
        """Items decided whose outcome is not yet known."""
        return self._ledger.totals.in_flight

    @property
    def state(self) -> LineState:
        """PackML state of the line."""
        return self._machine.state

    def exchanged(self, exchange: Exchange, now_ns: MonotonicNs) -> None:
        """Take one reading of the PLC and its reports."""
        status, facts = exchange.status, self._facts
        if facts.link_error is not None:
            log.info("PLC link is up")
            facts.forget_ticks("the link was lost")
        facts.link_error, facts.plc = None, status
        facts.clock_fit.add(
            read_ns=status.read_ns, round_trip_ns=status.round_trip_ns, tick=status.tick
        )
        facts.latch.add(exchange.triggers)
        for report in exchange.reports:
            self.reported(report, now_ns)
        self.idle(now_ns)

    def link_lost(self, error: PlcError, now_ns: MonotonicNs) -> None:
        """The PLC does not answer; nothing may fire until it does and an operator restarts."""
        if self._facts.link_error is None:
            log.error("PLC link lost: %s", error)
        self._facts.link_error = error
        self.idle(now_ns)

    def reported(self, report: EjectionReport, now_ns: MonotonicNs) -> None:
        """Take the word on one pulse."""
        clock = self._facts.clock
        ticks_per_s = clock.ticks_per_s if clock else 0.0
        asked = self._valves.reported(report, ticks_per_s)
        if asked is not None:
            self._facts.delays.pulse(
                asked.station,
                late_tick=report.open_tick - asked.open_tick,
                at_tick=report.open_tick,
                ticks_per_s=ticks_per_s,
            )
        self._records += self._ledger.reported(report, now_ns)

    def valve_counts(self) -> Mapping[str, BarCount]:
        """Return the valves' counts as of the last snapshot; from any thread."""
        return self._valves.counts()

    def looked_downstream(self, seq: int, exposed_ns: MonotonicNs, detections: Detections) -> None:
        """Take a frame of the camera behind the bars; unused while belt ticks are not known.

        Args:
            seq: its frame number.
            exposed_ns: middle of the exposure, the camera's delay taken off.
            detections: found in it.
        """
        clock = self._facts.clock
        if clock is not None and self._facts.link_error is None:
            tick = clock.tick_at(exposed_ns)
            self._valves.looked(FrameStamp(seq=seq, exposed_ns=exposed_ns, tick=tick), detections)

    def downstream_failed(self, reason: str | None) -> None:
        """The camera behind the bars is lost (reason) or well (None); the line sorts on."""
        self._facts.downstream_error = reason

    def encoder_failed(self, reason: str, now_ns: MonotonicNs) -> None:
        """Ticks no longer mean belt positions: give up what is tracked, abort."""
        log.error("encoder fault: %s", reason)
        self._facts.encoder_error = reason
        self._facts.forget_ticks(reason)
        self._give_up(now_ns)
        self.idle(now_ns)

    def belt_seen(self, look: BeltLook) -> None:
        """Take what the camera saw of the belt's travel, beside the encoder's word on it."""
        self._facts.belt_seen(look, mm_per_tick=self._mm_per_tick)

    def drifted(self, findings: tuple[DriftFinding, ...]) -> None:
        """Take what no longer is as calibrated; alarms rise at the next `idle` or frame."""
        self._facts.drifted = findings

    def named_by(self, bundle_id: str) -> None:
        """Take which bundle names the items from the next frame on."""
        log.info("items are named by %s, no longer by %s", bundle_id, self._bundle_id)
        self._bundle_id = bundle_id
        self._ledger.named_by(bundle_id)

    def camera_failed(self, reason: str | None) -> None:
        """The camera is lost (reason) or well (None); acted upon at the next `idle` or frame."""
        self._facts.camera_error = reason

    def frame(
        self,
        seq: int,
        exposed_ns: MonotonicNs,
        detections: Detections,
        now_ns: MonotonicNs,
        more: Sequence[CameraFrame] = (),
        standing: RowStanding | None = None,
    ) -> FrameOutcome | None:
        """Step the pipeline with one frame's detections.

        Args:
            seq: the camera's frame number.
            exposed_ns: middle of the exposure as the camera stamps it; the calibrated delay is
                taken off here.
            detections: found in it.
            now_ns: the present.
            more: frames of further cameras, exposed at about the same time.
            standing: what the set of frames lacks; None if it is whole.

        Returns:
            What was decided; None while the belt position at the exposure is not known, in which
            case the frame is counted and not used.
        """
        self._frames += 1
        exposed_ns = MonotonicNs(exposed_ns - self._camera_delay_ns)
        oldest_ns = exposed_ns
        if standing is not None:
            oldest_ns = MonotonicNs(standing.oldest_ns - self._camera_delay_ns)
        self._facts.newest_exposed_ns = oldest_ns
        clock = self._facts.clock
        outcome: FrameOutcome | None = None
        if clock is not None and self._facts.link_error is None:
            # A latch numbers the first camera's frames and no other's.
            latched = standing is None or not standing.first_missing
            tick = self._facts.frame_tick(seq if latched else None, exposed_ns, clock)
            stamp = FrameStamp(seq=seq, exposed_ns=exposed_ns, tick=tick)
            status = self._facts.line_status(
                clock, line_may_fire=self._machine.may_fire, exposed_ns=oldest_ns, now_ns=now_ns
            )
            views = [frame.placed(clock, self._camera_delay_ns) for frame in more]
            result = self._pipeline.step(stamp, detections, status, views)
            self._take(result, now_ns)
            outcome = FrameOutcome(
                interventions=tuple(self._interventions), stamp=stamp, status=status, result=result
            )
            self._interventions.clear()
            if self._facts.bumped(result.bump_mm):
                self._give_up(now_ns)
        self.idle(now_ns)
        return outcome

    def _give_up(self, now_ns: MonotonicNs) -> None:
        """Belt positions mean nothing any more: drop what is tracked."""
        for item in self._intervene(Intervention.GIVEN_UP):
            self._records += self._ledger.decided(item, now_ns)

    def idle(self, now_ns: MonotonicNs) -> None:
        """Let time pass: confirmations time out, alarms rise, the state machine moves."""
        clock = self._facts.clock
        if clock is not None:
            tick = clock.tick_at(now_ns)
            self._records += self._ledger.expire(tick, now_ns)
            self._facts.hold_crawling(self._slow_pick.reached(tick))
        self._travel.at(None if clock is None else clock.tick_at(now_ns))
        self._valves.at(now_ns)
        self._facts.silent, self._facts.valve_trouble = self._valves.silent, self._valves.words
        self._facts.late_bars = self._valves.late_bars
        self._facts.prices = self._purity.prices
        self._facts.purity_trouble = self._purity.trouble
        self._alarms = self._health.observe(self._facts.observation(self.state, now_ns))
        for transition in self._machine.update(self._facts.conditions(now_ns)):
            log.info("%s -> %s: %s", transition.source, transition.target, transition.reason)
        self._state_times.at(self._machine.mode, self._machine.state, now_ns)

    def operator(self, request: OperatorRequest, now_ns: MonotonicNs) -> CommandReply:
        """Act on an operator's request, or refuse it with the reason."""
        if isinstance(request, AcknowledgeAlarm):
            self._health.acknowledge(request.kind)
            reply = CommandReply(accepted=True, reason=f"{request.kind.value} acknowledged")
        elif isinstance(request, LampRemoved):
            reply = self._lamp_removed(now_ns)
        elif isinstance(request, ModeRequest):
            reply = self._machine.change_mode(request.mode, request.operator)
        elif isinstance(request, ProductSampled | SetPurity):
            reply = self._purity.answer(request, now_ns)
        else:
            reply = self._machine.command(request.command, request.operator)
            if reply.accepted:
                self._facts.answered(request.command)
        if not reply.accepted:
            self._refusals.add(now_ns, request.operator, reply.reason)
        log.info("%s by %s: %s", type(request).__name__, request.operator, reply.reason)
        self.idle(now_ns)
        return reply

    def plc_request(self) -> PlcRequest:
        """Return what the PLC is to be asked for now."""
        wanted = requests(self._machine.state)
        crawls = wanted.belt_run and self._facts.hazards_crawling > 0
        tests = self._machine.valves_may_be_tested
        return replace(wanted, belt_slow=crawls, maintenance=tests)

    def take_commands(self) -> tuple[EjectionCommand, ...]:
        """Return the pulses planned since the last call; hand them to the PLC at once."""
        commands = tuple(self._commands)
        self._commands.clear()
        return commands

    def take_records(self) -> tuple[ItemRecord, ...]:
        """Return the items closed since the last call."""
        records = tuple(self._records)
        self._records.clear()
        self._valves.closed(records)
        self._purity.closed(records)
        return records

    def marked_tracks(self) -> tuple[tuple[Track, str], ...]:
        """Return the items in view with a word on what was decided, for the live picture."""
        return tuple(
            (track, self._marks.get(track.track_id, "")) for track in self._pipeline.live_tracks()
        )

    def close(self, now_ns: MonotonicNs) -> None:
        """End the run: whatever is tracked or in flight is closed and recorded."""
        for item in self._pipeline.give_up(DecisionReason.NOT_RUNNING):
            self._records += self._ledger.decided(item, now_ns)
        self._records += self._ledger.abandon(now_ns)

    def snapshot(self, figures: CaptureFigures, now_ns: MonotonicNs) -> LineSnapshot:
        """Return the line's condition for people and for metrics."""
        facts = self._facts
        status, clock, age_ms = facts.plc, facts.clock, facts.frame_age_ms(now_ns)
        tick_sd = facts.tick_sd(now_ns)
        return LineSnapshot(
            session_id=self._session_id,
            at_ns=now_ns,
            state=self._machine.state,
            mode=self._machine.mode,
            state_reason=self._machine.reason,
            valid_commands=self._machine.valid_commands(),
            belt_speed_mm_per_s=clock.ticks_per_s * self._mm_per_tick if clock else 0.0,
            frames=self._frames,
            frames_dropped=figures.frames_dropped,
            camera_losses=figures.losses,
            frame_age_ms=math.inf if age_ms is None else age_ms,
            frames_per_s=figures.frames_per_s,
            totals=self._ledger.totals,
            pulses_commanded=self._pulses_commanded,
            late_pulses=status.counters.late if status else 0,
            records_dropped=figures.records_dropped,
            link_ok=facts.link_error is None,
            link_round_trip_ms=status.round_trip_ns / NS_PER_MS if status else 0.0,
            tick_sd=math.inf if tick_sd is None else tick_sd,
            queue_used=status.queue_used if status else 0,
            bundle_id=self._bundle_id,
            alarms=self._alarms,
            latencies=figures.latencies,
            bars=self._valves.bars(),
            air_nl_per_t=self._valves.air_nl_per_t,
            masses=self._ledger.masses,
            pulses=status.counters if status else None,
            belt=self._travel.use(self._ledger.covered_mm2),
            state_ms=self._state_times.current_ms(now_ns),
            state_times=self._state_times.all(),
            holds=self._purity.standings,
            refusals=self._refusals.all(),
            downstream=self._valves.downstream,
        )

    def _take(self, result: StepResult, now_ns: MonotonicNs) -> None:
        for item in result.decided:
            self._records += self._ledger.decided(item, now_ns)
            self._valves.decided(item)
            self._marks[item.track.track_id] = item.decision.reason.value
        planned = tuple(pulse.command for pulse in result.planned)
        self._valves.commanded(planned)
        self._commands += planned
        self._pulses_commanded += len(result.planned)
        for track, action in zip(result.hazards, result.hazard_actions, strict=True):
            log.warning("hazard %d at x %.0f mm: %s", track.track_id, track.x_mm, action.value)
            self._facts.hazard_found(action)
            if action is ActionPolicy.SLOW_AND_ALARM:
                self._slow_pick.add([track])
        for conflict in result.conflicts:
            log.error(
                "pulse %d was sent before lamp %d was seen", conflict.pulse_id, conflict.track_id
            )
        while len(self._marks) > MARKS_KEPT:
            del self._marks[next(iter(self._marks))]

    def _lamp_removed(self, now_ns: MonotonicNs) -> CommandReply:
        refusal = self._facts.why_not_removed(mm_per_tick=self._mm_per_tick)
        if refusal is not None:
            return CommandReply(accepted=False, reason=refusal)
        for item in self._intervene(Intervention.HAZARDS_REMOVED):
            self._records += self._ledger.decided(item, now_ns)
        self._records += self._ledger.lamp_removed(now_ns)
        self._slow_pick.clear()
        count = self._facts.hazards_gone()
        return CommandReply(accepted=True, reason=f"{count} hazardous item(s) dealt with by hand")

    def _intervene(self, intervention: Intervention) -> tuple[DecidedItem, ...]:
        self._interventions.append(intervention)
        return intervene(self._pipeline, intervention)


def intervene(pipeline: LinePipeline, intervention: Intervention) -> tuple[DecidedItem, ...]:
    """Do to a pipeline what was done between two frames; returns the items it decided."""
    if intervention is Intervention.HAZARDS_REMOVED:
        return pipeline.hazards_removed()
    return pipeline.give_up(DecisionReason.STALE)
