"""What the line is known to be like, and what states and alarms are derived from."""

import logging
from typing import TYPE_CHECKING

from calibration.units import NS_PER_MS, MonotonicNs
from controller.belt_watch import FIRES_BLIND, BeltLook, BeltWatch
from controller.delay_watch import DelayWatch
from controller.health import Observation
from controller.packml import LineConditions
from controller.states import LineCommand, LineState
from controller.step import LineStatus
from controller.types import ActionPolicy
from plc.clock_fit import ClockEstimate, ClockFit
from plc.errors import (
    PlcError,
    PlcFaultError,
    PlcLeaseError,
    PlcLinkError,
    PlcMapError,
    PlcSecurityError,
)
from plc.frame_latch import FrameLatch
from plc.types import PlcState, PlcStatus

if TYPE_CHECKING:
    from calibration.drift.alarm import DriftFinding

_SURE_MM = 1.0
"""A clock fit wider than this tells less about the encoder than the camera does."""
_RAMP_MM_PER_S2 = 300.0
"""A belt that gathers speed faster than this: exposure and tick are too far apart to compare."""
log = logging.getLogger(__name__)

STANDING_MM_PER_S = 20.0
"""Nobody reaches onto a belt that moves faster than this."""

_WITHOUT_CAMERA = frozenset(
    {LineState.STOPPED, LineState.STOPPING, LineState.ABORTING, LineState.ABORTED}
)


