"""The vision package's sections of line.toml: the camera and the detector."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from calibration.section import Section
from vision.manifest import STRIDE_PX

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class CameraSection(Section):
    """What every camera has, whatever its source."""

    role: Literal["sorting", "downstream"] = "sorting"
    """What it is for: sorting looks at items on their way to the stations, downstream at what is
    still on the belt behind them, to find valves that miss."""
    camera_id: str = Field(min_length=1, max_length=80)
    """Identity of the device; the calibration is bound to it."""
    exposure_ms: Positive
    """Exposure time; set on the device where it can be, and part of the latency budget."""
    transfer_ms: NotNegative
    """From the end of the exposure until the frame is in this computer, for the latency budget."""
    stall_after_ms: Positive
    """Without a new frame for this long the camera counts as lost and is opened again."""


class VideoCamera(CameraSection):
    """A recorded video file."""

    source: Literal["video"]
    path: Path
    frames_per_s: Positive | None = None
    """Overrides the file's own frame times; absent: as recorded."""


class ImagesCamera(CameraSection):
    """A folder of images of one size, in the natural order of their names."""

    source: Literal["images"]
    path: Path
    frames_per_s: Positive
    """Rate at which the images were taken."""


class UsbCamera(CameraSection):
    """A V4L2 device. Settings are written and read back; absent ones are left as they are."""

    source: Literal["usb"]
    device: Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^/dev/")]
    """Index N of /dev/videoN, or a device path; /dev/v4l/by-id/... survives replugging."""
    width_px: Annotated[int, Field(gt=0)] | None = None
    height_px: Annotated[int, Field(gt=0)] | None = None
    frames_per_s: Positive | None = None
    pixel_format: Literal["MJPG", "YUYV"] | None = None
    """Format on the wire; MJPG where the bus is too slow for raw frames."""
    exposure: Literal["manual", "auto"] = "manual"
    """Auto leaves the exposure to the device; `exposure_ms` is then its known upper limit."""
    gain: NotNegative | None = None
    """In the device's own unit."""


class StreamCamera(CameraSection):
    """An RTSP or HTTP (MJPEG, MPEG-TS) network stream."""

    source: Literal["stream"]
    url: str = Field(pattern=r"^(rtsps?|https?)://")
    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP carries the pictures; ignored for HTTP."""
    open_timeout_ms: Positive = 5000.0
    """Patience with a silent server when connecting."""


PixelFormatName = Literal[
    "Mono8", "RGB8", "BGR8", "RGBa8", "BGRa8", "Mono10", "Mono12", "Mono16",
    "BayerGR8", "BayerRG8", "BayerGB8", "BayerBG8",
    "BayerGR12", "BayerRG12", "BayerGB12", "BayerBG12", "YUV422_8", "YUV422_8_UYVY",
]  # fmt: skip
"""Formats that become an image here; names by the GenICam Pixel Format Naming Convention."""


class GenicamCamera(CameraSection):
    """A GigE Vision, USB3 Vision or other GenICam camera. Settings are written and read back."""

    source: Literal["genicam"]
    transport: Literal["aravis", "gentl"] = "aravis"
    """aravis: GigE Vision and USB3 Vision by the open driver; gentl: by the maker's own."""
    device: str = Field(min_length=1)
    """As `run_line.py cameras` lists it: identity, serial number, or a GigE camera's address."""
    producer: Path | None = None
    """The maker's GenTL file (.cti), for transport gentl."""
    pixel_format: PixelFormatName | None = None
    """Absent: as the camera is set. Mono8, RGB8 and BGR8 reach the detector without a copy."""
    width_px: Annotated[int, Field(gt=0)] | None = None
    height_px: Annotated[int, Field(gt=0)] | None = None
    offset_x_px: Annotated[int, Field(ge=0)] = 0
    offset_y_px: Annotated[int, Field(ge=0)] = 0
    """Left upper corner of the region on the sensor."""
    exposure: Literal["manual", "as_set"] = "manual"
    """as_set leaves the exposure to the camera; `exposure_ms` is then what it is known to be."""
    gain_db: NotNegative | None = None
    frames_per_s: Positive | None = None
    """Rate of a free-running or software-triggered camera."""
    trigger: Literal["free", "encoder", "software"] = "free"
    """encoder: each frame by a pulse on `trigger_line`; software: each frame asked for."""
    trigger_line: str | None = Field(default=None, min_length=1)
    """The input the encoder's pulses arrive at, as the camera names it (Line0, Line1, ...)."""
    packet_bytes: Annotated[int, Field(ge=576, le=65535)] | None = None
    """GigE packet size; 9000 where network card and switch pass jumbo frames. Absent: as set."""

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if (self.transport == "gentl") != (self.producer is not None):
            msg = 'producer (a .cti file) goes with transport = "gentl", and only with it'
            raise ValueError(msg)
        if self.trigger == "encoder" and self.trigger_line is None:
            msg = 'trigger = "encoder" needs trigger_line, the input its pulses arrive at'
            raise ValueError(msg)
        return self


class TwinCamera(CameraSection):
    """The twin's renderer; the composition root connects it."""

    source: Literal["twin"]


CameraConfig = Annotated[
    VideoCamera | ImagesCamera | UsbCamera | StreamCamera | GenicamCamera | TwinCamera,
    Field(discriminator="source"),
]


class DetectorConfig(Section):
    """Which network finds the items and how it runs."""

    bundle: Path
    """Folder of the model bundle."""
    backend: Literal["openvino", "onnxruntime"] = "openvino"
    input_px: Annotated[int, Field(ge=STRIDE_PX, le=4096, multiple_of=STRIDE_PX)] | None = None
    """Long side of the network's input; absent: as the bundle was trained."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """More only where idle cores are left: at 320 px a second thread gains nothing on two shared
    cores and doubles the 95th percentile."""
    precision: Literal["f32", "bf16", "auto"] = "f32"
    """Arithmetic inside the network. bf16 needs OpenVINO and a processor that has it, and takes
    about 0.6 of the time; auto takes it where it is there, so boxes then depend on the machine."""
    find_outlines: bool = False
    """Read each item's outline from the picture inside its box (`vision/outline_finder.py`), so
    that air follows items and not boxes. Takes some 0.2 ms an item of the inference budget."""
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Floor under the bundle's own thresholds."""
