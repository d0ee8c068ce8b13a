"""Serves any camera's frames as a GigE Vision camera: real GVCP and GVSP, by Aravis' fake camera.

For trying out camera settings, networks and other programs without the camera at hand:

    python -m twin.gige_server SOURCE [--serial NAME] [--interface ADDRESS]

SOURCE is a video file, a folder of images or a stream. Debian: `apt-get install libaravis-0.8-0`.
"""

import argparse
import ctypes
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from ctypes import c_size_t, c_uint32, c_void_p
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.clock import MonotonicClock
from vision.cameras.genicam.aravis_library import Aravis, aravis
from vision.cameras.genicam.pixel_formats import FORMATS
from vision.config import ImagesCamera
from vision.errors import EndOfStreamError, VisionError
from vision.factory import open_camera
from vision.ports import Camera
from vision.source import FORMS, parse_source

_FILL: Final = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_uint32, c_uint32, c_uint32)
_BAYER_ORDER: Final = {"GR": "GRBG", "RG": "RGGB", "GB": "GBRG", "BG": "BGGR"}
_CHANNEL: Final = {"B": 0, "G": 1, "R": 2}
Image = npt.NDArray[np.uint8]
FRAME_WAIT_S: Final = 5.0
"""A slow stream delivers its next frame within this."""


class GigeServer:
    """A GigE Vision camera on one interface; 25 frames/s where a client does not trigger it."""

    def __init__(
        self, *, serial: str, picture: Callable[[], Image], interface: str = "127.0.0.1"
    ) -> None:
        """Start to answer discovery; frames go out when a client starts the acquisition.

        Args:
            serial: serial number; clients see `Aravis-Fake-SERIAL`.
            picture: called from Aravis' thread for each exposure; returns (height, width, 3) uint8
                BGR, cut or filled with black to the client's region.
            interface: address or name of the network interface.

        Raises:
            vision.errors.CameraError: Aravis is not installed.
        """
        self._library = aravis()
        self._picture = picture
        declared = _declare(self._library)
        self._server: int = declared.arv_gv_fake_camera_new(interface.encode(), serial.encode())
        self._fill = _FILL(self._paint)
        self._camera: int = declared.arv_gv_fake_camera_get_fake_camera(self._server)
        declared.arv_fake_camera_set_fill_pattern(self._camera, self._fill, None)

    def close(self) -> None:
        """Vanish from the network. Idempotent."""
        server, self._server = self._server, 0
        if server:
            self._library.unref(server)

    def _paint(self, buffer: int, _: object, __: int, ___: int, code: int) -> None:
        call = self._library.call
        # The size that Aravis tells is what was received; this buffer is only now being filled.
        address = call("arv_buffer_get_data", buffer, None)
        width, height = (
            call(f"arv_buffer_get_image_{side}", buffer) for side in ("width", "height")
        )
        encoded = np.ascontiguousarray(_encoded(_fitted(self._picture(), height, width), code))
        room = self._library.raw.arv_fake_camera_get_payload(self._camera)
        ctypes.memmove(address, encoded.ctypes.data, min(encoded.size, room))


def _declare(library: Aravis) -> ctypes.CDLL:
    """Add the calls that only a server makes."""
    declared = library.raw
    declared.arv_gv_fake_camera_new.restype = c_void_p
    declared.arv_gv_fake_camera_new.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    declared.arv_gv_fake_camera_get_fake_camera.restype = c_void_p
    declared.arv_gv_fake_camera_get_fake_camera.argtypes = (c_void_p,)
    declared.arv_fake_camera_get_payload.restype = c_size_t
    declared.arv_fake_camera_get_payload.argtypes = (c_void_p,)
    declared.arv_fake_camera_set_fill_pattern.argtypes = (c_void_p, _FILL, c_void_p)
    return declared


def _fitted(image: Image, height: int, width: int) -> Image:
    fitted = np.zeros((height, width, 3), np.uint8)
    rows, columns = min(height, image.shape[0]), min(width, image.shape[1])
    fitted[:rows, :columns] = image[:rows, :columns]
    return fitted


def _encoded(image: Image, code: int) -> Image:
    """Return BGR pixels as the wire format with a PFNC code (those of Aravis' fake camera)."""
    name = next((entry.name for entry in FORMATS.values() if entry.code == code), "Mono8")
    if name == "RGB8":
        return image[:, :, ::-1]
    if name.startswith("Bayer"):
        return _mosaic(image, _BAYER_ORDER[name[5:7]])
    grey: Any = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.repeat(grey[:, :, None], 2, axis=2) if name == "Mono16" else grey


def _mosaic(image: Image, order: str) -> Image:
    raw = np.empty(image.shape[:2], np.uint8)
    for place, colour in enumerate(order):
        row, column = divmod(place, 2)
        raw[row::2, column::2] = image[row::2, column::2, _CHANNEL[colour]]
    return raw


class Showcase:
    """The newest frame of a camera, for a server to show."""

    def __init__(self) -> None:
        """Begin black."""
        self._image: Image = np.zeros((512, 512, 3), np.uint8)
        self._lock = threading.Lock()

    def picture(self) -> Image:
        """Return the newest frame."""
        with self._lock:
            return self._image

    def follow(self, camera: Camera) -> None:
        """Take a camera's frames until it ends.

        Raises:
            vision.errors.EndOfStreamError: the recording ended.
            vision.errors.CameraError: the camera is gone.
        """
        camera.open()
        try:
            while True:
                image = camera.read(FRAME_WAIT_S).image
                with self._lock:
                    self._image = image
        finally:
            camera.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until the source ends or Ctrl-C; 0, or 2 where the source or Aravis is missing."""
    parser = argparse.ArgumentParser(prog="python -m twin.gige_server", description=__doc__)
    parser.add_argument("source", help=FORMS)
    parser.add_argument("--serial", default="SORTLINE", help="serial number (default SORTLINE)")
    parser.add_argument("--interface", default="127.0.0.1", help="address to answer on")
    arguments = parser.parse_args(argv)
    like = ImagesCamera(
        source="images", path=Path(), camera_id="served", exposure_ms=1.0, transfer_ms=0.0,
        stall_after_ms=2000.0, frames_per_s=25.0,
    )  # fmt: skip
    try:
        camera = open_camera(parse_source(arguments.source, like), MonotonicClock())
        showcase = Showcase()
        server = GigeServer(
            serial=arguments.serial, picture=showcase.picture, interface=arguments.interface
        )
        with closing(server):
            showcase.follow(camera)
    except EndOfStreamError as end:
        sys.stderr.write(f"{end}\n")
        return 0
    except VisionError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
