"""The check command: a line file against the files it names and its latency budget."""

import argparse
import sys

from rich.console import Console

from calibration import line_calibration
from calibration.line_calibration import LineCalibration
from controller.line_check import check_bundle, check_paths
from controller.line_file import LineFile, MeasuredCalibration, TwinCalibration, budgets
from twin.config import TwinConfig
from twin.viewpoint import true_calibration
from twin.whole_line import add_line_argument, load_line
from vision.bundle import load_bundle
from vision.factory import open_detector

add_arguments = add_line_argument


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Check a line file, its bundle and its latency budget; start nothing.

    Returns:
        0.

    Raises:
        ConfigError: the line file, a file that it names, or a budget is at fault.
        CalibrationError: the calibration file cannot be used.
        vision.errors.VisionError: the bundle cannot be used.
    """
    whole = load_line(arguments.line)
    for words in budgets_of(whole.line, whole.twin):
        sys.stdout.write(words + "\n")
    console.print(f"{whole.path}: in order")
    return 0


def budgets_of(line: LineFile, twin: TwinConfig) -> tuple[str, ...]:
    """Check everything that can be checked without a camera or a PLC.

    Returns:
        The latency budget of each station, in words.

    Raises:
        ConfigError: a file is missing, the bundle does not fit, or a budget is overdrawn.
        CalibrationError: the calibration file cannot be used.
        vision.errors.VisionError: the bundle cannot be used.
    """
    check_paths(line)
    check_bundle(line)
    calibration = _calibration_on_file(line, twin)
    if calibration is None:
        load_bundle(line.detector.bundle)
        return ("latency budget: not checked, a nominal calibration needs the camera's image size",)
    plane = calibration.plane
    open_detector(line.detector, (plane.image_height_px, plane.image_width_px))
    return tuple(f"{budget.arithmetic} to spare" for budget in budgets(line, calibration))


def _calibration_on_file(line: LineFile, twin: TwinConfig) -> LineCalibration | None:
    """Return the calibration as far as it is known without a camera."""
    config = line.calibration
    if isinstance(config, TwinCalibration):
        return true_calibration(twin, mm_per_tick=config.mm_per_tick)
    if isinstance(config, MeasuredCalibration):
        return line_calibration.load(
            config.path, camera_id=line.camera.camera_id, belt_id=line.line.belt_id
        )
    return None
