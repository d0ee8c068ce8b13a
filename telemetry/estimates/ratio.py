"""Ratio estimator over blocks of belt time, with an interval that holds near 0 and 1.

Items lie in clumps, so a binomial interval over items is too narrow. The block (a few minutes of
belt, or one sampled portion) is the unit that varies: r = sum(c) / sum(w), and its variance comes
from the blocks' residuals c - r w (Cochran, Sampling Techniques, 3rd ed., section 6.4; Klee's EPA
PROTOCOL for waste composition uses the same).

The interval is not r +- t s, which leaves [0, 1] and is too short near its ends: the variance is
turned into an effective number of independent items (Korn and Graubard, 1998, Survey Methodology
24:193), and that number into a Jeffreys interval (Brown, Cai, DasGupta, 2001, Statistical Science
16:101). At 0 or 1 the variance says nothing; then the block's own clumping is assumed.
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
CLUMPING_UNSEEN: Final = 2.0
"""Design effect assumed where every block is pure, or none is, and nothing shows it. Household
waste sampled in portions of tens of kilograms: the twin's blocks show 1.2 to 1.9."""


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
    variance = _variance(part, whole, value)
    # No clumping makes items surer than independent ones.
    variance = max(variance, value * (1.0 - value) / max(alike, evidence.n_objects))
    low, high = _interval(value, variance * (1.0 - sampled_share), alike, evidence.n_objects, level)
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


def _interval(
    value: float, variance: float, alike: float, n_objects: int, level: float
) -> tuple[float, float]:
    tail = (1.0 - level) / 2.0
    if variance <= 0.0 or not 0.0 < value < 1.0:
        effective = max(alike, n_objects / CLUMPING_UNSEEN)
    else:
        # Few blocks know their own variance badly: the t-ratio of Korn and Graubard.
        t_ratio = stats.norm.ppf(1.0 - tail) / stats.t.ppf(1.0 - tail, alike - 1.0)
        effective = value * (1.0 - value) / variance * float(t_ratio) ** 2
    hits = value * effective
    beta = stats.beta(hits + 0.5, effective - hits + 0.5)
    low = 0.0 if value == 0.0 else min(float(beta.ppf(tail)), value)
    high = 1.0 if value == 1.0 else max(float(beta.ppf(1.0 - tail)), value)
    # Nothing or everything found: the exact one-sided bounds of Clopper and Pearson.
    if value == 0.0:
        high = 1.0 - tail ** (1.0 / effective)
    if value == 1.0:
        low = tail ** (1.0 / effective)
    return low, high


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
