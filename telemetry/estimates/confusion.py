"""What a classifier does to each fraction, as audits of the belt found it.

An audit is a stretch of belt on which a person named every item beside the line's own name. The
matrix is read by rows: of the items that truly are i, the share that the line names j. Unlike its
columns (of what is named j, how much is i) the rows do not change when the waste does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry.estimates.errors import EstimateError
from vision.types import FRACTIONS

Float64Array = npt.NDArray[np.float64]
CLASSES: Final = len(FRACTIONS)
WANDER_MAX: Final = 4.0
"""Relative variance of error rates: audits that differ by more than twofold tell no rate."""
ERRORS_MAX: Final = 0.95
"""Share of a fraction that may be named wrongly; beyond it the name says nothing."""
PRIOR_ITEMS: Final = 1.0
"""Weight of not knowing, in items per row, spread evenly over its cells (Perks, 1947): with no
error found among n items the 97.5 % bound on the errors is near 3.4 / n."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfusionAudit:
    """One audit.

    Attributes:
        counts: (6, 6) items by true fraction (row) and named fraction (column), FRACTIONS order.
        audited_on: when.
        model_version: model bundle that did the naming.
        audited_kg: mass of the audited items, 0 where it was not weighed.
    """

    counts: npt.NDArray[np.int64]
    audited_on: date
    model_version: str
    audited_kg: float = 0.0

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            EstimateError: not 6 x 6, or negative.
        """
        if self.counts.shape != (CLASSES, CLASSES) or (self.counts < 0).any():
            raise EstimateError(f"an audit counts {CLASSES} x {CLASSES} items, none negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wander:
    """How much error rates differ between audits, beyond chance.

    Attributes:
        dispersion: squared deviations of the counts from their expectation, over what chance makes
            of them (Poisson): 1 + variance of the rates' factor times `size`.
        size: items by which such variance shows.
        freedom: degrees of freedom behind `dispersion`, 0 where it cannot be seen.
    """

    dispersion: float
    size: float
    freedom: float

    def draws(self, rng: np.random.Generator, size: int) -> Float64Array:
        """Return (size,) relative variances of the rates that may have made this dispersion."""
        if self.freedom <= 0:
            return np.zeros(size)
        # Two degrees more make the mean of what is drawn equal to what was seen.
        chance = rng.chisquare(self.freedom + 2.0, size) / self.freedom
        shown = self.dispersion / np.maximum(chance, 1e-9)
        return np.clip((shown - 1.0) / self.size, 0.0, WANDER_MAX)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConfusionKnowledge:
    """What several audits together say about the classifier in one period.

    An error rate in a period is its mean times a factor that all errors share (a dirty window
    raises them together) times a factor of its own, both with mean 1 (gamma-Poisson model).

    Attributes:
        counts: (6, 6) sum of the audits.
        common: wander of all errors together.
        own: wander of single cells of the matrix, the common part included.
        assumed_variance: relative variance of the rates where one audit shows none.
        overlap: sum over audits of the squared share of all items, 1 / audits if equal.
        own_deviation: 1 where the period may differ from every audit, 0 where the audits are
            parts of the period itself.
    """

    counts: npt.NDArray[np.int64]
    common: Wander
    own: Wander
    assumed_variance: float
    overlap: float
    own_deviation: float

    def draws(self, rng: np.random.Generator, size: int) -> Float64Array:
        """Return (size, 6, 6) matrices as probable as the audits make them, rows summing to 1."""
        rates = rng.standard_gamma(self.counts + PRIOR_ITEMS / CLASSES, (size, CLASSES, CLASSES))
        per_row = self.counts.sum(axis=1) + PRIOR_ITEMS
        rates /= per_row[None, :, None]
        times = self.own_deviation + self.overlap
        common = self.common.draws(rng, size) + self.assumed_variance
        own = np.maximum(self.own.draws(rng, size) - common, 0.0)
        rates *= _factors(rng, common * times, ())[:, None, None]
        rates *= _factors(rng, own * times, (CLASSES, CLASSES))
        return _with_diagonal(rates)

    @property
    def mean(self) -> Float64Array:
        """(6, 6) best single matrix."""
        weight = self.counts + PRIOR_ITEMS / CLASSES
        return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _factors(
    rng: np.random.Generator, variance: Float64Array, shape: tuple[int, ...]
) -> Float64Array:
    """(size, *shape) positive factors with mean 1 and the variance of their draw."""
    wide = np.maximum(variance, 1e-9).reshape(-1, *(1,) * len(shape))
    return np.asarray(rng.standard_gamma(1.0 / wide, (len(variance), *shape)) * wide)


def _with_diagonal(rates: Float64Array) -> Float64Array:
    """Make each row sum to 1 by what is named rightly; errors of all items leave a little."""
    index = np.arange(CLASSES)
    rates[:, index, index] = 0.0
    errors = rates.sum(axis=2)
    rates *= np.minimum(1.0, ERRORS_MAX / np.maximum(errors, 1e-300))[:, :, None]
    rates[:, index, index] = 1.0 - rates.sum(axis=2)
    return rates


def know(
    audits: Sequence[ConfusionAudit], *, of_the_period: bool, assumed_variance: float = 0.0
) -> ConfusionKnowledge:
    """Put audits together.

    Args:
        audits: at least one; parts of one audit count as several where each has its own moment.
        of_the_period: they were taken within the period that is estimated. Else the classifier
            may have drifted since, by as much as it drifted between the audits.
        assumed_variance: relative variance of the error rates between periods, used where there is
            one audit only, which shows no drift.

    Raises:
        EstimateError: no audit, or of several model versions.
    """
    if not audits:
        raise EstimateError("no audit of the classifier; errors that nobody counted are not known")
    versions = {audit.model_version for audit in audits}
    if len(versions) > 1:
        msg = f"audits of several models ({', '.join(sorted(versions))}): use those of one"
        raise EstimateError(msg)
    stack = np.stack([audit.counts for audit in audits]).astype(np.float64)
    total = stack.sum(axis=(1, 2))
    wrong = stack.copy()
    wrong[:, range(CLASSES), range(CLASSES)] = 0.0
    rows = stack.sum(axis=2)
    share = rows / np.maximum(rows.sum(axis=0), 1.0)
    expected = share[:, :, None] * wrong.sum(axis=0)[None]
    return ConfusionKnowledge(
        counts=stack.sum(axis=0).astype(np.int64),
        common=_wander(wrong.sum(axis=(1, 2))[:, None], expected.sum(axis=(1, 2))[:, None]),
        own=_wander(wrong.reshape(len(audits), -1), expected.reshape(len(audits), -1)),
        assumed_variance=assumed_variance if len(audits) == 1 else 0.0,
        overlap=float(((total / max(total.sum(), 1.0)) ** 2).sum()),
        own_deviation=0.0 if of_the_period else 1.0,
    )


def _wander(found: Float64Array, expected: Float64Array) -> Wander:
    """Moments of (audits, cells) counts around their expectation (gamma-Poisson)."""
    audits = len(found)
    cells = expected.sum(axis=0)
    if audits < 2 or cells.sum() <= 0:
        return Wander(dispersion=1.0, size=1.0, freedom=0.0)
    chance = expected.sum() * (audits - 1) / audits
    dispersion = float(((found - expected) ** 2).sum() / chance)
    size = float((expected**2).sum() / expected.sum())
    freedom = (audits - 1) * float(cells.sum() ** 2 / (cells**2).sum())
    return Wander(dispersion=dispersion, size=size, freedom=freedom)
