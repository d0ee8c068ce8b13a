"""Latency samples by stage between two snapshots."""

from enum import StrEnum

import numpy as np

from calibration.units import NS_PER_MS
from controller.snapshot import StageLatency


class Stage(StrEnum):
    """Stages that are timed on the way from exposure to the PLC."""

    EXPOSURE_TO_PIPELINE = "exposure_to_pipeline"
    DETECT = "detect"
    STEP = "step"
    EXPOSURE_TO_LINK = "exposure_to_link"


class LatencyWindow:
    """Collects durations; `drain` summarises and forgets them. Used from one thread."""

    def __init__(self) -> None:
        self._samples_ns: dict[Stage, list[int]] = {stage: [] for stage in Stage}

    def add(self, stage: Stage, duration_ns: int) -> None:
        """Count one duration."""
        self._samples_ns[stage].append(duration_ns)

    def drain(self) -> tuple[StageLatency, ...]:
        """Return median and 99th percentile per stage with samples, and start anew."""
        summary = tuple(
            StageLatency(
                stage=stage.value,
                p50_ms=float(np.percentile(samples, 50)) / NS_PER_MS,
                p99_ms=float(np.percentile(samples, 99)) / NS_PER_MS,
                count=len(samples),
            )
            for stage, samples in self._samples_ns.items()
            if samples
        )
        self._samples_ns = {stage: [] for stage in Stage}
        return summary
