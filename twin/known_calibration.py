"""What a line on the twin sorts with: the twin's own geometry, or a calibration kept in a file."""

from calibration.line_calibration import LineCalibration
from controller.config_report import UsageError
from controller.line_calibrations import load_calibration
from controller.line_file import LineFile, MeasuredCalibration, TwinCalibration
from twin.config import TwinConfig
from twin.viewpoint import true_calibration


def known_calibration(line: LineFile, twin: TwinConfig) -> LineCalibration:
    """Return what the line believes of the twin; the twin itself stays as it truly is.

    Of a kept calibration the twin takes the scale only: its encoder is what was measured.

    Raises:
        CalibrationError: the file is missing, altered, or of another camera, belt or image size.
        UsageError: the line is nominal, or keeps one calibration for several cameras.
    """
    config, camera = line.calibration, twin.camera
    if isinstance(config, TwinCalibration):
        return true_calibration(twin, mm_per_tick=config.mm_per_tick)
    if not isinstance(config, MeasuredCalibration):
        msg = 'the twin needs calibration.kind "twin" (its own geometry) or "file" (a kept one)'
        raise UsageError(msg)
    if camera.count > 1:
        msg = f'calibration.kind "file" holds one camera, this twin has {camera.count}; use "twin"'
        raise UsageError(msg)
    return load_calibration(line, (camera.height_px, camera.width_px))
