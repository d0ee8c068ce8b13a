"""What can lie on the belt: shapes with mass, and the catalogues they are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from models.library import Sprite
from vision.types import FRACTIONS, Fraction

Float64Array = npt.NDArray[np.float64]

OUTLINE_POINTS = 16
"""Corners kept of an item's convex hull; the area lost on a disc is 2.6 %."""

_OPAQUE = 26
"""Alpha from which a sprite's pixel belongs to the item: a tenth, as in the item library."""

_SAMPLE = 1500
"""Drawn to estimate a mean area: its error is then about 1.5 %."""

_ROUND_HEIGHT_SHARE = 0.7
_ROUND_ASPECT = 1.4
"""An elongated item about as high as it is wide is taken for a cylinder: it rolls."""


class HazardKind(StrEnum):
    """What is dangerous on a belt, beyond its fraction."""

    LAMP = "lamp"
    BROKEN_LAMP = "broken_lamp"
    BATTERY = "battery"
    CANISTER = "canister"
    """Pressure canisters: spray cans, gas cartridges."""


HAZARDS = tuple(HazardKind)
"""Order of the kinds where they are arrays."""

_DESIGN_HAZARDS = {"battery": HazardKind.BATTERY, "canister": HazardKind.CANISTER}
_BROKEN_SHARE, _BATTERY_SHARE, _CANISTER_SHARE = 0.2, 0.1, 0.03
"""Of the plain lamps those that came broken, of the WEEE what is loose batteries, of the residue
what is pressure canisters; assumed, no published shares are known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CatalogueItem:
    """One kind of item, lying with its own axes along the belt's.

    Attributes:
        fraction: what it is.
        outline_mm: (OUTLINE_POINTS, 2) convex outline around its origin, x lateral, y upstream.
        mass_g: dry mass.
        height_mm: how far it stands above the belt.
        rolls: it is round and rolls across its long axis.
        sprite: index of its picture in the catalogue, None if it has none.
        hazard: what kind of hazard it is, None for other items.
    """

    fraction: Fraction
    outline_mm: Float64Array
    mass_g: float
    height_mm: float
    rolls: bool
    sprite: int | None
    hazard: HazardKind | None = None


class ItemCatalogue(Protocol):
    """Where the feed takes its items from."""

    def draw(self, fraction: Fraction, rng: np.random.Generator) -> CatalogueItem:
        """Return one item of a fraction at random; the same generator state, the same item."""
        ...

    def has(self, fraction: Fraction) -> bool:
        """Return whether there is any item of this fraction."""
        ...

    def mean_area_mm2(self, fraction: Fraction) -> float:
        """Return the mean area of the outlines of a fraction."""
        ...

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """Pictures, indexed by `CatalogueItem.sprite`; empty if the catalogue has none."""
        ...


def convex_outline_mm(points_mm: npt.ArrayLike) -> Float64Array:
    """Return the hull's farthest points in OUTLINE_POINTS directions, in turning order.

    Args:
        points_mm: (n, 2) any points of the item.

    Returns:
        (OUTLINE_POINTS, 2); corners may repeat.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    angles = np.arange(OUTLINE_POINTS) * (2 * np.pi / OUTLINE_POINTS) + 1e-3
    directions = np.column_stack((np.cos(angles), np.sin(angles)))
    farthest = np.argmax(points @ directions.T, axis=0)
    return np.asarray(points[farthest], dtype=np.float64)


def outline_area_mm2(outline_mm: Float64Array) -> float:
    """Return the area inside a polygon, given its corners in turning order (shoelace formula)."""
    x, y = outline_mm[:, 0], outline_mm[:, 1]
    twice = x[:-1] @ y[1:] - x[1:] @ y[:-1] + x[-1] * y[0] - x[0] * y[-1]
    return float(abs(twice) / 2)


class SpriteCatalogue:
    """Items cut from, or rendered as, pictures."""

    def __init__(self, sprites: Sequence[Sprite]) -> None:
        """Measure the outline of every sprite.

        Raises:
            ValueError: there is no sprite at all.
        """
        if not sprites:
            msg = "the item catalogue is empty; give a folder with at least one item picture"
            raise ValueError(msg)
        self._sprites = tuple(sprites)
        items = [_item_of(sprite, index) for index, sprite in enumerate(self._sprites)]
        self._items = {f: tuple(i for i in items if i.fraction is f) for f in FRACTIONS}

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """Pictures, indexed by `CatalogueItem.sprite`."""
        return self._sprites

    def has(self, fraction: Fraction) -> bool:
        """Return whether there is any item of this fraction."""
        return bool(self._items[fraction])

    def draw(self, fraction: Fraction, rng: np.random.Generator) -> CatalogueItem:
        """Return one item of a fraction at random."""
        items = self._items[fraction]
        return items[int(rng.integers(len(items)))]

    def mean_area_mm2(self, fraction: Fraction) -> float:
        """Return the mean area of the outlines of a fraction."""
        return float(np.mean([outline_area_mm2(i.outline_mm) for i in self._items[fraction]]))


