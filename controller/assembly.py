"""Builds the core of a line from its configuration and calibration."""

from collections.abc import Mapping, Sequence
from typing import Final

from calibration.line_calibration import LineCalibration
from controller.belt_watch import BeltWatch
from controller.config import LimitsConfig, RecipeConfig
from controller.core import LineCore
from controller.delay_watch import DelayWatch
from controller.downstream_look import DownstreamFollower
from controller.health import HealthMonitor
from controller.ledger import ItemLedger
from controller.line_facts import LineFacts
from controller.miss_watch import MissRules, MissWatch
from controller.packml import PackmlMachine
from controller.pipeline import SortingPipeline
from controller.ports import LinePipeline
from controller.purity.keeper import PurityKeeper
from controller.slow_pick import SlowPick
from controller.stations import BeltRequestConfig, JetBarConfig, StationConfig
from controller.valve_care import ValveCare
from controller.valve_wear import BarCount, ValveWear
from controller.valves_config import ValvesConfig
from plc.clock_fit import ClockFit
from vision.mass_law import read_mass_law
from vision.tracker_config import TrackerConfig

_ENDLESS: Final = 10**18
"""Rated cycles of valves of which nothing is said."""


def build_core(
    *,
    session_id: str,
    bundle_id: str,
    calibration: LineCalibration,
    stations: Sequence[StationConfig],
    recipe: RecipeConfig,
    limits: LimitsConfig,
    tracker: TrackerConfig,
    stall_after_ms: float,
    more_cameras: Sequence[LineCalibration] = (),
    pipeline: LinePipeline | None = None,
    valves: ValvesConfig | None = None,
    worn: Mapping[str, BarCount] | None = None,
    downstream: LineCalibration | None = None,
    trigger_lead_ms: float = 0.0,
) -> LineCore:
    """Return a core in STOPPED with an empty belt.

    Args:
        session_id: of this run, written into every record.
        bundle_id: model bundle that names the items, written into every record.
        calibration: of the camera and the belt.
        stations: jet bars in order downstream; those that the calibration measured are where it
            found them.
        recipe: what to do with which fraction.
        limits: freshness and trust limits.
        tracker: tracker settings.
        stall_after_ms: camera silence after which the line is held and the alarm stands; pulses
            are refused far earlier, by `limits.max_frame_age_ms`.
        more_cameras: calibrations of the cameras beside or behind the first one.
        pipeline: another one than the line's own, for comparison; None builds that.
        valves: what valves are rated and judged by; None takes no evidence and knows no life.
        worn: counts of former sessions by station.
        downstream: calibration of the camera that looks behind the bars, None without one.
        trigger_lead_ms: from a camera trigger's edge to the middle of the exposure.

    Raises:
        calibration.mass_model.MassModelError: the tracker's mass model cannot be used.
        ValueError: the recipe names a station that the line does not have.
    """
    measured = tuple(station.as_measured(calibration.stations) for station in stations)
    masses = read_mass_law(tracker.mass_model)
    return LineCore(
        session_id=session_id,
        bundle_id=bundle_id,
        pipeline=pipeline
        or SortingPipeline(
            calibration=calibration,
            stations=measured,
            recipe=recipe,
            limits=limits,
            tracker=tracker,
            more_cameras=more_cameras,
            masses=masses,
        ),
        machine=PackmlMachine(holds_without_frames=limits.belt_on_camera_loss == "stop"),
        health=HealthMonitor(limits, stall_after_ms=stall_after_ms),
        ledger=ItemLedger(
            session_id=session_id,
            bundle_id=bundle_id,
            station_count=len(stations),
            confirm_timeout_ms=limits.confirm_timeout_ms,
            mass_model=masses.version,
        ),
        slow_pick=SlowPick(
            place_mm=next(
                (s.distance_mm for s in stations if isinstance(s, BeltRequestConfig)), None
            ),
            mm_per_tick=calibration.travel.mm_per_tick,
        ),
        purity=PurityKeeper(recipe, stations),
        valves=_valve_care(
            calibration,
            measured,
            valves,
            worn,
            None if downstream is None else DownstreamFollower(downstream, tracker),
        ),
        facts=LineFacts(
            stall_after_ms=stall_after_ms,
            clock_fit=ClockFit(),
            belt_watch=BeltWatch(mm_per_tick=calibration.travel.mm_per_tick),
            delays=DelayWatch(
                {i: s.name for i, s in enumerate(stations) if isinstance(s, JetBarConfig)},
                mm_per_tick=calibration.travel.mm_per_tick,
            ),
            trigger_lead_ms=trigger_lead_ms,
        ),
        mm_per_tick=calibration.travel.mm_per_tick,
        belt_width_mm=calibration.belt_width_mm,
        camera_delay_ms=calibration.camera_delay_ms,
    )


def _valve_care(
    calibration: LineCalibration,
    stations: Sequence[StationConfig],
    valves: ValvesConfig | None,
    worn: Mapping[str, BarCount] | None,
    follower: DownstreamFollower | None,
) -> ValveCare:
    misses: MissWatch | None = None
    if valves is not None and follower is not None:
        rules = MissRules(
            usual_miss_share=valves.usual_miss_share,
            bad_miss_share=valves.bad_miss_share,
            false_alarm=valves.miss_false_alarm,
        )
        misses = MissWatch(
            stations,
            rules,
            mm_per_tick=calibration.travel.mm_per_tick,
            eye_mm=follower.end_mm,
        )
    rated = _ENDLESS if valves is None else valves.rated_cycles
    return ValveCare(
        stations,
        wear=ValveWear(stations, rated_cycles=rated, since_new=worn),
        misses=misses,
        tested=calibration.bars,
        warn_share=1.0 if valves is None else valves.warn_share,
        follower=follower,
    )
