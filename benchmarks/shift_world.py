"""Simulated shifts with the statistics of the twin: what came, what the line named, what is true.

Vectorised: no frame is rendered and no jet is fired. Composition wanders from shift to shift and
from block to block (log-ratios with memory), the classifier's errors drift likewise, masses are
drawn from the shipped item library, wet fractions gain moisture by the day. Mix, wander, confusion,
drift and moisture are assumptions, stated here; none was measured on the twin or on a plant.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.library import load_sprites
from vision.types import FRACTIONS

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
CLASSES: Final = len(FRACTIONS)
BLOCKS: Final = 240
"""Two minutes each: a shift of eight hours."""
ITEMS_PER_BLOCK: Final = 300.0
MIX: Final = np.array([0.34, 0.26, 0.12, 0.06, 0.02, 0.20])
BLOCK_MEMORY: Final = 0.9
SHIFT_WANDER: Final = 0.30
BLOCK_WANDER: Final = 0.35
"""Standard deviations of the composition's log-ratios between shifts and within one."""
DRIFT_TOGETHER: Final = 0.20
DRIFT_OF_SHIFT: Final = 0.20
DRIFT_OF_BLOCK: Final = 0.20
"""Standard deviations of the errors' logarithms: all errors together from shift to shift (dirt on
the window), each by itself from shift to shift, and each within a shift."""
MOISTURE: Final = np.array([0.0, 0.06, 0.08, 0.0, 0.0, 0.03])
"""Relative standard deviation of a fraction's mean mass from day to day."""
CONFUSION: Final = np.array(
    [
        [0.930, 0.030, 0.005, 0.005, 0.002, 0.028],
        [0.035, 0.915, 0.010, 0.003, 0.000, 0.037],
        [0.010, 0.015, 0.900, 0.005, 0.000, 0.070],
        [0.020, 0.005, 0.005, 0.910, 0.005, 0.055],
        [0.010, 0.000, 0.000, 0.010, 0.970, 0.010],
        [0.030, 0.035, 0.045, 0.025, 0.001, 0.864],
    ]
)
"""Of items that are i (row), the share that is named j, before drift."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LibraryMasses:
    """Masses of the shipped item library by fraction.

    Attributes:
        by_class: six arrays in g.
    """

    by_class: tuple[Float64Array, ...]

    @property
    def mean_g(self) -> Float64Array:
        """(6,) means."""
        return np.array([masses.mean() for masses in self.by_class])

    @property
    def relative_sd(self) -> Float64Array:
        """(6,) spread over mean."""
        return np.array([masses.std() / masses.mean() for masses in self.by_class])


def library_masses() -> LibraryMasses:
    """Read the masses of the library's sprites."""
    sprites = load_sprites()
    return LibraryMasses(
        by_class=tuple(
            np.array([sprite.mass_g for sprite in sprites if sprite.fraction is fraction])
            for fraction in FRACTIONS
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shift:
    """One shift.

    Attributes:
        counts: (blocks, 6, 6) items by block, true fraction and named fraction.
        mass_g: (blocks, 6, 6) their true mass.
        mean_mass_g: (6,) true mean mass of the day.
    """

    counts: Int64Array
    mass_g: Float64Array
    mean_mass_g: Float64Array


class ShiftWorld:
    """Makes shifts; the same seed makes the same shifts.

    Args:
        masses: of the item library.
        seed: of everything.
        drifts: whether the classifier drifts between and within shifts.
    """

    def __init__(self, masses: LibraryMasses, *, seed: int, drifts: bool) -> None:
        self._mean_g, self._spread = masses.mean_g, masses.relative_sd
        self._rng = np.random.default_rng(seed)
        self._drifts = drifts

    def shift(self) -> Shift:
        """Return the next shift."""
        rng = self._rng
        true = self._true_counts()
        named = self._confusion(rng)
        counts = rng.multinomial(true, named)
        mean_g = self._mean_g * np.exp(rng.normal(0.0, 1.0, CLASSES) * MOISTURE)
        shape = counts / self._spread[None, :, None] ** 2
        scale = (mean_g * self._spread**2)[None, :, None]
        mass_g = rng.standard_gamma(shape) * scale
        return Shift(counts=counts, mass_g=mass_g, mean_mass_g=mean_g)

    def _true_counts(self) -> Int64Array:
        rng = self._rng
        wander = rng.normal(0.0, SHIFT_WANDER, CLASSES) + BLOCK_WANDER * self._memory((CLASSES,))
        shares = MIX * np.exp(wander)
        shares /= shares.sum(axis=1, keepdims=True)
        size = rng.poisson(rng.gamma(8.0, ITEMS_PER_BLOCK / 8.0, BLOCKS))
        return np.asarray(rng.multinomial(size, shares))

    def _confusion(self, rng: np.random.Generator) -> Float64Array:
        """(blocks, 6, 6) rows that sum to one."""
        matrix = np.broadcast_to(CONFUSION, (BLOCKS, CLASSES, CLASSES)).copy()
        if self._drifts:
            shape = (CLASSES, CLASSES)
            drift = rng.normal(0.0, DRIFT_OF_SHIFT, shape) + DRIFT_OF_BLOCK * self._memory(shape)
            drift += rng.normal(0.0, DRIFT_TOGETHER)
            drift[:, range(CLASSES), range(CLASSES)] = 0.0
            matrix *= np.exp(drift)
        return np.asarray(matrix / matrix.sum(axis=2, keepdims=True))

    def _memory(self, shape: tuple[int, ...]) -> Float64Array:
        """(blocks, ...) standard normal, each block remembering the one before."""
        noise = self._rng.normal(0.0, 1.0, (BLOCKS, *shape))
        noise[1:] *= np.sqrt(1.0 - BLOCK_MEMORY**2)
        for block in range(1, BLOCKS):
            noise[block] += BLOCK_MEMORY * noise[block - 1]
        return noise
