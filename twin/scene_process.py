"""The demonstration's plant in its own process: items on the belt, jets, bins and the camera.

It hears the PLC's outputs (drive and valves) over a pipe as a plant would over cables, moves the
world along in real time and exposes frames into shared memory. It never talks to the line.
"""

import logging
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calibration.clock import MonotonicClock
from calibration.line_calibration import LineCalibration
from calibration.units import NS_PER_S, MonotonicNs
from controller.config import FractionRule
from controller.stations import StationConfig
from models.library import Sprite
from twin.belt_drive import BeltDrive
from twin.bins import FractionScore
from twin.catalogue import open_catalogue
from twin.config import TwinConfig
from twin.frame_ring import FrameRing
from twin.optics import Renderer
from twin.viewpoint import true_plane
from twin.wiring import BeltCommand, ValveEdge
from twin.world import World
from vision.types import Fraction

_log = logging.getLogger(__name__)

RENDER_MARGIN_MM = 50.0
"""Drawn beyond the nominal view: the lens sees a little more than the plane's rectangle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamScene:
    """What the scene needs to show the belt behind the bars.

    Attributes:
        calibration: of the camera there.
        ring_name: shared memory block of its frame ring.
        notices: writing end of its frame announcements.
    """

    calibration: LineCalibration
    ring_name: str
    notices: Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSetup:
    """All that the scene process needs; sent to it when it starts.

    Attributes:
        config: of the world.
        stations: the line's jet bars.
        rules: the recipe, to know which bin each fraction belongs in.
        mm_per_tick: encoder scale.
        drive_start_ns: time zero of the belt drive, the same as the PLC's.
        ring_name: shared memory block of the frame ring.
        items: folder of real photographs to cut items from, or None for the rendered library.
        downstream: the camera behind the bars, None without one.
    """

    config: TwinConfig
    stations: tuple[StationConfig, ...]
    rules: tuple[tuple[Fraction, FractionRule], ...]
    mm_per_tick: float
    drive_start_ns: MonotonicNs
    ring_name: str
    items: Path | None
    downstream: DownstreamScene | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PickLamps:
    """Asks for every lamp past the camera's upstream border to be taken off the belt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskScores:
    """Asks for the bins' present content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneScores:
    """What the bins truly hold.

    Attributes:
        picked: lamps taken off the belt by this very request.
        binned: items that have reached a bin.
        fractions: score per fraction.
        lamps: lamps that have reached a bin or were picked.
        lamps_jetted: lamps struck by a jet.
    """

    picked: int
    binned: int
    fractions: tuple[tuple[Fraction, FractionScore], ...]
    lamps: int
    lamps_jetted: int


SceneRequest = PickLamps | AskScores


class _Behind:
    """The camera behind the bars: its renderer and its ring."""

    def __init__(
        self, config: TwinConfig, scene: DownstreamScene, sprites: Sequence[Sprite]
    ) -> None:
        camera, calibration = config.camera, scene.calibration
        self._notices = scene.notices
        self._renderer = Renderer(config=config, plane=calibration.plane, sprites=sprites)
        self._ring = FrameRing(
            height_px=camera.height_px, width_px=camera.width_px, name=scene.ring_name
        )
        self._from_mm = calibration.view_s_min_mm - RENDER_MARGIN_MM
        self._to_mm = calibration.view_s_max_mm + RENDER_MARGIN_MM

    def show(self, world: World, speed_mm_per_s: float, seq: int, at_ns: MonotonicNs) -> None:
        """Draw the belt as it is now and announce the frame."""
        image = self._renderer.render(
            world.items_between(self._from_mm, self._to_mm),
            travel_mm=world.travel_mm,
            speed_mm_per_s=speed_mm_per_s,
            seq=seq,
        )
        self._ring.write(self._notices, seq, at_ns, image)

    def close(self) -> None:
        """Detach from the shared memory."""
        self._ring.close()


class _Scene:
    """The world with its wires; one thread."""

    def __init__(self, setup: SceneSetup) -> None:
        config = setup.config
        self._setup = setup
        self._drive = BeltDrive(
            config=config.belt,
            mm_per_tick=setup.mm_per_tick,
            seed=config.seed,
            start_ns=setup.drive_start_ns,
        )
        catalogue = open_catalogue(setup.items)
        self._world = World(
            config=config, stations=setup.stations, catalogue=catalogue, drive=self._drive
        )
        self._renderer = Renderer(
            config=config, plane=true_plane(config), sprites=catalogue.sprites
        )
        behind = setup.downstream
        self._behind = None if behind is None else _Behind(config, behind, catalogue.sprites)

    def expose(self, at_ns: MonotonicNs, seq: int) -> npt.NDArray[np.uint8]:
        """Move the world to an instant and take its picture."""
        self._world.advance(at_ns)
        half_view_mm = self._setup.config.camera.view_length_mm / 2
        reach_mm = half_view_mm + RENDER_MARGIN_MM
        return self._renderer.render(
            self._world.items_between(-reach_mm, reach_mm),
            travel_mm=self._world.travel_mm,
            speed_mm_per_s=self._drive.speed_mm_per_s(at_ns),
            seq=seq,
        )

    def expose_downstream(self, at_ns: MonotonicNs, seq: int) -> None:
        """Take the picture of the belt behind the bars at the instant of `expose`."""
        if self._behind is not None:
            speed_mm_per_s = self._drive.speed_mm_per_s(at_ns)
            self._behind.show(self._world, speed_mm_per_s, seq, at_ns)

    def close(self) -> None:
        """Detach from the shared memory of the second camera, where there is one."""
        if self._behind is not None:
            self._behind.close()

    def hear(self, wires: Connection) -> None:
        """Take everything that the PLC's outputs did since the last call."""
        while wires.poll(0):
            for event in wires.recv():
                if isinstance(event, ValveEdge):
                    self._world.switch(event)
                elif isinstance(event, BeltCommand):
                    self._drive.command(run=event.run, at_ns=event.at_ns, slow=event.slow)

    def answer(self, control: Connection) -> None:
        """Serve the demonstration's requests."""
        while control.poll(0):
            request: SceneRequest = control.recv()
            view_mm = self._setup.config.camera.view_length_mm
            picking = isinstance(request, PickLamps)
            picked = len(self._world.pick_lamps(-view_mm / 2)) if picking else 0
            control.send(self._scores(picked))

    def _scores(self, picked: int) -> SceneScores:
        names = tuple(station.name for station in self._setup.stations)
        bins = self._world.bins
        return SceneScores(
            picked=picked,
            binned=bins.items,
            fractions=tuple(bins.scores(dict(self._setup.rules), names).items()),
            lamps=bins.lamps,
            lamps_jetted=bins.lamps_jetted,
        )


