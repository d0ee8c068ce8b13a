"""Ratio estimator over blocks of belt time, with an interval that holds near 0 and 1.

Items lie in clumps, so a binomial interval over items is too narrow. The block (a few minutes of
belt, or one sampled portion) is the unit that varies: r = sum(c) / sum(w), and its variance comes
from the blocks' residuals c - r w (Cochran, Sampling Techniques, 3rd ed., section 6.4; Klee's EPA
PROTOCOL for waste composition uses the same).

The interval is not r +- t s, which leaves [0, 1] and is too short near its ends: the variance is
turned into an effective number of independent items (Korn and Graubard, 1998, Survey Methodology
24:193), and that number into a Jeffreys interval (Brown, Cai, DasGupta, 2001, Statistical Science
16:101). What few blocks, or blocks with hardly an error, say of their variance is moderated by an
assumed clumping; at 0 and 1, where they say nothing, it alone stands, and the bound is mid-P
(Lancaster, 1961, J. American Statistical Association 56:223).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from telemetry.estimates.errors import EstimateError
from telemetry.estimates.types import LEVEL, Basis, Evidence, Method, NoShare, Share

Float64Array = npt.NDArray[np.float64]

MIN_BLOCKS: Final = 2
"""Fewer show no variation."""
MIN_ALIKE: Final = 1.5
"""Number of equal blocks that blocks of these sizes are worth (Kish, (sum w)^2 / sum w^2)."""
SIGNIFICANT: Final = 1.645
"""95 % point of the normal distribution."""
LIKENESS: Final = 0.01
"""Correlation of neighbours within a block that is assumed where the blocks tell little of it: a
block of m items then varies 1 + 0.01 (m - 1) times as much as independent items. Chosen on
simulated belts whose correlation is 0 to 0.05 (`benchmarks/portion_conditions.py`)."""
LIKENESS_BLOCKS: Final = 4.0
"""Blocks that the assumption weighs as much as; many blocks that show otherwise overrule it."""


def block_ratio(
    parts: npt.ArrayLike,
    wholes: npt.ArrayLike,
    *,
    basis: Basis,
    evidence: Evidence,
    level: float = LEVEL,
    sampled_share: float = 0.0,
) -> Share | NoShare:
    """Estimate a share from blocks.

    Args:
        parts: (n,) what belongs, by block: kg, items or mm2.
        wholes: (n,) all of it, by block, in the same unit.
        basis: what the unit is.
        evidence: `n_objects` says how many items there were in all; `n_blocks` is counted here.
        level: of the interval.
        sampled_share: of the period that the blocks are; 0 estimates the process behind it.

    Raises:
        EstimateError: shapes differ, something is negative or not finite, a part exceeds its
            whole, or the level or the sampled share make no sense.
    """
    part, whole = _checked(parts, wholes, level, sampled_share)
    used = whole > 0
    part, whole = part[used], whole[used]
    n = len(whole)
    if n < MIN_BLOCKS:
        return NoShare(basis=basis, reason=f"{n} blocks with anything in them, 2 are the least")
    alike = float((whole / whole.max()).sum() ** 2 / ((whole / whole.max()) ** 2).sum())
    if alike < MIN_ALIKE:
        return NoShare(basis=basis, reason="one block holds nearly all; it shows no variation")
    value = float(np.clip(part.sum() / whole.sum(), 0.0, 1.0))
    items = max(alike, float(evidence.n_objects))
    equal = 1.0 if basis is Basis.COUNT else _unequal(whole, items)
    effective = _effective(part, whole, alike, items, equal, level)
    low, high = _interval(value, effective / max(1.0 - sampled_share, 1e-9), level)
    return Share(
        value=value,
        low=low,
        high=high,
        level=level,
        basis=basis,
        method=Method.RATIO_BLOCK,
        evidence=Evidence(
            n_blocks=n,
            n_objects=evidence.n_objects,
            audited_kg=evidence.audited_kg,
            audit_date=evidence.audit_date,
            model_version=evidence.model_version,
        ),
    )


def design_effect(parts: npt.ArrayLike, wholes: npt.ArrayLike, n_objects: int) -> float:
    """Return how many times the variance exceeds that of independent items, at least 1."""
    part, whole = _checked(parts, wholes, LEVEL, 0.0)
    value = float(np.clip(part.sum() / whole.sum(), 0.0, 1.0))
    independent = value * (1.0 - value) / n_objects
    return max(1.0, _variance(part, whole, value) / independent) if independent else 1.0


def _variance(part: Float64Array, whole: Float64Array, value: float) -> float:
    """Linearised variance of the ratio; neighbours that vary together count as one longer block."""
    n = len(whole)
    residual = part - value * whole
    around = residual - residual.mean()
    squares = float(around @ around)
    if squares == 0.0:
        return 0.0
    lag_one = float(around[1:] @ around[:-1]) / squares + 1.0 / n
    # A first-order process inflates the variance of a mean by (1 + r) / (1 - r). Chance alone shows
    # r beyond 1.645 / sqrt(n) in 5 % of cases; what is below is no reason to inflate.
    significant = lag_one > SIGNIFICANT / np.sqrt(n)
    inflation = (1.0 + lag_one) / (1.0 - min(lag_one, 0.9)) if significant else 1.0
    return float(squares / (n - 1) / n / whole.mean() ** 2 * inflation)


def _unequal(whole: Float64Array, items: float) -> float:
    """How many items of unequal mass tell as much as one of many equal ones (Kish): 1 + cv^2.

    An item's cv^2 shows in the blocks: their own is at least that of one item over items a block.
    """
    per_block = max(items / len(whole), 1.0)
    return 1.0 + per_block * float(whole.var(ddof=1)) / float(whole.mean()) ** 2


def _effective(
    part: Float64Array,
    whole: Float64Array,
    alike: float,
    items: float,
    unequal: float,
    level: float,
) -> float:
    """Independent items that tell as much as these blocks do.

    What few blocks say of their own variance is moderated by what is assumed of any (Smyth, 2004,
    Statistical Applications in Genetics 3:3): a mean of both, weighted by degrees of freedom. Near
    0 and 1 only blocks that hold the rarer kind tell anything of the variance.
    """
    value = float(np.clip(part.sum() / whole.sum(), 0.0, 1.0))
    assumed = unequal * (1.0 + LIKENESS * max(items / len(part) - 1.0, 0.0))
    if not 0.0 < value < 1.0:
        return max(alike, items / assumed)
    independent = value * (1.0 - value) / items
    telling = min(int(np.count_nonzero(part)), int(np.count_nonzero(whole - part)))
    freedom = min(alike - 1.0, float(telling))
    seen = _variance(part, whole, value)
    mean = (freedom * seen + LIKENESS_BLOCKS * assumed * independent) / (freedom + LIKENESS_BLOCKS)
    tail = (1.0 - level) / 2.0
    t_ratio = float(stats.t.ppf(1.0 - tail, freedom + LIKENESS_BLOCKS) / stats.norm.ppf(1.0 - tail))
    # No clumping makes items surer than independent ones.
    return value * (1.0 - value) / max(mean * t_ratio**2, independent)


def _interval(value: float, effective: float, level: float) -> tuple[float, float]:
    """Jeffreys' interval; where nothing or everything was found, the mid-P bound."""
    tail = (1.0 - level) / 2.0
    bound = float((2.0 * tail) ** (1.0 / effective))
    if value == 0.0:
        return 0.0, 1.0 - bound
    if value == 1.0:
        return bound, 1.0
    hits = value * effective
    beta = stats.beta(hits + 0.5, effective - hits + 0.5)
    return min(float(beta.ppf(tail)), value), max(float(beta.ppf(1.0 - tail)), value)


def _checked(
    parts: npt.ArrayLike, wholes: npt.ArrayLike, level: float, sampled_share: float
) -> tuple[Float64Array, Float64Array]:
    part, whole = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    if part.ndim != 1 or part.shape != whole.shape:
        raise EstimateError(f"parts {part.shape} and wholes {whole.shape} do not go together")
    if not (np.isfinite(part).all() and np.isfinite(whole).all()) or (part < 0).any():
        raise EstimateError("blocks must be finite and not negative")
    if (part > whole * (1.0 + 1e-9)).any():
        raise EstimateError("a block has more of what belongs than it has in all")
    if not (0.0 < level < 1.0 and 0.0 <= sampled_share <= 1.0):
        raise EstimateError(f"level {level} or sampled share {sampled_share} is no share")
    return part, whole
