"""The cameras command: what is connected, and the section of the line file for each."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from vision.cameras.genicam.discovery import FoundCamera, aravis_cameras
from vision.errors import CameraError

GENTL_PATH = "GENICAM_GENTL64_PATH"
"""Where installers of camera makers' drivers name their folders; GenTL standard 1.5, section 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A camera that can be opened, as the line file would name it.

    Attributes:
        source: kind of the camera section.
        title: what it is, for people.
        device: value of `device`.
        transport: of a GenICam camera, else None.
        producer: GenTL file it is reached by, else None.
    """

    source: str
    title: str
    device: str
    transport: str | None = None
    producer: str | None = None

    def section(self) -> str:
        """Return the camera section to paste; what must be looked up stands as a comment."""
        lines = [
            f"# {self.title}",
            "[camera]",
            f'source = "{self.source}"',
            f"device = {json.dumps(self.device)}",
        ]
        if self.transport is not None:
            lines.append(f'transport = "{self.transport}"')
        if self.producer is not None:
            lines.append(f"producer = {json.dumps(self.producer)}")
        lines += [
            f"camera_id = {json.dumps(self.device)}",
            "exposure_ms = 0.5  # 1 mm of smear at 2 m/s; shorter needs more light",
            "transfer_ms = 5.0  # frame bytes / link speed, plus the sensor's readout",
            "stall_after_ms = 500",
        ]
        return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--producer",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.cti",
        help=f"GenTL file of a camera's maker (default: those in ${GENTL_PATH})",
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Look for cameras and print their sections.

    Returns:
        0, or 1 if none is connected.
    """
    found: list[Connected] = [*_v4l2()]
    try:
        found += [_of(camera) for camera in aravis_cameras()]
    except CameraError as error:
        console.print(str(error))
    for producer in [*arguments.producer, *_installed_producers()]:
        try:
            found += _of_producer(producer)
        except CameraError as error:
            console.print(str(error))
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(camera) for camera in found], indent=2) + "\n")
    else:
        sys.stdout.write("".join(camera.section() + "\n\n" for camera in found))
    if not found:
        console.print(
            "no camera found: check power and cable; a GigE camera must have an address in the "
            "network of its card, and a USB camera shows in /dev/video*"
        )
    return 0 if found else 1


def _v4l2() -> Iterator[Connected]:
    by_id = sorted(Path("/dev/v4l/by-id").glob("*-video-index0"))
    known = {path.resolve() for path in by_id}
    for path in by_id:
        yield Connected(source="usb", title=path.name, device=str(path))
    for path in sorted(Path("/dev").glob("video*")):
        if path not in known:
            yield Connected(source="usb", title=path.name, device=str(path))


def _of(camera: FoundCamera) -> Connected:
    title = f"{camera.vendor} {camera.model}, {camera.protocol}, {camera.address}"
    return Connected(source="genicam", title=title, device=camera.device, transport="aravis")


def _installed_producers() -> list[Path]:
    folders = os.environ.get(GENTL_PATH, "").split(os.pathsep)
    return sorted(path for folder in folders if folder for path in Path(folder).glob("*.cti"))


def _of_producer(producer: Path) -> list[Connected]:
    from vision.cameras.genicam.gentl_device import gentl_cameras  # noqa: PLC0415 - optional

    return [
        Connected(
            source="genicam",
            title=f"{camera.vendor} {camera.model}, {camera.protocol}",
            device=camera.device,
            transport="gentl",
            producer=str(producer.resolve()),
        )
        for camera in gentl_cameras(str(producer))
    ]
