"""The world: occupancy, slip, conservation of items, determinism, bins and scores."""

import cv2
import numpy as np
import pytest

from calibration.units import BeltTick
from controller.config import FractionRule
from controller.stations import JetBarConfig
from controller.types import ActionPolicy
from twin.bins import Bins, Fate
from twin.config import AirConfig, FeedConfig, TwinConfig
from twin.items import PlainCatalogue, outline_area_mm2
from twin.wiring import ValveEdge
from twin.world import World
from vision.types import FRACTIONS, Fraction


class SteadyDrive:
    """A belt that runs at one speed from the start."""

    def travel_mm(self, at_ns):
        return 2800.0 * at_ns * 1e-9

    def speed_mm_per_s(self, at_ns):
        return 2800.0


def _station(name, distance_mm):
    return JetBarConfig(
        name=name,
        distance_mm=distance_mm,
        valve_count=80,
        valve_pitch_mm=12.5,
        first_valve_x_mm=6.25,
        valve_open_lag_ms=4,
        valve_close_lag_ms=4,
        valve_jitter_ms=1,
        min_open_ms=8,
        max_open_ms=200,
        max_duty=1,
        duty_window_ms=1000,
    )


def _world(limit=None, config=None, stations=(600.0, 1100.0)):
    return World(
        config=config or TwinConfig(),
        stations=[_station(f"bar {d:.0f}", d) for d in stations],
        catalogue=PlainCatalogue(),
        drive=SteadyDrive(),
        item_limit=limit,
    )


def _run(world, seconds, step_ms=20):
    fates = []
    for index in range(1, round(seconds * 1000 / step_ms) + 1):
        fates += world.advance(index * step_ms * 1_000_000)
    return fates


@pytest.mark.parametrize("occupancy", [0.05, 0.20])
def test_feed_covers_the_asked_share_of_the_belt(occupancy):
    config = TwinConfig(feed=FeedConfig(occupancy=occupancy))
    world = _world(config=config, stations=())
    feed = world._feed
    items = feed.items_until(60_000.0)
    covered = np.zeros((30_000, 500), dtype=np.uint8)
    for item in items:
        outline = item.outline_mm + np.array((item.x_mm, item.y_mm))
        cv2.fillConvexPoly(covered, np.rint(outline / 2).astype(np.int32), 1)
    first = int(items[0].y_mm / 2)
    assert covered[first:].mean() == pytest.approx(occupancy, rel=0.12)


def test_items_lie_within_the_belt():
    for item in _world()._feed.items_until(20_000.0):
        x = item.outline_mm[:, 0] + item.x_mm
        assert x.min() >= -1e-6
        assert x.max() <= 1000.0 + 1e-6


def test_mix_of_items_follows_the_config():
    items = _world()._feed.items_until(120_000.0)
    plastic = sum(i.kind.fraction is Fraction.PLASTIC for i in items) / len(items)
    assert plastic == pytest.approx(0.20, abs=0.03)


def test_every_item_fed_ends_in_exactly_one_bin():
    world = _world(limit=40)
    fates = _run(world, 8.0)
    assert world.exhausted
    assert sorted(f.item_id for f in fates) == list(range(1, 41))
    assert world.bins.items == world.fed == 40


def test_with_all_valves_shut_everything_reaches_the_residue():
    fates = _run(_world(limit=30), 8.0)
    assert {f.bin_index for f in fates} == {2}
    assert not any(f.jetted for f in fates)


def test_with_one_bar_always_blowing_light_items_leave_there_and_heavy_ones_stay():
    world = _world(limit=80, config=TwinConfig(air=AirConfig(supply_nozzles=1e6)))
    for valve in range(80):
        world.switch(
            ValveEdge(station=0, valve=valve, opened=True, tick=BeltTick(0), at_ns=1_000_000)
        )
    fates = _run(world, 16.0)
    blown = [f.mass_g for f in fates if f.bin_index == 0]
    stayed = [f.mass_g for f in fates if f.bin_index == 2]
    assert np.mean(blown) < np.mean(stayed)
    assert all(f.jetted for f in fates)
    assert len(blown) > len(stayed)


