"""The feeder: items fall onto the belt as a seeded Poisson stream at a given occupancy."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from twin.config import FeedConfig, SlipConfig
from twin.film import film_slip_share
from twin.items import CatalogueItem, Float64Array, ItemCatalogue, outline_area_mm2
from twin.outlines import contact_mm
from vision.types import FRACTIONS, Fraction

_PLACE_TRIES = 8
"""How often the feeder moves an item that fell onto another before it lets it lie."""

_DRIFT_MM = 20_000.0
"""Film that the wind drives has no end of its way on a belt; this is far beyond it."""

_FLUTTER_ASIDE = 0.2
"""Sideways way of fluttering film against its way along the belt, standard deviation; assumed."""

_FOOD = FRACTIONS.index(Fraction.FOOD)

# Share of its dry mass that a soaked item gains. Paper board takes up about its own mass in water
# (Cobb and immersion tests, background knowledge); food is wet to begin with; the rest is wetted.
_WATER_UPTAKE: dict[Fraction, float] = {
    Fraction.PLASTIC: 0.10,
    Fraction.PAPER: 0.90,
    Fraction.FOOD: 0.15,
    Fraction.WEEE: 0.02,
    Fraction.MERCURY_LAMP: 0.01,
    Fraction.OTHER: 0.10,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FedItem:
    """An item as it fell onto the belt.

    Attributes:
        item_id: 1, 2, 3 … in order of feeding.
        kind: what it is.
        mass_g: with its moisture.
        wet: food that sticks to the belt and to what it touches.
        angle_rad: turn about its origin, from x towards y.
        outline_mm: (n, 2) outline around its origin, turned, x lateral, y upstream.
        x_mm: where its origin fell, machine frame.
        y_mm: the same, belt frame.
        slip_x_mm: way it still goes across the belt until it lies still.
        slip_y_mm: the same along the belt, positive falls behind.
        slip_decay_mm: belt travel over which that way shrinks to 1/e.
    """

    item_id: int
    kind: CatalogueItem
    mass_g: float
    wet: bool
    angle_rad: float
    outline_mm: Float64Array
    x_mm: float
    y_mm: float
    slip_x_mm: float
    slip_y_mm: float
    slip_decay_mm: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Mix:
    """What falls from a belt coordinate on.

    Attributes:
        from_y_mm: belt coordinate.
        cumulative: (6,) shares of the fractions, summed up.
        drops_per_mm: things that fall for each mm of belt.
        items_per_mm: items that come of it; food may come apart.
    """

    from_y_mm: float
    cumulative: Float64Array
    drops_per_mm: float
    items_per_mm: float


class Feed:
    """Draws items one after the other, in order of y; the same seed gives the same stream."""

    def __init__(
        self,
        *,
        config: FeedConfig,
        slip: SlipConfig,
        catalogue: ItemCatalogue,
        belt_width_mm: float,
        belt_speed_mm_per_s: float,
        first_y_mm: float,
        seed: int,
    ) -> None:
        """Work out the stream's density.

        Args:
            config: occupancy and mix.
            slip: how items move after falling.
            catalogue: what falls.
            belt_width_mm: usable width.
            belt_speed_mm_per_s: nominal speed, for the wind over lying film.
            first_y_mm: belt coordinate from which on items fall.
            seed: of everything random here.

        Raises:
            ValueError: the mix names no fraction that the catalogue has.
        """
        self._config, self._slip, self._catalogue = config, slip, catalogue
        self._belt_width_mm, self._speed_mm_per_s = belt_width_mm, belt_speed_mm_per_s
        self._rng = np.random.default_rng([seed, 1])
        self._mixes = [
            _mix(shares, first_y_mm + way_m * 1000.0, config, catalogue, belt_width_mm)
            for way_m, shares in config.mixes()
        ]
        self._mix = self._mixes.pop(0)
        self._next_y_mm = first_y_mm + self._gap_mm()
        self._recent: deque[tuple[FedItem, float]] = deque()
        self._fed = 0
        self._longest_mm = 0.0

    @property
    def fed(self) -> int:
        """Number of items drawn so far."""
        return self._fed

    @property
    def items_per_mm(self) -> float:
        """Mean number of items for each mm of belt."""
        return self._mix.items_per_mm

    def items_until(self, y_mm: float, most: int | None = None) -> list[FedItem]:
        """Return the items that fall before the belt coordinate `y_mm`, not returned before.

        Args:
            y_mm: how far the belt has come under the feeder.
            most: the stream ends after this many items in all; None never ends it.
        """
        fallen: list[FedItem] = []
        while self._next_y_mm <= y_mm and (most is None or self._fed < most):
            fallen += self._drop(self._next_y_mm, whole=most is not None and self._fed + 1 >= most)
            self._next_y_mm += self._gap_mm()
        return fallen

    def _gap_mm(self) -> float:
        return float(self._rng.exponential(1 / self._mix.drops_per_mm))

    def _drop(self, y_mm: float, *, whole: bool) -> list[FedItem]:
        """Let one thing fall: an item, or food that comes apart into two."""
        rng = self._rng
        while self._mixes and y_mm >= self._mixes[0].from_y_mm:
            self._mix = self._mixes.pop(0)
        drawn = int(np.searchsorted(self._mix.cumulative, rng.uniform(), side="right"))
        fraction = FRACTIONS[min(drawn, len(FRACTIONS) - 1)]
        item = self._lay(fraction, y_mm, beside=None)
        if fraction is not Fraction.FOOD or whole or rng.uniform() >= self._config.split_share:
            return [item]
        return [item, self._lay(fraction, y_mm, beside=item)]

    def _lay(self, fraction: Fraction, y_mm: float, *, beside: FedItem | None) -> FedItem:
        rng = self._rng
        self._fed += 1
        kind = self._catalogue.draw(fraction, rng)
        angle = self._angle(kind, float(rng.uniform(0, 2 * np.pi)))
        outline = _turned(kind.outline_mm, angle)
        x_mm = self._place(outline, y_mm) if beside is None else self._next_to(beside, outline)
        mass_g = kind.mass_g * (1 + _WATER_UPTAKE[fraction] * self._config.moisture)
        slip_x, slip_y, decay = self._draw_slip(kind, outline, mass_g)
        item = FedItem(
            item_id=self._fed,
            kind=kind,
            mass_g=mass_g,
            wet=fraction is Fraction.FOOD and bool(rng.uniform() < self._config.moisture),
            angle_rad=angle,
            outline_mm=outline,
            x_mm=x_mm,
            y_mm=y_mm,
            slip_x_mm=slip_x,
            slip_y_mm=slip_y,
            slip_decay_mm=decay,
        )
        radius_mm = float(np.hypot(outline[:, 0], outline[:, 1]).max())
        self._longest_mm = max(self._longest_mm, 2.0 * radius_mm)
        while self._recent and self._recent[0][0].y_mm < y_mm - self._longest_mm:
            self._recent.popleft()
        self._recent.append((item, radius_mm))
        return item

    def _next_to(self, item: FedItem, outline: Float64Array) -> float:
        """Return where an outline touches an item from the side on which the belt has room."""
        right = item.x_mm + float(item.outline_mm[:, 0].max() - outline[:, 0].min())
        if right + float(outline[:, 0].max()) <= self._belt_width_mm:
            return right
        left = item.x_mm + float(item.outline_mm[:, 0].min() - outline[:, 0].max())
        return max(left, -float(outline[:, 0].min()))

    def _angle(self, kind: CatalogueItem, drawn_rad: float) -> float:
        """Turn an item that is too long to lie across the belt until it fits."""
        width_mm = float(np.ptp(_turned(kind.outline_mm, drawn_rad)[:, 0]))
        if width_mm <= self._belt_width_mm:
            return drawn_rad
        widths = [np.ptp(_turned(kind.outline_mm, a)[:, 0]) for a in np.linspace(0, np.pi, 19)]
        return float(np.linspace(0, np.pi, 19)[int(np.argmin(widths))])

    def _place(self, outline: Float64Array, y_mm: float) -> float:
        low = -float(outline[:, 0].min())
        high = max(low, self._belt_width_mm - float(outline[:, 0].max()))
        x_mm = float(self._rng.uniform(low, high))
        if self._rng.uniform() < self._config.overlap_share:
            return x_mm
        for _ in range(_PLACE_TRIES):
            if not self._covered(outline + np.array((x_mm, y_mm))):
                break
            x_mm = float(self._rng.uniform(low, high))
        return x_mm

    def _covered(self, outline: Float64Array) -> bool:
        low, high = outline.min(axis=0), outline.max(axis=0)
        for other, radius_mm in self._recent:
            if other.y_mm + radius_mm < low[1] or not (
                low[0] - radius_mm <= other.x_mm <= high[0] + radius_mm
            ):
                continue
            there = other.outline_mm + np.array((other.x_mm, other.y_mm))
            if contact_mm(outline, there) is not None:
                return True
        return False

    def _draw_slip(
        self, kind: CatalogueItem, outline: Float64Array, mass_g: float
    ) -> tuple[float, float, float]:
        rng, slip = self._rng, self._slip
        moves, first, second = rng.uniform() >= slip.settled_share, rng.normal(), rng.normal()
        drift = film_slip_share(
            mass_g=mass_g,
            area_mm2=outline_area_mm2(outline),
            belt_speed_mm_per_s=self._speed_mm_per_s,
            air_share=slip.air_share,
            spread=float(first),
        )
        if drift > 0.0:
            # The wind drives film for as long as it lies on the belt; flutter turns it aside.
            way_mm = drift * _DRIFT_MM
            return float(second) * way_mm * _FLUTTER_ASIDE, way_mm, _DRIFT_MM
        if not moves:
            return 0.0, 0.0, slip.slide_decay_mm
        if not kind.rolls:
            sd = slip.slide_sd_mm
            return float(second * sd / 2), float(first * sd), slip.slide_decay_mm
        across = _short_axis(outline)
        way = first * slip.roll_sd_mm * across
        return float(way[0]), float(way[1]), slip.roll_decay_mm


def _mix(
    wanted: tuple[float, ...],
    from_y_mm: float,
    config: FeedConfig,
    catalogue: ItemCatalogue,
    belt_width_mm: float,
) -> _Mix:
    shares = np.array(
        [s if catalogue.has(f) else 0.0 for f, s in zip(FRACTIONS, wanted, strict=True)]
    )
    if not shares.sum() > 0:
        msg = "the feed's mix names no fraction that the item catalogue has"
        raise ValueError(msg)
    shares /= shares.sum()
    mean_area_mm2 = sum(
        share * catalogue.mean_area_mm2(f)
        for f, share in zip(FRACTIONS, shares, strict=True)
        if share > 0
    )
    # An item that is left on another hides, on average, half the occupancy's share of its area:
    # only the items before it lie there already.
    hidden_share = config.occupancy * config.overlap_share / 2
    pieces = 1.0 + config.split_share * float(shares[_FOOD])
    covered_mm2_per_mm = config.occupancy * belt_width_mm
    drops_per_mm = float(covered_mm2_per_mm / (mean_area_mm2 * (1 - hidden_share) * pieces))
    return _Mix(
        from_y_mm=from_y_mm,
        cumulative=np.cumsum(shares),
        drops_per_mm=drops_per_mm,
        items_per_mm=drops_per_mm * pieces,
    )


def _turned(outline: Float64Array, angle_rad: float) -> Float64Array:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.asarray(outline @ np.array([[cos, sin], [-sin, cos]]), dtype=np.float64)


def _short_axis(outline: Float64Array) -> Float64Array:
    """Return the unit vector across the longest extent of an outline."""
    centred = outline - outline.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return np.asarray(vectors[:, 0], dtype=np.float64)
