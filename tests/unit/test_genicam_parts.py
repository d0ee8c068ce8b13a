"""Pixel formats, frame numbers, lent buffers and the camera's clock, without a camera."""

import gc
import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from vision.cameras.camera_clock import CameraClockTimes
from vision.cameras.genicam.buffer_views import BufferViews
from vision.cameras.genicam.frame_numbers import FrameNumbers
from vision.cameras.genicam.pixel_formats import FORMATS, format_of
from vision.cameras.genicam.settings import apply_settings
from vision.config import GenicamCamera
from vision.errors import CameraError
from vision.letterbox import Letterbox

RNG = np.random.default_rng(5)
PICTURE = cv2.GaussianBlur(RNG.integers(0, 256, (48, 64, 3), np.uint8), (0, 0), 4)


def mosaic(order):
    raw = np.empty(PICTURE.shape[:2], np.uint8)
    for place, colour in enumerate(order):
        row, column = divmod(place, 2)
        raw[row::2, column::2] = PICTURE[row::2, column::2, "BGR".index(colour)]
    return raw


ENCODED = {
    "BGR8": PICTURE,
    "RGB8": np.ascontiguousarray(PICTURE[:, :, ::-1]),
    "RGBa8": cv2.cvtColor(PICTURE, cv2.COLOR_BGR2RGBA),
    "BGRa8": cv2.cvtColor(PICTURE, cv2.COLOR_BGR2BGRA),
    "BayerRG8": mosaic("RGGB")[:, :, None],
    "BayerBG8": mosaic("BGGR")[:, :, None],
    "BayerGR8": mosaic("GRBG")[:, :, None],
    "BayerGB8": mosaic("GBRG")[:, :, None],
    "BayerRG12": (mosaic("RGGB").astype("<u2") << 4).view(np.uint8).reshape(48, 64, 2),
}


@pytest.mark.parametrize("name", ENCODED)
def test_colours_come_out_as_they_went_in(name):
    entry = FORMATS[name]
    decoded = entry.to_bgr(ENCODED[name])
    assert decoded.shape == PICTURE.shape
    inner = (slice(4, -4), slice(4, -4))
    error = np.abs(decoded[inner].astype(int) - PICTURE[inner])
    assert error.mean() < (3.0 if "Bayer" in name else 0.01)


@pytest.mark.parametrize(("name", "bits"), [("Mono8", 8), ("Mono10", 10), ("Mono12", 12)])
def test_grey_formats_give_three_equal_channels(name, bits):
    grey = PICTURE[:, :, 1]
    raw = grey[:, :, None]
    if bits > 8:
        raw = (grey.astype("<u2") << (bits - 8)).view(np.uint8).reshape(48, 64, 2)
    decoded = FORMATS[name].to_bgr(raw)
    for channel in range(3):
        assert np.array_equal(decoded[:, :, channel], grey)


def test_formats_that_are_views_share_memory_with_the_buffer():
    for name in ("Mono8", "RGB8", "BGR8"):
        raw = np.zeros((8, 8, FORMATS[name].bytes_per_px), np.uint8)
        assert FORMATS[name].is_view
        assert np.shares_memory(FORMATS[name].to_bgr(raw), raw)


def test_packed_format_is_refused_with_those_that_can_be_used():
    with pytest.raises(CameraError, match=r"cam-7: pixel format 0x010C0047.*Mono8.*BayerRG8"):
        format_of(0x010C0047, "cam-7")


@pytest.mark.parametrize("name", ["RGB8", "Mono8"])
def test_letterbox_of_a_view_is_that_of_its_copy(name):
    raw = ENCODED["RGB8"] if name == "RGB8" else PICTURE[:, :, :1].copy()
    view = FORMATS[name].to_bgr(raw)
    from_view = Letterbox((48, 64), 32, 114).fit(view).copy()
    from_copy = Letterbox((48, 64), 32, 114).fit(np.ascontiguousarray(view))
    assert np.array_equal(from_view, from_copy)


@given(st.integers(1, 65535), st.integers(1, 900))
def test_frames_lost_around_the_wrap_of_16_bit_numbers_are_counted(start, lost):
    numbers = FrameNumbers()
    assert numbers.step(start) == 1
    following = (start - 1 + lost) % 65535 + 1
    assert numbers.step(following) == lost


def test_numbers_that_begin_again_count_as_the_next_frame():
    numbers = FrameNumbers()
    assert [numbers.step(n) for n in (30_000, 30_001, 1, 2)] == [1, 1, 1, 1]


def test_wide_numbers_are_followed_beyond_sixteen_bits():
    numbers = FrameNumbers()
    assert [numbers.step(n) for n in (65_534, 65_535, 65_536, 65_539)] == [1, 1, 1, 3]


