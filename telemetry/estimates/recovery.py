"""Recovery of a fraction from samples of everything that left the line (section 6.2's definition).

recovery_k = k in product k / k in all outputs. Each output's mass and its sampled share of k carry
their intervals; they are drawn together from split normal distributions that have these ends
(Wallis, 2014, Statistical Science 29:106). An output that was sampled for its own fraction only may
hold of k anything up to the rest: the interval spans both extremes, the value lies between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from telemetry.estimates.types import LEVEL, Basis, Evidence, Method, NoShare, Share

Float64Array = npt.NDArray[np.float64]
DRAWS: Final = 4000
SEED: Final = 20260102
"""The same figures give the same interval, whoever computes it and whenever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One stream that left the line, or all that shares a fraction.

    Attributes:
        mass_g: of it.
        low_g: lower end of its interval; the mass itself where a scale weighed it.
        high_g: upper end.
        share: of the fraction in it, as sampled; None where only `rest` is known.
        rest: what is not the stream's own fraction, an upper bound of any other in it.
    """

    mass_g: float
    low_g: float
    high_g: float
    share: Share | None = None
    rest: Share | None = None


def recovery_of(
    product: Output, others: Sequence[Output], *, evidence: Evidence, level: float = LEVEL
) -> Share | NoShare:
    """Estimate a fraction's recovery by mass.

    Args:
        product: the fraction's own, with its sampled purity as `share`.
        others: everything else that left, each with `share` or `rest`.
        evidence: of all samples together.
        level: of every interval, given and returned.

    Raises:
        ValueError: an output with neither share nor rest.
    """
    if product.share is None or any(o.share is None and o.rest is None for o in others):
        msg = "an output was not sampled; its part of the fraction is not known"
        raise ValueError(msg)
    rng = np.random.default_rng(SEED)
    z = float(stats.norm.ppf((1.0 + level) / 2.0))
    own = _mass(rng, product, z) * _drawn(rng, product.share, z)
    sampled, hidden = np.zeros(DRAWS), np.zeros(DRAWS)
    for output in others:
        mass = _mass(rng, output, z)
        if output.share is not None:
            sampled += mass * _drawn(rng, output.share, z)
        elif output.rest is not None:
            hidden += mass * _drawn(rng, output.rest, z)
    best, worst = own + sampled, own + sampled + hidden
    usable = best > 0
    if not usable.any() or not product.mass_g * product.share.value:
        return NoShare(basis=Basis.MASS, reason="none of it was found in its product")
    tail = (1.0 - level) / 2.0
    low = float(np.quantile(own[usable] / worst[usable], tail))
    high = float(np.quantile(own[usable] / best[usable], 1.0 - tail))
    value = _value(product.mass_g * product.share.value, others)
    return Share(
        value=value,
        low=min(low, value),
        high=max(high, value),
        level=level,
        basis=Basis.MASS,
        method=Method.OUTPUT_SAMPLES,
        evidence=evidence,
    )


def _value(own_g: float, others: Sequence[Output]) -> float:
    """The definition at the best estimates; half of what may be hidden counts as lost."""
    lost_g = 0.0
    for output in others:
        if output.share is not None:
            lost_g += output.mass_g * output.share.value
        elif output.rest is not None:
            lost_g += output.mass_g * output.rest.value / 2.0
    return own_g / (own_g + lost_g)


def _mass(rng: np.random.Generator, output: Output, z: float) -> Float64Array:
    return np.maximum(_split_normal(rng, output.low_g, output.mass_g, output.high_g, z), 0.0)


def _drawn(rng: np.random.Generator, share: Share, z: float) -> Float64Array:
    return np.clip(_split_normal(rng, share.low, share.value, share.high, z), 0.0, 1.0)


def _split_normal(
    rng: np.random.Generator, low: float, value: float, high: float, z: float
) -> Float64Array:
    unit = rng.standard_normal(DRAWS)
    return np.asarray(value + unit / z * np.where(unit < 0, value - low, high - value))
