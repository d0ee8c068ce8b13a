"""What can be examined with everything standing: files, budgets, calibration, computer."""

from datetime import UTC, datetime
from typing import Final

import numpy as np

from calibration.clock import Clock, seconds_between
from calibration.errors import CalibrationError
from calibration.kept.record import CalibrationRecord
from calibration.kept.store import CalibrationStore
from calibration.line_calibration import LineCalibration
from controller.config_report import ConfigError
from controller.doctor.host import check_processor
from controller.doctor.verdict import Check, failed, passed, warned
from controller.line_check import check_bundle
from controller.line_file import LineFile, budgets
from controller.stations import JetBarConfig
from vision.errors import VisionError
from vision.factory import open_detector

_FRAMES: Final = 12
_OLD_DAYS: Final = 180
_TIGHT_MS: Final = 10.0


def examine_bundle(
    line: LineFile, image_shape: tuple[int, int], clock: Clock
) -> tuple[Check, Check]:
    """Load the model bundle and time it on this computer.

    Args:
        line: the line file.
        image_shape: (height, width) px of the camera's images.
        clock: times.
    """
    try:
        check_bundle(line)
        detector = open_detector(line.detector, image_shape)
        image = np.random.default_rng(1).integers(0, 255, (*image_shape, 3), dtype=np.uint8)
        times_ms = []
        for _ in range(_FRAMES):
            begun_ns = clock.now_ns()
            detector.detect(image)
            times_ms.append(1000.0 * seconds_between(begun_ns, clock.now_ns()))
    except (VisionError, ConfigError) as error:
        words = "; ".join(error.problems) if isinstance(error, ConfigError) else str(error)
        return (
            failed("bundle", words, "name another detector.bundle, or export the model again"),
            warned("processor", "not measured: there is no detector", "mend the bundle first"),
        )
    processor = check_processor(
        # The first image pays for what is set up once.
        inference_ms=float(np.percentile(times_ms[2:], 95)),
        inference_limit_ms=line.limits.inference_ms,
        frame_period_ms=line.limits.frame_period_ms,
    )
    return passed("bundle", detector.bundle_id), processor


def examine_budget(line: LineFile, calibration: LineCalibration | None) -> Check:
    """Look whether an item can be decided upon before it has passed the first bar."""
    if calibration is None:
        return warned("latency", "not known without a calibration", "calibrate the line")
    try:
        found = budgets(line, calibration)
    except ConfigError as error:
        remedy = "move the bar downstream, slow the belt, or shorten the steps"
        return failed("latency", "; ".join(error.problems), remedy)
    tightest = min(found, key=lambda budget: budget.slack_ms)
    words = f"{tightest.slack_ms:.1f} ms to spare at station {tightest.station}"
    if tightest.slack_ms < _TIGHT_MS:
        return warned("latency", words, "leave more way between view and bar, or slow the belt")
    return passed("latency", words)


def examine_calibration(
    store: CalibrationStore, *, at_utc: datetime, part: str, remedy: str
) -> tuple[Check, CalibrationRecord | None]:
    """Read the calibration in force and judge its age and residuals.

    Args:
        store: of the camera.
        at_utc: the present.
        part: what the check is called.
        remedy: how a calibration is made.
    """
    try:
        record = store.current()
    except CalibrationError as error:
        return failed(part, str(error), remedy), None
    if record is None:
        words = f"none is kept in {store.folder}"
        return failed(part, words, remedy), None
    origin = record.provenance
    age_days = (at_utc - origin.measured_at_utc).days
    words = (
        f"by {origin.measured_by} {age_days} days ago, {record.calibration.residual_mm:.2f} mm "
        "residual"
    )
    if age_days > _OLD_DAYS:
        return warned(part, words, f"check it; {remedy}"), record
    return passed(part, words), record


def examine_bars(line: LineFile, calibration: LineCalibration | None) -> Check:
    """Look whether the bars reach over the belt and were measured."""
    bars = [station for station in line.stations if isinstance(station, JetBarConfig)]
    if calibration is None or not bars:
        return warned("bars", "not compared with a calibration", "calibrate the line")
    measured = {station.name for station in calibration.stations}
    missing = [bar.name for bar in bars if bar.name not in measured]
    short = [
        bar.name
        for bar in (b.as_measured(calibration.stations) for b in bars)
        if bar.first_valve_x_mm > bar.valve_pitch_mm
        or bar.first_valve_x_mm + bar.valve_pitch_mm * bar.valve_count
        < calibration.belt_width_mm - bar.valve_pitch_mm
    ]
    if missing:
        words = f"{', '.join(missing)} not measured: where the line file says"
        return warned("bars", words, "calibrate the valves: run_line.py calibrate LINE.toml valves")
    if short:
        words = f"{', '.join(short)} do not reach over the belt's whole width"
        return warned("bars", words, "items at that edge are never hit; guide them inwards")
    return passed("bars", f"{len(bars)} measured")


def now_utc() -> datetime:
    """Return the wall clock, which only people and records care for."""
    return datetime.now(UTC)
