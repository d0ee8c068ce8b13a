"""Does the interval of sampled portions hold near one, with few portions, and with clumped errors?

A shift's product is 240 blocks of belt time; some of them are sampled, a quarter of each. Errors
within a block are alike by a beta-binomial with a given correlation. The truth is the whole
product's. One coverage for every combination; no combination was left out of the table.
"""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, Evidence, Share

BLOCKS: Final = 240
SAMPLED_OF_BLOCK: Final = 0.25
PURITIES: Final = (0.8, 0.95, 0.99)
PORTIONS: Final = ((5, 30), (10, 30), (30, 30), (30, 90))
"""Portions sampled, and items in each on average."""
ALIKE: Final = (0.0, 0.01, 0.05)
"""Correlation of the errors within a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One combination and how often its interval held the truth.

    Attributes:
        purity: of the process.
        portions: sampled.
        items: in a portion, mean.
        alike: correlation of errors within a block.
        coverage: share of trials in which the interval held the truth.
    """

    purity: float
    portions: int
    items: int
    alike: float
    coverage: float


def portion_conditions(trials: int) -> tuple[Condition, ...]:
    """Try every combination so many times."""
    rng = np.random.default_rng(41)
    return tuple(
        Condition(
            purity=purity,
            portions=portions,
            items=items,
            alike=alike,
            coverage=float(
                np.mean([_holds(rng, purity, portions, items, alike) for _ in range(trials)])
            ),
        )
        for alike, purity, (portions, items) in itertools.product(ALIKE, PURITIES, PORTIONS)
    )


def _holds(
    rng: np.random.Generator, purity: float, portions: int, items: int, alike: float
) -> bool:
    wholes = np.maximum(rng.poisson(items / SAMPLED_OF_BLOCK, BLOCKS), 1)
    shares = np.full(BLOCKS, purity)
    if alike:
        weight = 1.0 / alike - 1.0
        shares = rng.beta(purity * weight, (1.0 - purity) * weight, BLOCKS)
    right = rng.binomial(wholes, shares)
    at = rng.choice(BLOCKS, portions, replace=False)
    found = rng.binomial(right[at], SAMPLED_OF_BLOCK)
    looked = found + rng.binomial(wholes[at] - right[at], SAMPLED_OF_BLOCK)
    told = block_ratio(
        found,
        looked,
        basis=Basis.COUNT,
        evidence=Evidence(n_blocks=0, n_objects=int(looked.sum())),
        sampled_share=portions * SAMPLED_OF_BLOCK / BLOCKS,
    )
    return isinstance(told, Share) and told.low <= right.sum() / wholes.sum() <= told.high
