"""The six categories of electrical equipment, as far as size on the belt and class can tell."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from vision.types import Fraction

LARGE_MM: Final = 500.0
"""Large equipment has an external dimension above 50 cm (2012/19/EU, annex III)."""


class WeeeCategory(IntEnum):
    """Annex III of 2012/19/EU; the Concept plans the same six types (direction 2)."""

    TEMPERATURE_EXCHANGE = 1
    SCREENS = 2
    LAMPS = 3
    LARGE = 4
    SMALL = 5
    SMALL_IT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeeProposal:
    """Which categories remain possible for an item.

    Attributes:
        possible: never empty for equipment or lamps.
    """

    possible: frozenset[WeeeCategory]

    @property
    def decided(self) -> WeeeCategory | None:
        """The category, where only one is possible."""
        return next(iter(self.possible)) if len(self.possible) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeeCount:
    """Pieces of equipment for which the same categories remained possible."""

    possible: frozenset[WeeeCategory]
    items: int


_ANY_SIZE = frozenset({WeeeCategory.TEMPERATURE_EXCHANGE, WeeeCategory.SCREENS})


def propose(fraction: Fraction, longest_mm: float, sd_mm: float = 0.0) -> WeeeProposal | None:
    """Return what an item may be; None for what is no equipment.

    The line tells equipment from other waste, not a refrigerator from a screen: those two stay
    possible at any size. Above 50 cm neither small category is; below, large is not. Within two
    standard deviations of 50 cm both remain.

    Args:
        fraction: what the line takes it for.
        longest_mm: longest side seen from above; standing items may be taller than that.
        sd_mm: standard deviation of that length; a track tells none, its position's stands in.
    """
    if fraction is Fraction.MERCURY_LAMP:
        return WeeeProposal(possible=frozenset({WeeeCategory.LAMPS}))
    if fraction is not Fraction.WEEE:
        return None
    possible = set(_ANY_SIZE)
    if longest_mm + 2.0 * sd_mm > LARGE_MM:
        possible.add(WeeeCategory.LARGE)
    if longest_mm - 2.0 * sd_mm <= LARGE_MM:
        possible |= {WeeeCategory.SMALL, WeeeCategory.SMALL_IT}
    return WeeeProposal(possible=frozenset(possible))
