"""The calibrations of a line's cameras: loaded from its files, or from a tape measure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from calibration import line_calibration
from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from calibration.nominal import nominal_calibration
from controller.config_report import ConfigError
from controller.line_file import (
    LineFile,
    MeasuredCalibration,
    NominalCalibration,
    TwinCalibration,
)

SCALE_SHARE: Final = 0.005
"""Two cameras' words on one encoder may differ by this share, as the scale's own alarm allows
(`controller/belt_watch.py`); more means that one of them is of another belt or wheel."""


def load_calibration(line: LineFile, image_shape: tuple[int, int]) -> LineCalibration:
    """Return the calibration of a line's first camera as if it were the only one.

    Args:
        line: the checked line file.
        image_shape: (height, width) px of the camera's images.

    Raises:
        CalibrationError: the file is missing, altered, of another camera, belt or image size.
        ConfigError: the line has the twin's calibration, which no real camera has.
    """
    return _calibration_of(line.model_copy(update={"more_cameras": ()}), 0, image_shape)


def load_calibrations(
    line: LineFile, image_shapes: Sequence[tuple[int, int]]
) -> tuple[LineCalibration, ...]:
    """Return the calibrations of all cameras, in their order, upon one scale of the encoder.

    The first camera's belt travel per tick is taken for all: belt coordinates of two scales would
    drift apart with every metre.

    Args:
        line: the checked line file.
        image_shapes: (height, width) px of each camera's images.

    Raises:
        CalibrationError: as `load_calibration`, or two files contradict each other's scale.
        ConfigError: the line has the twin's calibration.
    """
    return on_one_scale(
        [_calibration_of(line, index, shape) for index, shape in enumerate(image_shapes)]
    )


def on_one_scale(calibrations: Sequence[LineCalibration]) -> tuple[LineCalibration, ...]:
    """Return the calibrations with the first one's belt travel per tick.

    Raises:
        CalibrationError: another's differs by more than the share that a scale may be off.
    """
    travel = calibrations[0].travel
    for other in calibrations[1:]:
        if abs(other.travel.mm_per_tick / travel.mm_per_tick - 1) > SCALE_SHARE:
            msg = (
                f"camera {other.camera_id!r} was calibrated with "
                f"{other.travel.mm_per_tick:.4f} mm per tick, {calibrations[0].camera_id!r} with "
                f"{travel.mm_per_tick:.4f}; one encoder has one scale, calibrate the line again"
            )
            raise CalibrationError(msg)
    return tuple(replace(calibration, travel=travel) for calibration in calibrations)


def _calibration_of(line: LineFile, index: int, image_shape: tuple[int, int]) -> LineCalibration:
    config, camera = line.calibration, line.cameras[index]
    if isinstance(config, NominalCalibration):
        return _nominal(line, config, index, image_shape)
    if isinstance(config, TwinCalibration):
        msg = (
            'calibration.kind: "twin" goes with camera.source "twin" only; use "file" or "nominal"'
        )
        raise ConfigError([msg])
    return _measured(line, config, index, image_shape, camera.camera_id)


def _nominal(
    line: LineFile, config: NominalCalibration, index: int, image_shape: tuple[int, int]
) -> LineCalibration:
    """Return an ideal camera's calibration, its share of the belt filling its image."""
    count, (height_px, width_px) = len(line.cameras), image_shape
    seen_mm = (config.belt_width_mm + (count - 1) * config.overlap_mm) / count
    return nominal_calibration(
        camera_id=line.cameras[index].camera_id,
        belt_id=line.line.belt_id,
        image_width_px=width_px,
        image_height_px=height_px,
        belt_width_mm=config.belt_width_mm,
        mm_per_tick=config.mm_per_tick,
        seen_mm=seen_mm,
        left_mm=index * (seen_mm - config.overlap_mm),
    )


def _measured(
    line: LineFile,
    config: MeasuredCalibration,
    index: int,
    image_shape: tuple[int, int],
    camera_id: str,
) -> LineCalibration:
    path, (height_px, width_px) = config.paths[index], image_shape
    calibration = line_calibration.load(path, camera_id=camera_id, belt_id=line.line.belt_id)
    plane = calibration.plane
    if (plane.image_height_px, plane.image_width_px) != image_shape:
        msg = (
            f"{path}: taken at {plane.image_width_px}x{plane.image_height_px} px, the "
            f"camera delivers {width_px}x{height_px}; set the camera back or calibrate again"
        )
        raise CalibrationError(msg)
    return calibration