def main(setup: SceneSetup, wires: Connection, notices: Connection, control: Connection) -> None:
    """Run the plant until the control connection closes (its owner ended).

    Args:
        setup: what to show.
        wires: reading end of the PLC's outputs, lists of ValveEdge and BeltCommand.
        notices: writing end of the frame announcements.
        control: requests of the demonstration.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    clock, never = MonotonicClock(), threading.Event()
    camera = setup.config.camera
    ring = FrameRing(height_px=camera.height_px, width_px=camera.width_px, name=setup.ring_name)
    scene = _Scene(setup)
    period_ns = int(NS_PER_S / camera.frames_per_s)
    exposed_ns, seq = clock.now_ns(), 0
    try:
        while True:
            clock.wait(never, (exposed_ns - clock.now_ns()) / NS_PER_S)
            scene.hear(wires)
            scene.answer(control)
            seq += 1
            ring.write(notices, seq, exposed_ns, scene.expose(MonotonicNs(exposed_ns), seq))
            scene.expose_downstream(MonotonicNs(exposed_ns), seq)
            late_ns = clock.now_ns() - exposed_ns
            skipped = max(0, late_ns // period_ns)
            seq, exposed_ns = seq + skipped, MonotonicNs(exposed_ns + (1 + skipped) * period_ns)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        _log.info("the demonstration ended, the scene ends with it")
    finally:
        ring.close()
        scene.close()
