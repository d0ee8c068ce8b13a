"""Frames and camera triggers: matched by number, gaps and all, and compared with the clock fit."""

import random

from plc.frame_latch import FrameLatch
from plc.types import TriggerLatch

PER_FRAME = 112
APART = 4_000


class Bench:
    """A camera and a PLC that number the same exposures."""

    def __init__(self):
        self.latch = FrameLatch()
        self.random = random.Random(1)
        self.seq, self.number, self.tick = 100, 100 + APART, 50_000

    def expose(self, *, seen=True, latched=True, told=True, off_tick=0.0):
        """Expose once; returns the latch's word on the frame, if the camera delivered it."""
        self.tick += PER_FRAME
        self.number += latched
        self.seq += 1
        if latched and told:
            self.latch.add([TriggerLatch(number=self.number, tick=self.tick)])
        if not seen:
            return None
        return self.latch.tick_of(
            self.seq,
            fit_tick=self.tick + 3.0 + off_tick + self.random.gauss(0, 0.7),
            sd_tick=0.7,
            lead_tick=3.0,
        )

    def run(self, count, **how):
        return [self.expose(**how) for _ in range(count)]


def test_without_triggers_there_is_only_the_fit():
    assert FrameLatch().tick_of(1, fit_tick=5.0, sd_tick=1.0, lead_tick=0.0) is None


def test_after_a_few_frames_each_has_its_triggers_tick_exactly():
    bench = Bench()
    assert bench.run(4) == [None] * 4
    for _ in range(50):
        latched = bench.expose()
        assert latched.tick == bench.tick + 3.0
        assert latched.number == bench.number
    assert bench.latch.disagreement is None


def test_frames_the_camera_dropped_are_gaps_and_nothing_shifts():
    bench = Bench()
    bench.run(10)
    bench.run(30, seen=False)
    assert bench.expose().tick == bench.tick + 3.0
    assert bench.latch.slips == 0


def test_a_trigger_not_read_yet_leaves_the_frame_to_the_fit():
    bench = Bench()
    bench.run(10)
    assert bench.expose(told=False) is None
    assert bench.expose().tick == bench.tick + 3.0
    assert bench.latch.missed == 1


def test_a_trigger_the_plc_missed_shifts_the_numbers_and_is_found_again():
    bench = Bench()
    bench.run(10)
    bench.expose(latched=False)
    bench.run(8)
    assert bench.expose().tick == bench.tick + 3.0
    assert bench.latch.slips == 1
    assert bench.latch.disagreement is None


def test_latch_and_fit_that_disagree_for_several_frames_are_an_alarm_that_goes_again():
    bench = Bench()
    bench.run(10)
    bench.run(5, off_tick=30.0)
    assert "ticks apart" in bench.latch.disagreement
    bench.expose()
    assert bench.latch.disagreement is None


def test_a_restarted_plc_begins_anew():
    bench = Bench()
    bench.run(10)
    bench.number = 0
    assert bench.run(4) == [None] * 4
    bench.run(3)
    assert bench.expose().tick == bench.tick + 3.0


def test_memory_is_bounded():
    latch = FrameLatch()
    latch.add([TriggerLatch(number=n, tick=n) for n in range(1, 5000)])
    assert len(latch._ticks) == 512
