"""Holds one product's purity by the price of impurity, and says what that costs in recovery.

The price of a gram of impurity, in grams of product, is what separates a pulse or a threshold that
is worth it from one that is not: of all settings with one purity, one common price for windows and
thresholds loses least (it is the multiplier of the purity constraint). So one number is moved.
"""

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from calibration.units import NS_PER_S, MonotonicNs
from controller.purity.config import HoldConfig
from controller.purity.estimate import PurityBelief, PurityEstimate, SampleFound

CHEAPEST: Final = -2.0
DEAREST: Final = 3.0
"""Bounds of g: a seventh of the recipe's price of impurity, and twenty times it."""
_LARGEST_MOVE: Final = 0.7
"""Largest change of g at once: the price doubles or halves, and the next sample is waited for."""
_DEAD_BAND: Final = 0.15
"""Smaller changes are not worth the unrest."""
_NS_PER_H: Final = 3600 * NS_PER_S
_MINUTE_NS: Final = 60 * NS_PER_S
_KEPT_MOVES: Final = 200
_CURVE_STEP: Final = 0.5
_HALF_LIFE_G: Final = 200_000.0
"""Product-class mass after which what was seen at a price counts half: load changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One price of the purity-recovery curve at today's load.

    Attributes:
        price: of a gram of impurity, as a multiple of the recipe's.
        purity: estimated from samples.
        recovery: share of the mass taken for the product's fraction that was ejected at about this
            price, None where the line has not sorted at it.
    """

    price: float
    purity: PurityBelief
    recovery: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldStanding:
    """How it stands with one held product, for people.

    Attributes:
        fraction: the product.
        wanted: purity by mass.
        belief: estimated purity at the present price.
        price: of a gram of impurity, as a multiple of the recipe's.
        samples: taken so far.
        trouble: why the wanted purity cannot be held, None while it can or nothing is known.
        curve: purity against recovery.
    """

    fraction: str
    wanted: float
    belief: PurityBelief
    price: float
    samples: int
    trouble: str | None
    curve: tuple[CurvePoint, ...]


class PurityHold:
    """One product. One thread; pure but for its own memory."""

    def __init__(self, config: HoldConfig) -> None:
        """Begin at the recipe's own price."""
        self.config = config
        self.wanted = config.purity
        self.g = 0.0
        self._estimate = PurityEstimate()
        self._moves: deque[tuple[MonotonicNs, float]] = deque(maxlen=_KEPT_MOVES)
        self._waited_ns: MonotonicNs | None = None
        self._seen_g: dict[int, tuple[float, float]] = {}
        """Mass taken for the fraction and mass of it ejected, by step of g."""

    def closed(self, mass_g: float, *, ejected: bool) -> None:
        """Note an item that was taken for the product's fraction."""
        step = round(self.g / _CURVE_STEP)
        keep = 0.5 ** (mass_g / _HALF_LIFE_G)
        seen, out = self._seen_g.get(step, (0.0, 0.0))
        self._seen_g[step] = (seen * keep + mass_g, out * keep + (mass_g if ejected else 0.0))

    def sampled(
        self,
        sample: SampleFound,
        *,
        from_ns: MonotonicNs,
        until_ns: MonotonicNs,
        now_ns: MonotonicNs,
    ) -> None:
        """Take a sample of what was made within a time, and move if it is time to.

        Args:
            sample: sorted and weighed.
            from_ns: beginning of the time in which the product was made.
            until_ns: its end.
            now_ns: the present.
        """
        self._pass(now_ns)
        self._estimate.sampled(sample, self.mean_g(from_ns, until_ns))
        self._move(now_ns)

    def want(self, purity: float, now_ns: MonotonicNs) -> None:
        """Take another wanted purity and go there from what is known."""
        self.wanted = purity
        self._pass(now_ns)
        if self._estimate.samples:
            self._move(now_ns)

    def mean_g(self, from_ns: MonotonicNs, until_ns: MonotonicNs) -> float:
        """Return the mean g over a time."""
        inside = [(at_ns, g) for at_ns, g in self._moves if from_ns < at_ns < until_ns]
        steps = [(from_ns, self._g_at(from_ns)), *inside, (until_ns, 0.0)]
        total = sum(g * (end_ns - at_ns) for (at_ns, g), (end_ns, _) in pairwise(steps))
        return total / (until_ns - from_ns) if until_ns > from_ns else self._g_at(until_ns)

    def standing(self, fraction: str) -> HoldStanding:
        """Return how it stands."""
        steps = range(round(CHEAPEST / _CURVE_STEP), round(DEAREST / _CURVE_STEP) + 1)
        return HoldStanding(
            fraction=fraction,
            wanted=self.wanted,
            belief=self._estimate.at(self.g),
            price=_price(self.g),
            samples=self._estimate.samples,
            trouble=self.trouble,
            curve=tuple(self._point(step) for step in steps),
        )

    def _point(self, step: int) -> CurvePoint:
        seen, out = self._seen_g.get(step, (0.0, 0.0))
        return CurvePoint(
            price=_price(step * _CURVE_STEP),
            purity=self._estimate.at(step * _CURVE_STEP),
            recovery=out / seen if seen > 0.0 else None,
        )

    @property
    def trouble(self) -> str | None:
        """Why the wanted purity cannot be held; None while it can, or nothing is known."""
        if self.g < DEAREST:
            return None
        belief = self._estimate.at(self.g)
        if belief.purity < self.wanted:
            return (
                f"at the highest price of impurity the purity is {belief.purity:.1%}, wanted "
                f"{self.wanted:.1%}: slow the feed, or look at the detector's confusions"
            )
        return None

    def _g_at(self, at_ns: MonotonicNs) -> float:
        return next((g for moved_ns, g in reversed(self._moves) if moved_ns <= at_ns), 0.0)

    def _pass(self, now_ns: MonotonicNs) -> None:
        if self._waited_ns is not None:
            self._estimate.wait((now_ns - self._waited_ns) / _NS_PER_H)
        self._waited_ns = now_ns

    def _move(self, now_ns: MonotonicNs) -> None:
        if self._moves and now_ns - self._moves[-1][0] < self.config.interval_min * _MINUTE_NS:
            return
        sought = self._estimate.price_for(
            self.wanted, caution_sd=self.config.caution_sd, now_g=self.g
        )
        change = min(max(sought - self.g, -_LARGEST_MOVE), _LARGEST_MOVE)
        g = min(max(self.g + change, CHEAPEST), DEAREST)
        if abs(g - self.g) >= _DEAD_BAND or (g != self.g and g in (CHEAPEST, DEAREST)):
            self.g = g
            self._moves.append((now_ns, g))


def _price(g: float) -> float:
    return math.exp(g)
