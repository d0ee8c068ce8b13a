"""All stations that act on items, in order downstream: who plans what, and by when at latest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.line_calibration import LineCalibration
from controller.config import LimitsConfig, RecipeConfig
from controller.hazard import HazardWatch
from controller.planner import Outcome, StationPlan, StationPlanner, Target
from controller.policy import NO_STATION, SortPolicy, Wishes
from controller.stations import BeltRequestConfig, JetBarConfig, StationConfig, SwingConfig
from controller.step import HazardConflict, LineStatus, PlannedPulse
from controller.surroundings import Surroundings
from controller.swing_planner import BeltAhead, SwingPlanner
from vision.tracker_config import TrackerConfig
from vision.tracking.scene import BeltScene

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltNow:
    """The belt in one step, as every station sees it.

    Attributes:
        scene: what lies on it.
        wishes: what the recipe wants with each item.
        stations: (n,) where each item will leave: as decided, else as wished.
        suspects: rows that no jet may come near.
        status: the line now.
    """

    scene: BeltScene
    wishes: Wishes
    stations: IntArray
    suspects: IntArray
    status: LineStatus


class PlannerRow:
    """The planners of a line. One thread; pure but for the pulses they remember."""

    def __init__(
        self,
        *,
        calibration: LineCalibration,
        stations: Sequence[StationConfig],
        recipe: RecipeConfig,
        limits: LimitsConfig,
        tracker: TrackerConfig,
        policy: SortPolicy,
    ) -> None:
        """Start with every valve and plate at rest.

        Args:
            calibration: of the line; its valve tests are aimed with.
            stations: in order downstream; their index is the station number.
            recipe: margins and limits.
            limits: command lead.
            tracker: how items move over the belt.
            policy: who is wanted where.

        Raises:
            ValueError: a valve test does not fit its bar.
        """
        self._recipe, self._limits, self._policy = recipe, limits, policy
        self._mm_per_tick = calibration.travel.mm_per_tick
        self._planners: tuple[StationPlanner | SwingPlanner, ...] = tuple(
            _planner(index, station, recipe, limits, tracker, calibration)
            for index, station in enumerate(stations)
            if not isinstance(station, BeltRequestConfig)
        )
        self._next_pulse_id = 1

    def latest_s_mm(self, status: LineStatus, period_ms: float) -> float:
        """Return where an item's leading edge may be at the latest when it is decided.

        Args:
            status: the line now.
            period_ms: time until the next frame.
        """
        mm_per_ms = max(status.ticks_per_s, 0.0) * self._mm_per_tick / 1000.0
        common_ms = (
            self._recipe.lead_margin_ms
            + self._limits.command_lead_ms
            + max(status.frame_age_ms, 0.0)
            + period_ms
        )
        return min(
            (p.station.distance_mm - (common_ms + p.lead_ms) * mm_per_ms for p in self._planners),
            default=np.inf,
        )

    def conflicts(
        self, watch: HazardWatch, scene: BeltScene, suspects: IntArray, status: LineStatus
    ) -> tuple[HazardConflict, ...]:
        """Return jet pulses already sent that come too near a suspect."""
        if not len(suspects):
            return ()
        found: list[HazardConflict] = []
        for planner in self._planners:
            if not isinstance(planner, StationPlanner):
                continue
            pulses = planner.sent_after(status.now_tick)
            if pulses:
                timing = planner.timing(status.ticks_per_s, _silent(planner, status))
                arrival = planner.arrival(scene, status.ticks_per_s)
                found += watch.conflicts(pulses, timing, arrival, scene, suspects)
        return tuple(found)

    def plan(
        self, due: Sequence[int], belt: BeltNow
    ) -> tuple[Mapping[int, Outcome], tuple[PlannedPulse, ...]]:
        """Plan for the items that are due, each at the station that it is for.

        Returns:
            An outcome for each item that is for a station, by track id, and the new pulses.
        """
        outcomes: dict[int, Outcome] = {}
        planned: list[PlannedPulse] = []
        for planner in self._planners:
            targets = [
                Target(
                    row=row,
                    track_id=int(belt.scene.track_id[row]),
                    gentle=self._policy.diverts(int(belt.wishes.fraction[row])),
                )
                for row in due
                if belt.stations[row] == planner.index
            ]
            if targets:
                plan = self._plan_at(planner, targets, belt)
                self._next_pulse_id += len(plan.planned)
                outcomes.update(plan.outcomes)
                planned += plan.planned
        return outcomes, tuple(planned)

    def _plan_at(
        self, planner: StationPlanner | SwingPlanner, targets: Sequence[Target], belt: BeltNow
    ) -> StationPlan:
        status, scene = belt.status, belt.scene
        arrival = planner.arrival(scene, status.ticks_per_s)
        foreign = self._foreign(planner.index, belt)
        if isinstance(planner, SwingPlanner):
            ahead = BeltAhead(
                scene=scene,
                arrival=arrival,
                foreign=foreign,
                suspects=belt.suspects,
                status=status,
            )
            return planner.plan(targets, ahead, next_pulse_id=self._next_pulse_id)
        around = Surroundings(
            timing=planner.timing(status.ticks_per_s, _silent(planner, status)),
            scene=scene,
            arrival=arrival,
            foreign=foreign,
            suspects=belt.suspects,
            status=status,
        )
        return planner.plan(targets, around, next_pulse_id=self._next_pulse_id)

    def _foreign(self, station: int, belt: BeltNow) -> Float64Array:
        """Return (n,) what a gram of each item passing a station costs when it leaves there."""
        cost = self._policy.cost_at_station(belt.scene.posterior, station, belt.status.prices)
        passing = (belt.stations == NO_STATION) | (belt.stations > station)
        return np.where(passing, cost, 0.0)


def _silent(planner: StationPlanner, status: LineStatus) -> frozenset[int]:
    return frozenset(valve for station, valve in status.silent if station == planner.index)


def _planner(
    index: int,
    station: JetBarConfig | SwingConfig,
    recipe: RecipeConfig,
    limits: LimitsConfig,
    tracker: TrackerConfig,
    calibration: LineCalibration,
) -> StationPlanner | SwingPlanner:
    mm_per_tick = calibration.travel.mm_per_tick
    if isinstance(station, JetBarConfig):
        return StationPlanner(
            index,
            station,
            recipe,
            limits,
            tracker,
            mm_per_tick=mm_per_tick,
            response=calibration.bar(station.name),
        )
    return SwingPlanner(index, station, recipe, limits, tracker, mm_per_tick=mm_per_tick)
