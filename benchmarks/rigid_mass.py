"""Throughput of rigid items from pictures: laws learned from weighed bins, against the truth.

Items are the shipped library's sprites of the rigid fractions (WEEE, lamps, plastic without film),
each turned at random before its box is measured, as the camera sees it. Nothing overlaps, nothing
is wet: that is what "rigid items" claims, and no more.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.mass_model import MassModel, size_terms
from models.library import Sprite, load_sprites
from telemetry.estimates.mass_learning import Weighings, fit_mass_model
from telemetry.estimates.reconcile import reconcile
from telemetry.estimates.types import MassFigure, Method
from vision.types import FRACTIONS, Fraction

Float64Array = npt.NDArray[np.float64]
RIGID: Final = (Fraction.PLASTIC, Fraction.WEEE, Fraction.MERCURY_LAMP)
RIGID_SHARES: Final = (0.7, 0.2, 0.1)
TURNS: Final = 24
"""Orientations per sprite."""
BINS, ITEMS_PER_BIN = 300, 250
"""Weighed bins of each fraction: some weeks of a plant that weighs every bin."""
ITEMS_PER_SHIFT: Final = 60_000
SCALE_RELATIVE_SD: Final = 0.0025
"""A belt scale of OIML R 50 class 0.5 errs by at most 0.25 % of the totalised load at initial
verification and 0.5 % in service; taken as one standard deviation of half of the latter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputErrors:
    """Relative errors of a shift's mass, in per cent, by shift.

    Attributes:
        learned_pct: of pictures alone.
        reconciled_pct: after reconciliation with the belt scale.
    """

    learned_pct: Float64Array
    reconciled_pct: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kind:
    terms: Float64Array
    mass_g: Float64Array


def throughput_errors(shifts: int) -> ThroughputErrors:
    """Learn from bins, then estimate shifts; each shift has its own learning."""
    kinds = [_kind(fraction) for fraction in RIGID]
    rng = np.random.default_rng(11)
    learned, reconciled = [], []
    for _ in range(shifts):
        model = _learn(kinds, rng)
        pictures, with_scale = _shift(model, kinds, rng)
        learned.append(pictures)
        reconciled.append(with_scale)
    return ThroughputErrors(learned_pct=np.array(learned), reconciled_pct=np.array(reconciled))


def _kind(fraction: Fraction) -> _Kind:
    sprites = [s for s in load_sprites() if s.fraction is fraction and _is_rigid(s)]
    rng = np.random.default_rng(3)
    sizes, masses = [], []
    for sprite in sprites:
        height, width = (side * sprite.mm_per_px for side in sprite.alpha.shape)
        for angle in rng.uniform(0, np.pi, TURNS):
            c, s = abs(np.cos(angle)), abs(np.sin(angle))
            sizes.append((width * c + height * s, width * s + height * c))
            masses.append(sprite.mass_g)
    boxes = np.array(sizes)
    return _Kind(terms=size_terms(boxes[:, 0], boxes[:, 1]), mass_g=np.array(masses))


def _is_rigid(sprite: Sprite) -> bool:
    return not any(word in sprite.design for word in ("film", "bag", "wrap", "foil"))


def _learn(kinds: list[_Kind], rng: np.random.Generator) -> MassModel:
    fractions, terms, squares, masses = [], [], [], []
    for fraction, kind in zip(RIGID, kinds, strict=True):
        for _ in range(BINS):
            picked = rng.integers(0, len(kind.mass_g), ITEMS_PER_BIN)
            own = kind.terms[picked]
            fractions.append(FRACTIONS.index(fraction))
            terms.append(own.sum(axis=0))
            squares.append(own.T @ own)
            masses.append(kind.mass_g[picked].sum())
    for fraction in set(FRACTIONS) - set(RIGID):
        # Fractions that are not on this belt still need a law in the file.
        fractions += [FRACTIONS.index(fraction)] * 3
        terms += [np.array([1e4, 1e6, 0.0])] * 3
        squares += [np.outer(terms[-1], terms[-1])] * 3
        masses += [100.0, 110.0, 120.0]
    weighings = Weighings(
        fraction=np.array(fractions),
        terms=np.array(terms),
        square=np.array(squares),
        mass_g=np.array(masses),
        items=np.full(len(masses), ITEMS_PER_BIN),
        with_height=False,
    )
    return fit_mass_model(weighings, fitted_on=date(2026, 11, 25), source="simulated bins")


def _shift(model: MassModel, kinds: list[_Kind], rng: np.random.Generator) -> tuple[float, float]:
    counts = rng.multinomial(ITEMS_PER_SHIFT, RIGID_SHARES)
    truth, terms, places = 0.0, [], []
    for fraction, kind, count in zip(RIGID, kinds, counts, strict=True):
        picked = rng.integers(0, len(kind.mass_g), count)
        truth += float(kind.mass_g[picked].sum())
        terms.append(kind.terms[picked])
        places += [FRACTIONS.index(fraction)] * int(count)
    sums, covariance = model.total(np.concatenate(terms), np.array(places))
    weighed = truth * (1.0 + rng.normal(0.0, SCALE_RELATIVE_SD))
    scale = MassFigure(
        kg=weighed / 1e3, sd_kg=SCALE_RELATIVE_SD * weighed / 1e3, method=Method.SCALE
    )
    together = reconcile(sums / 1e3, covariance / 1e6, scale)
    return (
        100.0 * (float(sums.sum()) / truth - 1.0),
        100.0 * (together.total.kg * 1e3 / truth - 1.0),
    )
