"""The plant of the demonstration: soft PLC and scene, each in processes of their own."""

import multiprocessing
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from calibration.clock import Clock
from calibration.line_calibration import LineCalibration
from calibration.units import MonotonicNs
from controller.config import RecipeConfig
from controller.plant_cameras import LineCameras
from controller.stations import StationConfig
from plc.config import TcpTransport
from twin import scene_process
from twin.config import TwinConfig
from twin.frame_ring import FrameRing
from twin.scene_process import (
    AskScores,
    DownstreamScene,
    PickLamps,
    SceneRequest,
    SceneScores,
    SceneSetup,
)
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.launch import SoftPlcError, launch
from twin.soft_plc.setup import SoftPlcSetup, TcpEndpoint, nozzles_mm
from twin.twin_camera import TwinCamera

_ANSWER_S = 5.0
_READY_S = 30.0
"""A thousand pictures of items are read first; on a busy machine that takes a while."""
_STOP_S = 5.0


class PlantError(Exception):
    """A process of the plant has ended or does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownstreamTwin:
    """The twin's camera behind the bars.

    Attributes:
        camera_id: its identity.
        calibration: of it.
    """

    camera_id: str
    calibration: LineCalibration


class _Second:
    """Our ends of the second camera, and what the scene needs of it."""

    def __init__(self, config: TwinConfig, twin: DownstreamTwin) -> None:
        self._ring = FrameRing(height_px=config.camera.height_px, width_px=config.camera.width_px)
        self._notices, there = multiprocessing.get_context("spawn").Pipe(duplex=False)
        self.scene = DownstreamScene(
            calibration=twin.calibration, ring_name=self._ring.name, notices=there
        )
        self.calibration = twin.calibration
        self.camera = TwinCamera(camera_id=twin.camera_id, ring=self._ring, notices=self._notices)

    def close(self) -> None:
        """Close our ends and give the shared memory back."""
        self._notices.close()
        self._ring.close()


class DemoPlant:
    """A running plant without metal: what the line talks to are a Modbus server and a camera."""

    def __init__(
        self,
        *,
        config: TwinConfig,
        stations: Sequence[StationConfig],
        recipe: RecipeConfig,
        mm_per_tick: float,
        heartbeat_timeout_ms: float,
        transport: TcpTransport,
        unit_id: int,
        camera_id: str,
        items: Path | None,
        clock: Clock,
        downstream: DownstreamTwin | None = None,
    ) -> None:
        """Start everything and wait until a Modbus master can connect.

        Args:
            config: of the world.
            stations: jet bars.
            recipe: to know which bin each fraction belongs in.
            mm_per_tick: true encoder scale.
            heartbeat_timeout_ms: of the PLC.
            transport: where the PLC serves Modbus TCP.
            unit_id: Modbus unit of the PLC.
            camera_id: identity of the camera.
            items: folder of real photographs, None for the rendered library.
            clock: sets the drive's zero.
            downstream: the camera behind the bars, None without one.

        Raises:
            SoftPlcError: the port is in use or a process does not come up.
            PlantError: the scene does not come up.
        """
        start_ns = clock.now_ns()
        self._asking = threading.Lock()
        self._stopped = False
        self._plc = launch(
            SoftPlcSetup(
                plc=SoftPlcConfig.for_line(
                    stations,
                    heartbeat_timeout_ms=heartbeat_timeout_ms,
                    ticks_per_s=config.belt.speed_mm_per_s / mm_per_tick,
                ),
                belt=config.belt,
                mm_per_tick=mm_per_tick,
                belt_seed=config.seed,
                air=config.air,
                nozzles_mm=nozzles_mm(stations),
                start_ns=start_ns,
                endpoint=TcpEndpoint(host=transport.host, port=transport.port),
                unit_id=unit_id,
            )
        )
        self._ring = FrameRing(height_px=config.camera.height_px, width_px=config.camera.width_px)
        self._behind = None if downstream is None else _Second(config, downstream)
        self._scene, self._notices, self._control = _start_scene(
            SceneSetup(
                config=config,
                stations=tuple(stations),
                rules=tuple(recipe.fractions.items()),
                mm_per_tick=mm_per_tick,
                drive_start_ns=MonotonicNs(start_ns),
                ring_name=self._ring.name,
                items=items,
                downstream=None if self._behind is None else self._behind.scene,
            ),
            self._plc.events,
        )
        self.camera = TwinCamera(camera_id=camera_id, ring=self._ring, notices=self._notices)
        """Camera port on the rendered belt."""
        try:
            self._await_first_frame()
        except BaseException:
            self.close()
            raise

    def eyes(self, calibration: LineCalibration) -> LineCameras:
        """Return the plant's cameras as a line takes them.

        Args:
            calibration: of the sorting camera.
        """
        behind = self._behind
        return LineCameras(
            cameras=(self.camera,),
            calibrations=(calibration,),
            downstream=None if behind is None else (behind.camera, behind.calibration),
        )

    def pick_lamps(self) -> int:
        """Take every lamp in reach off the belt by hand; returns how many.

        Raises:
            PlantError: the scene process does not answer.
        """
        return self._ask(PickLamps()).picked

    def scores(self) -> SceneScores:
        """Return what the bins truly hold.

        Raises:
            PlantError: the scene process does not answer.
        """
        return self._ask(AskScores())

    def check(self) -> None:
        """Do nothing while all processes live.

        Raises:
            PlantError: the PLC or the scene has ended.
        """
        try:
            self._plc.check()
        except SoftPlcError as error:
            raise PlantError(str(error)) from error
        if not self._scene.is_alive():
            msg = f"the twin's scene process ended with status {self._scene.exitcode}"
            raise PlantError(msg)

    def close(self) -> None:
        """End all processes, valves closed. Idempotent."""
        if self._stopped:
            return
        self._stopped = True
        self._plc.stop()
        self._control.close()
        self._scene.join(_STOP_S)
        if self._scene.is_alive():
            self._scene.kill()
            self._scene.join()
        self._notices.close()
        self._ring.close()
        if self._behind is not None:
            self._behind.close()

    def _await_first_frame(self) -> None:
        try:
            if self._notices.poll(_READY_S):
                self._notices.recv()
                return
        except (EOFError, OSError) as error:
            msg = "the twin's scene process ended before its first frame"
            raise PlantError(msg) from error
        msg = f"the twin's scene process showed no frame within {_READY_S:g} s"
        raise PlantError(msg)

    def _ask(self, request: SceneRequest) -> SceneScores:
        with self._asking:
            try:
                self._control.send(request)
                if self._control.poll(_ANSWER_S):
                    answer: SceneScores = self._control.recv()
                    return answer
            except (EOFError, OSError) as error:
                msg = "the twin's scene process has ended"
                raise PlantError(msg) from error
        msg = f"the twin's scene process did not answer within {_ANSWER_S:g} s"
        raise PlantError(msg)


def _start_scene(
    setup: SceneSetup, wires: Connection
) -> tuple[SpawnProcess, Connection, Connection]:
    """Start the scene process; returns it with our ends of its notices and its control."""
    context = multiprocessing.get_context("spawn")
    notices, notices_there = context.Pipe(duplex=False)
    control, control_there = context.Pipe()
    scene = context.Process(
        target=scene_process.main,
        args=(setup, wires, notices_there, control_there),
        name="twin-scene",
        daemon=True,
    )
    # Ctrl-C goes to the whole terminal; the scene would die of it before it has a handler.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        scene.start()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    behind = () if setup.downstream is None else (setup.downstream.notices,)
    for end in (notices_there, control_there, wires, *behind):
        end.close()
    return scene, notices, control
