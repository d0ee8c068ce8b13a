"""Exposure times of live cameras, from device stamps and arrivals."""

import numpy as np
import pytest

from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from vision.cameras.frame_times import DeviceTimes, StreamTimes

START_NS = 1_000 * NS_PER_S
EXPOSURE_MS = 2.0
TRANSFER_MS = 10.0


def stream_error_ms(
    *,
    stamps_ms: np.ndarray,
    exposed_ms: np.ndarray,
    arrivals_ms: np.ndarray,
) -> tuple[np.ndarray, StreamTimes]:
    """Run a stream through and return the time error of each settled frame, ms."""
    times = StreamTimes(exposure_ms=EXPOSURE_MS, transfer_ms=TRANSFER_MS)
    errors = []
    for stamp, exposed, arrival in zip(stamps_ms, exposed_ms, arrivals_ms, strict=True):
        found = times.observe(float(stamp), MonotonicNs(START_NS + round(arrival * NS_PER_MS)))
        if times.settled:
            errors.append((found - START_NS) / NS_PER_MS - exposed)
    return np.array(errors), times


@pytest.fixture
def exposed_ms() -> np.ndarray:
    return np.arange(500) * 20.0


def in_order(arrivals_ms: np.ndarray) -> np.ndarray:
    return np.maximum.accumulate(arrivals_ms)


def test_jitter_of_the_network_does_not_reach_the_times(exposed_ms: np.ndarray) -> None:
    jitter = np.random.default_rng(1).exponential(8.0, len(exposed_ms))
    arrivals = in_order(exposed_ms + EXPOSURE_MS / 2 + TRANSFER_MS + jitter)
    errors, times = stream_error_ms(
        stamps_ms=exposed_ms + 77_000, exposed_ms=exposed_ms, arrivals_ms=arrivals
    )
    assert times.stamps_believed
    assert len(errors) > 300
    assert np.abs(errors).max() < 2.0


def test_burst_after_connecting_gives_no_frames_with_wrong_times(exposed_ms: np.ndarray) -> None:
    # 27 old frames arrive at 39 frames/s, as measured; the connection catches up with the present.
    live = exposed_ms + EXPOSURE_MS / 2 + TRANSFER_MS
    backlog = live[27] + np.arange(1, len(live) + 1) * 1000 / 78
    arrivals = in_order(np.maximum(live, backlog))
    errors, _ = stream_error_ms(stamps_ms=exposed_ms, exposed_ms=exposed_ms, arrivals_ms=arrivals)
    assert len(errors) > 300
    assert np.abs(errors).max() < 1.0


def test_backlog_after_a_hold_up_keeps_its_old_times(exposed_ms: np.ndarray) -> None:
    arrivals = exposed_ms + EXPOSURE_MS / 2 + TRANSFER_MS
    held = (arrivals > 6000) & (arrivals < 6800)
    arrivals[held] = 6800
    errors, _ = stream_error_ms(
        stamps_ms=exposed_ms, exposed_ms=exposed_ms, arrivals_ms=in_order(arrivals)
    )
    assert np.abs(errors).max() < 1.0


def test_drifting_camera_clock_is_followed(exposed_ms: np.ndarray) -> None:
    arrivals = exposed_ms + EXPOSURE_MS / 2 + TRANSFER_MS
    errors, times = stream_error_ms(
        stamps_ms=exposed_ms * (1 + 1e-4), exposed_ms=exposed_ms, arrivals_ms=arrivals
    )
    assert times.stamps_believed
    assert np.abs(errors).max() < 1.0


@pytest.mark.parametrize("true_rate", [10.0, 24.0, 50.0])
def test_invented_stamps_of_mjpeg_are_not_believed(true_rate: float) -> None:
    frames = np.arange(round(true_rate * 8))
    exposed = frames * 1000 / true_rate
    errors, times = stream_error_ms(
        stamps_ms=frames * 40.0,
        exposed_ms=exposed,
        arrivals_ms=exposed + EXPOSURE_MS / 2 + TRANSFER_MS,
    )
    assert not times.stamps_believed
    assert np.abs(errors).max() < 1.0


def test_times_never_lie_in_the_future(exposed_ms: np.ndarray) -> None:
    jitter = np.random.default_rng(2).exponential(30.0, len(exposed_ms))
    arrivals = in_order(exposed_ms + jitter)
    times = StreamTimes(exposure_ms=EXPOSURE_MS, transfer_ms=TRANSFER_MS)
    for stamp, arrival in zip(exposed_ms, arrivals, strict=True):
        arrival_ns = MonotonicNs(START_NS + round(arrival * NS_PER_MS))
        assert times.observe(float(stamp), arrival_ns) < arrival_ns


def test_device_stamp_marks_the_end_of_the_exposure() -> None:
    times = DeviceTimes(exposure_ms=2.0, transfer_ms=10.0)
    arrival = MonotonicNs(START_NS + 12 * NS_PER_MS)
    assert times.settled
    assert times.observe(START_NS / NS_PER_MS, arrival) == START_NS - 1 * NS_PER_MS


@pytest.mark.parametrize("stamp_ms", [0.0, 1_700_000_000_000.0])
def test_device_stamp_of_another_clock_gives_way_to_the_arrival(stamp_ms: float) -> None:
    times = DeviceTimes(exposure_ms=2.0, transfer_ms=10.0)
    found = times.observe(stamp_ms, MonotonicNs(START_NS))
    assert found == START_NS - 11 * NS_PER_MS
