"""What stands behind a report besides the ledger: audits, models, what the cameras saw."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from telemetry.ledger.line_items import NamedItems
from telemetry.measures.banned import Part
from telemetry.measures.food import ShiftFood, ShiftSample
from telemetry.measures.season import DayComposition
from telemetry.measures.weee import WeeeCount
from vision.types import Fraction

Quantity = Literal["purity", "recovery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFigure:
    """Purity or recovery of one fraction, never without its basis and sample.

    Attributes:
        fraction: whose.
        quantity: which of the two.
        value: 0..1; None where it cannot be told.
        low: lower end of the interval.
        high: upper end.
        level: of the interval.
        basis: mass, count or area.
        method: estimator.
        n_blocks: sampling units.
        n_objects: objects seen.
        audited_kg: mass sorted by hand.
        reason: why there is no value, a key of the catalogues.
    """

    fraction: Fraction
    quantity: Quantity
    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    basis: Literal["mass", "count", "area"] = "count"
    method: str = ""
    n_blocks: int = 0
    n_objects: int = 0
    audited_kg: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything beside the ledger, empty where a plant has none."""

    quality: tuple[QualityFigure, ...] = ()
    named: tuple[NamedItems, ...] = ()
    composition: tuple[DayComposition, ...] = ()
    residue_parts: tuple[Part, ...] = ()
    weee: tuple[WeeeCount, ...] = ()
    food: tuple[ShiftFood, ...] = ()
    food_samples: tuple[ShiftSample, ...] = ()
    models: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()
    last_audit: date | None = None
