"""The drift watches of a line's cameras as one: each sees its own frames, all are told together."""

from collections.abc import Mapping
from dataclasses import replace

from calibration.drift.alarm import DriftFinding
from calibration.units import NS_PER_S
from controller.camera_row import FrameSet
from controller.drift_watch import DriftWatch
from controller.outcome import FrameOutcome


class DriftRow:
    """Cameras that are watched. `show` and `findings` from the pipeline thread."""

    def __init__(
        self, watches: Mapping[int, DriftWatch], *, names: tuple[str, ...] | None = None
    ) -> None:
        """Take the watches; they are started and stopped here.

        Args:
            watches: by the camera's index in the order of the line file; a camera without a
                reference has none.
            names: of all cameras, told with each finding; None for a line with one camera.
        """
        self._watches, self._names = dict(watches), names

    def start(self) -> None:
        """Start every thread. Call once."""
        for watch in self._watches.values():
            watch.start()

    def stop(self) -> None:
        """End the threads. Idempotent."""
        for watch in self._watches.values():
            watch.stop()

    def check(self) -> None:
        """Do nothing while the threads live; raises what ended one."""
        for watch in self._watches.values():
            watch.check()

    def show(self, frames: FrameSet, outcome: FrameOutcome) -> None:
        """Offer the frames of a set with the belt ticks of their exposures. Never blocks."""
        lead, stamp = frames.lead, outcome.stamp
        for shot in frames.shots:
            watch = self._watches.get(shot.camera)
            if watch is not None:
                later_s = (shot.exposed_ns - lead.exposed_ns) / NS_PER_S
                watch.show(shot.frame.image, stamp.tick + later_s * outcome.status.ticks_per_s)

    @property
    def findings(self) -> tuple[DriftFinding, ...]:
        """What drifted, as of each camera's newest pair; of several cameras with its name."""
        return tuple(
            finding if self._names is None else _named(finding, self._names[camera])
            for camera, watch in self._watches.items()
            for finding in watch.findings
        )


def _named(finding: DriftFinding, camera: str) -> DriftFinding:
    return replace(finding, where=f"camera {camera}, {finding.where}".rstrip(", "))
