"""What the controller needs from outside: items sorted, to publish, to hear, to be timed."""

from collections.abc import Sequence
from typing import Protocol

from controller.latency_window import Stage
from controller.plc_thread import PlcEvent, TimedCommand
from controller.snapshot import LineSnapshot, OperatorRequest, StageLatency
from controller.step import DecidedItem, LineStatus, StepResult
from controller.types import DecisionReason, ItemRecord
from plc.types import PlcRequest
from vision.fusion import CameraView
from vision.types import Detections, FrameStamp, Track


class LineFeed(Protocol):
    """Hand-off to the telemetry process. Nothing blocks or raises: full or broken means counted."""

    def open_session(
        self, *, session_id: str, line_id: str, station_names: tuple[str, ...]
    ) -> None:
        """Announce a new session; repeated by the implementation after each reconnect."""
        ...

    def publish_record(self, record: ItemRecord) -> bool:
        """Queue one record. Returns False if it was dropped (it stays in the running totals)."""
        ...

    def publish_snapshot(self, snapshot: LineSnapshot) -> None:
        """Replace the pending snapshot by this newer one."""
        ...

    def publish_picture(self, jpeg: bytes) -> None:
        """Replace the pending live picture by this newer one."""
        ...

    def take_requests(self) -> tuple[OperatorRequest, ...]:
        """Return operator requests that arrived since the last call."""
        ...

    def close(self) -> None:
        """Send what is queued, for at most two seconds, then disconnect. Idempotent."""
        ...


class PlcSide(Protocol):
    """The line's PLC, or several of them as one, behind threads of their own."""

    def start(self) -> None:
        """Start the threads. Call once."""
        ...

    def stop(self) -> None:
        """Tell the PLC to stop, disconnect and end; waits at most two seconds each. Idempotent."""
        ...

    def check(self) -> None:
        """Raise what ended a thread, if anything did."""
        ...

    def ask(self, request: PlcRequest) -> None:
        """Set what is asked of the PLC; repeat it, silence means stop. Never blocks."""
        ...

    def submit(self, commands: Sequence[TimedCommand]) -> None:
        """Hand over pulses; they are sent at once. Never blocks."""
        ...

    def take_events(self) -> tuple[PlcEvent, ...]:
        """Return what happened since the last call, in order. Never blocks."""
        ...


class LatencySink(Protocol):
    """Takes the durations that the line measures on itself. Used from the pipeline thread alone."""

    def add(self, stage: Stage, duration_ns: int) -> None:
        """Count one duration. Never blocks."""
        ...

    def drain(self) -> tuple[StageLatency, ...]:
        """Return the summary of what was added since the last call, for the snapshot."""
        ...


class LinePipeline(Protocol):
    """Everything between detections and pulses. Pure: no clock, lock or I/O; one thread."""

    def step(
        self,
        stamp: FrameStamp,
        detections: Detections,
        status: LineStatus,
        more: Sequence[CameraView] = (),
    ) -> StepResult:
        """Take one frame of each camera in, in order of exposure; return decisions and pulses."""
        ...

    def live_tracks(self) -> tuple[Track, ...]:
        """Return the items still in view, for the live picture."""
        ...

    def hazards_removed(self) -> tuple[DecidedItem, ...]:
        """Take an operator's word that hazards were dealt with; returns items decided by that."""
        ...

    def give_up(self, reason: DecisionReason) -> tuple[DecidedItem, ...]:
        """Drop everything tracked; returns the items that had no decision yet, with it."""
        ...
