"""The demonstration's plant: soft PLC and scene in processes of their own."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from calibration.clock import MonotonicClock
from plc.config import TcpTransport
from tests.support.line_process import shared_memory, wait_for
from tests.support.lockstep_rig import shipped_line
from tests.support.modbus_bytes import RawClient
from tests.support.plc_bench import AT
from tests.support.plc_wire import free_port
from twin.demo_plant import DemoPlant, PlantError
from vision.errors import CameraError
from vision.types import Fraction

pytestmark = pytest.mark.wire


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def plant(port: int) -> Iterator[DemoPlant]:
    line, config = shipped_line("demo")
    made = DemoPlant(
        config=config,
        stations=line.stations,
        recipe=line.recipe,
        mm_per_tick=0.5,
        heartbeat_timeout_ms=300,
        transport=TcpTransport(kind="tcp", host="127.0.0.1", port=port),
        unit_id=1,
        camera_id="twin-camera",
        items=None,
        clock=MonotonicClock(),
    )
    with closing(made):
        yield made


def test_the_plant_shows_its_belt_answers_and_notices_each_process_that_dies(
    plant: DemoPlant, port: int
) -> None:
    first = plant.camera.read(5.0)
    second = plant.camera.read(5.0)
    assert second.seq > first.seq
    assert second.exposed_ns > first.exposed_ns
    assert first.image.shape == (320, 640, 3)
    with closing(RawClient(port, unit=1)) as master:
        assert master.read(AT["state"], 1) == [0]
    scores = plant.scores()
    assert [fraction for fraction, _ in scores.fractions] == list(Fraction)
    assert plant.pick_lamps() == scores.lamps == 0
    plant.check()

    os.kill(plant._scene.pid or 0, signal.SIGKILL)
    wait_for(lambda: "scene process ended with status -9" in complaint(plant), "the scene's end")
    with pytest.raises(PlantError, match="scene process has ended"):
        plant.scores()
    wait_for(lambda: "start the demonstration again" in camera_error(plant), "the camera's end")
    os.kill(plant._plc.scan_pid, signal.SIGKILL)
    wait_for(lambda: "soft PLC's scan process ended" in complaint(plant), "the PLC's end")
    plant.close()
    plant.close()
    assert not {name for name in shared_memory() if name in plant._ring.name}


def complaint(plant: DemoPlant) -> str:
    try:
        plant.check()
    except PlantError as error:
        return str(error)
    return ""


def camera_error(plant: DemoPlant) -> str:
    try:
        plant.camera.read(0.5)
    except CameraError as error:
        return str(error)
    return ""
