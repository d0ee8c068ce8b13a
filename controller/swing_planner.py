"""Plans a flap or gate: when its plate is out, and whom that takes along.

A plate is slow. Between two items that come closer together than it needs to return, it is either
held out, and then takes whatever lies between them, or the second item passes. An order already
given is never contradicted: pulses of one plate do not overlap, and it is not called out again
while it swings back.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from calibration.units import BeltTick
from calibration.valve_map import ValveSpan
from controller.config import LimitsConfig, RecipeConfig
from controller.planner import Outcome, StationPlan, Target, refusal
from controller.stations import FlapConfig, SwingConfig
from controller.step import LineStatus, PlannedPulse
from controller.types import DecisionReason
from plc.types import EjectionCommand
from vision.tracker_config import TrackerConfig
from vision.tracking.motion import Arrival, predict_arrival
from vision.tracking.scene import BeltScene
from vision.types import Fraction

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_SIGMA = 2.0
"""Spreads of an item's passage for which the plate is out before and after it."""
_LEAST_TAKEN = 0.02
"""Chance of being taken along below which a hazard counts as clear of the plate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltAhead:
    """What one plate has to consider in one step.

    Attributes:
        scene: the belt.
        arrival: of the scene's items at the plate.
        foreign: (n,) what a gram of an item costs when it leaves here without being wanted here.
        suspects: rows that may be hazardous.
        status: the line now.
    """

    scene: BeltScene
    arrival: Arrival
    foreign: Float64Array
    suspects: IntArray
    status: LineStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """Output on from one tick to another, for one item."""

    open_tick: int
    close_tick: int


class SwingPlanner:
    """Plans one flap or gate. One thread; pure but for the orders it remembers having given."""

    def __init__(
        self,
        index: int,
        station: SwingConfig,
        recipe: RecipeConfig,
        limits: LimitsConfig,
        motion: TrackerConfig,
        *,
        mm_per_tick: float,
    ) -> None:
        """Start with the plate at rest.

        Args:
            index: of the station.
            station: place and times.
            recipe: margins and by-catch limit.
            limits: command lead.
            motion: how items move over the belt.
            mm_per_tick: belt scale.
        """
        self.index, self.station = index, station
        self._recipe, self._limits, self._motion = recipe, limits, motion
        self._mm_per_tick = mm_per_tick
        lamps = recipe.fractions[Fraction.MERCURY_LAMP].station
        self._takes_hazards = lamps == station.name
        self._given: list[EjectionCommand] = []

    @property
    def lead_ms(self) -> float:
        """From switching on to fully out."""
        return self.station.lead_ms

    def arrival(self, scene: BeltScene, ticks_per_s: float) -> Arrival:
        """Return when and where the scene's items pass the plate."""
        return predict_arrival(
            scene.states,
            tick=scene.tick,
            distance_mm=self.station.distance_mm,
            mm_per_tick=self._mm_per_tick,
            ticks_per_s=ticks_per_s,
            config=self._motion,
        )

    def plan(
        self, targets: Sequence[Target], ahead: BeltAhead, *, next_pulse_id: int
    ) -> StationPlan:
        """Plan the orders for some items, first come first served.

        Returns:
            One outcome per target and the new pulses.
        """
        why_not = refusal(ahead.status, self._limits)
        if why_not is not None:
            refused = Outcome(reason=why_not, pulses=())
            return StationPlan(outcomes={t.track_id: refused for t in targets}, planned=())
        outcomes: dict[int, Outcome] = {}
        planned: list[PlannedPulse] = []
        for target in sorted(targets, key=lambda t: float(ahead.arrival.tick[t.row])):
            order = self._order(target, ahead)
            if isinstance(order, DecisionReason):
                outcomes[target.track_id] = Outcome(reason=order, pulses=())
            elif isinstance(order, EjectionCommand):
                outcomes[target.track_id] = Outcome(reason=DecisionReason.TARGET, pulses=(order,))
            else:
                pulse = self._give(order, next_pulse_id + len(planned))
                outcomes[target.track_id] = Outcome(reason=DecisionReason.TARGET, pulses=(pulse,))
                planned.append(PlannedPulse(command=pulse, track_ids=(target.track_id,)))
        return StationPlan(outcomes=outcomes, planned=tuple(planned))

    def _give(self, order: _Order, pulse_id: int) -> EjectionCommand:
        pulse = EjectionCommand(
            pulse_id=pulse_id,
            station=self.index,
            valves=ValveSpan(first=0, last=0),
            open_tick=BeltTick(order.open_tick),
            close_tick=BeltTick(order.close_tick),
        )
        self._given.append(pulse)
        self._given.sort(key=lambda given: given.open_tick)
        return pulse

    def _order(self, target: Target, ahead: BeltAhead) -> _Order | EjectionCommand | DecisionReason:
        """Return a new order, an order already given that serves the item too, or why neither."""
        if not self._reaches(target.row, ahead):
            return DecisionReason.OFF_BAR
        needed = self._needed(target.row, ahead)
        for given in self._given:
            if given.open_tick <= needed.open_tick and needed.close_tick <= given.close_tick:
                return given
        earliest = self._earliest_tick(ahead.status)
        order = self._between_given(needed, ahead.status)
        if order is None or order.open_tick < earliest:
            late = needed.open_tick < earliest
            return DecisionReason.TOO_LATE if late else DecisionReason.STATION_BUSY
        return self._worth_it(target.row, order, ahead) or order

    def _reaches(self, row: int, ahead: BeltAhead) -> bool:
        station, x_mm = self.station, float(ahead.arrival.x_mm[row])
        return not isinstance(station, FlapConfig) or station.x_min_mm <= x_mm <= station.x_max_mm

    def _needed(self, row: int, ahead: BeltAhead) -> _Order:
        """Return from when to when the output is on for one item alone."""
        per_ms, arrival = self._ticks_per_ms(ahead.status), ahead.arrival
        half_tick = float(ahead.scene.extent_mm[1, row]) / 2 / self._mm_per_tick
        spread = _SIGMA * math.hypot(
            float(arrival.y_sd_mm[row]) / self._mm_per_tick, ahead.status.tick_sd
        )
        centre, recipe, station = float(arrival.tick[row]), self._recipe, self.station
        open_tick = centre - half_tick - spread - (station.lead_ms + recipe.lead_margin_ms) * per_ms
        close_tick = centre + half_tick + spread + recipe.trail_margin_ms * per_ms
        shortest = math.ceil(station.min_open_ms * per_ms) + 1
        first = math.floor(open_tick)
        return _Order(open_tick=first, close_tick=max(math.ceil(close_tick), first + shortest))

    def _between_given(self, needed: _Order, status: LineStatus) -> _Order | None:
        """Return the order that fits those given, held out where there is no time to return.

        None where the plate would be out for too long, or turned about on its way.
        """
        per_ms, station = self._ticks_per_ms(status), self.station
        back = math.ceil(station.return_ms * per_ms) + 1
        longest = int(station.max_open_ms * per_ms)
        # What joins onto an order still to come counts for how long the plate is out.
        forgotten = status.now_tick - longest - back
        self._given = [g for g in self._given if g.close_tick > forgotten]
        first, last = needed.open_tick, needed.close_tick
        before = max((g.close_tick for g in self._given if g.open_tick <= first), default=None)
        after = min((g.open_tick for g in self._given if g.open_tick > first), default=None)
        if before is not None and first < before + back:
            first = before
        if after is not None and last + back > after:
            last = after
        shortest = math.ceil(station.min_open_ms * per_ms) + 1
        if last - first < shortest:
            if after is not None and first + shortest + back > after:
                return None
            last = first + shortest
        longest = int(station.max_open_ms * per_ms)
        return (
            None
            if self._out_for(first, last) > longest
            else _Order(open_tick=first, close_tick=last)
        )

    def _out_for(self, first: int, last: int) -> int:
        """Return for how many ticks the output would be on without a pause, this order included."""
        for given in reversed(self._given):
            if given.close_tick == first:
                first = given.open_tick
        for given in self._given:
            if given.open_tick == last:
                last = given.close_tick
        return last - first

    def _worth_it(self, row: int, order: _Order, ahead: BeltAhead) -> DecisionReason | None:
        """Return why the order must not be given for what it takes along, or None."""
        taken = self._taken(order, ahead)
        suspects = ahead.suspects[ahead.suspects != row]
        if not self._takes_hazards and np.any(
            (taken[suspects] > _LEAST_TAKEN) & (ahead.foreign[suspects] > 0.0)
        ):
            return DecisionReason.NEAR_HAZARD
        mass_g = ahead.scene.mass_g
        by_catch_g = float(taken @ (ahead.foreign * mass_g)) - float(
            taken[row] * ahead.foreign[row] * mass_g[row]
        )
        worth_it = by_catch_g <= self._recipe.max_by_catch_ratio * float(mass_g[row])
        return None if worth_it else DecisionReason.BY_CATCH

    def _taken(self, order: _Order, ahead: BeltAhead) -> Float64Array:
        """Return (n,) probability that the plate takes each item under an order.

        An item goes where its middle goes; the plate turns it aside from half way out on.
        """
        per_ms, station, arrival = self._ticks_per_ms(ahead.status), self.station, ahead.arrival
        sd = np.maximum(np.hypot(arrival.y_sd_mm / self._mm_per_tick, ahead.status.tick_sd), 1e-3)
        from_tick = order.open_tick + station.lead_ms / 2 * per_ms
        until_tick = order.close_tick + station.return_ms / 2 * per_ms
        taken = ndtr((until_tick - arrival.tick) / sd) - ndtr((from_tick - arrival.tick) / sd)
        if isinstance(station, FlapConfig):
            x_sd = np.maximum(arrival.x_sd_mm, 0.1)
            taken = taken * (
                ndtr((station.x_max_mm - arrival.x_mm) / x_sd)
                - ndtr((station.x_min_mm - arrival.x_mm) / x_sd)
            )
        return np.asarray(taken, dtype=np.float64)

    def _earliest_tick(self, status: LineStatus) -> int:
        lead_tick = self._limits.command_lead_ms * self._ticks_per_ms(status)
        return math.ceil(status.now_tick + lead_tick)

    @staticmethod
    def _ticks_per_ms(status: LineStatus) -> float:
        return max(status.ticks_per_s, 0.0) / 1000.0
