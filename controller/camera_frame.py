"""A frame of one of several cameras, before and after it is known where the belt was then."""

from dataclasses import dataclass

from calibration.units import MonotonicNs
from plc.clock_fit import ClockEstimate
from vision.fusion import CameraView
from vision.types import Detections, FrameStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStanding:
    """What a set of frames of several cameras lacks.

    Attributes:
        oldest_ns: exposure of the newest frame of the camera that lags most.
        first_missing: the first camera has no frame in the set; another's exposure stands for it.
    """

    oldest_ns: MonotonicNs
    first_missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFrame:
    """What a camera beside the first one saw.

    Attributes:
        camera: index in the order of the line file, from 1.
        seq: its own frame number.
        exposed_ns: middle of its own exposure, as it stamps it.
        detections: found in it.
    """

    camera: int
    seq: int
    exposed_ns: MonotonicNs
    detections: Detections

    def placed(self, clock: ClockEstimate, delay_ns: int) -> CameraView:
        """Return the frame with the belt tick of its exposure, the calibrated delay taken off."""
        exposed_ns = MonotonicNs(self.exposed_ns - delay_ns)
        return CameraView(
            camera=self.camera,
            stamp=FrameStamp(seq=self.seq, exposed_ns=exposed_ns, tick=clock.tick_at(exposed_ns)),
            detections=self.detections,
        )
