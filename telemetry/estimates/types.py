"""What an estimate says about itself: basis, interval, method and how much was looked at."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

LEVEL: Final = 0.95
"""Confidence level of every interval unless another is asked for."""


class Basis(StrEnum):
    """What shares are shares of; a share without its basis says nothing."""

    MASS = "mass"
    COUNT = "count"
    AREA = "area"


class Method(StrEnum):
    """How an estimate was made (docs/estimates.md)."""

    RATIO_BLOCK = "ratio_block"
    """Audited samples: ratio estimator over blocks of belt time or sampled portions."""
    CORRECTED_COUNTS = "corrected_counts"
    """What the line named, corrected by the audited confusion matrix."""
    OUTPUT_SAMPLES = "output_samples"
    """Samples of every output, weighted with the outputs' masses."""
    SCALE = "scale"
    """Weighed."""
    SCALE_RECONCILED = "scale_reconciled"
    """Masses from pictures, brought into agreement with a scale."""
    VISION = "vision"
    """Masses from pictures alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an estimate rests on.

    Attributes:
        n_blocks: blocks or samples that vary independently.
        n_objects: items looked at.
        audited_kg: mass that was weighed by hand; 0 where nothing was.
        audit_date: of the newest audit, None where there was none.
        model_version: model bundle whose errors were audited, empty where none matters.
    """

    n_blocks: int
    n_objects: int
    audited_kg: float = 0.0
    audit_date: date | None = None
    model_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share between 0 and 1 with its interval.

    Attributes:
        value: best estimate.
        low: lower end of the interval.
        high: upper end.
        level: confidence level of the interval.
        basis: mass, count or area.
        method: how it was made.
        evidence: what it rests on.
    """

    value: float
    low: float
    high: float
    level: float
    basis: Basis
    method: Method
    evidence: Evidence

    def __post_init__(self) -> None:
        """Check the order.

        Raises:
            ValueError: not 0 <= low <= value <= high <= 1.
        """
        if not 0.0 <= self.low <= self.value <= self.high <= 1.0:
            msg = f"share {self.value} with interval {self.low} to {self.high}"
            raise ValueError(msg)

    @property
    def half_width(self) -> float:
        """Half the interval's width."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShare:
    """A share that cannot be told.

    Attributes:
        basis: it would have had.
        reason: why not, for people.
    """

    basis: Basis
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MassFigure:
    """A mass with its standard deviation.

    Attributes:
        kg: best estimate.
        sd_kg: standard deviation.
        method: scale, vision, or both reconciled.
    """

    kg: float
    sd_kg: float
    method: Method

    @property
    def is_estimate(self) -> bool:
        """Whether anything but a scale made it."""
        return self.method is not Method.SCALE
