"""Recorded sessions: frames and all that the pure pipeline was told, to be asked again."""

import logging
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from controller.outcome import FrameOutcome
from controller.step import Intervention, LineStatus
from controller.types import SortDecision
from plc.types import EjectionCommand
from vision.errors import CameraError
from vision.frame_files import read_frame, write_frame
from vision.types import FrameStamp

log = logging.getLogger(__name__)

FORMAT = 1
QUEUE_FRAMES = 64
"""About a second of frames; a disk that is slower than that ends the recording, not the line."""


class SessionError(Exception):
    """A session folder is missing, incomplete, or of another format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHeader:
    """What a session was recorded with.

    Attributes:
        format: version of this file format.
        session_id: of the recorded line run.
        bundle_id: model bundle that named the items.
        bundle: folder it was loaded from.
        line_toml: the whole configuration file, as text.
        calibration_json: the whole calibration file, as text.
    """

    format: int
    session_id: str
    bundle_id: str
    bundle: str
    line_toml: str
    calibration_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """One pipeline step: what went in beside the image, and what came out."""

    interventions: tuple[Intervention, ...]
    stamp: FrameStamp
    status: LineStatus
    decisions: tuple[SortDecision, ...]
    commands: tuple[EjectionCommand, ...]


def recorded_step(outcome: FrameOutcome) -> RecordedStep:
    """Return what is kept of a step."""
    return RecordedStep(
        interventions=outcome.interventions,
        stamp=outcome.stamp,
        status=outcome.status,
        decisions=tuple(item.decision for item in outcome.result.decided),
        commands=tuple(pulse.command for pulse in outcome.result.planned),
    )


_HEADER = TypeAdapter(SessionHeader)
_STEP = TypeAdapter(RecordedStep)


class SessionWriter:
    """Writes a session beside the running line; a slow or full disk ends the recording only."""

    def __init__(self, folder: Path, header: SessionHeader, *, patient: bool = False) -> None:
        """Create the folder and write the header.

        Args:
            folder: new; made here.
            header: what the session is recorded with.
            patient: wait for the disk instead of ending the recording; for virtual time only.

        Raises:
            SessionError: the folder already holds a session or cannot be written.
        """
        try:
            (folder / "frames").mkdir(parents=True)
            (folder / "session.json").write_bytes(_HEADER.dump_json(header, indent=2))
            # Unbuffered: a full disk is told at the step that did not fit.
            self._steps = (folder / "steps.jsonl").open("xb", buffering=0)
        except OSError as error:
            msg = f"{folder}: cannot record here ({error.strerror}); name a new, writable folder"
            raise SessionError(msg) from error
        self._folder, self._patient = folder, patient
        self._queue: queue.Queue[tuple[npt.NDArray[np.uint8], RecordedStep] | None] = queue.Queue(
            QUEUE_FRAMES
        )
        self.ended_early: str | None = None
        self._thread = threading.Thread(target=self._run, name="session-writer", daemon=True)
        self._thread.start()

    def step(self, image: npt.NDArray[np.uint8] | None, outcome: FrameOutcome) -> None:
        """Hand over one step. Blocks only if patient; else a full queue ends the recording here."""
        if self.ended_early is not None:
            return
        if image is None:
            self._end("there are no pictures to record")
            return
        item = (image, recorded_step(outcome))
        try:
            self._queue.put(item, block=self._patient)
        except queue.Full:
            self._end(f"the disk is too slow; recorded until before frame {outcome.stamp.seq}")

    def close(self) -> None:
        """Write what is queued and stop. Blocks until it is on disk. Idempotent."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def end(self, reason: str) -> None:
        """End the recording here; what was handed over is still written."""
        if self.ended_early is None:
            self._end(reason)

    def _end(self, reason: str) -> None:
        self.ended_early = reason
        log.error("recording %s ended early: %s", self._folder, reason)

    def _run(self) -> None:
        failed = False
        with self._steps as steps:
            while (item := self._queue.get()) is not None:
                image, step = item
                if failed:
                    continue
                try:
                    write_frame(_frame_path(self._folder, step.stamp.seq), image)
                    steps.write(_STEP.dump_json(step) + b"\n")
                except OSError as error:
                    failed = True
                    self._end(f"cannot write: {error.strerror or error}")


def read_header(folder: Path) -> SessionHeader:
    """Read a session's header.

    Raises:
        SessionError: no session there, or of another format.
    """
    try:
        header = _HEADER.validate_json((folder / "session.json").read_bytes())
    except (OSError, ValidationError) as error:
        msg = f"{folder}: no recorded session (session.json is missing or malformed)"
        raise SessionError(msg) from error
    if header.format != FORMAT:
        msg = f"{folder}: session format {header.format}, this program reads {FORMAT}"
        raise SessionError(msg)
    return header


def read_steps(folder: Path) -> Iterator[tuple[npt.NDArray[np.uint8], RecordedStep]]:
    """Yield every recorded step with its image, in order.

    A last line cut off by a kill is left out; anything else malformed is an error.

    Raises:
        SessionError: a step or frame is missing or malformed.
    """
    lines = (folder / "steps.jsonl").read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            step = _STEP.validate_json(line)
            image = read_frame(_frame_path(folder, step.stamp.seq))
        except (ValidationError, CameraError) as error:
            msg = f"{folder}/steps.jsonl line {number}: {error}"
            raise SessionError(msg) from error
        yield image, step


def _frame_path(folder: Path, seq: int) -> Path:
    return folder / "frames" / f"{seq:08d}.png"
