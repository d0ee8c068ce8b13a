"""Delays of camera and bars: a change is told with its cost, scatter and scan time are not."""

import numpy as np
import pytest

from calibration.drift.alarm import DriftKind
from calibration.units import MonotonicNs
from controller.bar_miss import BarMissTest
from controller.delay_watch import DelayWatch
from plc.clock_fit import ClockEstimate

TICKS_PER_S = 3000.0
MM_PER_TICK = 0.5
FRAMES_PER_S = 20


def clock(at_s, *, ticks_per_s=TICKS_PER_S, half_acceleration=0.0):
    return ClockEstimate(
        newest_ns=MonotonicNs(int(at_s * 1e9)),
        tick=0.0,
        ticks_per_s=ticks_per_s,
        half_acceleration=half_acceleration,
        covariance=(0.0,) * 6,
        acceleration_sd=0.0,
    )


class Belt:
    """Frames and pulses, each late by so much and a scatter."""

    def __init__(self, **moving):
        self.watch = DelayWatch({2: "plastic"}, mm_per_tick=MM_PER_TICK)
        self.rng = np.random.default_rng(3)
        self.at_s, self.moving = 0.0, moving

    def frames(self, seconds, late_ms, *, exact=True):
        """Show frames; returns after how many seconds something was found, None for never."""
        for frame in range(int(seconds * FRAMES_PER_S)):
            self.at_s += 1 / FRAMES_PER_S
            late_tick = (late_ms + self.rng.normal(0, 0.3)) * TICKS_PER_S / 1000
            self.watch.frame(late_tick, clock(self.at_s, **self.moving), exact=exact)
            if self.watch.findings():
                return frame / FRAMES_PER_S
        return None

    def pulses(self, seconds, late_ms):
        for _ in range(int(seconds * 4)):
            self.at_s += 0.25
            late_tick = round((late_ms + self.rng.uniform(0, 1)) * TICKS_PER_S / 1000)
            at_tick = round(self.at_s * TICKS_PER_S)
            self.watch.pulse(2, late_tick=late_tick, at_tick=at_tick, ticks_per_s=TICKS_PER_S)
            if self.watch.findings():
                return True
        return False


@pytest.mark.parametrize("late_ms", [12.0, -12.0])
def test_a_camera_whose_stamps_come_to_be_late_is_told_within_a_minute(late_ms):
    belt = Belt()
    assert belt.frames(60, 0.0) is None
    found_s = belt.frames(60, late_ms)
    assert found_s is not None
    (finding,) = belt.watch.findings()
    assert finding.kind is DriftKind.DELAY_CHANGED
    assert finding.loss_points > 0
    assert "trigger" in finding.remedy


def test_a_latch_taken_by_the_scan_is_always_late_and_no_drift():
    belt = Belt()
    assert belt.frames(90, -12.0, exact=False) is None
    assert belt.frames(60, 0.0, exact=False) is not None


@pytest.mark.parametrize("moving", [{"ticks_per_s": 40.0}, {"half_acceleration": 2000.0}])
def test_a_crawling_or_a_gathering_belt_tells_nothing_of_delays(moving):
    assert Belt(**moving).frames(60, 12.0) is None


def test_a_bar_that_the_plc_comes_to_switch_late_is_told():
    belt = Belt()
    assert not belt.pulses(60, 0.5)
    assert belt.pulses(60, 12.0)
    (finding,) = belt.watch.findings()
    assert finding.kind is DriftKind.VALVE_LAG
    assert "plastic" in finding.where
    assert "air pressure" in finding.remedy


def test_a_pulse_of_a_station_without_valves_is_nobodys():
    belt = Belt()
    belt.watch.pulse(0, late_tick=900, at_tick=1000, ticks_per_s=TICKS_PER_S)
    assert belt.watch.findings() == ()


def bar_after(items, miss_share, test, seed=1):
    rng = np.random.default_rng(seed)
    for number in range(items):
        test.add(missed=bool(rng.uniform() < miss_share))
        if test.finding is not None and miss_share > 0.05:
            return number + 1
    return None


def test_a_bar_that_blows_late_is_found_by_what_stays_on_the_belt_and_is_well_again_after():
    test = BarMissTest("plastic", usual_share=0.05, false_alarm=1e-9)
    assert bar_after(20_000, 0.05, test) is None
    assert test.finding is None
    items = bar_after(300, 0.4, test)
    assert items is not None
    assert items < 120
    finding = test.finding
    assert finding is not None
    assert finding.loss_points == pytest.approx(finding.value - 5.0)
    bar_after(400, 0.04, test)
    assert test.finding is None


def test_one_dead_valve_of_eighty_is_no_late_bar():
    """Items over it, one in sixteen, are missed by a tenth more often; all others as ever."""
    test = BarMissTest("plastic", usual_share=0.05, false_alarm=1e-9)
    assert bar_after(30_000, 0.05 + 0.1 / 16, test) is None
