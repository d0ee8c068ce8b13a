"""True purity, recovery and composition from what the line named and the audited confusion matrix.

Section 6.2's definitions, for product k and a period, all on one basis and moisture as received:
purity_k = target in product k / all of product k; recovery_k = target in product k / target in
what came in, which is reconstructed from all outputs. The named shares q and the true shares p are
tied by q = C^T p (Rogan and Gladen, 1978, Am. J. Epidemiology 107:71, for more than two classes);
C's uncertainty, that of the mean masses, and the chance with which C acted on the period's own
items are carried through by drawing all of them together.

Not in it: items that a jet took along without being meant (by-catch) and items that a jet missed.
Only samples of the product tell those (`ratio.block_ratio`).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry.estimates.class_mass import ClassMasses
from telemetry.estimates.confusion import CLASSES, ConfusionKnowledge
from telemetry.estimates.errors import EstimateError
from telemetry.estimates.types import LEVEL, Basis, Evidence, Method, NoShare, Share
from vision.types import FRACTIONS, Fraction

Float64Array = npt.NDArray[np.float64]
DRAWS: Final = 2000
"""The ends of a 95 % interval are then known within 0.06 standard deviations."""
SEED: Final = 20260101
"""The same figures give the same interval, whoever computes it and whenever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionEstimate:
    """What is known of one fraction in a period.

    Attributes:
        fraction: which.
        composition: its share of what came in.
        purity: of what was sorted out as this fraction.
        recovery: its share that was sorted out as this fraction.
    """

    fraction: Fraction
    composition: Share | NoShare
    purity: Share | NoShare
    recovery: Share | NoShare


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NamedCounts:
    """What the line named and sorted out in a period.

    Attributes:
        named: (6,) items by the fraction they were taken for.
        sorted_out: (6,) how many of those were ejected or taken off as that fraction.
    """

    named: npt.NDArray[np.int64]
    sorted_out: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            EstimateError: not six, negative, or more sorted out than named.
        """
        if self.named.shape != (CLASSES,) or self.sorted_out.shape != (CLASSES,):
            raise EstimateError(f"counts are by {CLASSES} fractions")
        if (self.sorted_out < 0).any() or (self.sorted_out > self.named).any():
            raise EstimateError("more items sorted out than named, or fewer than none")


def estimate_streams(
    counts: NamedCounts,
    knowledge: ConfusionKnowledge,
    *,
    masses: ClassMasses | None,
    evidence: Evidence,
    level: float = LEVEL,
) -> tuple[FractionEstimate, ...]:
    """Estimate composition, purity and recovery of every fraction.

    Args:
        counts: of the period.
        knowledge: of the classifier.
        masses: by class, for shares by mass; None gives shares by count.
        evidence: of the audits.
        level: of the intervals.

    Raises:
        EstimateError: the level is no share.
    """
    if not 0.0 < level < 1.0:
        raise EstimateError(f"level {level} is no share")
    basis = Basis.COUNT if masses is None else Basis.MASS
    if not counts.named.sum():
        nothing = NoShare(basis=basis, reason="nothing came in")
        return tuple(
            FractionEstimate(fraction=f, composition=nothing, purity=nothing, recovery=nothing)
            for f in FRACTIONS
        )
    rng = np.random.default_rng(SEED)
    tables = _true_by_named(counts.named, knowledge, rng)
    weights = _item_weights(tables, masses, rng)
    teller = _Teller(basis=basis, evidence=evidence, level=level)
    out = counts.sorted_out / np.maximum(counts.named, 1)
    return tuple(
        _fraction(index, tables * weights, counts, out, teller) for index in range(CLASSES)
    )


def _fraction(
    index: int, tables: Float64Array, counts: NamedCounts, out: Float64Array, teller: "_Teller"
) -> FractionEstimate:
    own = tables[:, index, :].sum(axis=1)
    product = tables[:, :, index] * out[index]
    target = product[:, index]
    named, sorted_out = counts.named[index], counts.sorted_out[index]
    return FractionEstimate(
        fraction=FRACTIONS[index],
        composition=teller.share(own, tables.sum(axis=(1, 2)), "nothing came in"),
        purity=teller.share(target, product.sum(axis=1), "nothing was sorted out")
        if sorted_out
        else NoShare(basis=teller.basis, reason="nothing was sorted out as this fraction"),
        recovery=teller.share(target, own, "none of it came in")
        if named
        else NoShare(basis=teller.basis, reason="nothing was taken for this fraction"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    basis: Basis
    evidence: Evidence
    level: float

    def share(self, part: Float64Array, whole: Float64Array, why_not: str) -> Share | NoShare:
        usable = whole > 0
        if not usable.any():
            return NoShare(basis=self.basis, reason=why_not)
        drawn = np.clip(part[usable] / whole[usable], 0.0, 1.0)
        tail = (1.0 - self.level) / 2.0
        low, value, high = np.quantile(drawn, (tail, 0.5, 1.0 - tail))
        return Share(
            value=float(value),
            low=float(low),
            high=float(high),
            level=self.level,
            basis=self.basis,
            method=Method.CORRECTED_COUNTS,
            evidence=self.evidence,
        )


def _true_by_named(
    named: npt.NDArray[np.int64], knowledge: ConfusionKnowledge, rng: np.random.Generator
) -> Float64Array:
    """(draws, 6, 6) items by true and named fraction; columns sum to what was named."""
    matrices = knowledge.draws(rng, DRAWS)
    shares = named / named.sum()
    true = np.linalg.solve(np.swapaxes(matrices, 1, 2), shares[None, :, None])[:, :, 0]
    # Chance and drift can ask for less than nothing of a rare fraction; there is none of it then.
    true = np.clip(true, 0.0, None)
    joint = true[:, :, None] * matrices
    origin = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-300)
    tables = np.empty_like(joint)
    for column in range(CLASSES):
        tables[:, :, column] = _multinomial(rng, int(named[column]), origin[:, :, column])
    return tables


def _multinomial(rng: np.random.Generator, n: int, shares: Float64Array) -> Float64Array:
    total = shares.sum(axis=1, keepdims=True)
    even = np.full_like(shares, 1.0 / CLASSES)
    safe = np.where(total > 0, shares / np.maximum(total, 1e-300), even)
    return np.asarray(rng.multinomial(n, safe), dtype=np.float64)


def _item_weights(
    tables: Float64Array, masses: ClassMasses | None, rng: np.random.Generator
) -> Float64Array:
    """(draws, 6, 6) mean weight of the items in each cell, 1 where items are counted."""
    if masses is None:
        return np.ones_like(tables)
    means = masses.draws(rng, DRAWS)[:, :, None]
    # The items of a cell are a sample themselves: few of them stray from the mean.
    relative = (masses.item_sd_g / masses.mean_g)[None, :, None]
    shape = np.maximum(tables, 1.0) / relative**2
    return np.asarray(means * rng.standard_gamma(shape) / shape)
