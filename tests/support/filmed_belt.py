"""A film of plates riding the twin's belt, its calibration, and a line file that runs on it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import cv2

from calibration import line_calibration
from calibration.clock import MonotonicClock
from calibration.units import NS_PER_S, MonotonicNs
from plc.config import PlcConfig
from tests.support.cell_network import write_bundle
from tests.support.coloured_items import coloured_catalogue
from tests.support.lockstep_rig import LINES, shipped_line
from twin.belt_drive import BeltDrive
from twin.config import FeedConfig, SlipConfig, TwinCameraConfig, TwinConfig
from twin.optics import Renderer
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.launch import SoftPlcProcesses, launch
from twin.soft_plc.setup import SoftPlcSetup, TcpEndpoint
from twin.viewpoint import true_calibration, true_plane
from twin.world import World
from vision.types import Fraction

MM_PER_TICK = 0.5
FRAMES_PER_S = 25.0
HEARTBEAT_MS = 700.0
"""Wide, so that a test machine under load is not taken for a dead line."""
_WARM_UP_S = 4.0
_TEXT = {
    'source = "twin"': 'source = "images"\npath = "film"\nframes_per_s = 25.0',
    "stall_after_ms = 500": "stall_after_ms = 2000",
    'bundle = "../../models/bundles/default"': 'bundle = "bundle"',
    'backend = "openvino"': 'backend = "onnxruntime"',
    "input_px = 320": "input_px = 640",
    'kind = "twin"\nmm_per_tick = 0.5': 'kind = "file"\npath = "calibration.json"',
    "timeout_ms = 100": "timeout_ms = 200",
    "heartbeat_timeout_ms = 300": f"heartbeat_timeout_ms = {HEARTBEAT_MS:.0f}",
    "max_frame_age_ms = 120": "max_frame_age_ms = 1000",
    "max_tick_sd = 8.0": "max_tick_sd = 100.0",
    'mercury_lamp = { action = "stop_and_alarm"': 'mercury_lamp = { action = "pass"',
    "../../var/demo/items.sqlite": "store.sqlite",
    "../../var/demo/telemetry.sock": "line.sock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmedLine:
    """A folder with a line file and all that it names."""

    path: Path
    plc_port: int
    page_port: int


def plate_world() -> TwinConfig:
    """Return the demonstration's world with coloured plates that lie still."""
    config = shipped_line("demo")[1]
    feed = FeedConfig(
        occupancy=0.06,
        overlap_share=0.0,
        mix={Fraction.PLASTIC: 1.0, Fraction.FOOD: 1.0, Fraction.PAPER: 1.0},
    )
    camera = TwinCameraConfig(dirt_spots=0, noise_sd=1.0, frames_per_s=FRAMES_PER_S)
    return config.model_copy(
        update={"feed": feed, "camera": camera, "slip": SlipConfig(settled_share=1.0)}
    )


def film(folder: Path, *, distinct: int, frames: int) -> Path:
    """Film `distinct` frames and repeat them by links until there are `frames`."""
    config = plate_world()
    start_ns = MonotonicNs(NS_PER_S)
    drive = BeltDrive(
        config=config.belt, mm_per_tick=MM_PER_TICK, seed=config.seed, start_ns=start_ns
    )
    drive.command(run=True, at_ns=start_ns)
    catalogue = coloured_catalogue()
    world = World(
        config=config, stations=shipped_line("demo")[0].stations, catalogue=catalogue, drive=drive
    )
    renderer = Renderer(config=config, plane=true_plane(config), sprites=catalogue.sprites)
    folder.mkdir()
    for number in range(distinct):
        at_ns = MonotonicNs(start_ns + int((_WARM_UP_S + number / FRAMES_PER_S) * NS_PER_S))
        world.advance(at_ns)
        image = renderer.render(
            world.items_between(-300.0, 300.0),
            travel_mm=world.travel_mm,
            speed_mm_per_s=drive.speed_mm_per_s(at_ns),
            seq=number,
        )
        assert cv2.imwrite(str(folder / f"frame{number:05d}.jpg"), image)
    for number in range(distinct, frames):
        (folder / f"frame{number:05d}.jpg").symlink_to(f"frame{number % distinct:05d}.jpg")
    return folder


def line_text(changes: dict[str, str], name: str = "demo") -> str:
    """Return a shipped line file with pieces of its text replaced; each must occur."""
    text = (LINES / f"{name}.toml").read_text()
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def write_filmed_line(
    folder: Path,
    films: Path,
    *,
    plc_port: int,
    page_port: int,
    changes: dict[str, str] | None = None,
) -> FilmedLine:
    """Write line file, bundle and calibration into a folder and link the film."""
    folder.mkdir(exist_ok=True)
    write_bundle(folder / "bundle")
    (folder / "film").symlink_to(films)
    calibration = dataclasses.replace(
        true_calibration(plate_world(), mm_per_tick=MM_PER_TICK),
        camera_id="twin-camera",
        belt_id="demo-belt",
    )
    line_calibration.save(calibration, folder / "calibration.json")
    ports = {"port = 5502": f"port = {plc_port}", "port = 8080": f"port = {page_port}"}
    path = folder / "line.toml"
    path.write_text(line_text(_TEXT | ports | (changes or {})))
    return FilmedLine(path=path, plc_port=plc_port, page_port=page_port)


def film_plc(port: int) -> SoftPlcProcesses:
    """Start the demonstration's soft PLC by itself, its belt as fast as the film's."""
    line, config = shipped_line("demo")
    return launch(
        SoftPlcSetup(
            plc=SoftPlcConfig.for_line(
                line.stations,
                heartbeat_timeout_ms=HEARTBEAT_MS,
                ticks_per_s=config.belt.speed_mm_per_s / MM_PER_TICK,
            ).model_copy(update={"late_tolerance_tick": 300}),
            belt=config.belt,
            mm_per_tick=MM_PER_TICK,
            belt_seed=config.seed,
            start_ns=MonotonicClock().now_ns(),
            endpoint=TcpEndpoint(port=port),
            unit_id=1,
        )
    )


def plc_config(port: int) -> PlcConfig:
    """Return the demonstration's PLC section on another port."""
    plc = shipped_line("demo")[0].plc
    transport = plc.transport.model_copy(update={"port": port})
    return plc.model_copy(
        update={"transport": transport, "heartbeat_timeout_ms": HEARTBEAT_MS, "timeout_ms": 200}
    )
