"""A GenICam camera's settings from its config section: written in order, then each read back.

Feature names: GenICam Standard Features Naming Convention (SFNC); the names with Abs and Raw are
those of cameras older than SFNC 2.0.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from vision.cameras.genicam.nodes import FeatureNodes, Value
from vision.config import GenicamCamera
from vision.errors import CameraError

US_PER_MS: Final = 1000.0
_EXPOSURE_STEP_US: Final = 50.0
"""Sensors expose in whole lines; a line takes 5 to 50 us."""
_RELATIVE: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value to be kept by the camera.

    Attributes:
        key: of the config section, for messages.
        names: features that can hold it, the first the camera has is taken.
        value: wanted.
        tolerance: what the camera may make of a number.
        optional: leave it if the camera has no such feature.
    """

    key: str
    names: tuple[str, ...]
    value: Value
    tolerance: float = 0.0
    optional: bool = False


def apply_settings(nodes: FeatureNodes, config: GenicamCamera, camera: str) -> None:
    """Write the configured settings and read each back.

    Raises:
        CameraError: the camera lacks a feature or kept other values; all of them are named.
    """
    written: dict[str, Setting] = {}
    faults: list[str] = []
    for setting in _settings(config):
        name = next((name for name in setting.names if nodes.has(name)), None)
        if name is None:
            if not setting.optional:
                faults.append(f"{setting.key}: the camera has no {' or '.join(setting.names)}")
            continue
        try:
            nodes.write(name, _as_written(setting.value, name))
        except CameraError as error:
            faults.append(f"{setting.key} = {setting.value}: {error}")
            continue
        written[name] = setting
    # Read back after all are written: a region can change the rate, a format the region.
    faults += [fault for name, setting in written.items() if (fault := _kept(nodes, setting, name))]
    if faults:
        msg = f"{camera}: {'; '.join(faults)}; see its features with: arv-tool-0.8 features"
        raise CameraError(msg)


def _as_written(value: Value, name: str) -> Value:
    return round(value) if name.endswith("Raw") and isinstance(value, float) else value


def _kept(nodes: FeatureNodes, setting: Setting, name: str) -> str | None:
    wanted = _as_written(setting.value, name)
    got = nodes.read(name, type(wanted))
    if isinstance(wanted, float) and isinstance(got, float):
        if math.isclose(got, wanted, rel_tol=_RELATIVE, abs_tol=setting.tolerance):
            return None
    elif got == wanted:
        return None
    return f"{setting.key} ({name}): asked {wanted}, got {got}"


def _settings(config: GenicamCamera) -> Iterator[Setting]:
    if config.pixel_format is not None:
        yield Setting(key="pixel_format", names=("PixelFormat",), value=config.pixel_format)
    yield from _region(config)
    yield from _exposure(config)
    if config.gain_db is not None:
        yield Setting(key="gain", names=("GainAuto",), value="Off", optional=True)
        yield Setting(key="gain_db", names=("Gain", "GainAbs", "GainRaw"), value=config.gain_db,
                      tolerance=0.1)  # fmt: skip
    yield from _trigger(config)
    if config.frames_per_s is not None and config.trigger == "free":
        enable = ("AcquisitionFrameRateEnable", "AcquisitionFrameRateEnabled")
        yield Setting(key="frames_per_s", names=enable, value=True, optional=True)
        names = ("AcquisitionFrameRate", "AcquisitionFrameRateAbs")
        yield Setting(key="frames_per_s", names=names, value=config.frames_per_s, tolerance=0.1)


def _exposure(config: GenicamCamera) -> Iterator[Setting]:
    if config.exposure == "as_set":
        return
    yield Setting(key="exposure", names=("ExposureAuto",), value="Off", optional=True)
    yield Setting(
        key="exposure_ms (in us)",
        names=("ExposureTime", "ExposureTimeAbs", "ExposureTimeRaw"),
        value=config.exposure_ms * US_PER_MS,
        tolerance=_EXPOSURE_STEP_US,
    )


def _region(config: GenicamCamera) -> Iterator[Setting]:
    if config.width_px is None and config.height_px is None:
        return
    # The offsets first go to zero: a wide region does not fit beside an old offset.
    for name in ("OffsetX", "OffsetY"):
        yield Setting(key="offset", names=(name,), value=0, optional=True)
    for key, name in (("width_px", "Width"), ("height_px", "Height")):
        value: int | None = getattr(config, key)
        if value is not None:
            yield Setting(key=key, names=(name,), value=value)
    for key, name in (("offset_x_px", "OffsetX"), ("offset_y_px", "OffsetY")):
        value = getattr(config, key)
        if value:
            yield Setting(key=key, names=(name,), value=value)


def _trigger(config: GenicamCamera) -> Iterator[Setting]:
    free = config.trigger == "free"
    yield Setting(key="trigger", names=("TriggerSelector",), value="FrameStart", optional=free)
    yield Setting(
        key="trigger", names=("TriggerMode",), value="Off" if free else "On", optional=free
    )
    if free:
        return
    source = config.trigger_line if config.trigger == "encoder" else None
    yield Setting(key="trigger_line", names=("TriggerSource",), value=source or "Software")
    if config.trigger == "encoder":
        yield Setting(
            key="trigger", names=("TriggerActivation",), value="RisingEdge", optional=True
        )
