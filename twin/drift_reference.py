"""What a line's drift watch compares with: taken while calibrating, kept, found again by a run."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from calibration.bench import Bench, Task, TaskKind
from calibration.clock import Clock
from calibration.drift.marks import Image
from calibration.drift.monitor import DriftMonitor
from calibration.drift.reference import (
    key_of,
    load_reference,
    save_reference,
    take_reference,
)
from calibration.drift.window import Lamp
from calibration.line_calibration import LineCalibration
from controller.drift_row import DriftRow
from controller.drift_watch import DriftWatch
from controller.line_file import TwinCalibration
from twin.belt_items import BeltItems
from twin.calibrated_camera import camera_of
from twin.calibration_bench import Seat
from twin.config import TwinConfig
from twin.optics import Renderer
from twin.viewpoint import true_plane
from twin.whole_line import WholeLine

_log = logging.getLogger(__name__)

_PHOTOGRAPHS: Final = 12
_JOG_MM: Final = 170.0
"""Between photographs: other belt is in view, so that its texture averages out."""
_LAMP_REACH_SHARE: Final = 0.45
"""Of the belt's width, over which a row of lamps along a side falls to a third."""


def watches_of(
    whole: WholeLine, calibrations: Sequence[LineCalibration], clock: Clock
) -> DriftRow | None:
    """Return the drift watches of a line's cameras, None where none can be watched.

    Args:
        whole: the line.
        calibrations: of its cameras, in the order of the line file.
        clock: of the threads.

    Raises:
        CalibrationError: a reference is there and cannot be read.
    """
    names = tuple(camera.camera_id for camera in whole.line.cameras)
    found = {
        index: watch_of(whole, calibration, clock, name)
        for index, (name, calibration) in enumerate(zip(names, calibrations, strict=False))
    }
    watches = {index: watch for index, watch in found.items() if watch is not None}
    return DriftRow(watches, names=names if len(names) > 1 else None) if watches else None


def watch_of(
    whole: WholeLine, calibration: LineCalibration, clock: Clock, name: str
) -> DriftWatch | None:
    """Return a camera's drift watch, None (and say so) where there is nothing to compare with.

    Args:
        whole: the line.
        calibration: of the camera.
        clock: of the thread.
        name: of the camera.

    Raises:
        CalibrationError: the reference is there and cannot be read.
    """
    chosen = f" --camera {name}" if whole.line.more_cameras else ""
    if isinstance(whole.line.calibration, TwinCalibration):
        images = twin_images(whole.twin)
        reference, _ = take_reference(images, calibration.plane, calibration.belt_width_mm)
    else:
        folder = camera_of(whole, name).store(None).folder
        kept = load_reference(folder, key_of(calibration))
        if kept is None:
            _log.warning(
                "drift of camera %s is not watched: %s holds no reference of its view; take one "
                "with run_line.py calibrate %s watch%s",
                name,
                folder,
                whole.path,
                chosen,
            )
            return None
        reference = kept
    if reference.marks is None:
        _log.warning(
            "whether camera %s moves or loses focus is not watched: nothing fixed is in view "
            "beside the belt",
            name,
        )
    mm_per_tick = calibration.travel.mm_per_tick
    monitor = DriftMonitor(
        reference,
        calibration.plane,
        mm_per_tick=mm_per_tick,
        bar_distance_mm=max(station.distance_mm for station in whole.line.stations),
        lamps=_lamps(calibration.belt_width_mm),
    )
    view_mm = calibration.view_s_max_mm - calibration.view_s_min_mm
    return DriftWatch(monitor, clock=clock, least_way_tick=view_mm / mm_per_tick)


def photographs_of(seat: Seat, twin: TwinConfig, *, drawn: bool, index: int = 0) -> list[Image]:
    """Photograph the empty running belt for the reference; nothing where nothing moves.

    Args:
        seat: of the calibration.
        twin: the world, whose own camera is asked where the bench is a rig of it.
        drawn: the rig was drawn at random and is not the line's twin.
        index: of the camera.

    Raises:
        CalibrationError: a device fails.
    """
    if seat.photographs_only:
        return []
    return bench_images(seat.bench) if seat.truth is None or drawn else twin_images(twin, index)


def keep_reference(images: list[Image], calibration: LineCalibration, folder: Path) -> str:
    """Take and keep the reference of a calibration; returns what was done, for people.

    Raises:
        CalibrationError: it cannot be written.
    """
    if not images:
        return "drift is not watched: take its reference on the line with the action watch"
    reference, lacks = take_reference(images, calibration.plane, calibration.belt_width_mm)
    path = save_reference(reference, folder, key_of(calibration))
    return f"drift is watched against {path.name}" + (f"; {lacks}" if lacks else "")


def bench_images(bench: Bench) -> list[Image]:
    """Photograph the empty belt at several places of its length.

    Raises:
        CalibrationError: a device fails.
    """
    bench.ask(Task(kind=TaskKind.CLEAR_BELT, words="clear the belt, and step out of the view"))
    images = []
    for _ in range(_PHOTOGRAPHS):
        images.append(bench.photograph().image)
        bench.jog(_JOG_MM)
    return images


def twin_images(config: TwinConfig, index: int = 0) -> list[Image]:
    """Return what a camera of the twin shows of its empty belt at several places of its length."""
    renderer = Renderer(config=config, plane=true_plane(config, index), sprites=())
    empty = BeltItems.of((), entry_s_mm=0.0)
    return [
        renderer.render(
            empty,
            travel_mm=number * _JOG_MM,
            speed_mm_per_s=config.belt.speed_mm_per_s,
            seq=number,
        )
        for number in range(_PHOTOGRAPHS)
    ]


def _lamps(belt_width_mm: float) -> tuple[Lamp, ...]:
    """Return one row of lamps along each side of the belt, as lines are usually lit."""
    reach_mm = _LAMP_REACH_SHARE * belt_width_mm
    return tuple(
        Lamp(name=name, x_mm=share * belt_width_mm, s_mm=0.0, reach_mm=reach_mm)
        for name, share in (("lamps on the left", 0.2), ("lamps on the right", 0.8))
    )
