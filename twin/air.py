"""Physics of an air jet: its field in space and time, and the impulse it gives an item.

The field is a spread across the jet's axis times a pressure that builds up and dies away. Field
and thrust (calibration/nozzle.py) are textbook gas dynamics with the bar's own dimensions; nothing
here knows which item a jet was meant for.
"""

import math
from collections.abc import Sequence

import numpy as np

from twin.items import Float64Array

AIR_DENSITY_KG_PER_M3 = 1.20
"""At 20 °C and sea level."""

MOMENTUM_SPREAD = 0.054
"""Standard deviation of a round turbulent jet's momentum flux, as a share of the distance from the
nozzle: the velocity profile exp(-(r / b) ** 2) with b = 0.107 * distance (Pope, Turbulent Flows,
section 5.1), squared for momentum, gives b / 2."""

DISCHARGE_M_PER_S = 198.0
"""A passage's volume over its nozzle's area and this is the time in which its pressure follows the
valve: a choked nozzle passes 0.0404 * pressure * area / sqrt(temperature) kg/s of air, a volume at
293 K holds pressure * volume / (287 * temperature) kg; ISO 6358 and any gas dynamics textbook."""

TAIL = 9.0
"""Time constants after which a jet is over: exp(-9) is a ten thousandth."""

# Three by three points stand for each jet's width across and along the belt: Gauss-Hermite nodes,
# exact for polynomials of degree five under the normal distribution.
_NODES = np.array([-math.sqrt(3.0), 0.0, math.sqrt(3.0)])
_WEIGHTS = np.array([1.0, 4.0, 1.0]) / 6.0

_SHORTEST_S, _SLOWEST_MM_PER_S = 1e-9, 1e-6
"""On a standing belt an open jet acts on what lies above it for all the time it is open."""


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


def settle_s(*, nozzle_mm: float, passage_mm3: float) -> float:
    """Return the time constant in which the pressure before a nozzle follows its valve.

    Args:
        nozzle_mm: diameter of the nozzle.
        passage_mm3: volume between valve seat and nozzle.
    """
    area_m2 = math.pi / 4 * (nozzle_mm * 1e-3) ** 2
    return passage_mm3 * 1e-9 / (DISCHARGE_M_PER_S * area_m2)


def pressure_share(valves_open: int, *, supply_nozzles: float) -> float:
    """Return the absolute pressure at a bar's nozzles against that of one alone.

    A supply of sonic conductance C passes C * p0 * sqrt(1 - (p / p0) ** 2) (ISO 6358, critical
    ratio zero), n choked nozzles take n * c * p; equal flows: p0 / p = sqrt(1 + (n c / C) ** 2).

    Args:
        valves_open: at the same time on the bar.
        supply_nozzles: C / c, how many nozzles pass as much as the supply.
    """
    alone, now = 1 / supply_nozzles, valves_open / supply_nozzles
    return math.sqrt((1 + alone**2) / (1 + now**2)) if valves_open else 1.0


def blown_s(since_s: Float64Array, *, open_s: Float64Array, settle_s: float) -> Float64Array:
    """Return how long at full pressure a jet has blown in effect, some time after its air came.

    Pressure builds up as 1 - exp(-t / settle) and dies away alike; this is its integral.

    Args:
        since_s: time since the air came, any sign.
        open_s: how long the valve is open; broadcast against `since_s`.
        settle_s: time constant.
    """
    rising = np.clip(since_s, 0.0, open_s)
    falling = np.maximum(since_s - open_s, 0.0)
    reached = 1.0 - np.exp(-open_s / settle_s)
    return np.asarray(
        rising
        - settle_s * (1.0 - np.exp(-rising / settle_s))
        + settle_s * reached * (1.0 - np.exp(-falling / settle_s))
    )


def impulse_n_s(
    outline_mm: Float64Array,
    *,
    jet_x_mm: Float64Array,
    open_mm: Float64Array,
    close_mm: Float64Array,
    open_s: Float64Array,
    thrust_n: Float64Array,
    sd_mm: float,
    settle_s: float,
    shades_mm: Sequence[Float64Array] = (),
) -> float:
    """Return the momentum that jets give to an item passing their bar.

    Each point of a jet acts on the item while the item's chord lies above it, with the pressure
    that the jet has at that time, unless another item lies between.

    Args:
        outline_mm: (k, 2) outline, x in the machine frame, y as the travel at which each corner
            passes the bar.
        jet_x_mm: (m,) nozzle position of each opening.
        open_mm: (m,) belt travel when the air came.
        close_mm: (m,) belt travel when it went.
        open_s: (m,) time between the two.
        thrust_n: (m,) thrust at full pressure.
        sd_mm: width of a jet, from `jet_sd_mm`.
        settle_s: time constant of the pressure.
        shades_mm: outlines of items between the jets and this one, like `outline_mm`.
    """
    lines = (jet_x_mm[:, None] + sd_mm * _NODES).ravel()
    speed = np.maximum((close_mm - open_mm) / np.maximum(open_s, _SHORTEST_S), _SLOWEST_MM_PER_S)

    def blown(low_mm: Float64Array, high_mm: Float64Array) -> Float64Array:
        """(m, 3) effective seconds between two travels on each line, over the width along y."""
        low, high = (edge.reshape(-1, 3)[:, :, None] for edge in (low_mm, high_mm))
        # Seen from a point of the jet further on, the item comes that much later.
        origin = open_mm[:, None, None] + sd_mm * _NODES
        ends = [
            blown_s(
                (edge - origin) / speed[:, None, None],
                open_s=open_s[:, None, None],
                settle_s=settle_s,
            )
            for edge in (low, np.maximum(low, high))
        ]
        return np.asarray((ends[1] - ends[0]) @ _WEIGHTS)

    low, high = chords_mm(outline_mm, lines)
    missed = low > high
    low, high = np.where(missed, 0.0, low), np.where(missed, 0.0, high)
    acting = blown(low, high)
    for shade in shades_mm:
        shade_low, shade_high = chords_mm(shade, lines)
        below = np.clip(shade_low, low, high), np.clip(shade_high, low, high)
        acting = acting - blown(*below)
    share = np.maximum(acting, 0.0) @ _WEIGHTS
    return float(np.sum(share * thrust_n))
