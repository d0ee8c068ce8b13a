"""Builds the core of a line from its configuration and calibration."""

from collections.abc import Sequence

from calibration.line_calibration import LineCalibration
from controller.config import LimitsConfig, RecipeConfig
from controller.core import LineCore
from controller.health import HealthMonitor
from controller.ledger import ItemLedger
from controller.line_facts import LineFacts
from controller.packml import PackmlMachine
from controller.pipeline import SortingPipeline
from controller.ports import LinePipeline
from controller.stations import StationConfig
from plc.clock_fit import ClockFit
from vision.tracker_config import TrackerConfig


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
    pipeline: LinePipeline | None = None,
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
        pipeline: another one than the line's own, for comparison; None builds that.

    Raises:
        ValueError: the recipe names a station that the line does not have.
    """
    measured = tuple(station.as_measured(calibration.stations) for station in stations)
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
        ),
        machine=PackmlMachine(holds_without_frames=limits.belt_on_camera_loss == "stop"),
        health=HealthMonitor(limits, stall_after_ms=stall_after_ms),
        ledger=ItemLedger(
            session_id=session_id,
            bundle_id=bundle_id,
            station_count=len(stations),
            confirm_timeout_ms=limits.confirm_timeout_ms,
        ),
        facts=LineFacts(stall_after_ms=stall_after_ms, clock_fit=ClockFit()),
        mm_per_tick=calibration.travel.mm_per_tick,
        camera_delay_ms=calibration.camera_delay_ms,
    )
