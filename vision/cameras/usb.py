"""USB and other V4L2 cameras through OpenCV; every setting is written and read back."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import cv2

from calibration.clock import Clock
from vision.cameras.frame_times import DeviceTimes
from vision.cameras.live import LiveCamera
from vision.cameras.opencv_device import OpenCvDevice
from vision.config import UsbCamera
from vision.errors import CameraError

_V4L2_MANUAL_EXPOSURE: Final = 1.0
_V4L2_AUTO_EXPOSURE: Final = 3.0
"""V4L2_EXPOSURE_MANUAL and V4L2_EXPOSURE_APERTURE_PRIORITY, linux/v4l2-controls.h."""
_EXPOSURE_UNITS_PER_MS: Final = 10.0
"""V4L2_CID_EXPOSURE_ABSOLUTE counts in 100 microseconds."""


class SettableDevice(Protocol):
    """The part of `cv2.VideoCapture` that settings need."""

    def set(self, property_id: int, value: float, /) -> bool:
        """Write one property; True if the driver took it."""
        ...

    def get(self, property_id: int, /) -> float:
        """Read one property."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    name: str
    property_id: int
    value: float
    tolerance: float


def open_usb(config: UsbCamera, clock: Clock) -> LiveCamera:
    """Return the camera of a V4L2 device, not yet opened."""
    return LiveCamera(
        camera_id=config.camera_id,
        connect=lambda: _connect(config),
        frame_times=_times_of(config),
        stall_after_ms=config.stall_after_ms,
        clock=clock,
    )


def apply_settings(device: SettableDevice, config: UsbCamera, name: str) -> None:
    """Write the configured settings and read each back.

    Raises:
        CameraError: the device kept other values; all of them are named, asked and got.
    """
    settings = tuple(_settings(config))
    for setting in settings:
        device.set(setting.property_id, setting.value)
    # Read back after all are written: a size can change the rate, a format the size.
    faults = []
    for setting in settings:
        got = device.get(setting.property_id)
        if not math.isclose(got, setting.value, rel_tol=0, abs_tol=setting.tolerance):
            faults.append(f"{setting.name}: asked {setting.value:g}, got {got:g}")
    if faults:
        msg = f"{name}: {'; '.join(faults)}; see v4l2-ctl --list-formats-ext --list-ctrls"
        raise CameraError(msg)


def _times_of(config: UsbCamera) -> Callable[[], DeviceTimes]:
    return lambda: DeviceTimes(exposure_ms=config.exposure_ms, transfer_ms=config.transfer_ms)


def _settings(config: UsbCamera) -> Iterator[_Setting]:
    if config.pixel_format is not None:
        code = float(cv2.VideoWriter.fourcc(*config.pixel_format))
        yield _Setting(
            name="pixel_format (FOURCC)", property_id=cv2.CAP_PROP_FOURCC, value=code, tolerance=0
        )
    wanted = (
        ("width_px", cv2.CAP_PROP_FRAME_WIDTH, config.width_px, 0.0),
        ("height_px", cv2.CAP_PROP_FRAME_HEIGHT, config.height_px, 0.0),
        ("frames_per_s", cv2.CAP_PROP_FPS, config.frames_per_s, 0.01),
        ("gain", cv2.CAP_PROP_GAIN, config.gain, 0.5),
    )
    for name, property_id, value, tolerance in wanted:
        if value is not None:
            yield _Setting(
                name=name, property_id=property_id, value=float(value), tolerance=tolerance
            )
    manual = config.exposure == "manual"
    yield _Setting(
        name="exposure mode",
        property_id=cv2.CAP_PROP_AUTO_EXPOSURE,
        value=_V4L2_MANUAL_EXPOSURE if manual else _V4L2_AUTO_EXPOSURE,
        tolerance=0,
    )
    if manual:
        yield _Setting(
            name="exposure (0.1 ms)",
            property_id=cv2.CAP_PROP_EXPOSURE,
            value=config.exposure_ms * _EXPOSURE_UNITS_PER_MS,
            tolerance=0.5,
        )


def _connect(config: UsbCamera) -> OpenCvDevice:
    path = config.device if isinstance(config.device, str) else f"/dev/video{config.device}"
    if not Path(path).exists():
        found = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
        msg = f"{path}: no such camera (found: {found}); plug it in or correct `device`"
        raise CameraError(msg)
    # OpenCV's V4L2 refuses to open with time limits; it waits ten seconds for a frame, and holds
    # the device that long after a freeze.
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        msg = f"{path}: the camera does not open; another program may hold it (see: fuser {path})"
        raise CameraError(msg)
    try:
        apply_settings(capture, config, path)
    except CameraError:
        capture.release()
        raise
    return OpenCvDevice(capture, path)
