"""Film on a belt: the wind over it makes it flutter and, where friction gives way, slide back."""

import math

from twin.air import AIR_DENSITY_KG_PER_M3

FRICTION = 0.4
"""Of film or paper on a rubber belt; 0.3 to 0.5 in tables of belt friction."""

FLUTTER_DRAG = 0.1
"""Drag coefficient of a fluttering sheet by its area: of flags 0.03 to 0.15 (Hoerner, Fluid-Dynamic
Drag, chapter 3)."""

HOLD_SPREAD = 0.2
"""Spread of the wind that a sheet withstands, relative: creases catch it, damp holds it."""

_GRAVITY_M_PER_S2 = 9.81


def holding_wind_m_per_s(areal_g_per_m2: float) -> float:
    """Return the wind that a lying sheet just withstands: friction against fluttering drag.

    Args:
        areal_g_per_m2: mass by area; a carrier bag has 20 a layer, office paper 80.
    """
    held_pa = FRICTION * areal_g_per_m2 * 1e-3 * _GRAVITY_M_PER_S2
    return math.sqrt(2 * held_pa / (AIR_DENSITY_KG_PER_M3 * FLUTTER_DRAG))


def film_slip_share(
    *,
    mass_g: float,
    area_mm2: float,
    belt_speed_mm_per_s: float,
    air_share: float,
    spread: float,
) -> float:
    """Return how fast a sheet falls behind its belt, as a share of the belt's speed.

    Args:
        mass_g: of the item.
        area_mm2: that it covers.
        belt_speed_mm_per_s: of the belt through still air.
        air_share: wind over the sheet against the belt's speed.
        spread: standard normal draw of this sheet's hold.
    """
    wind = air_share * belt_speed_mm_per_s * 1e-3
    hold = holding_wind_m_per_s(mass_g / (area_mm2 * 1e-6)) * math.exp(HOLD_SPREAD * spread)
    return max(0.0, (wind - hold) / (belt_speed_mm_per_s * 1e-3))
