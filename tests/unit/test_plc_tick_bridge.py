"""Carrying ticks from one PLC's count to another's."""

import pytest

from plc.clock_fit import ClockEstimate, ClockUnsure
from plc.errors import EncoderError
from plc.tick_bridge import TickBridge

MS = 1_000_000


def estimate(tick, *, ticks_per_s=5600.0, sd=0.5):
    return ClockEstimate(
        newest_ns=0,
        tick=tick,
        ticks_per_s=ticks_per_s,
        half_acceleration=0.0,
        covariance=(sd * sd, 0.0, 0.0, 0.0, 0.0, 0.0),
        acceleration_sd=0.0,
    )


def bridged(offset, *, ratio=1.0, count=20):
    bridge = TickBridge(ratio=ratio, limit_tick=20.0)
    for step in range(count):
        line = estimate(1000.0 * step)
        other = estimate(ratio * 1000.0 * step + offset, ticks_per_s=ratio * 5600)
        bridge.observe(line, other, step * 10 * MS)
    return bridge


@pytest.mark.parametrize(("offset", "ratio"), [(0, 1.0), (-7_000_000, 1.0), (123, 2.5), (5, 0.4)])
def test_ticks_go_across_and_come_back(offset, ratio):
    bridge = bridged(offset, ratio=ratio)
    assert bridge.ready
    for tick in (0, 12_345, 2**40):
        assert bridge.to_other(tick) == round(ratio * tick + offset)
        assert abs(bridge.to_line(bridge.to_other(tick)) - tick) <= 1 / ratio


def test_too_few_comparisons_are_no_bridge():
    assert not bridged(5, count=7).ready
    bridge = bridged(5)
    bridge.reset()
    assert not bridge.ready


def test_an_unsure_clock_on_either_side_is_not_compared():
    bridge = TickBridge(ratio=1.0, limit_tick=20.0)
    for _ in range(50):
        bridge.observe(ClockUnsure(reason="x"), estimate(1.0), 0)
        bridge.observe(estimate(1.0), ClockUnsure(reason="x"), 0)
    assert not bridge.ready


def test_single_wild_comparisons_change_nothing():
    bridge = bridged(100)
    for _ in range(10):
        bridge.observe(estimate(0.0), estimate(900.0), 0)
    assert bridge.to_other(0) == 100


def test_encoders_that_drift_apart_are_named():
    bridge = bridged(100)
    with pytest.raises(EncoderError, match="drifted"):  # noqa: PT012 - it may take a while
        for step in range(200):
            bridge.observe(estimate(0.0), estimate(100.0 + step), 0)
    assert not bridge.ready
