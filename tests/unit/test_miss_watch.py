"""Evidence from downstream: rare false alarms at the stated rate, dead valves found and named."""

import numpy as np
import pytest

from calibration.units import BeltTick
from calibration.valve_map import ValveSpan
from controller.miss_watch import DownstreamSighting, MissRules, MissWatch
from controller.step import DecidedItem
from controller.types import ActionPolicy, DecisionReason, SortDecision
from plc.types import EjectionCommand
from tests.support.belt_scenes import MM_PER_TICK, posterior_of, station
from vision.types import Fraction, Track

EYE_MM = 1100.0
SPACING_MM = 500.0


class Line:
    """Items come one after the other; each is fired at, and some are seen downstream."""

    def __init__(self, *, false_alarm: float, seed: int = 1) -> None:
        rules = MissRules(usual_miss_share=0.05, bad_miss_share=0.5, false_alarm=false_alarm)
        self.watch = MissWatch([station()], rules, mm_per_tick=MM_PER_TICK, eye_mm=EYE_MM)
        self.rng = np.random.default_rng(seed)
        self.items = 0
        self.found: list[tuple[int, int]] = []

    def item(self, valve: int, width: int, miss_share: float, *, fired: bool = True) -> None:
        """One item over `width` valves from `valve` on, missed with a chance."""
        self.items += 1
        x_mm = 12.5 * valve + 12.5 * width / 2
        y_mm = SPACING_MM * self.items
        self.watch.decided(decided(self.items, x_mm, y_mm, valve, width))
        if fired:
            self.watch.ejected(self.items)
        tick = (y_mm + EYE_MM) / MM_PER_TICK
        if self.rng.uniform() < miss_share:
            place = DownstreamSighting(tick=tick, s_mm=EYE_MM + 3.0, x_mm=x_mm - 4.0)
            self.watch.saw([place])
        for suspect in self.watch.passed(tick + 400.0 / MM_PER_TICK):
            self.found.append((suspect.valve, self.items))


def decided(track_id: int, x_mm: float, y_mm: float, valve: int, width: int) -> DecidedItem:
    track = Track(
        track_id=track_id,
        x_mm=x_mm,
        y_mm=y_mm,
        x_sd_mm=2.0,
        y_sd_mm=2.0,
        slip_x_mm_per_s=0.0,
        slip_y_mm_per_s=0.0,
        width_mm=12.5 * width,
        length_mm=60.0,
        posterior=tuple(posterior_of(Fraction.PLASTIC, 0.9)),
        views=5,
        tick=0.0,
        first_seq=1,
        last_seq=5,
        mass_g=20.0,
        mass_sd_g=5.0,
    )
    decision = SortDecision(
        track_id=track_id,
        fraction=Fraction.PLASTIC,
        confidence=0.9,
        action=ActionPolicy.EJECT,
        station=0,
        reason=DecisionReason.TARGET,
        decided_tick=0.0,
    )
    command = EjectionCommand(
        pulse_id=track_id,
        station=0,
        valves=ValveSpan(first=valve, last=valve + width - 1),
        open_tick=BeltTick(10),
        close_tick=BeltTick(60),
    )
    return DecidedItem(track=track, decision=decision, pulses=(command,))


def test_a_dead_valve_is_found_and_no_other_is_called_bad() -> None:
    line = Line(false_alarm=1e-6)
    dead = 40
    for _ in range(3000):
        valve, width = int(line.rng.integers(30, 50)), 3
        over = valve <= dead < valve + width
        line.item(valve, width, 0.30 if over else 0.05)
    assert [valve for valve, _ in line.found][:1] == [dead]
    assert {valve for valve, _ in line.found} <= {dead - 1, dead, dead + 1}


def test_the_mean_number_of_items_between_false_alarms_is_at_least_as_stated() -> None:
    false_alarm, runs, longest = 0.01, 60, 400
    lengths = []
    for seed in range(runs):
        line = Line(false_alarm=false_alarm, seed=seed)
        while line.items < longest and not line.found:
            line.item(10, 1, 0.05)
        lengths.append(line.items)
    # Runs cut off at `longest` only lower the mean.
    assert np.mean(lengths) >= 1.0 / false_alarm


def test_items_that_were_not_fired_at_are_no_evidence() -> None:
    line = Line(false_alarm=0.01)
    for _ in range(200):
        line.item(10, 1, 1.0, fired=False)
    assert not line.watch.suspects


def test_a_sighting_elsewhere_is_not_the_item() -> None:
    line = Line(false_alarm=0.01)
    for _ in range(50):
        line.item(10, 1, 0.0)
        y_mm = SPACING_MM * line.items
        line.watch.saw(
            [DownstreamSighting(tick=(y_mm + EYE_MM) / MM_PER_TICK, s_mm=EYE_MM, x_mm=900.0)]
        )
    assert not line.watch.suspects


@pytest.mark.parametrize("eye_mm", [500.0])
def test_an_eye_before_the_bar_learns_nothing(eye_mm: float) -> None:
    rules = MissRules(usual_miss_share=0.05, bad_miss_share=0.5, false_alarm=0.01)
    watch = MissWatch([station()], rules, mm_per_tick=MM_PER_TICK, eye_mm=eye_mm)
    watch.decided(decided(1, 500.0, 0.0, 40, 2))
    watch.ejected(1)
    assert watch.passed(1e6) == ()
