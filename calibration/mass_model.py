"""A plant's mass model: what an item of a class weighs, from its size, as weighed samples taught.

Per class, mean mass = areal * A + solid * A^1.5 + raised * A * h, with A the area of the box around
the item and h its height where a sensor tells it (mm); all coefficients are zero or positive. Flat
things follow the first term, compact ones the second. The spread between items is proportional to
the mean. The model is a file, dated and named by its own hash.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.errors import CalibrationError

Float64Array = npt.NDArray[np.float64]
FORMAT: Final = 1
TERMS: Final = 3
"""Areal, solid, raised."""


class MassModelError(CalibrationError):
    """A mass model file that cannot be used; the message names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMassLaw:
    """The law of one class.

    Attributes:
        name: of the class, as in the bundle.
        coefficients: (areal g/mm2, solid g/mm3, raised g/mm3), none negative.
        covariance: 3 x 3, of the coefficients.
        relative_sd: spread of single items, over their mean.
        items: how many taught it.
        weighings: in how many weighings.
    """

    name: str
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    relative_sd: float
    items: int
    weighings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MassModel:
    """The laws of all classes.

    Attributes:
        laws: one per class, in the order of the bundle's classes.
        fitted_on: when.
        source: which samples taught it, for people.
        with_height: whether the samples told heights; without, the raised terms are zero.
    """

    laws: tuple[ClassMassLaw, ...]
    fitted_on: date
    source: str
    with_height: bool

    @property
    def version(self) -> str:
        """Name of exactly this model: date and hash."""
        digest = hashlib.sha256(_canonical(self)).hexdigest()[:12]
        return f"mass-{self.fitted_on.isoformat()}-{digest}"

    def mean_g(self, sizes: Float64Array, class_index: npt.NDArray[np.int64]) -> Float64Array:
        """Return mean masses.

        Args:
            sizes: (n, 3) from `size_terms`.
            class_index: (n,) place in `laws`.

        Returns:
            (n,) in g.
        """
        table = np.array([law.coefficients for law in self.laws])
        return np.asarray((sizes * table[class_index]).sum(axis=1))

    def item_sd_g(self, mean_g: Float64Array, class_index: npt.NDArray[np.int64]) -> Float64Array:
        """Return (n,) standard deviations of single items around their means."""
        spread = np.array([law.relative_sd for law in self.laws])
        return np.asarray(mean_g * spread[class_index])

    def total(
        self, sizes: Float64Array, class_index: npt.NDArray[np.int64]
    ) -> tuple[Float64Array, Float64Array]:
        """Return mass by class and its covariance, for items whose classes are known.

        Returns:
            (classes,) sums in g and (classes, classes) covariance in g2: items vary on their own,
            a law's error is common to all of its items.
        """
        classes = len(self.laws)
        sums, variance = np.zeros(classes), np.zeros((classes, classes))
        for place, law in enumerate(self.laws):
            own = sizes[class_index == place]
            terms = own.sum(axis=0)
            means = own @ np.array(law.coefficients)
            sums[place] = means.sum()
            variance[place, place] = terms @ np.array(law.covariance) @ terms
            variance[place, place] += (law.relative_sd**2) * float((means**2).sum())
        return sums, variance


def size_terms(
    width_mm: npt.ArrayLike, length_mm: npt.ArrayLike, height_mm: npt.ArrayLike | None = None
) -> Float64Array:
    """Return (n, 3) the sizes that the coefficients multiply: A, A^1.5, A h."""
    area = np.asarray(width_mm, np.float64) * np.asarray(length_mm, np.float64)
    height = np.zeros_like(area) if height_mm is None else np.asarray(height_mm, np.float64)
    return np.column_stack((area, area**1.5, area * height))


def save(model: MassModel, folder: Path) -> Path:
    """Write a model under its version's name and return the path; an old one is never touched.

    Raises:
        MassModelError: the folder cannot be written.
    """
    path = folder / f"{model.version}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_canonical(model) + b"\n")
    except OSError as error:
        msg = f"mass model {path} cannot be written: {error}"
        raise MassModelError(msg) from error
    return path


def load(path: Path) -> MassModel:
    """Read a model.

    Raises:
        MassModelError: not there, not a mass model, or changed since it was written.
    """
    try:
        found = json.loads(path.read_bytes())
        model = _parsed(found)
    except OSError as error:
        msg = f"mass model {path} cannot be read: {error}"
        raise MassModelError(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is not a mass model of format {FORMAT}: {error}"
        raise MassModelError(msg) from error
    if path.stem.startswith("mass-") and path.stem != model.version:
        msg = f"mass model {path} was changed by hand: its content is {model.version}"
        raise MassModelError(msg)
    return model


def _canonical(model: MassModel) -> bytes:
    content = {"format": FORMAT, **asdict(model), "fitted_on": model.fitted_on.isoformat()}
    return json.dumps(content, sort_keys=True, indent=1, allow_nan=False).encode()


def _parsed(found: Any) -> MassModel:
    if found["format"] != FORMAT:
        msg = f"format {found['format']}"
        raise ValueError(msg)
    laws = tuple(
        ClassMassLaw(
            name=str(law["name"]),
            coefficients=tuple(float(value) for value in law["coefficients"]),
            covariance=tuple(tuple(float(value) for value in row) for row in law["covariance"]),
            relative_sd=float(law["relative_sd"]),
            items=int(law["items"]),
            weighings=int(law["weighings"]),
        )
        for law in found["laws"]
    )
    for law in laws:
        if len(law.coefficients) != TERMS or min(law.coefficients) < 0 or law.relative_sd < 0:
            msg = f"the law of {law.name} has negative or missing figures"
            raise ValueError(msg)
    return MassModel(
        laws=laws,
        fitted_on=date.fromisoformat(found["fitted_on"]),
        source=str(found["source"]),
        with_height=bool(found["with_height"]),
    )
