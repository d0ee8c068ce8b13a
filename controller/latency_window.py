"""Latency samples by stage between two snapshots."""

from enum import StrEnum

import numpy as np

from calibration.units import NS_PER_MS
from controller.snapshot import LATENCY_BOUNDS_MS, StageLatency

_BOUNDS_NS = np.array(LATENCY_BOUNDS_MS) * NS_PER_MS


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
        self._counts = {stage: np.zeros(len(LATENCY_BOUNDS_MS) + 1, np.int64) for stage in Stage}
        self._sum_ns = dict.fromkeys(Stage, 0)

    def add(self, stage: Stage, duration_ns: int) -> None:
        """Count one duration."""
        self._samples_ns[stage].append(duration_ns)

    def drain(self) -> tuple[StageLatency, ...]:
        """Return median and 99th percentile per stage with samples, and start anew.

        The histogram goes on: it counts since the session began.
        """
        for stage, samples in self._samples_ns.items():
            places = np.searchsorted(_BOUNDS_NS, samples)
            self._counts[stage] += np.bincount(places, minlength=len(_BOUNDS_NS) + 1)
            self._sum_ns[stage] += sum(samples)
        summary = tuple(
            StageLatency(
                stage=stage.value,
                p50_ms=float(np.percentile(samples, 50)) / NS_PER_MS,
                p99_ms=float(np.percentile(samples, 99)) / NS_PER_MS,
                count=len(samples),
                buckets=tuple(np.cumsum(self._counts[stage]).tolist()),
                sum_ms=self._sum_ns[stage] / NS_PER_MS,
            )
            for stage, samples in self._samples_ns.items()
            if samples
        )
        self._samples_ns = {stage: [] for stage in Stage}
        return summary
