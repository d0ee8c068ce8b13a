"""What items weigh: by the built-in law, or by the mass model that a plant learned itself."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.mass_model import MassModel, MassModelError, load, size_terms
from vision.mass import estimate_mass_g
from vision.types import FRACTIONS

Float64Array = npt.NDArray[np.float64]
BUILT_IN_VERSION: Final = "built-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class MassLaw:
    """One law for a whole run.

    Attributes:
        model: learned from weighed samples, its laws in the order of FRACTIONS; None weighs by the
            shipped item library (`vision/mass.py`).
    """

    model: MassModel | None = None

    @property
    def version(self) -> str:
        """Name to which an item's mass is traced."""
        return BUILT_IN_VERSION if self.model is None else self.model.version

    def estimate(
        self, posterior: Float64Array, extent_mm: Float64Array, height_mm: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Estimate masses by the law of total expectation and variance over the classes.

        A model learned with heights says too little of an item whose height no sensor told; such
        items are weighed by the built-in law.

        Args:
            posterior: (6, n) class probabilities in the order of FRACTIONS.
            extent_mm: (2, n) width and length.
            height_mm: (n,) height above the belt, NaN where no sensor tells it.

        Returns:
            Mean (n,) and standard deviation (n,) in g: between classes, between items of a class
            and of the model's own coefficients.
        """
        if self.model is None:
            return estimate_mass_g(posterior, extent_mm, height_mm)
        mean_g, sd_g = _learned(self.model, posterior, extent_mm, height_mm)
        if not self.model.with_height:
            return mean_g, sd_g
        tall = np.isfinite(height_mm)
        usual_g, usual_sd_g = estimate_mass_g(posterior, extent_mm, height_mm)
        return np.where(tall, mean_g, usual_g), np.where(tall, sd_g, usual_sd_g)


BUILT_IN: Final = MassLaw()


def read_mass_law(path: Path | None) -> MassLaw:
    """Return the law of a model file, the built-in one where none is named.

    Raises:
        MassModelError: no model there, changed by hand, or one of other classes.
    """
    if path is None:
        return BUILT_IN
    model = load(path)
    names = [law.name for law in model.laws]
    if names != [fraction.value for fraction in FRACTIONS]:
        msg = (
            f"mass model {path} is of {', '.join(names)}, the line names "
            f"{', '.join(FRACTIONS)}; learn it again with `estimates fit-mass`"
        )
        raise MassModelError(msg)
    return MassLaw(model=model)


def _learned(
    model: MassModel, posterior: Float64Array, extent_mm: Float64Array, height_mm: Float64Array
) -> tuple[Float64Array, Float64Array]:
    sizes = size_terms(extent_mm[0], extent_mm[1], np.nan_to_num(height_mm, nan=0.0))
    by_class = np.array([law.coefficients for law in model.laws]) @ sizes.T
    spread = np.array([law.relative_sd for law in model.laws])[:, None]
    covariance = np.array([law.covariance for law in model.laws])
    of_law = np.einsum("ni,kij,nj->kn", sizes, covariance, sizes)
    second = by_class**2 * (1.0 + spread**2) + np.maximum(of_law, 0.0)
    mean_g = np.asarray((posterior * by_class).sum(axis=0))
    variance = (posterior * second).sum(axis=0) - mean_g**2
    return mean_g, np.asarray(np.sqrt(np.maximum(variance, 0.0)))
