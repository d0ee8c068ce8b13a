"""A GigE Vision camera whose pictures carry their number, 25 a second.

It runs in a process of its own, so that tests can stop, kill and revive it as they would a camera.
"""

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.coded_frames import HEIGHT_PX, WIDTH_PX, coded_frame
from twin.gige_server import GigeServer
from vision.cameras.genicam.aravis_library import aravis
from vision.config import GenicamCamera
from vision.errors import CameraError


def gige_is_possible() -> bool:
    try:
        aravis()
    except CameraError:
        return False
    return True


class CodedGige:
    """The camera's process."""

    def __init__(self, serial: str) -> None:
        self.serial = serial
        self.device = f"Aravis-Fake-{serial}"
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.coded_gige", self.serial],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready"

    def pause(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def return_(self) -> None:
        self._start()

    def config(self, **changes: object) -> GenicamCamera:
        settings = {
            "source": "genicam",
            "camera_id": "camera-1",
            "device": self.device,
            "exposure_ms": 1,
            "transfer_ms": 2,
            "stall_after_ms": 1000,
            "pixel_format": "RGB8",
            "width_px": WIDTH_PX,
            "height_px": HEIGHT_PX,
            "packet_bytes": 9000,
        }
        return GenicamCamera.model_validate(settings | changes)


@contextmanager
def coded_gige(serial: str) -> Iterator[CodedGige]:
    camera = CodedGige(serial)
    try:
        yield camera
    finally:
        camera.resume()
        camera.kill()


def main(serial: str) -> None:
    numbers = itertools.cycle(range(500))
    server = GigeServer(serial=serial, picture=lambda: coded_frame(next(numbers)))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()
    server.close()


if __name__ == "__main__":
    main(sys.argv[1])
