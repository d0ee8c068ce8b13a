"""What manual samples say of the products' purity, as the page is told."""

from dataclasses import dataclass

from telemetry.estimates.types import Share
from vision.types import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedPurity:
    """Purity of one product.

    Attributes:
        product: named after its target fraction.
        share: with interval, basis and what it rests on; None where it cannot be told.
        reason: why not, for people; empty where it can.
    """

    product: Fraction
    share: Share | None
    reason: str
