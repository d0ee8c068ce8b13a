"""Learns a plant's mass model from weighed samples: items one by one, or bins of many.

Every weighing says what its items weigh together. Their laws are linear in the coefficients, so a
weighing is one equation whatever it holds: sum of the items' terms times coefficients = mass. They
are solved by least squares without negative coefficients, each weighing with the variance that its
items' spread gives it; spread and solution are found in turns (iteratively reweighted, McCullagh
and Nelder, Generalized Linear Models, section 9.2: variance proportional to the mean squared).
"""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import optimize

from calibration.mass_model import TERMS, ClassMassLaw, MassModel, size_terms
from telemetry.estimates.errors import EstimateError
from vision.types import FRACTIONS, Fraction

Float64Array = npt.NDArray[np.float64]
COLUMNS: Final = ("weighing", "fraction", "width_mm", "length_mm", "height_mm", "mass_g")
MIN_WEIGHINGS: Final = 3
"""Of a fraction by itself: fewer cannot tell its spread."""
MASS_MAX_G: Final = 2_000_000.0
SIZE_MAX_MM: Final = 5_000.0
ROUNDS: Final = 20
"""The weights have settled within a part in a million after ten on the item library."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighings:
    """Weighed samples of one fraction each.

    Attributes:
        fraction: (m,) place in FRACTIONS, by weighing.
        terms: (m, 3) sums of the items' size terms.
        square: (m, 3, 3) sums of their products, for the spread of a weighing.
        mass_g: (m,) what the scale showed.
        items: (m,) how many items.
        with_height: whether heights were given.
    """

    fraction: npt.NDArray[np.int64]
    terms: Float64Array
    square: Float64Array
    mass_g: Float64Array
    items: npt.NDArray[np.int64]
    with_height: bool


def read_weighings(path: Path) -> Weighings:
    """Read a CSV of weighed samples, one row per item.

    Columns: weighing, fraction, width_mm, length_mm, height_mm (may be empty), mass_g. Rows with
    the same `weighing` were weighed together; mass_g then stands in each of them, or in one.

    Raises:
        EstimateError: with the row's number and what is wrong with it.
    """
    groups: dict[str, list[tuple[int, dict[str, str]]]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - {"height_mm"} - set(reader.fieldnames or ())
            if missing:
                raise EstimateError(f"{path}: no column {', '.join(sorted(missing))}")
            for number, row in enumerate(reader, start=2):
                groups.setdefault((row["weighing"] or "").strip(), []).append((number, row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EstimateError(f"{path} cannot be read: {error}") from error
    if not groups:
        raise EstimateError(f"{path} has no rows")
    return _gathered([_weighing(path, rows) for rows in groups.values()])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weighing:
    fraction: Fraction
    sizes: Float64Array
    mass_g: float


def _weighing(path: Path, rows: list[tuple[int, dict[str, str]]]) -> _Weighing:
    fractions, masses, sizes = set(), set(), []
    for number, row in rows:
        place = f"{path}, row {number}"
        fractions.add(_fraction(place, row["fraction"]))
        if (row["mass_g"] or "").strip():
            masses.add(_number(place, "mass_g", row["mass_g"], MASS_MAX_G))
        height = row.get("height_mm") or ""
        sizes.append(
            (
                _number(place, "width_mm", row["width_mm"], SIZE_MAX_MM),
                _number(place, "length_mm", row["length_mm"], SIZE_MAX_MM),
                _number(place, "height_mm", height, SIZE_MAX_MM) if height.strip() else 0.0,
            )
        )
    first = rows[0][0]
    if len(fractions) > 1 or len(masses) != 1:
        what = "fractions" if len(fractions) > 1 else "masses"
        count = len(fractions) if len(fractions) > 1 else len(masses)
        msg = f"{path}, row {first}: its weighing has {count} {what}, one is needed"
        raise EstimateError(msg)
    columns = np.array(sizes).T
    terms = size_terms(columns[0], columns[1], columns[2])
    return _Weighing(fraction=fractions.pop(), sizes=terms, mass_g=masses.pop())


def _gathered(weighings: list[_Weighing]) -> Weighings:
    return Weighings(
        fraction=np.array([FRACTIONS.index(w.fraction) for w in weighings]),
        terms=np.array([w.sizes.sum(axis=0) for w in weighings]),
        square=np.array([w.sizes.T @ w.sizes for w in weighings]),
        mass_g=np.array([w.mass_g for w in weighings]),
        items=np.array([len(w.sizes) for w in weighings]),
        with_height=any(bool(w.sizes[:, 2].any()) for w in weighings),
    )


def fit_mass_model(weighings: Weighings, *, fitted_on: date, source: str) -> MassModel:
    """Fit the laws of all fractions.

    Raises:
        EstimateError: a fraction was weighed too few times.
    """
    laws = []
    for place, fraction in enumerate(FRACTIONS):
        own = weighings.fraction == place
        if own.sum() < MIN_WEIGHINGS:
            msg = (
                f"{int(own.sum())} weighings of {fraction.value}, {MIN_WEIGHINGS} are the least; "
                "weigh more of it"
            )
            raise EstimateError(msg)
        laws.append(_law(fraction, weighings, own))
    return MassModel(
        laws=tuple(laws),
        fitted_on=fitted_on,
        source=source,
        with_height=weighings.with_height,
    )


def _law(fraction: Fraction, weighings: Weighings, own: npt.NDArray[np.bool_]) -> ClassMassLaw:
    terms, square, mass_g = weighings.terms[own], weighings.square[own], weighings.mass_g[own]
    # Terms differ by orders of magnitude: scaled to their means, the equations are well posed.
    scale = np.maximum(terms.mean(axis=0), 1e-12)
    scaled, scaled_square = terms / scale, square / np.outer(scale, scale)
    usable: npt.NDArray[np.bool_] = np.any(terms, axis=0)
    solution, weight = _first_guess(scaled, mass_g, usable), np.ones(len(mass_g))
    for _ in range(ROUNDS):
        means_squared = np.einsum("i,mij,j->m", solution, scaled_square, solution)
        weight = 1.0 / np.maximum(means_squared, 1e-12 * float(mass_g.mean()) ** 2)
        solution = _solved(scaled, mass_g, weight, usable)
    # The law is never exactly right: what it says of all samples together is made to agree with
    # the scale (ratio calibration), which is what totals need.
    expected = scaled @ solution
    solution = solution * (mass_g.sum() / expected.sum())
    residual = mass_g - scaled @ solution
    active = solution > 0
    freedom = max(1, len(mass_g) - int(active.sum()))
    relative = float(np.sqrt((weight * residual**2).sum() / freedom))
    covariance = np.zeros((TERMS, TERMS))
    normal = (scaled[:, active] * weight[:, None]).T @ scaled[:, active]
    covariance[np.ix_(active, active)] = np.linalg.pinv(normal) * relative**2
    of_ratio = float((residual**2).sum()) / float(mass_g.sum()) ** 2
    covariance = (covariance + np.outer(solution, solution) * of_ratio) / np.outer(scale, scale)
    return ClassMassLaw(
        name=fraction.value,
        coefficients=tuple((solution / scale).tolist()),
        covariance=tuple(tuple(row) for row in covariance.tolist()),
        relative_sd=relative,
        items=int(weighings.items[own].sum()),
        weighings=int(own.sum()),
    )


def _first_guess(
    scaled: Float64Array, mass_g: Float64Array, usable: npt.NDArray[np.bool_]
) -> Float64Array:
    guess = np.zeros(TERMS)
    guess[usable] = mass_g.mean() / usable.sum()
    return np.asarray(guess / np.maximum(scaled.mean(axis=0), 1e-12))


def _solved(
    scaled: Float64Array,
    mass_g: Float64Array,
    weight: Float64Array,
    usable: npt.NDArray[np.bool_],
) -> Float64Array:
    root = np.sqrt(weight)
    solution = np.zeros(TERMS)
    solution[usable], _ = optimize.nnls(scaled[:, usable] * root[:, None], mass_g * root)
    return solution


def _fraction(place: str, text: str) -> Fraction:
    try:
        return Fraction((text or "").strip())
    except ValueError as error:
        known = ", ".join(fraction.value for fraction in FRACTIONS)
        raise EstimateError(f"{place}: fraction {text!r} is none of {known}") from error


def _number(place: str, name: str, text: str, most: float) -> float:
    try:
        value = float((text or "").strip())
    except ValueError as error:
        raise EstimateError(f"{place}: {name} {text!r} is not a number") from error
    if not 0.0 < value <= most:
        raise EstimateError(f"{place}: {name} {value:g} is not between 0 and {most:g}")
    return value
