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


def load_downstream(
    line: LineFile, image_shape: tuple[int, int] | None, first: LineCalibration
) -> LineCalibration:
    """Return the calibration of the camera behind the bars, upon the first camera's scale.

    Args:
        line: the checked line file; it has such a camera.
        image_shape: (height, width) px of its images; None takes a kept calibration's word for
            it, and the camera need not be there yet.
        first: calibration of the first camera.

    Raises:
        CalibrationError: as `load_calibrations`, or the view is not where the line file says.
        ConfigError: the line has the twin's calibration.
    """
    config, index, camera = line.calibration, len(line.cameras), line.downstream_camera
    if image_shape is not None:
        found = _calibration_of(line, index, image_shape)
    elif isinstance(config, MeasuredCalibration) and camera is not None:
        found = _loaded(line, config, index, camera.camera_id)
    else:
        msg = f"calibration.kind {config.kind!r} needs the camera's image size"
        raise ValueError(msg)
    place_mm = downstream_place_mm(line)
    if not found.view_s_min_mm < place_mm < found.view_s_max_mm:
        msg = (
            f"camera {found.camera_id!r}: its calibration sees {found.view_s_min_mm:.0f} to "
            f"{found.view_s_max_mm:.0f} mm along the belt, valves.downstream_mm is {place_mm:g}; "
            "measure its place from the sorting camera's reference line"
        )
        raise CalibrationError(msg)
    _, behind = on_one_scale([first, found])
    return behind


def downstream_place_mm(line: LineFile) -> float:
    """Return where the downstream camera looks, machine frame.

    Raises:
        ValueError: the line file does not say, as a checked one with such a camera does.
    """
    place_mm = None if line.valves is None else line.valves.downstream_mm
    if place_mm is None:
        msg = "the line file does not say where its downstream camera looks"
        raise ValueError(msg)
    return place_mm


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
    behind = line.downstream_camera
    camera = line.cameras[index] if behind is None else (*line.cameras, behind)[index]
    config = line.calibration
    if isinstance(config, NominalCalibration):
        if index == len(line.cameras):
            return _nominal_downstream(line, config, camera.camera_id, image_shape)
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


def _nominal_downstream(
    line: LineFile, config: NominalCalibration, camera_id: str, image_shape: tuple[int, int]
) -> LineCalibration:
    """Return an ideal camera's calibration that sees the whole belt behind the bars."""
    return nominal_calibration(
        camera_id=camera_id,
        belt_id=line.line.belt_id,
        image_width_px=image_shape[1],
        image_height_px=image_shape[0],
        belt_width_mm=config.belt_width_mm,
        mm_per_tick=config.mm_per_tick,
        middle_mm=downstream_place_mm(line),
    )


def _measured(
    line: LineFile,
    config: MeasuredCalibration,
    index: int,
    image_shape: tuple[int, int],
    camera_id: str,
) -> LineCalibration:
    path, (height_px, width_px) = config.paths[index], image_shape
    calibration = _loaded(line, config, index, camera_id)
    plane = calibration.plane
    if (plane.image_height_px, plane.image_width_px) != image_shape:
        msg = (
            f"{path}: taken at {plane.image_width_px}x{plane.image_height_px} px, the "
            f"camera delivers {width_px}x{height_px}; set the camera back or calibrate again"
        )
        raise CalibrationError(msg)
    return calibration


def _loaded(
    line: LineFile, config: MeasuredCalibration, index: int, camera_id: str
) -> LineCalibration:
    path = config.paths[index]
    return line_calibration.load(path, camera_id=camera_id, belt_id=line.line.belt_id)