def _item_of(sprite: Sprite, index: int) -> CatalogueItem:
    opaque = sprite.alpha >= _OPAQUE
    rows = np.flatnonzero(opaque.any(axis=1))
    if not len(rows):
        msg = f"sprite {index} ({sprite.design}, {sprite.source}) shows nothing"
        raise ValueError(msg)
    # The ends of each row hold the hull; a sprite has tens of thousands of pixels.
    height_px, width_px = opaque.shape
    left = opaque[rows].argmax(axis=1)
    right = width_px - opaque[rows, ::-1].argmax(axis=1)
    corners = np.concatenate(
        [np.column_stack((u, rows + v)) for u in (left, right) for v in (0, 1)]
    )
    outline = convex_outline_mm(
        (corners - np.array((width_px / 2, height_px / 2))) * sprite.mm_per_px
    )
    (_, extents, _) = cv2.minAreaRect(outline.astype(np.float32))
    narrow, wide = sorted(float(e) for e in extents)
    return CatalogueItem(
        fraction=sprite.fraction,
        outline_mm=outline,
        mass_g=sprite.mass_g,
        height_mm=sprite.height_mm,
        rolls=sprite.height_mm >= _ROUND_HEIGHT_SHARE * narrow and wide >= _ROUND_ASPECT * narrow,
        sprite=index,
        hazard=_DESIGN_HAZARDS.get(sprite.design, _LAMPS.get(sprite.fraction)),
    )


_LAMPS = {Fraction.MERCURY_LAMP: HazardKind.LAMP}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """Log-uniform ranges of one fraction's plain shapes; `rolls` is the share that does."""

    length_mm: tuple[float, float]
    aspect: tuple[float, float]
    height_mm: tuple[float, float]
    mass_g: tuple[float, float]
    rolls: float


# Order-of-magnitude sizes of household waste as it leaves a 40-220 mm drum screen; the item library
# holds true shapes, these stand in where no picture is needed.
_SIZES: dict[Fraction, _Size] = {
    Fraction.PLASTIC: _Size(
        length_mm=(60, 220), aspect=(0.4, 1), height_mm=(2, 70), mass_g=(4, 45), rolls=0.35
    ),
    Fraction.PAPER: _Size(
        length_mm=(60, 250), aspect=(0.5, 1), height_mm=(1, 30), mass_g=(4, 80), rolls=0
    ),
    Fraction.FOOD: _Size(
        length_mm=(40, 120),
        aspect=(0.5, 1),
        height_mm=(10, 50),
        mass_g=(15, 200),
        rolls=0.1,
    ),
    Fraction.WEEE: _Size(
        length_mm=(50, 180),
        aspect=(0.4, 1),
        height_mm=(8, 40),
        mass_g=(20, 250),
        rolls=0.05,
    ),
    Fraction.MERCURY_LAMP: _Size(
        length_mm=(90, 400),
        aspect=(0.06, 0.3),
        height_mm=(16, 50),
        mass_g=(40, 120),
        rolls=0.6,
    ),
    Fraction.OTHER: _Size(
        length_mm=(40, 160), aspect=(0.4, 1), height_mm=(3, 60), mass_g=(10, 350), rolls=0.2
    ),
}


class PlainCatalogue:
    """Rectangles and ellipses of plausible size and mass, without pictures."""

    @property
    def sprites(self) -> tuple[Sprite, ...]:
        """No pictures."""
        return ()

    def has(self, fraction: Fraction) -> bool:
        """Return True: every fraction has a size range."""
        return fraction in _SIZES

    def draw(self, fraction: Fraction, rng: np.random.Generator) -> CatalogueItem:
        """Return one item of a fraction at random."""
        size = _SIZES[fraction]
        place = float(rng.uniform())
        length_mm = _log_between(size.length_mm, place)
        width_mm = length_mm * float(rng.uniform(*size.aspect))
        hazard = _plain_hazard(fraction, place)
        if hazard is HazardKind.BROKEN_LAMP:
            length_mm = max(length_mm / 3, width_mm)
        # Mass follows size, loosely: big items are heavy ones.
        mass_g = _log_between(size.mass_g, float(np.clip(rng.normal(place, 0.2), 0, 1)))
        turn = np.arange(OUTLINE_POINTS) * (2 * np.pi / OUTLINE_POINTS)
        ellipse = np.column_stack((np.cos(turn) * width_mm / 2, np.sin(turn) * length_mm / 2))
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width_mm / 2, length_mm / 2)
        return CatalogueItem(
            fraction=fraction,
            outline_mm=convex_outline_mm(ellipse if rng.uniform() < 0.3 else corners),
            mass_g=mass_g,
            height_mm=_log_between(size.height_mm, float(rng.uniform())),
            rolls=bool(rng.uniform() < size.rolls),
            sprite=None,
            hazard=hazard,
        )

    def mean_area_mm2(self, fraction: Fraction) -> float:
        """Return the mean area of the outlines of a fraction, by drawing a fixed sample."""
        rng = np.random.default_rng(0)
        areas = [outline_area_mm2(self.draw(fraction, rng).outline_mm) for _ in range(_SAMPLE)]
        return float(np.mean(areas))


def _plain_hazard(fraction: Fraction, place: float) -> HazardKind | None:
    # The last digits of the size's draw are as good as a draw of their own.
    chance = place * 997.0 % 1.0
    if fraction is Fraction.MERCURY_LAMP:
        return HazardKind.BROKEN_LAMP if chance < _BROKEN_SHARE else HazardKind.LAMP
    if fraction is Fraction.WEEE and chance < _BATTERY_SHARE:
        return HazardKind.BATTERY
    if fraction is Fraction.OTHER and chance < _CANISTER_SHARE:
        return HazardKind.CANISTER
    return None


def _log_between(limits: tuple[float, float], place: float) -> float:
    low, high = limits
    return float(low * (high / low) ** place)
