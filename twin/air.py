"""Physics of an air jet on a flying item: footprint, impulse, and the way to the splitter.

Footprint and thrust (calibration/nozzle.py) are textbook gas dynamics with the bar's own
dimensions; nothing here knows which item a jet was meant for.
"""

import math

import numpy as np
import numpy.typing as npt

from twin.items import Float64Array

AIR_DENSITY_KG_PER_M3 = 1.20
"""At 20 °C and sea level."""

MOMENTUM_SPREAD = 0.054
"""Standard deviation of a round turbulent jet's momentum flux, as a share of the distance from the
nozzle: the velocity profile exp(-(r / b) ** 2) with b = 0.107 * distance (Pope, Turbulent Flows,
section 5.1), squared for momentum, gives b / 2."""

GRAVITY_MM_PER_S2 = 9810.0

DRAG_COEFFICIENT = 1.2
"""Of a plate moving broadside (Hoerner, Fluid-Dynamic Drag)."""

FLAT_CATCH, ROUND_CATCH = 1.0, 0.6
"""Share of a jet's momentum that an item takes: a plate turns the flow aside and takes all of it,
flow around a cylinder keeps part (its drag coefficient is about 0.6 of a plate's)."""

# Three lines across each jet stand for its width: Gauss-Hermite nodes, exact for polynomials of
# degree five under the normal distribution.
_NODES = np.array([-math.sqrt(3.0), 0.0, math.sqrt(3.0)])
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0


def jet_sd_mm(*, nozzle_mm: float, nozzle_distance_mm: float) -> float:
    """Return the standard deviation of a jet's momentum across its axis, at the item."""
    return MOMENTUM_SPREAD * nozzle_distance_mm + nozzle_mm / 4


def chords_mm(outline_mm: Float64Array, at_x_mm: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Cut a convex outline along the belt.

    Args:
        outline_mm: (k, 2) corners in turning order, x lateral, y along the belt.
        at_x_mm: (m,) lateral positions of the cuts.

    Returns:
        (m,) lowest and (m,) highest y of the outline on each cut; lowest > highest where it misses.
    """
    start, end = outline_mm, np.roll(outline_mm, -1, axis=0)
    x0, x1 = start[:, 0], end[:, 0]
    cut = at_x_mm[:, None]
    crossed = (np.minimum(x0, x1) <= cut) & (cut < np.maximum(x0, x1))
    run = np.where(x1 == x0, 1.0, x1 - x0)
    y = start[:, 1] + (cut - x0) / run * (end[:, 1] - start[:, 1])
    lowest = np.where(crossed, y, np.inf).min(axis=1)
    highest = np.where(crossed, y, -np.inf).max(axis=1)
    return lowest, highest


def impulse_n_s(
    outline_mm: Float64Array,
    *,
    jet_x_mm: Float64Array,
    open_mm: Float64Array,
    close_mm: Float64Array,
    open_s: Float64Array,
    thrust_n: Float64Array,
    sd_mm: float,
) -> float:
    """Return the momentum that jets give to an item passing their bar.

    A jet acts on an item while the item covers it: time open, times the share of the belt travel
    in that time over which the item's chord lies above the nozzle, summed over the jet's width.

    Args:
        outline_mm: (k, 2) outline, x in the machine frame, y as the travel at which each corner
            passes the bar.
        jet_x_mm: (m,) nozzle position of each opening.
        open_mm: (m,) belt travel when the air came.
        close_mm: (m,) belt travel when it went.
        open_s: (m,) time between the two.
        thrust_n: (m,) thrust while it blew.
        sd_mm: width of a jet, from `jet_sd_mm`.
    """
    lines = jet_x_mm[:, None] + sd_mm * _NODES
    lowest, highest = chords_mm(outline_mm, lines.ravel())
    lowest, highest = lowest.reshape(lines.shape), highest.reshape(lines.shape)
    opened, closed = open_mm[:, None], close_mm[:, None]
    shared_mm = np.minimum(closed, highest) - np.maximum(opened, lowest)
    blown_mm = closed - opened
    # On a standing belt an open jet acts on what lies above it for all the time it is open.
    covered = np.where(
        blown_mm > 0, shared_mm / np.where(blown_mm > 0, blown_mm, 1.0), shared_mm >= 0
    )
    share = np.clip(covered, 0.0, 1.0) @ _WEIGHTS
    return float(np.sum(share * open_s * thrust_n))


def lift_mm(
    impulse: npt.ArrayLike, *, mass_g: float, area_mm2: float, flight_s: float
) -> Float64Array:
    """Return how far an impulse carries an item out of its path within a flight time.

    Quadratic drag slows it: with L = 2 * mass / (density * drag coefficient * area) the way is
    L * ln(1 + v * t / L). Film is blown away fast and goes nowhere; a stone hardly starts.

    Args:
        impulse: newton seconds.
        mass_g: mass of the item.
        area_mm2: area it shows to the jet.
        flight_s: time until it reaches the splitter.
    """
    mass_kg, area_m2 = mass_g * 1e-3, area_mm2 * 1e-6
    reach_m = 2 * mass_kg / (AIR_DENSITY_KG_PER_M3 * DRAG_COEFFICIENT * area_m2)
    speed_m_per_s = np.asarray(impulse, dtype=np.float64) / mass_kg
    return np.asarray(1e3 * reach_m * np.log1p(speed_m_per_s * flight_s / reach_m))


def needed_lift_mm(*, splitter_rise_mm: float, flight_s: float) -> float:
    """Return how far an item must be carried out of its free fall to clear the splitter's edge."""
    return splitter_rise_mm + GRAVITY_MM_PER_S2 * flight_s**2 / 2
