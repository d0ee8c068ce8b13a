"""Gas dynamics of one choked nozzle: thrust, and air in normal litres.

Textbook formulas for a convergent nozzle fed above 90 kPa gauge, without losses; real sorter
nozzles give a few per cent less of both (Liepmann & Roshko, Elements of Gasdynamics, chapter 2).
"""

import math
from typing import Final

AMBIENT_KPA: Final = 101.3
THRUST_COEFFICIENT: Final = 1.268
"""Air, ratio of specific heats 1.4: 2.4 * (2 / 2.4) ** 3.5."""
FLOW_COEFFICIENT: Final = 0.6847
"""Air: sqrt(1.4) * (2 / 2.4) ** 3, the choked flow's mass per area, pressure and time, made free of
dimensions by sqrt(R * T)."""
GAS_CONSTANT_J_PER_KG_K: Final = 287.05
SUPPLY_K: Final = 293.15
"""Air in the manifold has the room's temperature, 20 degrees Celsius."""
NORMAL_KG_PER_M3: Final = 1.293
"""Density of air at 0 degrees Celsius and 101.325 kPa: what a normal litre is (DIN 1343)."""


def jet_thrust_n(*, nozzle_mm: float, nozzle_kpa: float) -> float:
    """Return the thrust of one jet alone on its bar, newton.

    area * (THRUST_COEFFICIENT * absolute pressure - ambient pressure).

    Args:
        nozzle_mm: diameter of the nozzle.
        nozzle_kpa: gauge pressure in front of it, above 90 kPa (choked flow).
    """
    absolute_pa = (nozzle_kpa + AMBIENT_KPA) * 1e3
    return _area_m2(nozzle_mm) * (THRUST_COEFFICIENT * absolute_pa - AMBIENT_KPA * 1e3)


def air_nl_per_s(*, nozzle_mm: float, nozzle_kpa: float) -> float:
    """Return the air that flows through one open nozzle, normal litres per second.

    area * absolute pressure * FLOW_COEFFICIENT / sqrt(R * T) / normal density; a 1.5 mm nozzle at
    300 kPa passes 1.29 normal litres per second.

    Args:
        nozzle_mm: diameter of the nozzle.
        nozzle_kpa: gauge pressure in front of it while it blows, above 90 kPa.
    """
    absolute_pa = (nozzle_kpa + AMBIENT_KPA) * 1e3
    sound = math.sqrt(GAS_CONSTANT_J_PER_KG_K * SUPPLY_K)
    kg_per_s = _area_m2(nozzle_mm) * absolute_pa * FLOW_COEFFICIENT / sound
    return kg_per_s / NORMAL_KG_PER_M3 * 1e3


def _area_m2(nozzle_mm: float) -> float:
    return math.pi / 4 * (nozzle_mm * 1e-3) ** 2
