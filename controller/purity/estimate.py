"""What samples of a product say about its purity, and how it answers to the price of impurity.

The purity's log odds are taken as a + s·g: g the logarithm of the price's ratio to the recipe's, a
what the belt's composition and the detector come to at the recipe's own price, s how strongly the
product answers. Both are tracked by a Kalman filter: a wanders with the composition and is let go
of when a sample contradicts it; s stays. A sample speaks of the settings under which its product
was made, so late samples mislead nobody.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

_FIRST_PURITY: Final = 0.85
_FIRST_LOG_ODDS_SD: Final = 1.5
_FIRST_ANSWER: Final = 0.5
"""Log odds of purity for each unit of g. `run_line.py advise` prints the curve; on the twin's
standard line at 20 % occupancy it is 0.3 to 0.8."""
_FIRST_ANSWER_SD: Final = 0.25
LEAST_ANSWER: Final = 0.15
"""An answer taken for smaller would ask for moves without bounds."""
_WANDER_SD_PER_ROOT_H: Final = 0.3
"""Log odds by which composition changes the purity within an hour; assumed until measured."""
_CONTRADICTION_SD: Final = 3.0
"""Standard deviations from which a sample is taken for a step of the composition."""
_STEP_SD: Final = 1.0
"""Log odds of such a step."""
_ITEM_MASS_CV2: Final = 1.0
"""Squared coefficient of variation of items' masses: a share of mass rests on fewer equal pieces,
n / (1 + cv²) (Kish, Survey Sampling, 1965, section 11.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFound:
    """A manual or automatic sample of a product, sorted and weighed.

    Attributes:
        target_g: mass of what belongs in the product.
        other_g: mass of what does not.
        pieces: number of pieces in it.
    """

    target_g: float
    other_g: float
    pieces: int

    def __post_init__(self) -> None:
        """Refuse what no sample can be.

        Raises:
            ValueError: a negative or infinite mass, no mass, or no pieces.
        """
        masses = (self.target_g, self.other_g)
        if not all(math.isfinite(m) and m >= 0.0 for m in masses) or sum(masses) <= 0.0:
            msg = f"a sample of {self.target_g:g} g and {self.other_g:g} g: give weighed masses"
            raise ValueError(msg)
        if self.pieces < 1:
            msg = f"a sample of {self.pieces} pieces: count at least one"
            raise ValueError(msg)

    def log_odds(self) -> tuple[float, float]:
        """Return the log odds of its purity and their variance.

        Half a piece is added to either side, so that a pure sample has finite odds.
        """
        n = self.pieces / (1.0 + _ITEM_MASS_CV2)
        share = (n * self.target_g / (self.target_g + self.other_g) + 0.5) / (n + 1.0)
        return _logit(share), 1.0 / ((n + 1.0) * share * (1.0 - share))


@dataclass(frozen=True, slots=True, kw_only=True)
class PurityBelief:
    """Estimated purity at one price.

    Attributes:
        purity: by mass.
        low: its lower bound, 95 %.
        high: its upper bound.
    """

    purity: float
    low: float
    high: float


class PurityEstimate:
    """One product's purity. One thread; pure."""

    def __init__(self) -> None:
        """Know nothing but what is usual."""
        self._mean: Float64Array = np.array([_logit(_FIRST_PURITY), _FIRST_ANSWER])
        self._cov: Float64Array = np.diag([_FIRST_LOG_ODDS_SD**2, _FIRST_ANSWER_SD**2])
        self.samples = 0

    @property
    def answer(self) -> float:
        """Log odds of purity for each unit of g."""
        return max(float(self._mean[1]), LEAST_ANSWER)

    def wait(self, hours: float) -> None:
        """Let time pass: the composition wanders."""
        self._cov[0, 0] += _WANDER_SD_PER_ROOT_H**2 * max(hours, 0.0)

    def sampled(self, sample: SampleFound, g: float) -> None:
        """Take a sample of product that was made at price g (mean over its time)."""
        seen, variance = sample.log_odds()
        row = np.array([1.0, g])
        surprise = seen - float(row @ self._mean)
        spread = float(row @ self._cov @ row) + variance
        if self.samples and surprise**2 > _CONTRADICTION_SD**2 * spread:
            self._cov[0, 0] += _STEP_SD**2
            spread += _STEP_SD**2
        gain = self._cov @ row / spread
        self._mean = self._mean + gain * surprise
        self._cov = self._cov - np.outer(gain, row @ self._cov)
        self.samples += 1

    def log_odds(self, g: float) -> tuple[float, float]:
        """Return the purity's log odds at a price and their standard deviation."""
        row = np.array([1.0, g])
        mean = float(self._mean[0]) + self.answer * g
        return mean, math.sqrt(max(float(row @ self._cov @ row), 0.0))

    def at(self, g: float) -> PurityBelief:
        """Return the purity at a price."""
        mean, sd = self.log_odds(g)
        return PurityBelief(
            purity=_logistic(mean),
            low=_logistic(mean - 1.96 * sd),
            high=_logistic(mean + 1.96 * sd),
        )

    def price_for(self, purity: float, *, caution_sd: float, now_g: float) -> float:
        """Return the g at which the purity lies some standard deviations above a wanted one."""
        mean, sd = self.log_odds(now_g)
        return now_g + (_logit(purity) + caution_sd * sd - mean) / self.answer


def _logit(share: float) -> float:
    return math.log(share / (1.0 - share))


def _logistic(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))
