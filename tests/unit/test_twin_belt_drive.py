"""The belt drive's closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.belt_drive import BeltDrive
from twin.config import BeltConfig

START_NS = 5_000_000_000


def belt(seed=3, first_tick=0, **options):
    return BeltDrive(
        config=BeltConfig(**options),
        mm_per_tick=0.5,
        seed=seed,
        start_ns=START_NS,
        first_tick=first_tick,
    )


def at(seconds):
    return START_NS + int(seconds * 1e9)


def commanded(drive, commands):
    for run, seconds in commands:
        drive.command(run=run, at_ns=at(seconds))
    return drive


STORY = [(True, 1.0), (False, 1.5), (True, 1.8), (False, 6.0), (True, 9.0)]


def test_travel_is_the_integral_of_speed():
    drive = commanded(belt(), STORY)
    seconds = np.arange(0, 12, 0.001)
    speed = np.array([drive.speed_mm_per_s(at(s)) for s in seconds])
    travel = np.concatenate([[0], np.cumsum((speed[1:] + speed[:-1]) / 2 * 0.001)])
    assert [drive.travel_mm(at(s)) for s in seconds] == pytest.approx(travel, abs=0.05)


def test_speed_stays_within_the_drift():
    drive = commanded(belt(drift_share=0.02), [(True, 0.0)])
    speeds = [drive.speed_mm_per_s(at(s)) for s in np.arange(2, 200, 0.5)]
    assert 2800 * 0.98 <= min(speeds) < 2800 * 0.997
    assert 2800 * 1.003 < max(speeds) <= 2800 * 1.02


def test_two_drives_agree_to_the_bit():
    one, other = commanded(belt(), STORY), commanded(belt(), STORY)
    for s in np.arange(0, 12, 0.0137):
        assert one.travel_mm(at(s)) == other.travel_mm(at(s))


def test_another_seed_drifts_otherwise():
    one, other = (commanded(belt(seed), [(True, 0.0)]) for seed in (1, 2))
    assert one.travel_mm(at(20)) != other.travel_mm(at(20))


def test_a_stopped_belt_rests():
    drive = commanded(belt(), [(True, 0.0), (False, 2.0)])
    assert drive.speed_mm_per_s(at(5)) == 0
    assert drive.travel_mm(at(5)) == drive.travel_mm(at(50))


@settings(deadline=None)
@given(st.integers(1, 60_000), st.sampled_from([0, 2**32 - 30_000]))
def test_time_of_tick_is_the_first_instant_that_shows_it(ahead, first_tick):
    drive = commanded(belt(first_tick=first_tick), STORY)
    tick = first_tick + ahead
    when_ns = drive.time_of_tick(tick)
    assert drive.tick(when_ns) >= tick
    assert drive.tick(when_ns - 1) < tick


def test_a_tick_beyond_standstill_never_comes():
    drive = commanded(belt(), [(True, 0.0), (False, 2.0)])
    last = drive.tick(at(10))
    assert drive.time_of_tick(last) is not None
    assert drive.time_of_tick(last + 1) is None


def test_a_tick_already_shown_at_the_start_is_there_from_the_start():
    assert belt(first_tick=7).time_of_tick(7) == START_NS


def test_commands_out_of_order_are_refused():
    drive = commanded(belt(), [(True, 2.0)])
    with pytest.raises(ValueError, match="before the previous one"):
        drive.command(run=False, at_ns=at(1.0))
    with pytest.raises(ValueError, match="before the belt drive's start"):
        drive.tick(START_NS - 1)
