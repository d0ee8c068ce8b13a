"""A GigE Vision or USB3 Vision camera, opened through Aravis."""

import logging
import threading
import weakref
from collections.abc import Callable
from ctypes import byref, c_int, c_size_t, c_uint64
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.units import NS_PER_MS
from vision.cameras.frame_device import Grab
from vision.cameras.genicam.aravis_library import (
    NO_PACKET_SOCKET,
    SOCKET_BUFFER_AUTO,
    STATUS_SUCCESS,
    Aravis,
    aravis,
)
from vision.cameras.genicam.aravis_nodes import AravisNodes
from vision.cameras.genicam.buffer_views import BufferViews, view_of
from vision.cameras.genicam.discovery import aravis_cameras
from vision.cameras.genicam.frame_numbers import FrameNumbers
from vision.cameras.genicam.pixel_formats import format_of
from vision.cameras.genicam.settings import apply_settings
from vision.config import GenicamCamera
from vision.errors import CameraError
from vision.types import CameraLosses

log = logging.getLogger(__name__)

BUFFERS: Final = 12
"""One being filled, one waiting, ten for viewers: newest frame, pipeline, picture, recorder."""
LENT: Final = 8
US_PER_MS: Final = 1000


class AravisDevice:
    """One opened camera with its stream; used from one reader thread."""

    def __init__(self, config: GenicamCamera, pace: Callable[[], None]) -> None:
        """Open the camera, apply the settings and start it.

        Args:
            config: of the camera.
            pace: waits until the next software trigger is due.

        Raises:
            CameraError: absent, in another network, held by another program, or refuses a setting.
        """
        self._library = aravis()
        self._name = config.device
        self._pace = pace if config.trigger == "software" else None
        self._timeout_us = round(config.stall_after_ms * US_PER_MS)
        self._camera = _Object(self._library, _open(self._library, config.device))
        self._nodes = AravisNodes(
            self._library, self._library.call("arv_camera_get_device", self._camera.pointer)
        )
        self._numbers, self._views = FrameNumbers(), BufferViews(LENT)
        self._incomplete = self._starved = 0
        self._buffer: int | None = None
        self._lock = threading.Lock()
        """Views are given back from any thread, also while the stream ends."""
        self._stream: _Object | None = None
        try:
            self._stream = self._start(config)
        except CameraError:
            self.release()
            raise

    def grab(self) -> Grab:
        """Wait for the next whole frame; the stamp is the camera's clock."""
        self._give_back()
        step = 0
        while True:
            if self._pace is not None:
                self._pace()
                self._nodes.execute("TriggerSoftware")
            buffer = self._pop()
            call = self._library.call
            whole = call("arv_buffer_get_status", buffer) == STATUS_SUCCESS
            step += self._numbers.step(call("arv_buffer_get_frame_id", buffer))
            if whole:
                self._buffer = buffer
                stamp_ns: int = call("arv_buffer_get_timestamp", buffer)
                return Grab(stamp_ms=stamp_ns / NS_PER_MS, step=step)
            self._push(buffer)
            if not self._incomplete:
                log.warning(
                    "camera %s: a frame arrived with parts missing; check packet_bytes against "
                    "network card and switch, and the cable",
                    self._name,
                )
            self._incomplete += 1

    def image(self) -> npt.NDArray[np.uint8]:
        """Return the grabbed frame: a view of its buffer where the format allows."""
        buffer = self._buffer
        if buffer is None:
            msg = f"{self._name}: no frame was grabbed"
            raise CameraError(msg)
        call, size = self._library.call, c_size_t()
        address: int = call("arv_buffer_get_image_data", buffer, byref(size))
        height: int = call("arv_buffer_get_image_height", buffer)
        width: int = call("arv_buffer_get_image_width", buffer)
        pixels = format_of(call("arv_buffer_get_image_pixel_format", buffer), self._name)
        shape = (height, width, pixels.bytes_per_px)
        if size.value < height * width * pixels.bytes_per_px or self._padded(buffer):
            msg = f"{self._name}: {size.value} bytes are no {width} x {height} {pixels.name} image"
            raise CameraError(msg)
        if not pixels.is_view:
            return pixels.to_bgr(view_of(address, shape))
        if not self._views.may_lend:
            return pixels.to_bgr(view_of(address, shape).copy())
        self._buffer = None
        return pixels.to_bgr(self._views.lend(address, shape, lambda: self._push(buffer)))

    def losses(self) -> CameraLosses:
        """Return the frames that arrived with parts missing, and those that found no buffer."""
        with self._lock:
            if self._stream is not None:
                self._starved = _starved(self._library, self._stream.pointer)
            return CameraLosses(incomplete=self._incomplete, starved=self._starved)

    def release(self) -> None:
        """Stop the camera and let it go. Idempotent."""
        if self._stream is None:
            self._camera.release()
            return
        self._give_back()
        try:
            self._library.checked("arv_camera_stop_acquisition", self._camera.pointer)
        except CameraError as error:
            log.debug("camera %s could not be stopped: %s", self._name, error)
        self.losses()
        with self._lock:
            stream, self._stream = self._stream, None
        # Given up here and now: while anything refers to the stream, the camera stays controlled.
        stream.release()
        self._camera.release()

    def _start(self, config: GenicamCamera) -> "_Object":
        library, camera = self._library, self._camera.pointer
        _refuse_second_controller(library, self._nodes.pointer, camera, config.device)
        if library.call("arv_camera_is_gv_device", camera):
            # The packet socket needs privileges and sees only one interface.
            library.call("arv_camera_gv_set_stream_options", camera, NO_PACKET_SOCKET)
            if config.packet_bytes is not None:
                library.checked("arv_camera_gv_set_packet_size", camera, config.packet_bytes)
        apply_settings(self._nodes, config, config.device)
        stream = _Object(library, library.checked("arv_camera_create_stream", camera, None, None))
        if library.call("arv_camera_is_gv_device", camera):
            library.set_int_property(stream.pointer, "socket-buffer", SOCKET_BUFFER_AUTO)
        payload = library.checked("arv_camera_get_payload", camera)
        for _ in range(BUFFERS):
            buffer = library.call("arv_buffer_new_allocate", payload)
            library.call("arv_stream_push_buffer", stream.pointer, buffer)
        library.checked("arv_camera_start_acquisition", camera)
        return stream

    def _pop(self) -> int:
        stream = self._stream
        if stream is None:
            msg = f"{self._name} is closed"
            raise CameraError(msg)
        buffer: int | None = self._library.call(
            "arv_stream_timeout_pop_buffer", stream.pointer, self._timeout_us
        )
        if buffer is None:
            msg = f"{self._name}: no frame came; check power, cable and trigger"
            raise CameraError(msg)
        return buffer

    def _push(self, buffer: int) -> None:
        with self._lock:
            if self._stream is not None:
                self._library.call("arv_stream_push_buffer", self._stream.pointer, buffer)
                return
        self._library.unref(buffer)

    def _give_back(self) -> None:
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            self._push(buffer)

    def _padded(self, buffer: int) -> bool:
        x, y = c_int(), c_int()
        self._library.call("arv_buffer_get_image_padding", buffer, byref(x), byref(y))
        return x.value != 0


