"""What an error of the calibration costs in purity and recovery, and the limits that follow.

The tables are estimates and on the safe side: 1,500 items of the standard scenario, whose margins
are some 6 mm, lost nothing measurable by 10 mm along or across. `python -m benchmarks
calibration_cost` measures the same points. What is taken to cost half a point is told.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

TOLERATED_POINTS: Final = 0.5
"""Loss of purity or recovery from which somebody has to come; what a good calibration may lose."""

ALONG_COST: Final = ((0.0, 0.0), (3.0, 0.3), (6.0, 1.2), (10.0, 4.0))
"""Error along the belt (mm) against points lost."""
ACROSS_COST: Final = ((0.0, 0.0), (3.0, 0.2), (6.0, 1.0), (10.0, 3.0))
"""Error across the belt (mm) against points lost."""
BLUR_COST: Final = ((0.0, 0.0), (0.7, 0.5), (1.5, 2.5), (3.0, 10.0))
"""Further spread of edges (px) against points of recovery that the shipped detector loses."""
DARK_COST: Final = ((0.0, 0.0), (0.15, 0.5), (0.3, 2.0), (0.6, 12.0))
"""Share of light lost against points that the shipped detector loses where it is dark."""


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
