"""Any camera with a GenTL producer, the driver file (.cti) its maker ships, through harvesters."""

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.units import NS_PER_MS
from vision.cameras.frame_device import Grab
from vision.cameras.genicam.discovery import FoundCamera
from vision.cameras.genicam.frame_numbers import FrameNumbers
from vision.cameras.genicam.nodes import Value
from vision.cameras.genicam.pixel_formats import FORMATS
from vision.cameras.genicam.settings import apply_settings
from vision.config import GenicamCamera
from vision.errors import CameraError
from vision.types import CameraLosses

try:
    from genicam.gentl import GenericException as GentlError
    from harvesters.core import Harvester
except ImportError as error:
    msg = f"GenTL cameras need two more packages ({error}): pip install harvesters genicam"
    raise CameraError(msg) from error

log = logging.getLogger(__name__)
logging.getLogger("harvesters").setLevel(logging.CRITICAL)

BUFFERS: Final = 6


class GentlDevice:
    """One opened camera of a GenTL producer; used from one reader thread.

    Pictures are copied out of the producer's buffers: they are freed with the device, and a view
    held elsewhere would look at memory that is gone.
    """

    def __init__(self, config: GenicamCamera, pace: Callable[[], None]) -> None:
        """Load the producer, open the camera, apply the settings and start it.

        Args:
            config: of the camera, with its producer.
            pace: waits until the next software trigger is due.

        Raises:
            CameraError: no producer, no such camera, or it refuses a setting.
        """
        self._name = config.device
        self._timeout_s = config.stall_after_ms / 1e3
        self._pace = pace if config.trigger == "software" else None
        self._numbers, self._incomplete = FrameNumbers(), 0
        self._buffer: Any = None
        self._harvester: Any = _harvester(config)
        self._acquirer: Any = None
        try:
            with _named(self._name):
                self._acquirer = self._create(config.device)
                self._nodes = GentlNodes(self._acquirer.remote_device.node_map)
                apply_settings(self._nodes, config, config.device)
                self._acquirer.num_buffers = BUFFERS
                self._acquirer.start()
        except CameraError:
            self.release()
            raise

    def grab(self) -> Grab:
        """Wait for the next whole frame; the stamp is NaN where the camera has no clock."""
        self._give_back()
        step = 0
        while True:
            with _named(self._name):
                if self._pace is not None:
                    self._pace()
                    self._nodes.execute("TriggerSoftware")
                buffer = self._acquirer.try_fetch(timeout=self._timeout_s)
                if buffer is None:
                    msg = "no frame came; check power, cable and trigger"
                    raise CameraError(msg)
                step += self._numbers.step(int(buffer.module.frame_id))
                self._buffer = buffer
                if not buffer.module.is_complete():
                    self._incomplete += 1
                    self._give_back()
                    continue
                return Grab(stamp_ms=_stamp_ms(buffer), step=step)

    def image(self) -> npt.NDArray[np.uint8]:
        """Return the grabbed frame."""
        if self._buffer is None:
            msg = f"{self._name}: no frame was grabbed"
            raise CameraError(msg)
        with _named(self._name):
            picture = self._buffer.payload.components[0]
            pixels = FORMATS.get(str(picture.data_format))
            if pixels is None:
                msg = (
                    f"pixel format {picture.data_format} cannot be used; set camera.pixel_format "
                    f"to one of {', '.join(FORMATS)} that the camera has"
                )
                raise CameraError(msg)
            height, width = int(picture.height), int(picture.width)
            size = height * width * pixels.bytes_per_px
            raw = np.frombuffer(picture.data, dtype=np.uint8)
            if raw.size < size:
                msg = f"{raw.size} bytes are no {width} x {height} {pixels.name} image"
                raise CameraError(msg)
            shaped = raw[:size].reshape(height, width, pixels.bytes_per_px)
            return pixels.to_bgr(shaped.copy() if pixels.is_view else shaped)

    def losses(self) -> CameraLosses:
        """Return the frames that arrived with parts missing."""
        return CameraLosses(incomplete=self._incomplete)

    def release(self) -> None:
        """Stop the camera and unload the producer. Idempotent."""
        harvester, self._harvester = self._harvester, None
        if harvester is None:
            return
        try:
            self._give_back()
            if self._acquirer is not None:
                self._acquirer.destroy()
        except GentlError as error:
            log.debug("camera %s could not be stopped: %s", self._name, error)
        finally:
            harvester.reset()

    def _create(self, device: str) -> Any:
        found = tuple(_cameras_of(self._harvester))
        for index, camera in enumerate(found):
            if camera.is_called(device):
                return self._harvester.create(index)
        msg = f"no such camera; found: {', '.join(camera.device for camera in found) or 'none'}"
        raise CameraError(msg)

    def _give_back(self) -> None:
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            buffer.queue()


class GentlNodes:
    """FeatureNodes over a GenApi node map."""

    def __init__(self, node_map: Any) -> None:
        """Look at a camera's remote node map."""
        self._map = node_map

    def has(self, name: str) -> bool:
        """Whether the camera has this feature."""
        return bool(self._map.has_node(name))

    def read(self, name: str, kind: type[Value]) -> Value:
        """Return a feature's value."""
        return kind(getattr(self._map, name).value)

    def write(self, name: str, value: Value) -> None:
        """Write a feature."""
        try:
            getattr(self._map, name).value = value
        except Exception as error:
            # GenApi's exceptions share no base class but Exception.
            raise CameraError(str(error)) from error

    def execute(self, name: str) -> None:
        """Run a command feature."""
        getattr(self._map, name).execute()


def gentl_cameras(producer: str) -> tuple[FoundCamera, ...]:
    """List the cameras of a producer.

    Args:
        producer: path of its .cti file.

    Raises:
        CameraError: the file is no producer.
    """
    harvester = _load(producer)
    try:
        return tuple(_cameras_of(harvester))
    finally:
        harvester.reset()


def _harvester(config: GenicamCamera) -> Any:
    return _load(str(config.producer))


def _load(producer: str) -> Any:
    if not Path(producer).is_file():
        msg = f"{producer}: no such file; name the GenTL producer (.cti) of the camera's maker"
        raise CameraError(msg)
    harvester = Harvester()
    try:
        harvester.add_file(producer, check_existence=True, check_validity=True)
        harvester.update()
    except (OSError, GentlError) as error:
        harvester.reset()
        msg = f"{producer}: no GenTL producer that loads here ({error})"
        raise CameraError(msg) from error
    return harvester


def _cameras_of(harvester: Any) -> Iterator[FoundCamera]:
    for entry in harvester.device_info_list:
        # Attributes raise where a producer does not know them; this table has None there.
        known = entry.property_dict
        yield FoundCamera(
            device=known["id_"],
            vendor=known["vendor"] or "",
            model=known["model"] or "",
            serial=known["serial_number"] or "",
            address=known["user_defined_name"] or "",
            protocol=known["tl_type"] or "",
        )


def _stamp_ms(buffer: Any) -> float:
    try:
        return float(buffer.timestamp_ns) / NS_PER_MS
    except GentlError:
        # Some producers have no timestamps; arrival is all there is then.
        return math.nan


@contextmanager
def _named(camera: str) -> Iterator[None]:
    """Turn GenTL's exceptions into camera errors, and name the camera in ours."""
    try:
        yield
    except GentlError as error:
        msg = f"{camera}: {error}"
        raise CameraError(msg) from error
    except CameraError as error:
        if str(error).startswith(camera):
            raise
        msg = f"{camera}: {error}"
        raise CameraError(msg) from error
