"""What a design hands back, and how a design is named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.render.surface import Rng, Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One painted item before shading.

    Attributes:
        surface: colour, height and opacity.
        mass_g: mass of the item.
        height_mm: how far it stands above the belt.
    """

    surface: Surface
    mass_g: float
    height_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A kind of item that varies continuously.

    Attributes:
        name: stable word used in sprite indexes and reports.
        share: how often it is drawn within its fraction, relative to its neighbours.
        make: draws one item; all variation comes from the generator.
    """

    name: str
    share: float
    make: Callable[[Rng], Item]
