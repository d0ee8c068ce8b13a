"""The detectors of a line as its file asks for them."""

from collections.abc import Sequence
from pathlib import Path

from calibration.clock import Clock
from calibration.line_calibration import LineCalibration
from controller.bundle_follower import BundleFollower
from controller.detector_row import DetectorRow
from controller.line_file import LineFile
from vision.factory import open_detector
from vision.ports import Detector


def open_detectors(
    line: LineFile, calibrations: Sequence[LineCalibration], clock: Clock
) -> DetectorRow:
    """Load the line's bundle for each of its cameras.

    Where `detector.bundle` is a link, as a shelf's `current` is, the line follows it: a bundle
    promoted while the line runs is loaded and tested beside it and used from the next frame on.

    Raises:
        vision.errors.VisionError: the bundle cannot be used.
    """
    bundle = line.detector.bundle

    def make(path: Path) -> Sequence[Detector]:
        config = line.detector.model_copy(update={"bundle": path})
        return [open_detector(config, c.plane.image_shape, c.light) for c in calibrations]

    follower = None
    if bundle.is_symlink():
        follower = BundleFollower(bundle, make, clock, budget_ms=line.limits.inference_ms)
    return DetectorRow(make(bundle.resolve()), follower)
