"""Mass of an item from what it is taken for and how large it is."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from vision.types import FRACTIONS, Fraction

Float64Array = npt.NDArray[np.float64]

_AREAL_DENSITY_G_PER_CM2: Final = {
    Fraction.PLASTIC: (0.104, 0.9),
    Fraction.PAPER: (0.033, 0.7),
    Fraction.FOOD: (0.69, 1.1),
    Fraction.WEEE: (0.78, 0.8),
    Fraction.MERCURY_LAMP: (0.28, 0.7),
    Fraction.OTHER: (0.50, 1.4),
}
"""Mass per area of the box around an item (g/cm²), and the relative spread (1 sd) between items.

Measured on the shipped item library: total mass over total box area of its 168 sprites per
fraction, each in 12 random orientations. A plant replaces them by what its audits weigh.
"""

_DENSITY = np.array([_AREAL_DENSITY_G_PER_CM2[f][0] for f in FRACTIONS])
_SECOND_MOMENT = np.array(
    [d * d * (1.0 + r * r) for d, r in (_AREAL_DENSITY_G_PER_CM2[f] for f in FRACTIONS)]
)
_BULK_DENSITY_G_PER_CM3: Final = {
    Fraction.PLASTIC: (0.0185, 0.8),
    Fraction.PAPER: (0.0170, 0.75),
    Fraction.FOOD: (0.260, 0.61),
    Fraction.WEEE: (0.296, 0.77),
    Fraction.MERCURY_LAMP: (0.106, 0.62),
    Fraction.OTHER: (0.142, 1.28),
}
"""The same for mass per volume of the box around an item, where its height is known."""
_BULK = np.array([_BULK_DENSITY_G_PER_CM3[f][0] for f in FRACTIONS])
_BULK_SECOND = np.array(
    [d * d * (1.0 + r * r) for d, r in (_BULK_DENSITY_G_PER_CM3[f] for f in FRACTIONS)]
)
_LIBRARY_ITEMS: Final = 168
"""Items per fraction that taught the figures above."""
_MM_PER_CM: Final = 10.0
_MM2_PER_CM2: Final = 100.0
_SMALLEST_G, _SMALLEST_SHARE = 1e-3, 0.01
"""No item is lighter and no estimate surer than this."""


def estimate_mass_g(
    posterior: Float64Array, extent_mm: Float64Array, height_mm: Float64Array | None = None
) -> tuple[Float64Array, Float64Array]:
    """Estimate masses by the law of total expectation and variance over the classes.

    Args:
        posterior: (6, n) class probabilities in the order of FRACTIONS.
        extent_mm: (2, n) width and length.
        height_mm: (n,) height above the belt, NaN where no sensor tells it; None for nowhere.

    Returns:
        Mean (n,) and standard deviation (n,) in g.
    """
    area_cm2 = extent_mm[0] * extent_mm[1] / _MM2_PER_CM2
    density = _DENSITY @ posterior
    second = _SECOND_MOMENT @ posterior
    if height_mm is not None and (tall := np.isfinite(height_mm)).any():
        height_cm = np.where(tall, height_mm, 0.0) / _MM_PER_CM
        density = np.where(tall, height_cm * (_BULK @ posterior), density)
        second = np.where(tall, height_cm**2 * (_BULK_SECOND @ posterior), second)
    return area_cm2 * density, area_cm2 * np.sqrt(np.maximum(second - density * density, 0.0))


def relative_sd(fraction: Fraction) -> tuple[float, float]:
    """Return how surely masses of a fraction are known, over the mass itself.

    Returns:
        Of one item around its law, and of the law: common to all items, as the library's sample
        leaves it open. Waste unlike the library's is not in it.
    """
    item = max(_AREAL_DENSITY_G_PER_CM2[fraction][1], _BULK_DENSITY_G_PER_CM3[fraction][1])
    return item, item / float(np.sqrt(_LIBRARY_ITEMS))


def heavy_probability(
    mass_g: Float64Array, mass_sd_g: Float64Array, limit_g: float
) -> Float64Array:
    """Return (n,) probabilities that items are heavier than a limit.

    Masses of alike items are spread like products of many factors: log-normal with the estimate's
    mean and standard deviation.

    Args:
        mass_g: (n,) means.
        mass_sd_g: (n,) standard deviations.
        limit_g: the limit.
    """
    mean = np.maximum(mass_g, _SMALLEST_G)
    log_var = np.log1p((np.maximum(mass_sd_g, _SMALLEST_SHARE * mean) / mean) ** 2)
    log_mean = np.log(mean) - log_var / 2.0
    above = (log_mean - np.log(limit_g)) / np.sqrt(log_var)
    return np.asarray(ndtr(above), dtype=np.float64)
