"""The tick-to-time fit against belts whose truth is known."""

import random

import numpy as np
import pytest

from plc.clock_fit import ClockEstimate, ClockFit, ClockUnsure
from twin.belt_drive import BeltDrive
from twin.config import BeltConfig

MS = 1_000_000
START_NS = 1_000_000_000


def running_belt(*, drift_share=0.02, first_tick=0):
    config = BeltConfig(drift_share=drift_share)
    drive = BeltDrive(
        config=config, mm_per_tick=0.5, seed=3, start_ns=START_NS, first_tick=first_tick
    )
    drive.command(run=True, at_ns=START_NS)
    return drive


class Reader:
    """Reads a belt's encoder over a link with a scan of 1 ms and random round trips."""

    def __init__(self, drive, *, jitter_share=0.0, seed=1):
        self.drive = drive
        self.fit = ClockFit()
        self.random = random.Random(seed)
        self.jitter_share = jitter_share
        self.now_ns = START_NS + 2000 * MS

    def read(self, count=1, *, offset=0):
        for _ in range(count):
            self.now_ns += 10 * MS
            round_trip_ns = int((0.3 + self.random.expovariate(5)) * MS)
            if self.random.random() < self.jitter_share:
                round_trip_ns += int(self.random.uniform(0, 20) * MS)
            scan_age_ns = self.random.randrange(MS) - MS // 2
            seen_ns = self.now_ns + self.random.randrange(round_trip_ns) - scan_age_ns
            self.fit.add(
                read_ns=self.now_ns + round_trip_ns // 2,
                round_trip_ns=round_trip_ns,
                tick=self.drive.tick(seen_ns) + offset,
            )
            self.now_ns += round_trip_ns
        return self.fit.estimate

    def error_ticks(self):
        truth = self.drive.fractional_tick(self.now_ns) - 0.5
        return self.fit.estimate.tick_at(self.now_ns) - truth


@pytest.mark.parametrize(("jitter_share", "worst_rms"), [(0.0, 1.0), (0.2, 1.5)])
def test_estimates_stay_within_what_they_claim(jitter_share, worst_rms):
    reader = Reader(running_belt(), jitter_share=jitter_share)
    reader.read(50)
    errors, claims = [], []
    for _ in range(500):
        estimate = reader.read()
        assert isinstance(estimate, ClockEstimate)
        errors.append(reader.error_ticks())
        claims.append(estimate.sd_tick_at(reader.now_ns))
    rms = float(np.sqrt(np.mean(np.square(errors))))
    assert rms < worst_rms
    assert 0.4 < rms / np.mean(claims) < 1.5


def test_20_ms_of_jitter_on_every_reading_is_admitted_in_the_sd():
    reader = Reader(running_belt(), jitter_share=1.0)
    estimate = reader.read(80)
    assert isinstance(estimate, ClockEstimate)
    assert estimate.sd_tick_at(reader.now_ns) > 3
    assert abs(reader.error_ticks()) < 4 * estimate.sd_tick_at(reader.now_ns)


def test_belt_speed_is_reported():
    reader = Reader(running_belt(drift_share=0.0))
    assert reader.read(100).ticks_per_s == pytest.approx(5600, rel=0.002)


def test_ticks_far_beyond_32_bits_lose_no_precision():
    reader = Reader(running_belt(first_tick=2**45))
    reader.read(100)
    assert abs(reader.error_ticks()) < 4


def test_too_few_readings_are_unsure():
    fit = ClockFit()
    assert fit.estimate == ClockUnsure(reason="no readings yet")
    reader = Reader(running_belt())
    assert reader.read(7) == ClockUnsure(reason="7 of 8 readings")
    assert isinstance(reader.read(), ClockEstimate)


def test_readings_must_come_in_order():
    fit = ClockFit()
    fit.add(read_ns=1000, round_trip_ns=0, tick=0)
    with pytest.raises(ValueError, match="not after"):
        fit.add(read_ns=1000, round_trip_ns=0, tick=0)


def test_a_single_wild_reading_changes_nothing_much():
    reader = Reader(running_belt())
    reader.read(100)
    reader.read(1, offset=-400)
    assert isinstance(reader.fit.estimate, ClockEstimate)
    assert abs(reader.error_ticks()) < 4


def test_contradicting_readings_are_unsure():
    fit, dice = ClockFit(), random.Random(1)
    for step in range(60):
        fit.add(read_ns=step * 10 * MS, round_trip_ns=MS, tick=dice.randrange(100_000))
    assert isinstance(fit.estimate, ClockUnsure)
    assert "spread" in fit.estimate.reason


def test_after_a_step_the_fit_is_unsure_and_then_follows():
    reader = Reader(running_belt())
    reader.read(100)
    assert isinstance(reader.read(3, offset=500), ClockUnsure)
    estimate = reader.read(60, offset=500)
    assert isinstance(estimate, ClockEstimate)
    assert abs(reader.error_ticks() - 500) < 4


def test_a_ramp_is_followed_or_admitted():
    drive = running_belt(drift_share=0.0)
    reader = Reader(drive)
    reader.read(100)
    drive.command(run=False, at_ns=reader.now_ns)
    bad = 0
    for _ in range(150):
        estimate = reader.read()
        if isinstance(estimate, ClockEstimate):
            sd = estimate.sd_tick_at(reader.now_ns)
            bad += abs(reader.error_ticks()) > max(4 * sd, 12)
    assert bad <= 3
    assert estimate.ticks_per_s == pytest.approx(0, abs=20)


@pytest.mark.parametrize("deceleration", [150, 400, 1500])
def test_a_gentle_ramp_is_followed_while_trusted(deceleration):
    config = BeltConfig(drift_share=0.0, deceleration_mm_per_s2=deceleration)
    drive = BeltDrive(config=config, mm_per_tick=0.5, seed=3, start_ns=START_NS)
    drive.command(run=True, at_ns=START_NS)
    reader = Reader(drive)
    reader.read(100)
    drive.command(run=False, at_ns=reader.now_ns)
    errors = [
        abs(reader.error_ticks()) for _ in range(200) if isinstance(reader.read(), ClockEstimate)
    ]
    assert np.percentile(errors, 90) < 5


def test_a_standing_belt_is_known_to_half_a_tick():
    fit = ClockFit()
    for step in range(50):
        fit.add(read_ns=step * 10 * MS, round_trip_ns=MS, tick=1234)
    estimate = fit.estimate
    assert isinstance(estimate, ClockEstimate)
    assert estimate.tick_at(500 * MS) == pytest.approx(1234, abs=0.1)
    assert estimate.sd_tick_at(490 * MS) < 0.5


def test_uncertainty_grows_when_readings_stop():
    reader = Reader(running_belt())
    estimate = reader.read(100)
    sds = [estimate.sd_tick_at(reader.now_ns + ahead * MS) for ahead in (0, 50, 200, 1000)]
    assert sds == sorted(sds)
    assert sds[2] > 40


def test_reset_forgets_and_says_why():
    reader = Reader(running_belt())
    reader.read(100)
    reader.fit.reset("encoder jumped")
    assert reader.fit.estimate == ClockUnsure(reason="encoder jumped")
    assert isinstance(reader.read(7), ClockUnsure)
