"""How much must be looked at by hand before a figure is worth stating."""

import math
from dataclasses import dataclass
from typing import Final

from scipy import stats

from telemetry.estimates.errors import EstimateError
from telemetry.estimates.types import LEVEL

ITEMS_MAX: Final = 10_000_000
"""Beyond this an audit is no longer one; the question is wrong."""
SAMPLES_MAX: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """What to take.

    Attributes:
        items: to be looked at in all.
        portions: in so many portions, spread over the period.
        kg: what that weighs, as far as the mean mass of an item is right.
        half_width: of the interval that this gives, if the share is as expected.
    """

    items: int
    portions: int
    kg: float
    half_width: float


def plan_audit(
    *,
    expected_share: float,
    half_width: float,
    design_effect: float,
    items_per_portion: int,
    mean_item_g: float,
    level: float = LEVEL,
) -> AuditPlan:
    """Plan an audit that tells a share to within a half-width.

    Args:
        expected_share: of purity or recovery, a guess; 0.5 is the worst case.
        half_width: wanted, in shares: 0.02 is two per cent points.
        design_effect: by which clumping inflates the variance (`ratio.design_effect`), 1 or more.
        items_per_portion: as they are taken.
        mean_item_g: of an item.
        level: of the interval.

    Raises:
        EstimateError: a figure makes no sense, or no feasible audit is that sure.
    """
    if not (0 < half_width < 0.5 and 0 < expected_share < 1 and 0 < level < 1):
        raise EstimateError("shares, half-width and level must lie between 0 and 1")
    if design_effect < 1 or items_per_portion < 1 or mean_item_g <= 0:
        raise EstimateError("design effect and portion are 1 or more, a mean mass is positive")
    low, high = 1, ITEMS_MAX
    if _half_width(expected_share, high, level) > half_width:
        raise EstimateError(f"no audit of {ITEMS_MAX} items is that sure")
    while low < high:
        middle = (low + high) // 2
        if _half_width(expected_share, middle, level) <= half_width:
            high = middle
        else:
            low = middle + 1
    items = math.ceil(low * design_effect)
    return AuditPlan(
        items=items,
        portions=math.ceil(items / items_per_portion),
        kg=items * mean_item_g / 1000.0,
        half_width=_half_width(expected_share, low, level),
    )


def items_without_error(*, share: float, level: float = LEVEL) -> int:
    """Return how many items, all right, show that at least `share` of all are (one-sided).

    share^n <= 1 - level; the "rule of three" for 95 % (Hanley and Lippman-Hand, 1983).

    Raises:
        EstimateError: share or level are not between 0 and 1.
    """
    if not (0 < share < 1 and 0 < level < 1):
        raise EstimateError("share and level must lie between 0 and 1")
    return math.ceil(math.log(1.0 - level) / math.log(share))


def samples_for_mean(*, relative_error: float, variation: float, level: float = LEVEL) -> int:
    """Return how many samples tell a mean share to within a relative error.

    n = (t s / (e x))^2, with t for n - 1 degrees of freedom found in turns, as ASTM D5231 is
    commonly quoted to ask (the standard's own text was not at hand).

    Args:
        relative_error: e, of the mean.
        variation: s / x, standard deviation over mean between samples.
        level: of the interval.

    Raises:
        EstimateError: a figure makes no sense, or more than SAMPLES_MAX samples are needed.
    """
    if relative_error <= 0 or variation <= 0 or not 0 < level < 1:
        raise EstimateError("relative error and variation must be positive, the level a share")
    z = float(stats.norm.ppf((1 + level) / 2))
    n = max(2, math.ceil((z * variation / relative_error) ** 2))
    while n <= SAMPLES_MAX:
        t = float(stats.t.ppf((1 + level) / 2, n - 1))
        if n >= (t * variation / relative_error) ** 2:
            return n
        n += 1
    raise EstimateError(f"more than {SAMPLES_MAX} samples would be needed")


def _half_width(share: float, items: int, level: float) -> float:
    tail = (1.0 - level) / 2.0
    beta = stats.beta(share * items + 0.5, (1.0 - share) * items + 0.5)
    return float(beta.ppf(1.0 - tail) - beta.ppf(tail)) / 2.0
