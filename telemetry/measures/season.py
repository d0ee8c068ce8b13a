"""Morphological composition by season: what share each fraction has of the mass."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from vision.types import FRACTIONS, Fraction


class Season(StrEnum):
    """Seasons by calendar month; December opens the winter of the year it begins in."""

    WINTER = "winter"
    SPRING = "spring"
    SUMMER = "summer"
    AUTUMN = "autumn"


def season_of(day: date) -> Season:
    """Return the season of a day."""
    return tuple(Season)[day.month % 12 // 3]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayComposition:
    """What was seen of one fraction on one day."""

    day: date
    fraction: Fraction
    mass_g: float
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonShare:
    """One fraction's share of a season.

    Attributes:
        season: which.
        fraction: as the line names it.
        mass_share: of the season's mass, 0..1.
        count_share: of the season's items, 0..1.
        days: on which anything was seen in the season.
    """

    season: Season
    fraction: Fraction
    mass_share: float
    count_share: float
    days: int


def seasonal_composition(parts: Iterable[DayComposition]) -> tuple[SeasonShare, ...]:
    """Return every fraction's share in every season that has data.

    Food is 40-60 % of municipal waste in autumn (Concept, 2.4): one composition for a whole year
    says little.
    """
    mass: dict[tuple[Season, Fraction], float] = {}
    items: dict[tuple[Season, Fraction], int] = {}
    days: dict[Season, set[date]] = {}
    for part in parts:
        key = (season_of(part.day), part.fraction)
        mass[key] = mass.get(key, 0.0) + part.mass_g
        items[key] = items.get(key, 0) + part.items
        days.setdefault(key[0], set()).add(part.day)
    found = []
    for season in Season:
        whole_g = sum(mass.get((season, fraction), 0.0) for fraction in FRACTIONS)
        count = sum(items.get((season, fraction), 0) for fraction in FRACTIONS)
        if whole_g <= 0 or count <= 0:
            continue
        found += [
            SeasonShare(
                season=season,
                fraction=fraction,
                mass_share=mass.get((season, fraction), 0.0) / whole_g,
                count_share=items.get((season, fraction), 0) / count,
                days=len(days[season]),
            )
            for fraction in FRACTIONS
        ]
    return tuple(found)
