"""USB camera settings are written, read back, and a device that disagrees is refused."""

from dataclasses import dataclass, field

import cv2
import pytest

from calibration.clock import MonotonicClock
from vision.cameras.usb import apply_settings
from vision.config import UsbCamera
from vision.errors import CameraError
from vision.factory import open_camera

CONFIG = UsbCamera(
    source="usb",
    camera_id="camera-1",
    exposure_ms=2.5,
    transfer_ms=8,
    stall_after_ms=500,
    device=0,
    width_px=640,
    height_px=320,
    frames_per_s=50,
    pixel_format="MJPG",
    gain=3,
)


@dataclass
class Registers:
    """A driver's properties; those in `stuck` keep their values whatever is written."""

    values: dict[int, float] = field(default_factory=dict)
    stuck: dict[int, float] = field(default_factory=dict)

    def set(self, property_id: int, value: float, /) -> bool:
        self.values[property_id] = self.stuck.get(property_id, value)
        return property_id not in self.stuck

    def get(self, property_id: int, /) -> float:
        return self.values.get(property_id, 0.0)


def test_settings_reach_the_device_in_its_own_units() -> None:
    device = Registers()
    apply_settings(device, CONFIG, "/dev/video0")
    assert device.values[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert device.values[cv2.CAP_PROP_EXPOSURE] == 25
    assert device.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert device.values[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")


def test_every_setting_the_device_refused_is_named_with_asked_and_got() -> None:
    device = Registers(stuck={cv2.CAP_PROP_FRAME_WIDTH: 800, cv2.CAP_PROP_FPS: 30})
    with pytest.raises(
        CameraError,
        match=r"video0: width_px: asked 640, got 800; frames_per_s: asked 50, got 30; see v4l2-ctl",
    ):
        apply_settings(device, CONFIG, "/dev/video0")


def test_automatic_exposure_leaves_the_exposure_alone() -> None:
    device = Registers()
    apply_settings(device, CONFIG.model_copy(update={"exposure": "auto"}), "/dev/video0")
    assert cv2.CAP_PROP_EXPOSURE not in device.values
    assert device.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 3


def test_settings_that_are_absent_are_not_touched() -> None:
    device = Registers()
    bare = {"width_px": None, "height_px": None, "frames_per_s": None, "pixel_format": None}
    apply_settings(device, CONFIG.model_copy(update=bare | {"gain": None}), "/dev/video0")
    assert set(device.values) == {cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE}


def test_absent_device_is_named() -> None:
    config = CONFIG.model_copy(update={"device": "/dev/video-absent"})
    with pytest.raises(CameraError, match=r"/dev/video-absent: no such camera \(found: "):
        open_camera(config, MonotonicClock()).open()
