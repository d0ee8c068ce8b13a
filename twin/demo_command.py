"""The demo command: arguments, the twin as a plant of its own, and what its bins truly hold."""

import argparse
from pathlib import Path

from rich.console import Console

from calibration.clock import Clock
from controller.config_report import UsageError
from controller.line_calibrations import downstream_place_mm
from controller.line_file import LineFile
from plc.config import TcpTransport
from twin.catalogue import open_catalogue
from twin.config import TwinConfig
from twin.demo_plant import DemoPlant, DownstreamTwin
from twin.known_calibration import known_calibration
from twin.scene_process import SceneScores
from twin.score_table import score_table
from twin.viewpoint import downstream_calibration

WORDS = "start the demonstration line: twin belt, camera and PLC; page on port 8080"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--items", type=Path, metavar="DIR", help="let cutouts of these photographs ride the belt"
    )
    parser.add_argument(
        "--operator",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="a simulated person starts the line and picks lamps (default); with --no-operator it "
        "waits for yours on the page",
    )


def open_plant(line: LineFile, twin: TwinConfig, items: Path | None, clock: Clock) -> DemoPlant:
    """Start soft PLC and scene.

    Args:
        line: the line that will talk to them.
        twin: the world.
        items: folder of real photographs, None for the rendered library.
        clock: sets the belt drive's zero.

    Raises:
        UsageError: the line file has no Modbus TCP transport or is not one of the twin's.
        CalibrationError: the line's kept calibration cannot be used.
        SoftPlcError: the PLC's port is in use or a process does not come up.
        models.errors.ItemLibraryError: no photograph there can be used.
        PlantError: the scene does not come up.
    """
    transport = line.queue_plc.transport
    if not isinstance(transport, TcpTransport):
        msg = 'the demonstration needs plc.transport.kind "tcp" in the line file'
        raise UsageError(msg)
    if items is not None:
        # Cut here, where progress and errors are seen; the scene then finds them in the cache.
        open_catalogue(items)
    return DemoPlant(
        config=twin,
        stations=line.stations,
        recipe=line.recipe,
        mm_per_tick=known_calibration(line, twin).travel.mm_per_tick,
        heartbeat_timeout_ms=line.queue_plc.heartbeat_timeout_ms,
        transport=transport,
        unit_id=line.queue_plc.unit_id,
        camera_id=line.camera.camera_id,
        items=items,
        clock=clock,
        downstream=downstream_of(line, twin),
    )


def downstream_of(line: LineFile, twin: TwinConfig) -> DownstreamTwin | None:
    """Return the twin's camera behind the bars, None where the line has none."""
    if line.downstream_camera is None:
        return None
    return DownstreamTwin(
        camera_id=line.downstream_camera.camera_id,
        calibration=downstream_calibration(
            twin,
            mm_per_tick=known_calibration(line, twin).travel.mm_per_tick,
            middle_mm=downstream_place_mm(line),
        ),
    )


def show(scores: SceneScores, console: Console) -> None:
    """Print what the bins truly hold."""
    console.print(score_table(scores.fractions, title="what the bins truly hold"))
    console.print(f"lamps: {scores.lamps} left the belt, {scores.lamps_jetted} struck by a jet")
