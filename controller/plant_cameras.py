"""A plant's cameras: opened once to see what they deliver, then set in a row."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from calibration.clock import Clock
from calibration.line_calibration import LineCalibration
from controller.camera_row import CameraRow, RowSeat
from controller.config_report import UsageError
from controller.downstream_camera import DownstreamCamera
from controller.latency_budget import pairing_ms
from controller.line_calibrations import load_calibrations, load_downstream
from controller.line_file import LineFile, MeasuredCalibration
from vision.cameras.recorded import CommonStart, RecordedCamera
from vision.config import CameraConfig
from vision.factory import open_camera, open_detector
from vision.ports import Camera
from vision.source import parse_source

FIRST_FRAME_S: Final = 15.0
"""A network camera may take this long to deliver its first frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCameras:
    """The cameras of a run and how they look at the belt; one calibration for each.

    Attributes:
        cameras: closed; the run opens them.
        calibrations: in the same order.
        downstream: the camera behind the bars, closed, and its calibration; None without one.
    """

    cameras: tuple[Camera, ...]
    calibrations: tuple[LineCalibration, ...]
    downstream: tuple[Camera, LineCalibration] | None = None

    @property
    def recorded(self) -> bool:
        """Whether the first is a recording: it does not show the belt that the encoder counts."""
        return isinstance(self.cameras[0], RecordedCamera)

    def row(self, line: LineFile, clock: Clock) -> CameraRow:
        """Return the cameras in a row, not yet started."""
        seats = [
            RowSeat(
                camera=camera,
                stall_after_ms=config.stall_after_ms,
                delay_ms=calibration.camera_delay_ms,
            )
            for camera, config, calibration in zip(
                self.cameras, line.cameras, self.calibrations, strict=True
            )
        ]
        return CameraRow(seats, clock=clock, patience_ms=pairing_ms(line.cameras, line.limits))

    def behind(self, line: LineFile, clock: Clock) -> DownstreamCamera | None:
        """Return the camera behind the bars with a detector of its own, not yet started.

        Raises:
            vision.errors.VisionError: the bundle cannot be used.
        """
        config = line.downstream_camera
        if self.downstream is None or config is None:
            return None
        camera, calibration = self.downstream
        return DownstreamCamera(
            camera=camera,
            detector=open_detector(line.detector, calibration.plane.image_shape),
            calibration=calibration,
            clock=clock,
            stall_after_ms=config.stall_after_ms,
        )


def cameras_of(line: LineFile, source: str | None, clock: Clock) -> LineCameras:
    """Open every camera, take one frame of each for its size, and close it again.

    Args:
        line: the checked line file.
        source: another camera than the line's only one, as `--source` names it, or None; nobody
            looks behind the bars then.
        clock: of the cameras.

    Raises:
        UsageError: another source was named for a line of several cameras.
        vision.errors.VisionError: a camera cannot be opened or shows nothing.
        CalibrationError: a calibration cannot be used with its camera.
        ConfigError: the calibration is the twin's.
    """
    configs = _configs(line, source)
    shapes = [_shape(open_camera(config, clock)) for config in configs]
    # Frames of one number were taken at one instant: recordings start as one.
    together = CommonStart()
    calibrations = load_calibrations(line, shapes)
    behind = line.downstream_camera if source is None else None
    downstream: tuple[Camera, LineCalibration] | None = None
    if behind is not None:
        # With a kept calibration nothing is asked of it now: the line starts without it too.
        kept = isinstance(line.calibration, MeasuredCalibration)
        shape = None if kept else _shape(open_camera(behind, clock))
        found = load_downstream(line, shape, calibrations[0])
        downstream = (open_camera(behind, clock, together=together), found)
    return LineCameras(
        cameras=tuple(open_camera(config, clock, together=together) for config in configs),
        calibrations=calibrations,
        downstream=downstream,
    )


def _configs(line: LineFile, source: str | None) -> Sequence[CameraConfig]:
    if source is None:
        _refuse_twins(line)
        return line.cameras
    if line.more_cameras:
        msg = (
            f"--source: the line has {len(line.cameras)} cameras and this names one; name others "
            "in the line file's [[cameras]]"
        )
        raise UsageError(msg)
    return [parse_source(source, line.camera)]


def _refuse_twins(line: LineFile) -> None:
    """Raise where a camera is the simulated plant's, with what runs such a line."""
    twins = [config.camera_id for config in line.cameras if config.source == "twin"]
    if not twins:
        return
    named = ", ".join(twins)
    if line.more_cameras:
        msg = (
            f"cameras {named}: source twin is the simulated plant's, which has one camera in real "
            "time; run this line in virtual time by `run_line.py simulate LINE.toml`, or name the "
            "plant's cameras in [[cameras]]"
        )
    else:
        msg = (
            f"camera {named}: source twin is the simulated plant's; use demo, or `run LINE.toml "
            "--source twin`, or name the plant's camera in [camera] or by --source"
        )
    raise UsageError(msg)


def _shape(camera: Camera) -> tuple[int, int]:
    with closing(camera):
        camera.open()
        height_px, width_px = camera.read(FIRST_FRAME_S).image.shape[:2]
    return height_px, width_px
