import numpy as np
import pytest

from vision.mass import estimate_mass_g
from vision.tracker_config import TrackerConfig
from vision.tracking.motion import Arrival, BeltStates, predict_arrival
from vision.types import FRACTIONS, Fraction

CONFIG = TrackerConfig()


def states(slip_y_mm_per_s: float = 0.0, sd_mm: float = 1.0) -> BeltStates:
    return BeltStates(
        position_mm=np.array([[300.0], [1000.0]]),
        slip_mm_per_s=np.array([[10.0], [slip_y_mm_per_s]]),
        position_var=np.full((2, 1), sd_mm**2),
        cross_var=np.zeros((2, 1)),
        slip_var=np.full((2, 1), 100.0),
    )


def arrive(belt: BeltStates, ticks_per_s: float = 5600.0, distance_mm: float = 600.0) -> Arrival:
    return predict_arrival(
        belt,
        tick=2000.0,
        distance_mm=distance_mm,
        mm_per_tick=0.5,
        ticks_per_s=ticks_per_s,
        config=CONFIG,
    )


def test_an_item_lying_still_arrives_by_the_encoder_alone() -> None:
    belt = states()
    belt.slip_mm_per_s[:] = 0.0
    for ticks_per_s in (500.0, 5600.0):
        assert arrive(belt, ticks_per_s).tick == pytest.approx([(1000.0 + 600.0) / 0.5])


def test_an_item_falling_behind_the_belt_arrives_later_by_its_decaying_slip() -> None:
    found = arrive(states(slip_y_mm_per_s=50.0))
    flight_s = 600.0 / 2800.0
    slipped_mm = 50.0 * CONFIG.slip_decay_s * (1 - np.exp(-flight_s / CONFIG.slip_decay_s))
    assert found.y_mm == pytest.approx([1000.0 + slipped_mm], abs=0.2)
    assert found.tick == pytest.approx([(1600.0 + slipped_mm) / 0.5], abs=0.5)
    assert found.x_mm > 300.0


def test_uncertainty_grows_with_the_way_still_to_go() -> None:
    near, far = arrive(states()), arrive(states(), distance_mm=2100.0)
    assert near.y_sd_mm > 1.0
    assert far.y_sd_mm > near.y_sd_mm
    assert far.x_sd_mm > near.x_sd_mm


def test_on_a_standing_belt_items_arrive_at_their_own_tick_without_slip() -> None:
    assert arrive(states(slip_y_mm_per_s=50.0), ticks_per_s=0.0).tick == pytest.approx([3200.0])


def test_mass_follows_class_and_size_and_doubt_widens_it() -> None:
    extent_mm = np.array([[100.0, 100.0, 100.0], [100.0, 50.0, 100.0]])
    posterior = np.zeros((len(FRACTIONS), 3))
    food, paper = FRACTIONS.index(Fraction.FOOD), FRACTIONS.index(Fraction.PAPER)
    posterior[food, :2] = 1.0
    posterior[[food, paper], 2] = 0.5
    mass_g, sd_g = estimate_mass_g(posterior, extent_mm)
    assert mass_g[0] == pytest.approx(2 * mass_g[1])
    assert mass_g[2] < mass_g[0]
    assert sd_g[2] / mass_g[2] > sd_g[0] / mass_g[0]
