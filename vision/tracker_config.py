"""The tracker's section of line.toml. Nothing here moves metal, so every field has a default."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from calibration.section import Section
from vision.types import FRACTIONS, Fraction

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class TrackerConfig(Section):
    """Noise, patience and evidence settings of the tracker."""

    edge_sd_mm: Positive = 3.0
    """Standard deviation of one box edge on the belt: about one detector pixel at 320 px input."""
    slip_sd_mm_per_s: Positive = 40.0
    """Spread of item velocities over the belt; most items lie still, some slide or roll."""
    slip_factors: dict[Fraction, Positive] = Field(
        default={Fraction.PLASTIC: 1.4, Fraction.PAPER: 0.5, Fraction.FOOD: 0.6, Fraction.WEEE: 0.7}
    )
    """Times that spread, by what an item is taken for when first seen: bottles and tubes roll,
    sheets and wet food lie where they fell; 1 where nothing is said."""
    slip_decay_s: Positive = 0.6
    """Time constant with which slip dies out by friction."""
    settle_mm_per_sqrt_s: Positive = 4.0
    """Random walk of an item lying on the belt (vibration, flutter)."""
    gate_sigma: Positive = 4.5
    """Detections further than this from a prediction are not of that track."""
    duplicate_iou: Share = 0.65
    """Boxes of one frame overlapping more than this are one item."""
    overlap_iou: Share = 0.25
    """Overlap from which an unmatched box is taken as part of an unmatched track."""
    covered_share: Share = 0.6
    """Share of a track's area inside a box from which the box covers the track."""
    confirm_views: int = Field(default=2, ge=1)
    """Views from which a candidate is an item."""
    strong_score: Share = 0.6
    """A candidate leaving the view after a single view is an item from this score."""
    patience_ms: Positive = 350.0
    """A candidate that is not seen again within this time is dropped (frame gaps reach 300 ms)."""
    score_floor: Share = 0.1
    """Added to each class score: no single view can rule a class out."""
    view_correlation: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Correlation between views of one item; n views weigh n / (1 + (n - 1) * correlation)."""
    cut_view_weight: Share = 0.5
    """Weight of the class scores of an item that the view's border cuts."""
    notice_knocks: bool = True
    """Whether a jump of everything in view is told. Off for recordings: their belt is not the one
    that the encoder counts."""
    border_px: Positive = 2.0
    """A box this near the image border is cut by it."""

    mass_model: Path | None = None
    """Mass model learned from weighed samples (`run_line.py estimates fit-mass`); absent: the
    built-in law of the shipped item library. Every item's record names what weighed it."""

    @property
    def slip_factor(self) -> tuple[float, ...]:
        """`slip_factors` in the order of FRACTIONS."""
        return tuple(self.slip_factors.get(fraction, 1.0) for fraction in FRACTIONS)
