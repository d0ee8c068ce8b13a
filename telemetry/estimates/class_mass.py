"""What an item of each fraction weighs on average, and how surely that is known."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from telemetry.estimates.errors import EstimateError
from vision.types import FRACTIONS

Float64Array = npt.NDArray[np.float64]
CLASSES: Final = len(FRACTIONS)
DAYS_DIFFER: Final = 0.75
"""Point of the F distribution beyond which days are taken to differ (Bancroft, 1964, Biometrics
20:427, on preliminary tests: a level of 25 % loses least either way)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassMasses:
    """Mean masses by fraction, in the order of FRACTIONS.

    Attributes:
        mean_g: (6,) mean mass of an item.
        mean_sd_g: (6,) how surely the mean of a period is known: sampling of the weighed items and
            what the mean changes from day to day.
        item_sd_g: (6,) spread of single items around the mean.
    """

    mean_g: Float64Array
    mean_sd_g: Float64Array
    item_sd_g: Float64Array

    def __post_init__(self) -> None:
        """Check shapes and signs.

        Raises:
            EstimateError: not six, not finite, or not positive.
        """
        for values in (self.mean_g, self.mean_sd_g, self.item_sd_g):
            if values.shape != (CLASSES,) or not np.isfinite(values).all() or (values < 0).any():
                raise EstimateError(f"class masses are {CLASSES} finite figures, none negative")
        if (self.mean_g <= 0).any():
            raise EstimateError("a mean mass is zero or less")

    def draws(self, rng: np.random.Generator, size: int) -> Float64Array:
        """Return (size, 6) means as probable as the weighing makes them, all positive (gamma)."""
        variance = np.maximum(self.mean_sd_g**2, 1e-12 * self.mean_g**2)
        shape = self.mean_g**2 / variance
        return np.asarray(rng.standard_gamma(shape, (size, CLASSES)) * (variance / self.mean_g))


def weighed_by_class(
    fractions: npt.NDArray[np.int64], mass_g: Float64Array, day: npt.NDArray[np.int64]
) -> ClassMasses:
    """Learn mean masses from items weighed one by one, on one or several days.

    Args:
        fractions: (n,) index into FRACTIONS.
        mass_g: (n,) what each weighed.
        day: (n,) any number that items of one day share; days may differ by more than chance
            (moisture, source), and a period is another day.

    Raises:
        EstimateError: a fraction with fewer than two items, or a mass that is not positive.
    """
    if not (np.isfinite(mass_g).all() and (mass_g > 0).all()):
        raise EstimateError("a weighed mass is not positive")
    figures = np.zeros((3, CLASSES))
    for index, fraction in enumerate(FRACTIONS):
        own = fractions == index
        if own.sum() < 2:
            raise EstimateError(
                f"{int(own.sum())} items of {fraction.value} weighed, 2 are the least"
            )
        figures[:, index] = _moments(mass_g[own], day[own])
    return ClassMasses(mean_g=figures[0], mean_sd_g=figures[1], item_sd_g=figures[2])


def _moments(mass_g: Float64Array, day: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """Mean, its standard deviation for another day, and the items' own (one-way random effects)."""
    _, place = np.unique(day, return_inverse=True)
    size = np.bincount(place).astype(np.float64)
    days, n = len(size), len(mass_g)
    means = np.bincount(place, weights=mass_g) / size
    mean = float(mass_g.mean())
    if days == 1 or n == days:
        spread = float(mass_g.std(ddof=1))
        return mean, spread / np.sqrt(n), spread
    within = float(((mass_g - means[place]) ** 2).sum() / (n - days))
    between = float((size * (means - mean) ** 2).sum() / (days - 1))
    typical = (n - float((size**2).sum()) / n) / (days - 1)
    # Days count as different only where they show it; else chance alone would widen the interval.
    shows = between > within * float(stats.f.ppf(DAYS_DIFFER, days - 1, n - days))
    of_day = (between - within) / typical if shows else 0.0
    overlap = float(((size / n) ** 2).sum())
    return mean, float(np.sqrt(within / n + of_day * (1.0 + overlap))), float(np.sqrt(within))
