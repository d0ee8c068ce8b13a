"""The figures of a product that are shares of masses, each under one name and one formula.

All masses are as received, on one moisture basis. Purity and recovery come with their intervals
from `ratio` and `streams`; what follows from them or from weighed masses is here. Shares of what
the plant received as a whole, capacity and balance closure are in `telemetry/measures`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from telemetry.estimates.errors import EstimateError
from telemetry.estimates.types import MassFigure, Share
from vision.types import Fraction


class Contaminant(StrEnum):
    """What a product's non-target material is (the split of the Scottish Code of Practice)."""

    RECYCLABLE = "recyclable"
    """Would be a target elsewhere."""
    NOT_RECYCLABLE = "not_recyclable"
    PROHIBITED = "prohibited"
    """Must not be in any product or residue: hazardous or to be collected apart."""


CONTAMINANT_OF: Final = {
    Fraction.PLASTIC: Contaminant.RECYCLABLE,
    Fraction.PAPER: Contaminant.RECYCLABLE,
    Fraction.FOOD: Contaminant.NOT_RECYCLABLE,
    Fraction.OTHER: Contaminant.NOT_RECYCLABLE,
    Fraction.WEEE: Contaminant.PROHIBITED,
    Fraction.MERCURY_LAMP: Contaminant.PROHIBITED,
}
"""As what a fraction counts where it is not the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MassYield:
    """Mass of a product over mass that came in.

    Attributes:
        value: the share.
        sd: its standard deviation.
        is_estimate: not both masses were weighed.
    """

    value: float
    sd: float
    is_estimate: bool


def contamination(purity: Share) -> Share:
    """Return 1 - purity; its interval is the purity's, mirrored."""
    return replace(purity, value=1.0 - purity.value, low=1.0 - purity.high, high=1.0 - purity.low)


def contamination_split(
    product: Fraction, found_kg: Mapping[Fraction, float]
) -> dict[Contaminant, float]:
    """Return the parts of a product's contamination by what they are; they add up to it.

    Args:
        product: named after its target fraction.
        found_kg: what samples of it held, by fraction, the target included.

    Raises:
        EstimateError: nothing was found, or a mass is negative or not finite.
    """
    if not all(math.isfinite(kg) and kg >= 0 for kg in found_kg.values()):
        raise EstimateError("masses found in a product are finite and not negative")
    whole_kg = sum(found_kg.values())
    if whole_kg == 0:
        raise EstimateError(f"nothing was found in samples of {product.value}")
    parts = dict.fromkeys(Contaminant, 0.0)
    for fraction, kg in found_kg.items():
        if fraction is not product:
            parts[CONTAMINANT_OF[fraction]] += kg / whole_kg
    return parts


def mass_yield(product: MassFigure, received: MassFigure) -> MassYield:
    """Return the yield of a product; errors of the two masses are taken as independent.

    Raises:
        EstimateError: nothing came in, or a mass is negative.
    """
    if received.kg <= 0 or product.kg < 0:
        raise EstimateError(f"yield of {product.kg:g} kg out of {received.kg:g} kg received")
    value = product.kg / received.kg
    # First-order propagation of a quotient (JCGM 100:2008, 5.1.2).
    sd = math.hypot(product.sd_kg, value * received.sd_kg) / received.kg
    return MassYield(value=value, sd=sd, is_estimate=product.is_estimate or received.is_estimate)
