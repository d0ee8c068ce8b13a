"""Machines and materials of the published experiments, as far as they are published.

What a study's stored pages do not tell is marked as ours. The size of the film pieces was chosen
after seeing what other sizes gave (docs/twin.md says which), so that figure depends on the setting.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.reference_sorter import REJECT, TARGET, Machine
from controller.stations import JetBarConfig
from models.library import Sprite
from twin.config import AirConfig, BeltConfig, FeedConfig, SlipConfig, TwinCameraConfig, TwinConfig
from twin.items import CatalogueItem, convex_outline_mm, outline_area_mm2
from vision.types import Fraction

FILM = Fraction.PAPER
"""Under which name light two-dimensional material is fed."""

CHIP_MM, CHIP_G = 40.0, 4.4
"""Chips of low-density polyethylene, 0.92 g/cm3 (Küppers 2020 sorted 1,000 of them a trial); edge
and the 3 mm of thickness are ours."""

SOLID_MM, SOLID_G_PER_M2 = (20.0, 60.0), (1000.0, 1960.0)
"""Solid pieces of a middle screen fraction, and their mass by area: 1 to 2 mm of plastic. The study
sorted "particle size distributions created from waste fractions"; which ones is not in what is
stored, so these are ours."""

FILM_MM, FILM_G_PER_M2 = (60.0, 150.0), (40.0, 100.0)
"""Film of a few times their size: 20 to 50 micrometres of polyethylene are 18 to 46 g/m2 a layer,
and it lies in two or three (ours)."""

GRAIN_RADIUS_MM, GRAIN_G_PER_CM3 = 3.0, 1.9
"""Grains of the laboratory sorter: radius as in TracksortAlgorithm (`radiusTargetedParticles`),
sand-lime brick (the runs are named `Sort_Kalk`) of density class 2.0 (1.81 to 2.0 g/cm3)."""

GRAIN_SLIP = 0.0176
"""Spread of a sphere's speed over the belt, as a share of the belt's: of spheres at about 1 m/s a
fixed delay hits 80.3 % within 1 ms after 44 mm, and 1 ms is 1.29 sigma of 0.78 mm then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """A catalogue made of a few kinds of item: sizes drawn log-uniform, masses with them."""

    film: bool
    chips: bool

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """No pictures."""
        return ()

    def has(self, fraction: Fraction) -> bool:
        """Return whether there is any item of this fraction."""
        return fraction in (TARGET, REJECT) or (self.film and fraction is FILM)

    def draw(self, fraction: Fraction, rng: np.random.Generator) -> CatalogueItem:
        """Return one item of a fraction at random."""
        if fraction is FILM:
            length_mm = _between(FILM_MM, float(rng.uniform()))
            width_mm = length_mm * float(rng.uniform(0.5, 1.0))
            mass_g = _between(FILM_G_PER_M2, float(rng.uniform())) * length_mm * width_mm * 1e-6
            return _plate(fraction, width_mm, length_mm, mass_g, 5.0)
        if self.chips:
            return _plate(fraction, CHIP_MM, CHIP_MM, CHIP_G, 3.0)
        length_mm = _between(SOLID_MM, float(rng.uniform()))
        width_mm = length_mm * float(rng.uniform(0.4, 1.0))
        mass_g = _between(SOLID_G_PER_M2, float(rng.uniform())) * length_mm * width_mm * 1e-6
        return _plate(fraction, width_mm, length_mm, mass_g, 10.0)

    def mean_area_mm2(self, fraction: Fraction) -> float:
        """Return the mean area of the outlines of a fraction, by drawing a fixed sample."""
        return _mean_mass_and_area(self, fraction)[1]

    def mean_mass_g(self, fraction: Fraction) -> float:
        """Return the mean mass of a fraction, by drawing the same sample."""
        return _mean_mass_and_area(self, fraction)[0]


@cache
def _mean_mass_and_area(kinds: Kinds, fraction: Fraction) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = [kinds.draw(fraction, rng) for _ in range(1500)]
    values = [(item.mass_g, outline_area_mm2(item.outline_mm)) for item in drawn]
    mass_g, area_mm2 = np.mean(values, axis=0).tolist()
    return mass_g, area_mm2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grains:
    """Spheres of sand-lime brick; targets and the rest differ by name only."""

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """No pictures."""
        return ()

    def has(self, fraction: Fraction) -> bool:
        """Return whether there is any item of this fraction."""
        return fraction in (TARGET, REJECT)

    def draw(self, fraction: Fraction, rng: np.random.Generator) -> CatalogueItem:
        """Return the one grain there is."""
        del rng
        turn = np.linspace(0.0, 2 * np.pi, 33)
        circle = GRAIN_RADIUS_MM * np.column_stack((np.cos(turn), np.sin(turn)))
        return CatalogueItem(
            fraction=fraction,
            outline_mm=convex_outline_mm(circle),
            mass_g=GRAIN_G,
            height_mm=2 * GRAIN_RADIUS_MM,
            rolls=True,
            sprite=None,
        )

    def mean_area_mm2(self, fraction: Fraction) -> float:
        """Return the area of a grain."""
        return outline_area_mm2(self.draw(fraction, np.random.default_rng(0)).outline_mm)


