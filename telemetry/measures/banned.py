"""Material in the residue that must not be landfilled (Ecological Code, article 351(1))."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from vision.types import Fraction

ITEMS_351: Final[Mapping[int, str]] = MappingProxyType(
    {
        10: "plastic, polyethylene, PET packaging",
        11: "waste paper and cardboard",
        12: "mercury-containing lamps and devices",
        13: "glass containers",
        14: "cullet",
        15: "ferrous and non-ferrous scrap",
        16: "lithium and lead-acid batteries",
        17: "electrical and electronic equipment",
        20: "food waste",
    }
)
"""Items of article 351(1) that a sorting line meets; the others are not seen by cameras."""
_ITEM_OF: Final[Mapping[str, int]] = MappingProxyType(
    {
        Fraction.PLASTIC: 10,
        Fraction.PAPER: 11,
        Fraction.MERCURY_LAMP: 12,
        "glass": 13,
        "cullet": 14,
        "metal": 15,
        "battery": 16,
        Fraction.WEEE: 17,
        Fraction.FOOD: 20,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One material's part of the residue.

    Attributes:
        material: a fraction of the line, or glass, cullet, metal, battery from a manual audit.
        mass_g: of it in the residue.
        low_g: lower end of its interval, None without one.
        high_g: upper end.
    """

    material: str
    mass_g: float
    low_g: float | None = None
    high_g: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BannedShare:
    """One item of the article in the residue.

    Attributes:
        item: number in article 351(1).
        share: of the residue's mass, 0..1.
        low: lower end of its interval, None without one.
        high: upper end.
    """

    item: int
    share: float
    low: float | None
    high: float | None


def banned_in_residue(parts: Sequence[Part], residue_g: float) -> tuple[BannedShare, ...]:
    """Return mass in the residue over the residue's mass, by item; empty without residue.

    Args:
        parts: what the residue holds; materials the article does not name are ignored.
        residue_g: its whole mass.
    """
    if residue_g <= 0:
        return ()
    by_item: dict[int, list[Part]] = {}
    for part in parts:
        if part.material in _ITEM_OF:
            by_item.setdefault(_ITEM_OF[part.material], []).append(part)
    return tuple(_share(item, by_item[item], residue_g) for item in sorted(by_item))


def _share(item: int, parts: Sequence[Part], residue_g: float) -> BannedShare:
    lows = [part.low_g for part in parts if part.low_g is not None]
    highs = [part.high_g for part in parts if part.high_g is not None]
    told = len(lows) == len(highs) == len(parts)
    return BannedShare(
        item=item,
        share=sum(part.mass_g for part in parts) / residue_g,
        low=sum(lows) / residue_g if told else None,
        high=min(1.0, sum(highs) / residue_g) if told else None,
    )
