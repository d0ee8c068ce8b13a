"""Throughput and composition by fraction, over the last minute and over the session.

Figures are what the line took the items for and what it estimated them to weigh. Purity is not
among them: it needs audited samples.
"""

from collections import deque
from dataclasses import dataclass, field

from calibration.units import NS_PER_S, MonotonicNs
from controller.types import ItemOutcome, ItemRecord
from telemetry.tally import ItemTally
from vision.types import FRACTIONS, Fraction

WINDOW_S = 60
S_PER_H = 3600.0
G_PER_KG = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FractionFlow:
    """One fraction's part in a stretch of time.

    Attributes:
        fraction: as named by the line.
        items: finished items.
        mass_g: their estimated mass.
        ejected: how many of them left by each station.
        items_per_h: rate over the stretch.
        mass_kg_per_h: estimated mass rate over the stretch.
        share: of all items of the stretch, 0..1.
        mass_share: of all estimated mass of the stretch, 0..1.
    """

    fraction: Fraction
    items: int
    mass_g: float
    ejected: tuple[int, ...]
    items_per_h: float
    mass_kg_per_h: float
    share: float
    mass_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Throughput and composition of a stretch of time.

    Attributes:
        span_s: its length.
        items: finished items.
        items_per_h: rate.
        mass_kg_per_h: estimated mass rate.
        fractions: all six, in the order of FRACTIONS.
    """

    span_s: float
    items: int
    items_per_h: float
    mass_kg_per_h: float
    fractions: tuple[FractionFlow, ...]


@dataclass(slots=True, kw_only=True)
class _Sum:
    items: int = 0
    mass_g: float = 0.0
    ejected: list[int] = field(default_factory=list)

    def add(self, items: int, mass_g: float, station: int | None) -> None:
        self.items += items
        self.mass_g += mass_g
        if station is not None:
            self.ejected.extend([0] * (station + 1 - len(self.ejected)))
            self.ejected[station] += items


class _Sums:
    def __init__(self) -> None:
        self._by_fraction = {fraction: _Sum() for fraction in FRACTIONS}

    def add(self, fraction: Fraction, items: int, mass_g: float, station: int | None) -> None:
        self._by_fraction[fraction].add(items, mass_g, station)

    def flow(self, span_s: float) -> Flow:
        """Return the sums as rates over `span_s` seconds."""
        items = sum(part.items for part in self._by_fraction.values())
        mass_g = sum(part.mass_g for part in self._by_fraction.values())
        per_h = S_PER_H / span_s
        fractions = tuple(
            FractionFlow(
                fraction=fraction,
                items=part.items,
                mass_g=part.mass_g,
                ejected=tuple(part.ejected),
                items_per_h=part.items * per_h,
                mass_kg_per_h=part.mass_g / G_PER_KG * per_h,
                share=part.items / items if items else 0.0,
                mass_share=part.mass_g / mass_g if mass_g else 0.0,
            )
            for fraction, part in self._by_fraction.items()
        )
        return Flow(
            span_s=span_s,
            items=items,
            items_per_h=items * per_h,
            mass_kg_per_h=mass_g / G_PER_KG * per_h,
            fractions=fractions,
        )


def session_flow(tallies: tuple[ItemTally, ...], span_s: float) -> Flow:
    """Return a session's flow from its tallies.

    Args:
        tallies: of all its finished items.
        span_s: since it opened.
    """
    sums = _Sums()
    for tally in tallies:
        key = tally.key
        station = key.station if key.outcome is ItemOutcome.EJECTED else None
        sums.add(key.fraction, tally.items, tally.mass_g, station)
    return sums.flow(max(1.0, span_s))


_Place = tuple[Fraction, int | None]
_Bucket = dict[_Place, tuple[int, float]]


class MinuteWindow:
    """The flow of the last minute, kept in buckets of a second of the line's own time."""

    def __init__(self, opened_ns: MonotonicNs) -> None:
        self._opened_ns = opened_ns
        self._buckets: deque[tuple[int, _Bucket]] = deque()

    def add(self, record: ItemRecord) -> None:
        """Take one record; its place is the second in which the item was finished."""
        second = record.closed_ns // NS_PER_S
        if not self._buckets or self._buckets[-1][0] < second:
            self._buckets.append((second, {}))
            self._trim(second)
        bucket = self._buckets[-1][1]
        ejected = record.outcome is ItemOutcome.EJECTED
        place = (record.decision.fraction, record.decision.station if ejected else None)
        items, mass_g = bucket.get(place, (0, 0.0))
        bucket[place] = (items + 1, mass_g + record.track.mass_g)

    def flow(self, now_ns: MonotonicNs) -> Flow:
        """Return the flow of the last minute, or since the session opened if that is less."""
        self._trim(now_ns // NS_PER_S)
        sums = _Sums()
        for _, bucket in self._buckets:
            for (fraction, station), (items, mass_g) in bucket.items():
                sums.add(fraction, items, mass_g, station)
        span_s = (now_ns - self._opened_ns) / NS_PER_S
        return sums.flow(min(float(WINDOW_S), max(1.0, span_s)))

    def _trim(self, second: int) -> None:
        while self._buckets and self._buckets[0][0] <= second - WINDOW_S:
            self._buckets.popleft()
