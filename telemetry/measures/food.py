"""Food share as a driver of contamination: how much purer the other fractions are without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import stats

from telemetry.measures.definition import Measure, MeasureName

FEWEST_SHIFTS: Final = 8
"""Below this the interval of a slope says nothing useful."""
LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftFood:
    """What the cameras saw in one shift.

    Attributes:
        shift_id: which.
        food_share: food over everything seen, by mass, 0..1.
    """

    shift_id: str
    food_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSample:
    """One shift.

    Attributes:
        food_share: food over everything seen, by mass, 0..1.
        contamination: 1 - purity of the dry products, 0..1.
    """

    food_share: float
    contamination: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoodDriver:
    """How contamination goes with the food share; it shows a connection, not a cause.

    Attributes:
        slope: points of contamination per point of food share, with its interval.
        r_squared: share of the variation that it explains, 0..1; None without a slope.
        shifts: that it rests on.
    """

    slope: Measure
    r_squared: float | None
    shifts: int


def food_driver(samples: Sequence[ShiftSample]) -> FoodDriver:
    """Fit a line through the shifts (ordinary least squares, t interval of the slope)."""
    count = len(samples)
    name = MeasureName.FOOD_DRIVER
    if count < FEWEST_SHIFTS:
        slope_unknown = Measure(name=name, value=None, reason="few_audited_shifts")
        return FoodDriver(slope=slope_unknown, r_squared=None, shifts=count)
    food = np.array([sample.food_share for sample in samples])
    dirt = np.array([sample.contamination for sample in samples])
    if float(np.ptp(food)) <= 0.0:
        slope_unknown = Measure(name=name, value=None, reason="same_food_share")
        return FoodDriver(slope=slope_unknown, r_squared=None, shifts=count)
    fit = stats.linregress(food, dirt)
    half = float(stats.t.ppf(0.5 + LEVEL / 2.0, count - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return FoodDriver(
        slope=Measure(name=name, value=slope, low=slope - half, high=slope + half),
        r_squared=float(fit.rvalue) ** 2,
        shifts=count,
    )
