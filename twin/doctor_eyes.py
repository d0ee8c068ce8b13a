"""The cameras that the doctor looks through: each opened by itself, and why one could not be."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from calibration import line_calibration
from calibration.clock import Clock
from calibration.errors import CalibrationError
from calibration.kept.store import CURRENT
from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_S
from controller.doctor.devices import check_camera
from controller.doctor.standing import examine_calibration, now_utc
from controller.doctor.verdict import Check, failed, passed, warned
from controller.line_calibrations import on_one_scale
from controller.line_file import MeasuredCalibration, TwinCalibration
from twin.calibrated_camera import camera_of
from twin.viewpoint import true_calibration
from twin.whole_line import WholeLine
from vision.capture import CaptureState, CaptureThread
from vision.config import CameraConfig
from vision.errors import CameraError, CameraTimeoutError, VisionError
from vision.factory import open_camera
from vision.types import CameraLosses, Frame

if TYPE_CHECKING:
    from vision.ports import Camera

_PATIENCE_S: Final = 15.0
"""A network camera may take this long to deliver its first frame."""
_LOST_S: Final = 3.0
"""A camera that reports an error for as long is not waited for."""
_STEP_S: Final = 0.25


class AbsentCamera:
    """Stands where a camera's driver or settings cannot even be loaded. See `Camera`."""

    def __init__(self, camera_id: str, reason: str) -> None:
        """Remember why.

        Args:
            camera_id: of the camera.
            reason: the driver's or the settings' error.
        """
        self.camera_id, self._reason = camera_id, reason

    def open(self) -> None:
        """Say why it cannot be."""
        raise CameraError(self._reason)

    def read(self, timeout_s: float) -> Frame:
        """Say why there is no frame."""
        msg = f"no frame within {timeout_s:g} s: {self._reason}"
        raise CameraError(msg)

    def losses(self) -> CameraLosses:
        """Return that nothing was lost."""
        return CameraLosses()

    def close(self) -> None:
        """Do nothing: nothing is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """A camera after the first one, with its capture thread running.

    Attributes:
        name: the camera's.
        capture: its thread.
    """

    name: str
    capture: CaptureThread


def camera_or_absent(config: CameraConfig, clock: Clock) -> "Camera":
    """Return a camera, or one that says why there is none."""
    try:
        return open_camera(config, clock)
    except VisionError as error:
        return AbsentCamera(config.camera_id, str(error))


def further_eyes(whole: WholeLine, clock: Clock, stack: ExitStack) -> tuple[Eye, ...]:
    """Start the cameras after the first; the stack stops them."""
    eyes = []
    for config in whole.line.more_cameras:
        capture = CaptureThread(
            camera=camera_or_absent(config, clock),
            clock=clock,
            stall_after_ms=config.stall_after_ms,
        )
        stack.callback(capture.stop)
        capture.start()
        eyes.append(Eye(name=config.camera_id, capture=capture))
    return tuple(eyes)


def check_eye(eye: Eye, calibration: LineCalibration | None, clock: Clock) -> tuple[Check, Check]:
    """Look through a camera after the first."""
    return check_camera(lambda: _glance(eye.capture, clock), calibration, name=eye.name)


def _glance(capture: CaptureThread, clock: Clock) -> npt.NDArray[np.uint8]:
    begun_ns = clock.now_ns()
    while (waited_s := (clock.now_ns() - begun_ns) / NS_PER_S) < _PATIENCE_S:
        try:
            return capture.latest(-1, _STEP_S).image
        except CameraTimeoutError:
            lost = capture.status().state is CaptureState.LOST
            if lost and waited_s > _LOST_S:
                break
    msg = f"the camera sends no frames ({capture.status().error or 'silent'})"
    raise CalibrationError(msg)


def examine_calibrations(
    whole: WholeLine,
) -> tuple[tuple[Check, ...], tuple[LineCalibration | None, ...]]:
    """Read the calibration of every camera, and whether all are upon one scale of the encoder."""
    config, cameras = whole.line.calibration, whole.line.cameras
    if isinstance(config, TwinCalibration):
        known = tuple(
            true_calibration(whole.twin, mm_per_tick=config.mm_per_tick, index=index)
            for index in range(len(cameras))
        )
        return (passed("calibration", "the twin knows its own geometry"),), known
    if not isinstance(config, MeasuredCalibration):
        words = "nominal: the belt's width is taken to fill the image"
        check = warned("calibration", words, "calibrate the line: run_line.py calibrate")
        return (check,), (None,) * len(cameras)
    found = [_kept(whole, index, config) for index in range(len(cameras))]
    checks = [check for check, _ in found]
    calibrations = tuple(calibration for _, calibration in found)
    return (*checks, *_scale(calibrations)), calibrations


def _kept(
    whole: WholeLine, index: int, config: MeasuredCalibration
) -> tuple[Check, LineCalibration | None]:
    line, path = whole.line, config.paths[index]
    name = line.cameras[index].camera_id
    part = f"calibration {name}" if line.more_cameras else "calibration"
    chosen = f" --camera {name}" if line.more_cameras else ""
    remedy = f"calibrate the line: run_line.py calibrate {whole.path}{chosen}"
    if path.name == CURRENT:
        store = camera_of(whole, name).store(None)
        check, record = examine_calibration(store, at_utc=now_utc(), part=part, remedy=remedy)
        return check, None if record is None else record.calibration
    try:
        loaded = line_calibration.load(path, camera_id=name, belt_id=line.line.belt_id)
    except CalibrationError as error:
        return failed(part, str(error), remedy), None
    if not math.isfinite(loaded.residual_mm):
        return warned(part, f"{path.name}: taken from a tape measure", remedy), loaded
    words = f"{path.name} of {loaded.measured_on}, {loaded.residual_mm:.2f} mm residual"
    return passed(part, words), loaded


def _scale(calibrations: Sequence[LineCalibration | None]) -> tuple[Check, ...]:
    known = [calibration for calibration in calibrations if calibration is not None]
    if len(known) < 2:
        return ()
    try:
        on_one_scale(known)
    except CalibrationError as error:
        return (failed("scale", str(error), "calibrate the encoder with every camera"),)
    return ()
