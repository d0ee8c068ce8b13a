"""What an error of the calibration costs in purity and recovery, and the limits that follow.

`python -m benchmarks calibration_cost` measures these points on the standard scenario at 10 %
occupancy (plastic by mass, the greater loss of purity and recovery); its result is kept in
`benchmarks/results/calibration_cost.json`. With 3,000 items each, 10 mm along or across the belt
cost at most 0.2 point, which is their chance: the margins of that scenario's pulses absorb it.
Heavier loads and wider mixes have less margin, so the tables of place stay on the safe side of
what was measured. With 600 items each the shipped detector lost 0.8, 3.5 and 15.5 points by
further blur of 0.7, 1.5 and 3 px, which is the table; by 15, 30 and 60 % of the light it lost 3.3,
0 and 0.4 points, which is chance of two or three points: the table of light is an estimate on the
safe side too. What is taken to cost half a point is told.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

TOLERATED_POINTS: Final = 0.5
"""Loss of purity or recovery from which somebody has to come; what a good calibration may lose."""

ALONG_COST: Final = ((0.0, 0.0), (3.0, 0.3), (6.0, 1.2), (10.0, 4.0))
"""Error along the belt (mm) against points lost; assumed for a load with little margin."""
ACROSS_COST: Final = ((0.0, 0.0), (3.0, 0.2), (6.0, 1.0), (10.0, 3.0))
"""Error across the belt (mm) against points lost; assumed for a load with little margin."""
BLUR_COST: Final = ((0.0, 0.0), (0.7, 0.83), (1.5, 3.5), (3.0, 15.5))
"""Further spread of edges (px) against points that the shipped detector loses; measured."""
DARK_COST: Final = ((0.0, 0.0), (0.15, 0.5), (0.3, 2.0), (0.6, 12.0))
"""Share of light lost against points that the shipped detector loses where it is dark; assumed."""


def cost_of(error: float, table: Sequence[tuple[float, float]]) -> float:
    """Return the points lost by an error; beyond the table its last slope goes on."""
    x, y = (np.array(column) for column in zip(*table, strict=True))
    size = abs(error)
    if size > x[-1]:
        return float(y[-1] + (size - x[-1]) * (y[-1] - y[-2]) / (x[-1] - x[-2]))
    return float(np.interp(size, x, y))


def limit_of(table: Sequence[tuple[float, float]], points: float = TOLERATED_POINTS) -> float:
    """Return the error that costs so many points."""
    x, y = (np.array(column) for column in zip(*table, strict=True))
    return float(np.interp(points, y, x))
