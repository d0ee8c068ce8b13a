"""A thread that compares what the camera shows with what it showed when it was calibrated.

The pipeline hands over two frames about once a second and never waits; what was found is read back
as a tuple. The alarms say what drifted, what it costs and what to do.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.clock import Clock
from calibration.drift.alarm import MEMORY, DriftFinding, DriftKind
from calibration.drift.monitor import DriftMonitor
from calibration.units import NS_PER_S
from controller.snapshot import AlarmKind

log = logging.getLogger(__name__)

DRIFT_ALARMS: Final = {
    DriftKind.CAMERA_MOVED: AlarmKind.DRIFT_CAMERA_MOVED,
    DriftKind.FOCUS_LOST: AlarmKind.DRIFT_FOCUS_LOST,
    DriftKind.WINDOW_DIRTY: AlarmKind.DRIFT_WINDOW_DIRTY,
    DriftKind.LIGHT_FAILING: AlarmKind.DRIFT_LIGHT_FAILING,
    DriftKind.ENCODER_SLIP: AlarmKind.DRIFT_ENCODER_SLIP,
    DriftKind.DELAY_CHANGED: AlarmKind.DRIFT_DELAY_CHANGED,
    DriftKind.VALVE_LAG: AlarmKind.DRIFT_VALVE_LAG,
}
"""The alarm of each drift. Delay and lag come from the PLC's word and from behind the bars, the
others from the frames."""
PERIOD_S: Final = 1.0
"""From one pair of frames to the next, as `benchmarks calibration` counts false alarms."""

Image = npt.NDArray[np.uint8]


class DriftWatch:
    """Takes pairs of frames when they are due. `show` and `findings` from the pipeline thread."""

    def __init__(
        self,
        monitor: DriftMonitor,
        *,
        clock: Clock,
        least_way_tick: float,
        period_s: float = PERIOD_S,
    ) -> None:
        """Begin with nothing found.

        Args:
            monitor: of the line's camera; used by this thread alone from now on.
            clock: of the threads.
            least_way_tick: the belt moves on by this much between two pairs, so that other items
                lie in view; a belt that stands says nothing new.
            period_s: from one pair to the next.
        """
        self._monitor, self._clock = monitor, clock
        self._least_way_tick, self._period_ns = least_way_tick, round(period_s * NS_PER_S)
        self._first: tuple[Image, float] | None = None
        self._pair: tuple[tuple[Image, float], tuple[Image, float]] | None = None
        self._due_ns, self._last_tick = 0, -float("inf")
        self._absent: dict[tuple[DriftKind, str], int] = {}
        self._kept: dict[tuple[DriftKind, str], DriftFinding] = {}
        self._news, self._stopping = threading.Event(), threading.Event()
        self._failure: Exception | None = None
        self.findings: tuple[DriftFinding, ...] = ()
        """What drifted, as of the newest pair."""
        self._thread = threading.Thread(target=self._run, name="drift-watch", daemon=True)

    def start(self) -> None:
        """Start the thread. Call once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits at most a second. Idempotent."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def check(self) -> None:
        """Do nothing while the thread lives; raises what ended it."""
        if self._failure is not None:
            raise self._failure

    def show(self, image: Image, tick: float) -> None:
        """Offer a frame with its belt tick; it is taken only when a pair is due. Never blocks."""
        first, self._first = self._first, None
        if first is not None:
            # A pair that the thread has not come to is replaced, never queued.
            self._pair, self._last_tick = (first, (image, tick)), tick
            self._news.set()
            return
        now_ns = self._clock.now_ns()
        if now_ns < self._due_ns or abs(tick - self._last_tick) < self._least_way_tick:
            return
        self._due_ns, self._first = now_ns + self._period_ns, (image, tick)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._clock.wait(self._news, 1.0)
                self._news.clear()
                pair, self._pair = self._pair, None
                for image, tick in pair or ():
                    self._monitor.look(image, tick)
                if pair is not None:
                    self.findings = self._standing(self._monitor.findings())
        except Exception as error:
            log.exception("the drift watch failed")
            self._failure = error

    def _standing(self, found: Sequence[DriftFinding]) -> tuple[DriftFinding, ...]:
        """Keep a finding until it has been absent for a mean's memory: it shall not flutter."""
        for key in self._kept:
            self._absent[key] = self._absent.get(key, 0) + 1
        for finding in found:
            key = (finding.kind, finding.where)
            self._kept[key], self._absent[key] = finding, 0
        self._kept = {k: f for k, f in self._kept.items() if self._absent[k] < MEMORY}
        return tuple(self._kept.values())


def words_of(kind: DriftKind, found: Sequence[DriftFinding]) -> str | None:
    """Return the details of one kind's findings, None where there are none."""
    return "; ".join(finding.detail for finding in found if finding.kind is kind) or None