class LineFacts:
    """The newest word of PLC, camera, encoder and disk. Told by the core; one thread.

    Attributes:
        plc: last reading, None before the first.
        link_error: why the PLC cannot be talked to, None if it can.
        encoder_error: why ticks meant nothing, until an operator clears or resets the line.
        camera_moved: how far everything in view jumped at once, until then too.
        camera_error: why there is no camera, None if it is well.
        disk_full: records cannot be written to disk.
        newest_exposed_ns: exposure of the newest frame, of several cameras the one that lags most;
            None before the first.
        lamps_standing: hazardous items believed that hold the line until they are taken off.
        hazards_crawling: those for which the belt crawls until they are picked.
        hazards_passing: those carried past and not yet confirmed.
        hazard_stops: times that one stopped the belt or made it crawl.
        clock_fit: ticks against time.
        silent: (station, valve) of valves found in operation not to blow.
        prices: (station, log of the price of impurity over the recipe's).
        purity_trouble: which product's purity cannot be held and what to do, None if all are.
        valve_trouble: which valves a technician has to see to and why, None if none.
        latch: camera triggers as the PLC latched them.
        belt_watch: the encoder against the camera's view of the belt.
        drifted: what of the calibration no longer holds, by the cameras' views.
        late_bars: the same of the bars, by what is seen behind them.
        delays: of the camera and the bars, by what the PLC says.
    """

    def __init__(
        self,
        *,
        stall_after_ms: float,
        clock_fit: ClockFit,
        belt_watch: BeltWatch,
        delays: DelayWatch,
        trigger_lead_ms: float = 0.0,
    ) -> None:
        """Begin knowing nothing.

        Args:
            stall_after_ms: silence after which the camera counts as stalled.
            clock_fit: empty.
            belt_watch: empty.
            delays: empty.
            trigger_lead_ms: from a camera trigger's edge to the middle of the exposure.
        """
        self.latch, self.belt_watch, self.delays = FrameLatch(), belt_watch, delays
        self._trigger_lead_s = trigger_lead_ms / 1e3
        self._stall_after_ms = stall_after_ms
        self.clock_fit = clock_fit
        self.plc: PlcStatus | None = None
        self.link_error: PlcError | None = PlcLinkError("not connected yet")
        self.encoder_error: str | None = None
        self.camera_moved: str | None = None
        self.camera_error: str | None = None
        self.downstream_error: str | None = None
        self.disk_full = False
        self.newest_exposed_ns: MonotonicNs | None = None
        self.silent: tuple[tuple[int, int], ...] = ()
        self.prices: tuple[tuple[int, float], ...] = ()
        self.valve_trouble: str | None = None
        self.purity_trouble: str | None = None
        self.lamps_standing = self.hazards_crawling = self.hazards_passing = 0
        self.hazard_stops = 0
        self.drifted: tuple[DriftFinding, ...] = ()
        self.late_bars: tuple[DriftFinding, ...] = ()

    @property
    def clock(self) -> ClockEstimate | None:
        """Ticks as a function of time, None while that is not known well enough."""
        estimate = self.clock_fit.estimate
        return estimate if isinstance(estimate, ClockEstimate) else None

    @property
    def belt_running(self) -> bool:
        """Whether the PLC last said that the belt runs."""
        return self.plc is not None and self.plc.belt_running

    def belt_moves(self, *, mm_per_tick: float) -> bool:
        """Whether the belt still runs out, by the encoder; True while nobody can tell."""
        clock = self.clock
        return clock is None or abs(clock.ticks_per_s) * mm_per_tick > STANDING_MM_PER_S

    def frame_age_ms(self, now_ns: MonotonicNs) -> float | None:
        """Return the newest frame's age, None before the first frame."""
        if self.newest_exposed_ns is None:
            return None
        return (now_ns - self.newest_exposed_ns) / NS_PER_MS

    def tick_sd(self, now_ns: MonotonicNs) -> float | None:
        """Return the clock fit's standard deviation in ticks, None without a fit."""
        clock = self.clock
        return None if clock is None else clock.sd_tick_at(now_ns)

    def forget_ticks(self, reason: str) -> None:
        """Drop everything that was learned about ticks: link or encoder were lost."""
        self.clock_fit.reset(reason)
        self.latch.reset()
        self.belt_watch.reset()

    def frame_tick(self, seq: int | None, exposed_ns: MonotonicNs, clock: ClockEstimate) -> float:
        """Return the belt tick at a frame's exposure: by its trigger's latch, else by the fit.

        A frame without a number (None) is of a camera whose triggers no latch notes.
        """
        fit_tick = clock.tick_at(exposed_ns)
        if seq is None:
            return fit_tick
        latched = self.latch.tick_of(
            seq,
            fit_tick=fit_tick,
            sd_tick=clock.sd_tick_at(exposed_ns),
            lead_tick=clock.ticks_per_s * self._trigger_lead_s,
        )
        if self.latch.late_tick is not None:
            exact = self.plc is not None and self.plc.latch_in_hardware
            self.delays.frame(self.latch.late_tick, clock, exact=exact)
        return fit_tick if latched is None or self.latch.disagreement else latched.tick

    def belt_seen(self, look: BeltLook, *, mm_per_tick: float) -> None:
        """Compare the camera's word on the belt with the encoder's, where both are worth it."""
        clock = self.clock
        if clock is None or (
            mm_per_tick * clock.sd_tick_at(clock.newest_ns) > _SURE_MM
            or mm_per_tick * abs(2 * clock.half_acceleration) > _RAMP_MM_PER_S2
        ):
            self.belt_watch.pause()
            return
        self.belt_watch.add(encoder_mm=look.encoder_mm, camera_mm=look.camera_mm)

    @property
    def fires_blind(self) -> bool:
        """Whether ticks are known to be wrong, so that no pulse would meet its item."""
        finding = self.belt_watch.finding
        blind = finding is not None and finding.trouble in FIRES_BLIND
        return blind or self.latch.disagreement is not None

    def hazard_found(self, action: ActionPolicy) -> None:
        """Note an item newly believed hazardous and what the recipe wants done about it."""
        if action is ActionPolicy.PASS_AND_ALARM:
            self.hazards_passing += 1
            return
        if not self.lamps_standing + self.hazards_crawling:
            self.hazard_stops += 1
        if action is ActionPolicy.SLOW_AND_ALARM:
            self.hazards_crawling += 1
        else:
            self.lamps_standing += 1

    def hold_crawling(self, count: int) -> None:
        """Note that hazards rode as far as they may on the crawling belt: it has to stand."""
        held = min(count, self.hazards_crawling)
        self.hazards_crawling -= held
        self.lamps_standing += held

    def why_not_removed(self, *, mm_per_tick: float) -> str | None:
        """Return why nobody can have dealt with the hazards yet, None where they may have."""
        if not self.lamps_standing:
            some = self.hazards_crawling + self.hazards_passing
            return None if some else "no hazardous item is on the line"
        if self.belt_running:
            return "the belt still runs; hold the line first"
        if self.belt_moves(mm_per_tick=mm_per_tick):
            return "the belt still moves; wait until it stands"
        return None

    def hazards_gone(self) -> int:
        """Note that all hazardous items were dealt with; returns how many there were."""
        count = self.lamps_standing + self.hazards_crawling + self.hazards_passing
        self.lamps_standing = self.hazards_crawling = self.hazards_passing = 0
        return count

    def bumped(self, bump_mm: tuple[float, float] | None) -> bool:
        """Note that everything in view jumped (x, y; mm); returns whether that is news."""
        if bump_mm is None or self.camera_moved is not None:
            return False
        self.camera_moved = (
            f"everything in view jumped by {bump_mm[0]:+.0f} mm across and {bump_mm[1]:+.0f} mm "
            "along the belt at once"
        )
        log.error("camera moved, or the encoder lost the belt: %s", self.camera_moved)
        return True

    def answered(self, command: LineCommand) -> None:
        """Forget a fault that an operator has seen to; it is told again if it still is there."""
        if command in (LineCommand.CLEAR, LineCommand.RESET):
            self.belt_watch.reset()
            self.encoder_error = self.camera_moved = None

    def line_status(
        self,
        clock: ClockEstimate,
        *,
        line_may_fire: bool,
        exposed_ns: MonotonicNs,
        now_ns: MonotonicNs,
    ) -> LineStatus:
        """Return what the pipeline is told with a frame."""
        plc = self.plc
        plc_fires = plc is not None and plc.state is PlcState.RUNNING and plc.heartbeat_ok
        return LineStatus(
            # Where a camera of several is lost, nobody sees what a jet beside its strip would hit.
            may_fire=line_may_fire
            and plc_fires
            and not self.fires_blind
            and self.camera_error is None,
            now_tick=clock.tick_at(now_ns),
            tick_sd=clock.sd_tick_at(now_ns),
            ticks_per_s=clock.ticks_per_s,
            frame_age_ms=(now_ns - exposed_ns) / NS_PER_MS,
            silent=self.silent,
            prices=self.prices,
        )

    def conditions(self, now_ns: MonotonicNs) -> LineConditions:
        """Return what the state machine goes by."""
        age_ms, plc = self.frame_age_ms(now_ns), self.plc
        fresh = age_ms is not None and age_ms <= self._stall_after_ms
        return LineConditions(
            link_ok=self.link_error is None,
            plc_state=plc.state if plc else PlcState.STOPPED,
            safety_ok=plc.safety_ok if plc else True,
            frames_fresh=fresh and self.camera_error is None,
            belt_running=self.belt_running,
            lamp_standing=self.lamps_standing > 0,
            fault=self.encoder_error or self.camera_moved,
        )

    def observation(self, state: LineState, now_ns: MonotonicNs) -> Observation:
        """Return what alarms are derived from."""
        plc, error = self.plc, self.link_error
        wrong_map = isinstance(error, PlcMapError)
        fault = isinstance(error, PlcFaultError | PlcLeaseError)
        return Observation(
            now_ns=now_ns,
            frame_age_ms=self.frame_age_ms(now_ns),
            camera_error=self.camera_error,
            downstream_error=self.downstream_error,
            link_error=str(error) if error and not fault else None,
            wrong_map=wrong_map,
            plc_fault=str(error) if fault else None,
            plc_state=plc.state if plc else None,
            safety_ok=plc.safety_ok if plc else True,
            encoder_error=self.encoder_error,
            camera_moved=self.camera_moved,
            tick_sd=self.tick_sd(now_ns),
            late_pulses=plc.counters.late if plc else 0,
            lamps_standing=self.lamps_standing,
            hazards_crawling=self.hazards_crawling,
            hazards_passing=self.hazards_passing,
            hazard_stops=self.hazard_stops,
            disk_full=self.disk_full,
            valve_trouble=self.valve_trouble,
            purity_trouble=self.purity_trouble,
            certificate=isinstance(error, PlcSecurityError),
            belt_finding=self.belt_watch.finding,
            latch_disagreement=self.latch.disagreement,
            camera_wanted=state not in _WITHOUT_CAMERA,
            drifted=(*self.drifted, *self.delays.findings(), *self.late_bars),
        )