def test_buffer_returns_once_when_the_last_view_of_it_is_gone():
    memory = np.arange(24, dtype=np.uint8)
    views, returned = BufferViews(1), []
    view = views.lend(memory.ctypes.data, (2, 4, 3), lambda: returned.append("memory"))
    assert np.array_equal(view.ravel(), memory)
    assert not view.flags.writeable
    assert not views.may_lend
    part = view[:, :, ::-1]
    del view
    gc.collect()
    assert returned == []
    del part
    gc.collect()
    assert returned == ["memory"]
    assert views.may_lend


def clocked(drift_ppm, delays_ms, frames, exposure_ms=2.0, transfer_ms=3.0, period_ms=20.0):
    """Run frames through the clock; yields (error in ms, settled)."""
    times = CameraClockTimes(exposure_ms=exposure_ms, transfer_ms=transfer_ms)
    for number, delay_ms in zip(range(frames), itertools.cycle(delays_ms), strict=False):
        middle_ms = 1000.0 + number * period_ms
        stamp_ms = 77_000.0 + (middle_ms - exposure_ms / 2) * (1 + drift_ppm * 1e-6)
        arrival_ms = middle_ms + exposure_ms / 2 + transfer_ms + delay_ms
        told = times.observe(stamp_ms, MonotonicNs(round(arrival_ms * NS_PER_MS)))
        yield told / NS_PER_MS - middle_ms, times.settled


def test_late_arrivals_do_not_move_the_exposure():
    delays = [0.02, 4.0, 9.0, 0.0, 35.0, 2.0, 1.0]
    errors = [abs(error) for error, settled in clocked(0.0, delays, 300) if settled]
    assert len(errors) > 280
    assert max(errors) < 0.05


@pytest.mark.parametrize("drift_ppm", [-80.0, 80.0])
def test_drifting_camera_clock_is_followed_for_an_hour(drift_ppm):
    delays = [0.3, 0.1, 1.5, 0.0, 0.7]
    errors = [error for error, _ in clocked(drift_ppm, delays, 36_000, period_ms=100.0)]
    assert max(abs(error) for error in errors[600:]) < 0.2


def test_camera_without_a_clock_is_timed_by_arrival():
    times = CameraClockTimes(exposure_ms=2.0, transfer_ms=3.0)
    told = [times.observe(float("nan"), MonotonicNs(n * NS_PER_S)) for n in range(1, 12)]
    assert told[4] == 5 * NS_PER_S - 4 * NS_PER_MS
    assert times.settled


class Shelf:
    """A camera's features as a table; some keep what they like."""

    def __init__(self, **features):
        self.features = features
        self.written = []

    def has(self, name):
        return name in self.features

    def read(self, name, kind):
        return kind(self.features[name])

    def write(self, name, value):
        self.written.append(name)
        if name == "Width":
            value = value // 16 * 16
        self.features[name] = value

    def execute(self, name):
        self.written.append(name)


def genicam(**changes):
    common = {"source": "genicam", "camera_id": "c", "device": "d", "exposure_ms": 0.5,
              "transfer_ms": 2, "stall_after_ms": 500}  # fmt: skip
    return GenicamCamera.model_validate(common | changes)


def test_settings_find_the_feature_under_its_old_names_too():
    old = Shelf(ExposureTimeRaw=1, GainRaw=0)
    apply_settings(old, genicam(gain_db=6.0), "d")
    assert old.features == {"ExposureTimeRaw": 500, "GainRaw": 6}
    new = Shelf(ExposureAuto="Continuous", ExposureTime=1.0)
    apply_settings(new, genicam(), "d")
    assert new.features == {"ExposureAuto": "Off", "ExposureTime": 500.0}


def test_missing_feature_and_value_kept_otherwise_are_told_together():
    shelf = Shelf(ExposureTime=1.0, Width=640, Height=480, OffsetX=8, OffsetY=8)
    config = genicam(width_px=330, height_px=200, gain_db=3.0)
    with pytest.raises(CameraError) as refused:
        apply_settings(shelf, config, "belt camera")
    words = str(refused.value)
    assert words.startswith("belt camera: ")
    assert "gain_db: the camera has no Gain or GainAbs or GainRaw" in words
    assert "width_px (Width): asked 330, got 320" in words


def test_region_moves_back_before_it_grows():
    shelf = Shelf(ExposureTime=1.0, Width=640, Height=480, OffsetX=800, OffsetY=8)
    apply_settings(shelf, genicam(width_px=1600, offset_x_px=32), "d")
    assert shelf.written[:4] == ["OffsetX", "OffsetY", "Width", "OffsetX"]
    assert shelf.features["OffsetX"] == 32


def test_section_that_does_not_go_together_is_refused():
    with pytest.raises(ValidationError, match="needs trigger_line"):
        genicam(trigger="encoder")
    with pytest.raises(ValidationError, match="goes with transport"):
        genicam(transport="gentl")