GRAIN_G = 4 / 3 * math.pi * GRAIN_RADIUS_MM**3 * 1e-3 * GRAIN_G_PER_CM3


def _plate(
    fraction: Fraction, width_mm: float, length_mm: float, mass_g: float, height_mm: float
) -> CatalogueItem:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width_mm / 2, length_mm / 2)
    return CatalogueItem(
        fraction=fraction,
        outline_mm=convex_outline_mm(corners),
        mass_g=mass_g,
        height_mm=height_mm,
        rolls=False,
        sprite=None,
    )


def _between(limits: tuple[float, float], place: float) -> float:
    low, high = limits
    return float(low * (high / low) ** place)


def _bar(**changes: float) -> JetBarConfig:
    values = {
        "distance_mm": 400.0,
        "valve_count": 80,
        "valve_pitch_mm": 12.5,
        "first_valve_x_mm": 6.25,
        "valve_open_lag_ms": 4.0,
        "valve_close_lag_ms": 4.0,
        "valve_jitter_ms": 1.0,
        "min_open_ms": 1.0,
        "max_open_ms": 1000.0,
        "max_duty": 1.0,
        "duty_window_ms": 1000.0,
    }
    return JetBarConfig.model_validate({"name": "jets", **values, **changes})


WASTE_SORTER = Machine(
    bar=_bar(),
    lead_s=2e-3,
    trail_s=2e-3,
    open_s=None,
    side_mm=4.0,
    min_visible=0.5,
    tracks=False,
    step_s=10e-3,
)
"""A waste sorter of 12.5 mm pitch with 2 ms and 4 mm of margin, belt 2.8 m/s and 1 m."""

LABORATORY_SORTER = Machine(
    bar=_bar(
        distance_mm=44.0,
        valve_count=32,
        valve_pitch_mm=5.0,
        first_valve_x_mm=2.5,
        nozzle_mm=1.0,
        valve_open_lag_ms=1.0,
        valve_close_lag_ms=1.0,
        valve_jitter_ms=0.1,
    ),
    lead_s=0.0,
    trail_s=0.0,
    open_s=1.29e-3,
    side_mm=6.30 / 2 - GRAIN_RADIUS_MM,
    min_visible=0.5,
    tracks=True,
    step_s=5e-3,
)
"""KIT's belt sorter: 32 nozzles over 0.16 m, 200 Hz, 44 mm from the last sight to the nozzles; the
window 1.29 ms long and 6.30 mm wide (arXiv 2507.22766). Nozzle diameter and lags are ours."""


def waste_world(*, occupancy: float, mix: dict[Fraction, float], seed: int) -> TwinConfig:
    """Return the world of a waste sorter fed at random, nothing moved apart."""
    return TwinConfig(
        seed=seed,
        feed=FeedConfig(occupancy=occupancy, mix=mix, overlap_share=1.0, moisture=0.0),
        slip=SlipConfig(settled_share=1.0),
        camera=TwinCameraConfig(view_length_mm=200.0),
        belt=BeltConfig(drift_share=0.0, run_out_mm=300.0),
    )


def laboratory_world(*, g_per_s: float, target_share: float, seed: int) -> TwinConfig:
    """Return the world of the laboratory sorter at a mass flow; grains lie side by side."""
    speed_mm_per_s, width_mm = 1000.0, 160.0
    grain_mm2 = Grains().mean_area_mm2(TARGET)
    occupancy = g_per_s / GRAIN_G * grain_mm2 / (width_mm * speed_mm_per_s)
    return TwinConfig(
        seed=seed,
        feed=FeedConfig(
            occupancy=occupancy,
            mix={TARGET: target_share, REJECT: 1.0 - target_share},
            overlap_share=0.0,
            moisture=0.0,
            entry_margin_mm=300.0,
        ),
        slip=SlipConfig(settled_share=0.0, roll_sd_mm=GRAIN_SLIP * 3000.0, roll_decay_mm=3000.0),
        camera=TwinCameraConfig(view_length_mm=200.0),
        belt=BeltConfig(
            width_mm=width_mm, speed_mm_per_s=speed_mm_per_s, drift_share=0.0, run_out_mm=300.0
        ),
        air=AirConfig(
            nozzle_distance_mm=15.0,
            nozzle_passage_mm3=35.0,
            splitter_distance_mm=60.0,
            splitter_rise_mm=10.0,
            jitter_ms=0.1,
            open_lag_ms=1.0,
            close_lag_ms=1.0,
        ),
    )