def test_stepping_finer_changes_nothing():
    coarse, fine = _run(_world(limit=30), 6.0, step_ms=40), _run(_world(limit=30), 6.0, step_ms=5)
    assert {f.item_id: f for f in coarse} == {f.item_id: f for f in fine}


def test_same_seed_same_world_and_another_seed_another():
    first, same = _run(_world(limit=30), 6.0), _run(_world(limit=30), 6.0)
    other = _run(_world(limit=30, config=TwinConfig(seed=2)), 6.0)
    assert first == same
    assert [f.mass_g for f in first] != [f.mass_g for f in other]


def test_slip_dies_out_and_settled_items_never_move():
    world = _world()
    _run(world, 1.0)
    on_belt = world._items
    later, much_later = on_belt.origins_mm(60_000.0), on_belt.origins_mm(90_000.0)
    assert np.abs(later - much_later).max() < 1e-3
    still = (on_belt.slip_mm == 0).all(axis=1)
    assert 0.4 < still.mean() < 1.0


def test_operator_takes_only_lamps_and_only_those_past_a_position():
    config = TwinConfig(feed=FeedConfig(mix={Fraction.MERCURY_LAMP: 1.0, Fraction.PAPER: 1.0}))
    world = _world(limit=60, config=config)
    _run(world, 1.0)
    taken = world.pick_lamps(0.0)
    assert taken
    assert {f.fraction for f in taken} == {Fraction.MERCURY_LAMP}
    assert world.pick_lamps(0.0) == ()
    for at_ns in range(1_020_000_000, 20_000_000_000, 20_000_000):
        world.advance(at_ns)
    assert world.bins.items == 60
    assert world.bins.count(world.bins.removed, Fraction.MERCURY_LAMP) == len(taken)


def test_the_world_refuses_to_go_back_in_time():
    world = _world()
    world.advance(2_000_000)
    with pytest.raises(ValueError, match="cannot go back"):
        world.advance(1_000_000)


def test_area_of_a_square_is_its_side_squared():
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    assert outline_area_mm2(square) == pytest.approx(4.0)


def _rules():
    eject = FractionRule(action=ActionPolicy.EJECT, station="a", min_probability=0.5)
    rules = {f: FractionRule(action=ActionPolicy.PASS, min_probability=0.5) for f in FRACTIONS}
    stop = FractionRule(action=ActionPolicy.STOP_AND_ALARM, min_probability=0.3)
    return {**rules, Fraction.PLASTIC: eject, Fraction.MERCURY_LAMP: stop}


def _fate(fraction, mass_g, bin_index, *, jetted=False):
    return Fate(item_id=1, fraction=fraction, mass_g=mass_g, bin_index=bin_index, jetted=jetted)


def test_scores_follow_their_definitions():
    bins = Bins(1)
    for fate in (
        _fate(Fraction.PLASTIC, 30.0, 0),
        _fate(Fraction.PLASTIC, 10.0, bins.residue),
        _fate(Fraction.PAPER, 10.0, 0),
        _fate(Fraction.PAPER, 90.0, bins.residue),
        _fate(Fraction.MERCURY_LAMP, 50.0, bins.removed),
        _fate(Fraction.MERCURY_LAMP, 50.0, bins.residue, jetted=True),
    ):
        bins.add(fate)
    scores = bins.scores(_rules(), ("a",))
    plastic = scores[Fraction.PLASTIC]
    assert plastic.purity_mass == pytest.approx(0.75)
    assert plastic.recovery_mass == pytest.approx(0.75)
    assert plastic.by_catch_mass == pytest.approx(10 / 200)
    assert plastic.purity_count == pytest.approx(0.5)
    assert plastic.recovery_count == pytest.approx(0.5)
    assert scores[Fraction.MERCURY_LAMP].purity_mass == 1.0
    assert scores[Fraction.MERCURY_LAMP].recovery_mass == 0.5
    assert scores[Fraction.PAPER].purity_mass == pytest.approx(90 / 150)
    assert scores[Fraction.FOOD].recovery_mass is None
    assert bins.lamps == 2
    assert bins.lamps_jetted == 1


def test_an_empty_bin_has_no_purity():
    assert Bins(1).scores(_rules(), ("a",))[Fraction.PLASTIC].purity_mass is None
