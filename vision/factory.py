"""Cameras and detectors from their config sections. Heavy libraries load only when asked for."""

from calibration.clock import Clock
from calibration.light_field import LightField
from vision.cameras.genicam.camera import open_genicam
from vision.cameras.image_folder import FolderRecording
from vision.cameras.recorded import CommonStart, RecordedCamera
from vision.cameras.stream import open_stream
from vision.cameras.usb import open_usb
from vision.cameras.video_file import VideoRecording
from vision.config import (
    CameraConfig,
    DetectorConfig,
    GenicamCamera,
    ImagesCamera,
    StreamCamera,
    UsbCamera,
    VideoCamera,
)
from vision.errors import CameraError
from vision.light_correction import evenly_lit
from vision.outline_finder import OutliningDetector
from vision.ports import Camera, Detector


def open_camera(
    config: CameraConfig,
    clock: Clock,
    *,
    paced: bool = True,
    together: CommonStart | None = None,
) -> Camera:
    """Return the configured camera, not yet opened.

    Args:
        config: any camera but the twin's, which the composition root makes itself.
        clock: stamps, paces and waits.
        paced: recordings play in real time if True, as fast as they are read if False.
        together: when recordings that were taken together start, see `CommonStart`.

    Raises:
        CameraError: the twin's camera was asked for.
    """
    match config:
        case VideoCamera():
            return RecordedCamera(
                camera_id=config.camera_id,
                start=lambda: VideoRecording(config.path, config.frames_per_s),
                clock=clock,
                paced=paced,
                together=together,
            )
        case ImagesCamera():
            return RecordedCamera(
                camera_id=config.camera_id,
                start=lambda: FolderRecording(config.path, config.frames_per_s),
                clock=clock,
                paced=paced,
                together=together,
            )
        case UsbCamera():
            return open_usb(config, clock)
        case StreamCamera():
            return open_stream(config, clock)
        case GenicamCamera():
            return open_genicam(config, clock)
    msg = f"camera {config.camera_id}: source twin exists only beside the twin (use demo)"
    raise CameraError(msg)


def open_detector(
    config: DetectorConfig, image_shape: tuple[int, int], light: LightField | None = None
) -> Detector:
    """Load and check the bundle and return a detector ready to run.

    Args:
        config: bundle, backend and how it runs.
        image_shape: (height, width) px of the camera's images.
        light: by which the images are evened out before the network sees them, None for not.

    Raises:
        BundleError: the bundle is missing, altered or unusable.
        DetectorError: the backend cannot run it as configured.
    """
    detector = _boxes_detector(config, image_shape)
    found = OutliningDetector(detector) if config.find_outlines else detector
    return evenly_lit(found, light, image_shape)


def _boxes_detector(config: DetectorConfig, image_shape: tuple[int, int]) -> Detector:
    if config.backend == "openvino":
        from vision.detectors.openvino_detector import OpenVinoDetector  # noqa: PLC0415 - 0.3 s

        return OpenVinoDetector(config, image_shape)
    from vision.detectors.onnx_detector import OnnxDetector  # noqa: PLC0415 - as above

    return OnnxDetector(config, image_shape)
