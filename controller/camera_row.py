"""The cameras of a line as one: the newest frame of each, taken together. One camera is a row too.

Every camera has a capture thread of its own. A set begins with the first new frame of any camera
and waits for the others at most the row's patience; a camera that was waited for in vain is not
waited for again until it delivers. What a set lacks shows in `RowStanding`: the line is as old as
the camera that lags most.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from controller.camera_frame import RowStanding
from vision.capture import CaptureState, CaptureThread
from vision.ports import Camera
from vision.types import CameraLosses, Frame

FIRST: Final = 0
"""Index of the camera whose frames lead a set while it delivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSeat:
    """One camera of a row.

    Attributes:
        camera: opened, read and closed by the row.
        stall_after_ms: silence after which it is shown as stalled.
        delay_ms: how much later than the true middle of the exposure its stamps are, by its own
            calibration.
    """

    camera: Camera
    stall_after_ms: float
    delay_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One camera's frame in a set.

    Attributes:
        camera: index in the order of the line file.
        frame: as the camera gave it.
        exposed_ns: middle of its exposure, late by the first camera's delay instead of its own.
    """

    camera: int
    frame: Frame
    exposed_ns: MonotonicNs


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSet:
    """Frames exposed at about the same time.

    Attributes:
        shots: at most one of each camera, in the order of the line file.
        lead: the one that says when the set was taken: the first camera's if it is there.
        standing: of a row of several; None for one camera.
    """

    shots: tuple[Shot, ...]
    lead: Shot
    standing: RowStanding | None

    @property
    def first(self) -> Shot | None:
        """The first camera's frame, None if the set lacks it."""
        return self.lead if self.lead.camera == FIRST else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStatus:
    """All cameras together at one instant.

    Attributes:
        dropped: frames that a camera exposed but nobody took, and frames that came too late for
            their set.
        losses: frames lost between the sensors and this computer's memory.
        error: which cameras are lost and why, None while none is.
    """

    dropped: int
    losses: CameraLosses
    error: str | None


class CameraRow:
    """Captures with all cameras; one thread takes the sets."""

    def __init__(self, seats: Sequence[RowSeat], *, clock: Clock, patience_ms: float = 0.0) -> None:
        """Prepare; `start` opens the cameras.

        Args:
            seats: at least one, in the order of the line file.
            clock: of the threads.
            patience_ms: longest wait from a set's first frame to its last: a frame period pairs
                cameras that run free at one rate.
        """
        self._clock, self._patience_ns = clock, round(patience_ms * NS_PER_MS)
        self._news = threading.Event()
        self._captures = tuple(
            CaptureThread(
                camera=seat.camera, clock=clock, stall_after_ms=seat.stall_after_ms, news=self._news
            )
            for seat in seats
        )
        self._later_ns = tuple(
            round((seat.delay_ms - seats[FIRST].delay_ms) * NS_PER_MS) for seat in seats
        )
        self._taken_seq = [-1] * len(seats)
        self._newest: dict[int, Shot] = {}
        self._unpunctual: set[int] = set()
        self._begun_ns: MonotonicNs | None = None
        self._lead_ns: MonotonicNs | None = None
        self._too_late = 0

    def start(self) -> None:
        """Start every camera's thread. Call once."""
        for capture in self._captures:
            capture.start()

    def stop(self) -> None:
        """Stop the threads and close the cameras. Idempotent."""
        for capture in self._captures:
            capture.stop()

    def check(self) -> None:
        """Raise what ended a thread, if anything but its camera did."""
        for capture in self._captures:
            capture.check()

    def status(self) -> RowStatus:
        """Return counts and what is lost. Never blocks for long, never raises."""
        all_of = [capture.status() for capture in self._captures]
        lost = [
            status.error if len(all_of) == 1 else f"{capture.camera_id}: {status.error}"
            for capture, status in zip(self._captures, all_of, strict=True)
            if status.state is CaptureState.LOST
        ]
        return RowStatus(
            dropped=sum(status.dropped for status in all_of) + self._too_late,
            losses=sum((status.losses for status in all_of), CameraLosses()),
            error="; ".join(lost) or None,
        )

    def take(self, timeout_s: float) -> FrameSet | None:
        """Block until a set is there and return it, None if there is none in time.

        There is no set before every camera has shown its first frame.

        Raises:
            EndOfStreamError: a recording ended: the shortest one ends them all.
            CameraError: the row was stopped.
            Exception: what ended a thread, see `check`.
        """
        end_ns = self._clock.now_ns() + round(timeout_s * NS_PER_S)
        while True:
            self._news.clear()
            fresh = self._fresh()
            now_ns = self._clock.now_ns()
            if self._ready(fresh, now_ns):
                self._begun_ns = None
                found = self._set_of(fresh)
                if found is not None:
                    return found
            if now_ns >= end_ns:
                return None
            until_ns = end_ns
            if self._begun_ns is not None:
                until_ns = min(end_ns, self._begun_ns + self._patience_ns)
            self._clock.wait(self._news, max(0, until_ns - now_ns) / NS_PER_S)

    def _fresh(self) -> dict[int, Shot]:
        """Return the newest frame of each camera that has one not yet taken."""
        fresh: dict[int, Shot] = {}
        for index, capture in enumerate(self._captures):
            frame = capture.newer(self._taken_seq[index])
            if frame is not None:
                at_ns = MonotonicNs(frame.exposed_ns - self._later_ns[index])
                fresh[index] = Shot(camera=index, frame=frame, exposed_ns=at_ns)
        self._newest |= fresh
        self._unpunctual -= fresh.keys()
        return fresh

    def _ready(self, fresh: dict[int, Shot], now_ns: MonotonicNs) -> bool:
        """Whether nobody is to be waited for any more."""
        if not fresh or len(self._newest) < len(self._captures):
            return False
        if self._begun_ns is None:
            self._begun_ns = now_ns
        awaited = {
            index
            for index, capture in enumerate(self._captures)
            if index not in fresh
            and index not in self._unpunctual
            and capture.status().state is CaptureState.RUNNING
        }
        if awaited and now_ns - self._begun_ns < self._patience_ns:
            return False
        self._unpunctual |= awaited
        return True

    def _set_of(self, fresh: dict[int, Shot]) -> FrameSet | None:
        """Take the frames; None if all of them are older than the set before."""
        for index, shot in fresh.items():
            self._taken_seq[index] = shot.frame.seq
        if len(self._captures) == 1:
            return FrameSet(shots=(fresh[FIRST],), lead=fresh[FIRST], standing=None)
        # Without the first camera another leads, perhaps with a later exposure than the first
        # camera's next: time on the belt never runs backwards.
        if FIRST in fresh and self._is_past(fresh[FIRST]):
            del fresh[FIRST]
            self._too_late += 1
        lead = fresh.get(FIRST) or max(fresh.values(), key=lambda s: s.exposed_ns, default=None)
        if lead is None or self._is_past(lead):
            self._too_late += len(fresh)
            return None
        self._lead_ns = lead.exposed_ns
        return FrameSet(
            shots=tuple(fresh[index] for index in sorted(fresh)),
            lead=lead,
            standing=RowStanding(
                oldest_ns=min(shot.exposed_ns for shot in self._newest.values()),
                first_missing=lead.camera != FIRST,
            ),
        )

    def _is_past(self, shot: Shot) -> bool:
        return self._lead_ns is not None and shot.exposed_ns <= self._lead_ns
