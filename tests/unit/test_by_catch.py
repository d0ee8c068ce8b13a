import numpy as np
import pytest

from controller.by_catch import (
    catch_probability,
    expected_overlap_mm,
    lifted_g_per_cm_s,
    median_mass_g,
    need_log_sd,
    neighbour_share,
    target_share,
)

AREA_MM2 = np.array([10_000.0])
LIFTED = lifted_g_per_cm_s(nozzle_mm=1.5, nozzle_kpa=300.0, pitch_mm=12.5)


@pytest.mark.parametrize(("centre_mm", "half_mm", "sd_mm"), [(0, 30, 5), (70, 30, 20), (45, 5, 3)])
def test_the_expected_overlap_is_what_random_places_give_on_average(
    centre_mm: float, half_mm: float, sd_mm: float
) -> None:
    rng = np.random.default_rng(3)
    places = rng.normal(centre_mm, sd_mm, 200_000)
    overlaps = np.minimum(places + half_mm, 50.0) - np.maximum(places - half_mm, -50.0)
    found = expected_overlap_mm(
        np.array([-50.0]),
        np.array([50.0]),
        np.array([float(centre_mm)]),
        np.array([float(half_mm)]),
        np.array([float(sd_mm)]),
    )
    assert found == pytest.approx([np.maximum(overlaps, 0.0).mean()], abs=0.1)


def test_heavy_items_need_more_air_and_more_so_on_a_faster_belt() -> None:
    film, stone = np.array([5.0]), np.array([150.0])
    assert neighbour_share(film, AREA_MM2, 2800.0, LIFTED) < neighbour_share(
        stone, AREA_MM2, 2800.0, LIFTED
    )
    assert neighbour_share(stone, AREA_MM2, 1400.0, LIFTED) < neighbour_share(
        stone, AREA_MM2, 2800.0, LIFTED
    )
    assert target_share(film, AREA_MM2, 2800.0, LIFTED) > neighbour_share(
        film, AREA_MM2, 2800.0, LIFTED
    )
    assert target_share(np.array([1e6]), AREA_MM2, 2800.0, LIFTED) == 1.0


def test_an_item_leaves_as_likely_as_not_with_the_share_it_needs_and_surer_with_more() -> None:
    needed, log_sd = np.array([0.3]), np.array([0.6])
    found = [
        float(catch_probability(np.array([s]), needed, log_sd)[0]) for s in (0.0, 0.1, 0.3, 1.0)
    ]
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    assert found[1] < 0.1
    assert found[2] == pytest.approx(0.5)
    assert found[3] > 0.95


def test_a_mass_known_well_makes_the_need_of_air_sharper_but_never_certain() -> None:
    mass = np.array([100.0])
    vague, sharp = (float(need_log_sd(mass, np.array([sd]))[0]) for sd in (120.0, 5.0))
    assert vague > sharp == pytest.approx(0.6)
    assert median_mass_g(mass, np.array([100.0]))[0] == pytest.approx(100.0 / np.sqrt(2))


def test_a_bar_with_larger_nozzles_lifts_more_and_a_wider_pitch_less() -> None:
    heavy = lifted_g_per_cm_s(nozzle_mm=3.0, nozzle_kpa=300.0, pitch_mm=12.5)
    wide = lifted_g_per_cm_s(nozzle_mm=1.5, nozzle_kpa=300.0, pitch_mm=25.0)
    assert heavy == pytest.approx(4.0 * LIFTED)
    assert wide == pytest.approx(LIFTED / 2)
    stone = np.array([150.0])
    assert target_share(stone, AREA_MM2, 2800.0, heavy) < target_share(
        stone, AREA_MM2, 2800.0, LIFTED
    )
