"""The check command: a line file against the files it names and its latency budget."""

import argparse
import sys

from rich.console import Console

from calibration import line_calibration
from calibration.line_calibration import LineCalibration
from controller.line_calibrations import on_one_scale
from controller.line_check import check_bundle, check_paths
from controller.line_file import LineFile, MeasuredCalibration, TwinCalibration, budgets
from twin.config import TwinConfig
from twin.viewpoint import true_calibration
from twin.whole_line import add_line_argument, load_line
from vision.bundle import load_bundle
from vision.factory import open_detector
from vision.fusion import whole_view

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
    calibrations = _calibrations_on_file(line, twin)
    if not calibrations:
        load_bundle(line.detector.bundle)
        return ("latency budget: not checked, a nominal calibration needs the camera's image size",)
    for calibration in calibrations:
        open_detector(line.detector, calibration.plane.image_shape)
    whole = whole_view(calibrations)
    return tuple(f"{budget.arithmetic} to spare" for budget in budgets(line, whole))


def _calibrations_on_file(line: LineFile, twin: TwinConfig) -> tuple[LineCalibration, ...]:
    """Return each camera's calibration as far as they are known without a camera, else none."""
    config = line.calibration
    if isinstance(config, TwinCalibration):
        return tuple(
            true_calibration(twin, mm_per_tick=config.mm_per_tick, index=index)
            for index in range(twin.camera.count)
        )
    if isinstance(config, MeasuredCalibration):
        return on_one_scale(
            [
                line_calibration.load(path, camera_id=c.camera_id, belt_id=line.line.belt_id)
                for path, c in zip(config.paths, line.cameras, strict=True)
            ]
        )
    return ()
