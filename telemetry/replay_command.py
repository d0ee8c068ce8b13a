"""The replay command: a recorded session through the same pipeline, differences in words."""

import argparse
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from calibration import line_calibration
from controller.config_report import ConfigError
from controller.line_file import sorting_sections
from controller.pipeline import SortingPipeline
from controller.replay import ReplayResult, replay
from controller.session import read_header
from vision.factory import open_detector
from vision.mass_law import read_mass_law


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport:
    """A replay's result with the bundles it concerns."""

    recorded_bundle: str
    replayed_bundle: str
    result: ReplayResult

    def lines(self, *, most: int) -> tuple[str, ...]:
        """Return the report for people, with at most so many differing frames in full."""
        result = self.result
        verdict = f"{len(result.differences)} frames differ" if result.differences else "identical"
        words = [
            f"{result.frames} frames, {result.decisions} decisions, {result.commands} pulses: "
            + verdict
        ]
        if self.recorded_bundle != self.replayed_bundle:
            words.insert(
                0, f"recorded with {self.recorded_bundle}, replayed with {self.replayed_bundle}"
            )
        for difference in result.differences[:most]:
            recorded, replayed = difference.recorded, difference.replayed
            words += [
                f"frame {recorded.stamp.seq}",
                f"  recorded {recorded.decisions} {recorded.commands}",
                f"  replayed {replayed.decisions} {replayed.commands}",
            ]
        return tuple(words)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("session", type=Path, metavar="SESSION", help="folder made by --record")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="name items with another bundle")
    parser.add_argument("--show", type=int, default=5, metavar="N", help="differences to print")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Feed a recorded session through the same pipeline; every decision must be the same.

    Returns:
        0, or 1 if a decision or a pulse differs.

    Raises:
        SessionError, ConfigError, vision.errors.BundleError: the session cannot be replayed.
    """
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("frames", total=None)
        report = replay_session(
            arguments.session, arguments.bundle, lambda n: progress.update(task, completed=n)
        )
    for line in report.lines(most=arguments.show):
        sys.stdout.write(line + "\n")
    return 1 if report.result.differences else 0


def replay_session(
    session: Path, bundle: Path | None, progress: Callable[[int], None]
) -> ReplayReport:
    """Replay a session with its own configuration and calibration.

    Args:
        session: folder of the session.
        bundle: to name items with; None takes the recorded one.
        progress: told the number of frames done.

    Raises:
        SessionError: no session there, or incomplete.
        ConfigError: its line file no longer fits this program.
        vision.errors.BundleError: the bundle is gone or altered.
    """
    header = read_header(session)
    line, problems = sorting_sections(tomllib.loads(header.line_toml), session)
    if line is None:
        raise ConfigError([f"{session}: {problem}" for problem in problems])
    calibration = line_calibration.from_text(header.calibration_json, str(session))
    plane = calibration.plane
    detector = open_detector(
        line.detector.model_copy(update={"bundle": bundle or Path(header.bundle)}),
        (plane.image_height_px, plane.image_width_px),
        calibration.light,
    )
    pipeline = SortingPipeline(
        calibration=calibration,
        stations=line.stations,
        recipe=line.recipe,
        limits=line.limits,
        tracker=line.tracker,
        masses=read_mass_law(line.tracker.mass_model),
    )
    return ReplayReport(
        recorded_bundle=header.bundle_id,
        replayed_bundle=detector.bundle_id,
        result=replay(session, detector, pipeline, progress),
    )
