"""Turns wishes into valve pulses stamped with belt ticks, or says why an item has to stay."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.valve_response import BarResponse
from controller.bar_aim import BarAim
from controller.config import LimitsConfig, RecipeConfig
from controller.jet_window import JetWindow, StationTiming, command_of
from controller.stations import JetBarConfig
from controller.step import LineStatus, PlannedPulse
from controller.surroundings import Surroundings
from controller.types import DecisionReason
from controller.valve_schedule import SharedPulse, ValveSchedule, WantedWindow
from controller.window_fit import Wanted, WindowFit
from plc.types import EjectionCommand
from vision.tracker_config import TrackerConfig
from vision.tracking.motion import Arrival, predict_arrival
from vision.tracking.scene import BeltScene


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An item that a station shall take.

    Attributes:
        row: in the scene.
        track_id: its identity.
        gentle: the station diverts it softly; it may be hazardous itself.
    """

    row: int
    track_id: int
    gentle: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What planning made of a target: pulses with reason TARGET, or none with the reason why."""

    reason: DecisionReason
    pulses: tuple[EjectionCommand, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPlan:
    """The result of planning one station in one step.

    Attributes:
        outcomes: by track id.
        planned: new pulses.
    """

    outcomes: Mapping[int, Outcome]
    planned: tuple[PlannedPulse, ...]


def refusal(status: LineStatus, limits: LimitsConfig) -> DecisionReason | None:
    """Return why nothing at all is planned now, or None."""
    if not status.may_fire:
        return DecisionReason.NOT_RUNNING
    stale = status.frame_age_ms > limits.max_frame_age_ms
    if stale or status.tick_sd > limits.max_tick_sd:
        return DecisionReason.STALE
    return None


class StationPlanner:
    """Plans one jet bar. One thread; pure but for the valves it remembers having committed."""

    def __init__(
        self,
        index: int,
        station: JetBarConfig,
        recipe: RecipeConfig,
        limits: LimitsConfig,
        motion: TrackerConfig,
        *,
        mm_per_tick: float,
        response: BarResponse | None = None,
    ) -> None:
        """Start with the valves at rest.

        Args:
            index: of the station.
            station: geometry, lags and valve limits.
            recipe: margins and by-catch limit.
            limits: command lead.
            motion: how items move over the belt.
            mm_per_tick: belt scale.
            response: of the bar's last valve test, None if there was none.

        Raises:
            ValueError: the response does not fit the bar.
        """
        self.index = index
        self.station = station
        self._aim = BarAim(station, response)
        self._aims = {frozenset[int](): self._aim}
        self._recipe = recipe
        self._limits = limits
        self._motion = motion
        self._mm_per_tick = mm_per_tick
        self._swept: dict[int, float] = {}
        """Share of each item, by identity, that pulses already sent will sweep."""
        self._schedule = ValveSchedule(
            valve_count=station.valve_count,
            max_duty=station.max_duty,
            duty_window_ms=station.duty_window_ms,
        )

    def timing(self, ticks_per_s: float, silent: frozenset[int] = frozenset()) -> StationTiming:
        """Return the station's lags in ticks at a belt speed.

        Args:
            ticks_per_s: belt speed.
            silent: valves found in operation not to blow.
        """
        aim = self._aims.get(silent)
        if aim is None:
            aim = self._aims[silent] = self._aim.without(silent)
        return StationTiming(
            self.station, mm_per_tick=self._mm_per_tick, ticks_per_s=ticks_per_s, aim=aim
        )

    @property
    def lead_ms(self) -> float:
        """From switching on until the slowest valve's air is there."""
        return self._aim.lead_ms

    def arrival(self, scene: BeltScene, ticks_per_s: float) -> Arrival:
        """Return when and where the scene's items pass this station."""
        across_mm = scene.states.position_mm[0] - self.station.middle_x_mm
        return predict_arrival(
            scene.states,
            tick=scene.tick,
            distance_mm=self.station.distance_mm + self.station.tilt_mm_per_m * across_mm / 1000.0,
            mm_per_tick=self._mm_per_tick,
            ticks_per_s=ticks_per_s,
            config=self._motion,
        )

    def sent_after(self, tick: float) -> tuple[EjectionCommand, ...]:
        """Return pulses already sent that close after `tick`."""
        return self._schedule.sent_after(tick)

    def plan(
        self, targets: Sequence[Target], around: Surroundings, *, next_pulse_id: int
    ) -> StationPlan:
        """Plan the pulses for some items.

        Args:
            targets: items this station shall take.
            around: the belt as this station sees it now.
            next_pulse_id: id of the first new pulse.

        Returns:
            One outcome per target and the new pulses.
        """
        why_not = refusal(around.status, self._limits)
        if why_not is not None:
            refused = Outcome(reason=why_not, pulses=())
            return StationPlan(outcomes={t.track_id: refused for t in targets}, planned=())
        outcomes: dict[int, Outcome] = {}
        wanted: list[WantedWindow] = []
        for target, found in zip(targets, self._windows(targets, around), strict=True):
            if isinstance(found, DecisionReason):
                outcomes[target.track_id] = Outcome(reason=found, pulses=())
            else:
                wanted += (WantedWindow(track_id=target.track_id, window=w) for w in found)
        served = self._reserve(wanted, around, next_pulse_id)
        for want in wanted:
            pulses = tuple(s.command for s in served if want.track_id in s.track_ids)
            reason = DecisionReason.TARGET if pulses else _unserved(want.window, around)
            outcomes[want.track_id] = Outcome(reason=reason, pulses=pulses)
        planned = tuple(
            PlannedPulse(command=s.command, track_ids=s.track_ids) for s in served if s.new
        )
        return StationPlan(outcomes=outcomes, planned=planned)

    def _windows(
        self, targets: Sequence[Target], around: Surroundings
    ) -> list[tuple[JetWindow, ...] | DecisionReason]:
        ids = around.scene.track_id.tolist()
        fit = WindowFit(
            around,
            self._recipe,
            self._limits,
            np.array([self._swept.get(track_id, 0.0) for track_id in ids]),
        )
        found = fit.choose([Wanted(row=t.row, exempt=t.gentle) for t in targets])
        swept = dict(zip(ids, fit.swept.tolist(), strict=True))
        self._swept = {track_id: s for track_id, s in swept.items() if track_id > 0 and s > 0.0}
        return [self._within_duty(windows, around.timing) for windows in found]

    def _within_duty(
        self, found: tuple[JetWindow, ...] | DecisionReason, timing: StationTiming
    ) -> tuple[JetWindow, ...] | DecisionReason:
        if isinstance(found, DecisionReason):
            return found
        allowed = all(self._schedule.allows_duty(window, timing) for window in found)
        return found if allowed else DecisionReason.VALVE_DUTY

    def _reserve(
        self, wanted: Sequence[WantedWindow], around: Surroundings, next_pulse_id: int
    ) -> tuple[SharedPulse, ...]:
        ids = iter(range(next_pulse_id, next_pulse_id + 1_000_000))
        lead_tick = self._limits.command_lead_ms * around.timing.ticks_per_ms
        return self._schedule.reserve(
            wanted,
            around.timing,
            lambda window: command_of(window, pulse_id=next(ids), station=self.index),
            earliest_tick=math.ceil(around.status.now_tick + lead_tick),
        )


def _unserved(window: JetWindow, around: Surroundings) -> DecisionReason:
    """Return why no valve of a window could be given a pulse."""
    silent = around.timing.aim.silent
    dead = all(valve in silent for valve in range(window.first, window.last + 1))
    return DecisionReason.VALVE_DEAD if dead else DecisionReason.VALVE_DUTY
