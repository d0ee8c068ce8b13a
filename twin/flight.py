"""What becomes of items behind a bar: knocks within a heap, the flight, the splitter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twin.air import AIR_DENSITY_KG_PER_M3
from twin.items import Float64Array
from twin.outlines import contact_mm

GRAVITY_MM_PER_S2 = 9810.0

DRAG_COEFFICIENT = 1.2
"""Of a plate moving broadside (Hoerner, Fluid-Dynamic Drag)."""

FLAT_CATCH, ROUND_CATCH = 1.0, 0.6
"""Share of a jet's momentum that an item takes: a plate turns the flow aside and takes all of it,
flow around a cylinder keeps part (its drag coefficient is about 0.6 of a plate's)."""

RESTITUTION = 0.3
"""Of a knock between two items. Plastics bounce off each other with 0.4 to 0.6, paper and food
hardly; background knowledge, and the figures move little between 0.1 and 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """An item of a heap as it passes a bar.

    Attributes:
        outline_mm: (k, 2) where it passes, x in the machine frame, y in the belt frame.
        mass_g: with moisture.
        speed_m_per_s: upwards, as the jets left it.
        wet: food that sticks to what it touches.
    """

    outline_mm: Float64Array
    mass_g: float
    speed_m_per_s: float
    wet: bool


def knocked_speeds(bodies: Sequence[Body]) -> tuple[float, ...]:
    """Return the upward speeds of a heap's items after they have knocked each other.

    The jets come from below: a lower item that is faster than the one on it throws that up, and is
    held back by it. The knock acts where the two overlap; off their centres they tilt and move
    less.

    Args:
        bodies: from the lowest to the uppermost.
    """
    speeds = [body.speed_m_per_s for body in bodies]
    for upper in range(1, len(bodies)):
        for lower in range(upper):
            if speeds[lower] <= speeds[upper]:
                continue
            contact = contact_mm(bodies[lower].outline_mm, bodies[upper].outline_mm)
            if contact is None:
                continue
            pair = bodies[lower], bodies[upper]
            sticks = pair[0].wet or pair[1].wet
            yields = [_yield_per_g(body, contact, tilts=not sticks) for body in pair]
            bounce = 0.0 if sticks else RESTITUTION
            knock = (1 + bounce) * (speeds[lower] - speeds[upper]) / sum(yields)
            # A knock that sets both tilting leaves the share that moves their centres.
            speeds[lower] -= knock / pair[0].mass_g
            speeds[upper] += knock / pair[1].mass_g
    return tuple(speeds)


def _yield_per_g(body: Body, contact: Float64Array, *, tilts: bool) -> float:
    """Return the speed that a unit knock gives to the point where it acts.

    1 / m + r ** 2 / I with I = m * L ** 2 / 12 along the line from centre to contact, as of a rod.
    """
    if not tilts:
        return 1.0 / body.mass_g
    arm = contact - body.outline_mm.mean(axis=0)
    arm_mm = float(np.hypot(*arm))
    if arm_mm < 1e-6:
        return 1.0 / body.mass_g
    along = body.outline_mm @ (arm / arm_mm)
    length_mm = max(float(np.ptp(along)), 1e-6)
    return (1.0 + 12.0 * min(arm_mm / length_mm, 0.5) ** 2) / body.mass_g


def lift_mm(speed_m_per_s: float, *, mass_g: float, area_mm2: float, flight_s: float) -> float:
    """Return how far a speed carries an item out of its path within a flight time.

    Quadratic drag slows it: with L = 2 * mass / (density * drag coefficient * area) the way is
    L * ln(1 + v * t / L). Film is blown away fast and goes nowhere; a stone hardly starts.

    Args:
        speed_m_per_s: upwards, at the bar.
        mass_g: mass of the item.
        area_mm2: area it shows to the air.
        flight_s: time until it reaches the splitter.
    """
    reach_m = 2 * mass_g * 1e-3 / (AIR_DENSITY_KG_PER_M3 * DRAG_COEFFICIENT * area_mm2 * 1e-6)
    return 1e3 * reach_m * math.log1p(max(speed_m_per_s, 0.0) * flight_s / reach_m)


def needed_lift_mm(
    *, splitter_rise_mm: float, flight_s: float, sinks_mm_per_s: float = 0.0
) -> float:
    """Return how far an item must be carried out of its free fall to clear the splitter's edge.

    Args:
        splitter_rise_mm: edge above the belt.
        flight_s: time until the item reaches it.
        sinks_mm_per_s: downward speed with which it left the belt, from `sticking_mm_per_s`.
    """
    return splitter_rise_mm + sinks_mm_per_s * flight_s + GRAVITY_MM_PER_S2 * flight_s**2 / 2


def sticking_mm_per_s(
    *, speed_mm_per_s: float, radius_mm: float, adhesion_n: float, mass_g: float
) -> float:
    """Return the downward speed of an item that went round the belt's end, beyond a free item's.

    On the drum an item stays until m * g * cos(angle) + adhesion < m * v ** 2 / radius; it leaves
    along the tangent there.

    Args:
        speed_mm_per_s: of the belt.
        radius_mm: of the drum.
        adhesion_n: force that holds the item on the belt.
        mass_g: of the item.
    """
    outwards = speed_mm_per_s**2 / radius_mm

    def sine_of_leaving(held_mm_per_s2: float) -> float:
        cosine = min(max((outwards - held_mm_per_s2) / GRAVITY_MM_PER_S2, 0.0), 1.0)
        return math.sqrt(1.0 - cosine**2)

    stuck = sine_of_leaving(adhesion_n * 1e6 / mass_g) - sine_of_leaving(0.0)
    return speed_mm_per_s * stuck
