"""What the core is told of the capture side, and what it makes of one frame."""

from dataclasses import dataclass

from controller.snapshot import StageLatency
from controller.step import Intervention, LineStatus, StepResult
from vision.types import CameraLosses, FrameStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureFigures:
    """What the capture side counts, for the snapshot.

    Attributes:
        frames_dropped: frames the camera made that were not processed.
        losses: frames the camera made that never became an image.
        frames_per_s: processed, over the last snapshot interval.
        records_dropped: records the feed had no room for.
        latencies: by stage.
    """

    frames_dropped: int
    losses: CameraLosses
    frames_per_s: float
    records_dropped: int
    latencies: tuple[StageLatency, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOutcome:
    """A frame that was placed on the belt and stepped through the pipeline.

    Attributes:
        interventions: what else was done to the pipeline since the last such frame.
        stamp: when and where it was exposed.
        status: the line as the pipeline was told.
        result: of the step.
    """

    interventions: tuple[Intervention, ...]
    stamp: FrameStamp
    status: LineStatus
    result: StepResult