class _Object:
    """A reference to one of Aravis' objects, given up at the latest with this one."""

    def __init__(self, library: Aravis, pointer: int) -> None:
        self.pointer = pointer
        self._end = weakref.finalize(self, library.unref, pointer)

    def release(self) -> None:
        self._end()


def _open(library: Aravis, device: str) -> int:
    """Open by identity, serial number or address."""
    found = aravis_cameras()
    name = next((camera.device for camera in found if camera.is_called(device)), device)
    try:
        pointer: int = library.checked("arv_camera_new", name.encode())
    except CameraError as error:
        there = ", ".join(camera.device for camera in found) or "none"
        msg = (
            f"{device}: {error}; found: {there}. A GigE camera must have an address in the network "
            "of the card it is plugged into (arv-tool-0.8 -n NAME network ip=...)"
        )
        raise CameraError(msg) from error
    return pointer


def _starved(library: Aravis, stream: int) -> int:
    completed, failures, starved = c_uint64(), c_uint64(), c_uint64()
    library.call(
        "arv_stream_get_statistics", stream, byref(completed), byref(failures), byref(starved)
    )
    return starved.value


def _refuse_second_controller(library: Aravis, device: int, camera: int, name: str) -> None:
    is_network = library.call("arv_camera_is_gv_device", camera)
    if is_network and not library.call("arv_gv_device_is_controller", device):
        msg = (
            f"{name}: another program controls this camera; close it there (a viewer, another "
            "line), or wait three seconds if that program was killed"
        )
        raise CameraError(msg)
