"""A live camera over a GenICam device."""

import threading
from collections.abc import Callable

from calibration.clock import Clock
from calibration.units import NS_PER_S, MonotonicNs
from vision.cameras.camera_clock import CameraClockTimes
from vision.cameras.frame_device import FrameDevice
from vision.cameras.genicam.aravis_device import AravisDevice
from vision.cameras.live import LiveCamera
from vision.config import GenicamCamera


def open_genicam(config: GenicamCamera, clock: Clock) -> LiveCamera:
    """Return the configured camera, not yet opened."""
    return LiveCamera(
        camera_id=config.camera_id,
        connect=lambda: _connect(config, clock),
        frame_times=lambda: CameraClockTimes(
            exposure_ms=config.exposure_ms, transfer_ms=config.transfer_ms
        ),
        stall_after_ms=config.stall_after_ms,
        clock=clock,
    )


def _connect(config: GenicamCamera, clock: Clock) -> FrameDevice:
    pace = software_pace(config.frames_per_s, clock)
    if config.transport == "aravis":
        return AravisDevice(config, pace)
    from vision.cameras.genicam.gentl_device import GentlDevice  # noqa: PLC0415 - an optional install

    return GentlDevice(config, pace)


def software_pace(frames_per_s: float | None, clock: Clock) -> Callable[[], None]:
    """Return a function that waits until the next software trigger is due.

    Args:
        frames_per_s: wanted rate; None triggers as soon as the frame before is in.
        clock: waits.
    """
    if frames_per_s is None:
        return lambda: None
    period_ns, never = round(NS_PER_S / frames_per_s), threading.Event()
    due_ns = clock.now_ns()

    def pace() -> None:
        nonlocal due_ns
        clock.wait(never, max(0.0, (due_ns - clock.now_ns()) / NS_PER_S))
        due_ns = MonotonicNs(max(due_ns, clock.now_ns() - period_ns) + period_ns)

    return pace
