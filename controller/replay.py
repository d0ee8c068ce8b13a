"""Runs recorded frames through the same pipeline and compares every decision and pulse."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from controller.core import intervene
from controller.outcome import FrameOutcome
from controller.pipeline import SortingPipeline
from controller.session import RecordedStep, read_steps, recorded_step
from vision.ports import Detector


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayDifference:
    """One step whose outcome differs from the recording."""

    recorded: RecordedStep
    replayed: RecordedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a replay found. Decisions and commands are equal bit for bit where no difference is."""

    frames: int
    decisions: int
    commands: int
    differences: tuple[ReplayDifference, ...]


def replay(
    folder: Path,
    detector: Detector,
    pipeline: SortingPipeline,
    progress: Callable[[int], None],
) -> ReplayResult:
    """Feed a session's frames to `detector` and `pipeline`, both freshly built.

    Args:
        folder: of the session.
        detector: the bundle to name items with; the recorded one for equality.
        pipeline: built from the session's own configuration and calibration.
        progress: told the number of frames done.

    Raises:
        SessionError: the session is incomplete or malformed.
    """
    frames = decisions = commands = 0
    differences: list[ReplayDifference] = []
    for image, recorded in read_steps(folder):
        for intervention in recorded.interventions:
            intervene(pipeline, intervention)
        result = pipeline.step(recorded.stamp, detector.detect(image), recorded.status)
        again = recorded_step(
            FrameOutcome(
                interventions=recorded.interventions,
                stamp=recorded.stamp,
                status=recorded.status,
                result=result,
            )
        )
        frames += 1
        decisions += len(again.decisions)
        commands += len(again.commands)
        if again != recorded:
            differences.append(ReplayDifference(recorded=recorded, replayed=again))
        progress(frames)
    return ReplayResult(
        frames=frames, decisions=decisions, commands=commands, differences=tuple(differences)
    )
