"""Network streams (RTSP, HTTP-MJPEG, MPEG-TS over HTTP) through OpenCV's FFmpeg."""

import os
import threading
from typing import Final
from urllib.parse import urlsplit

import cv2

from calibration.clock import Clock
from vision.cameras.frame_times import StreamTimes
from vision.cameras.live import LiveCamera
from vision.cameras.opencv_device import OpenCvDevice
from vision.config import StreamCamera
from vision.errors import CameraError

_OPTIONS: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_options_lock = threading.Lock()


def open_stream(config: StreamCamera, clock: Clock) -> LiveCamera:
    """Return the camera of a network stream, not yet connected."""
    return LiveCamera(
        camera_id=config.camera_id,
        connect=lambda: _connect(config),
        frame_times=lambda: StreamTimes(
            exposure_ms=config.exposure_ms, transfer_ms=config.transfer_ms
        ),
        stall_after_ms=config.stall_after_ms,
        clock=clock,
    )


def without_password(url: str) -> str:
    """Return the URL as it may stand in logs: user name and password replaced."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=f"***@{parts.netloc.rpartition('@')[2]}").geturl()


def _connect(config: StreamCamera) -> OpenCvDevice:
    name = without_password(config.url)
    capture = _capture(config)
    if not capture.isOpened():
        capture.release()
        msg = f"{name}: no stream there; check address, power and path (try: ffprobe {name})"
        raise CameraError(msg)
    return OpenCvDevice(capture, name)


def _capture(config: StreamCamera) -> cv2.VideoCapture:
    # OpenCV takes FFmpeg's own options from the environment only, at the moment of opening.
    # One decoder thread: with more, FFmpeg holds back one frame per thread.
    with _options_lock:
        before = os.environ.get(_OPTIONS)
        os.environ[_OPTIONS] = f"rtsp_transport;{config.transport}|fflags;nobuffer|flags;low_delay"
        try:
            return cv2.VideoCapture(
                config.url,
                cv2.CAP_FFMPEG,
                [
                    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
                    round(config.open_timeout_ms),
                    cv2.CAP_PROP_READ_TIMEOUT_MSEC,
                    round(config.stall_after_ms),
                    cv2.CAP_PROP_N_THREADS,
                    1,
                ],
            )
        finally:
            if before is None:
                del os.environ[_OPTIONS]
            else:
                os.environ[_OPTIONS] = before
