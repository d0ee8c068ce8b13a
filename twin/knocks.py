"""Items knocking each other on the belt: when the next two meet, and how they move on."""

import dataclasses
import heapq
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from twin.belt_items import BeltItems
from twin.flight import RESTITUTION
from twin.items import Float64Array
from twin.outlines import contact_mm, may_touch

_MOVES_MM = 2.0
"""Less way to go than this is no motion that could knock anything."""
_LOOKS = np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.4, 2.0, 3.0])
"""Where a path is looked at, in its decay lengths: 5 % of the way or less lies beyond."""
_LATER_MM = np.array([20.0, 60.0, 150.0])
"""Further looks where the first rough one came a little early."""
_HALVINGS = 5
_TIMES = 4
"""Knocks of one item that are followed."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Knock:
    """Two items that will meet unless something else happens to them first.

    Attributes:
        travel_mm: belt travel when they touch.
        pair: their ids, the mover first.
        motions: how often each had been knocked when this was foreseen.
    """

    travel_mm: float
    pair: tuple[int, int]
    motions: tuple[int, int]


class Knocks:
    """Foresees knocks and carries them out, in order of belt travel."""

    def __init__(self) -> None:
        """Foresee nothing."""
        self._ahead: list[Knock] = []
        self._motions: dict[int, int] = {}
        self._met: set[tuple[int, int]] = set()

    @property
    def next_mm(self) -> float:
        """Belt travel of the next knock, infinity if none is foreseen."""
        return self._ahead[0].travel_mm if self._ahead else math.inf

    def foresee(
        self, items: BeltItems, rows: Iterable[int], *, from_mm: float, until_mm: Float64Array
    ) -> None:
        """Look for what items that are new or move anew will meet.

        Args:
            items: all on the belt.
            rows: those that are new or move anew.
            from_mm: present belt travel.
            until_mm: (n,) travel at which each has passed the last bar.
        """
        left = items.slip_left_mm(from_mm)
        way = np.hypot(left[:, 0], left[:, 1])
        centres = items.origins_mm(from_mm)
        looked: set[int] = set()
        for row in rows:
            looked.add(row)
            apart = np.hypot(*(centres - centres[row]).T)
            reach = items.radius_mm + items.radius_mm[row] + way + way[row]
            near = (apart < reach) & (np.maximum(way, way[row]) > _MOVES_MM)
            others = [other for other in np.flatnonzero(near).tolist() if other not in looked]
            for other, looks_mm in _worth_a_look(items, row, others, from_mm):
                last_mm = float(until_mm[[row, other]].min())
                self._foresee_pair(items, row, other, looks_mm, last_mm)

    def _foresee_pair(
        self, items: BeltItems, one: int, other: int, looks_mm: list[float], until_mm: float
    ) -> None:
        first, second = int(items.item_id[one]), int(items.item_id[other])
        pair = (min(first, second), max(first, second))
        counts = self._motions.get(first, 0), self._motions.get(second, 0)
        if pair in self._met or max(counts) >= _TIMES:
            return
        before = looks_mm[0]
        if _touch(items, one, other, before):
            self._met.add(pair)
            return
        for at_mm in (*looks_mm[1:], *(looks_mm[-1] + _LATER_MM)):
            if before >= until_mm:
                return
            if _touch(items, one, other, at_mm):
                touch_mm = _first_touch(items, one, other, before, at_mm)
                if touch_mm < until_mm:
                    knock = Knock(travel_mm=touch_mm, pair=(first, second), motions=counts)
                    heapq.heappush(self._ahead, knock)
                return
            before = at_mm

    def carry_out(self, items: BeltItems, until_mm: Float64Array) -> tuple[BeltItems, list[int]]:
        """Let the next two meet.

        Args:
            items: all on the belt.
            until_mm: as in `foresee`.

        Returns:
            The items, moving on, and the rows of those that move anew.
        """
        knock = heapq.heappop(self._ahead)
        rows = np.flatnonzero(np.isin(items.item_id, knock.pair)).tolist()
        stale = tuple(self._motions.get(i, 0) for i in knock.pair) != knock.motions
        if len(rows) < 2 or stale:
            return items, []
        for item_id in knock.pair:
            self._motions[item_id] = self._motions.get(item_id, 0) + 1
        self._met.add((min(knock.pair), max(knock.pair)))
        moved = _moved_on(items, rows[0], rows[1], knock.travel_mm)
        self.foresee(moved, rows, from_mm=knock.travel_mm, until_mm=until_mm)
        return moved, rows

    def forget(self, item_ids: npt.NDArray[np.int64]) -> None:
        """Drop what is remembered of items that left the belt."""
        gone = set(item_ids.tolist())
        for item_id in gone:
            self._motions.pop(item_id, None)
        self._met = {pair for pair in self._met if not gone.intersection(pair)}


def _moved_on(items: BeltItems, one: int, other: int, travel_mm: float) -> BeltItems:
    """Return the items after two of them knocked: momentum along the line of their centres."""
    pair = [one, other]
    centres = items.origins_mm(travel_mm)[pair]
    speeds = items.slip_left_mm(travel_mm)[pair] / items.slip_decay_mm[pair, None]
    line = centres[1] - centres[0]
    normal = line / max(float(np.hypot(*line)), 1e-9)
    closing = float((speeds[0] - speeds[1]) @ normal)
    masses = items.mass_g[pair]
    knock = (1 + RESTITUTION) * max(closing, 0.0) / float((1 / masses).sum())
    speeds[0] -= knock / masses[0] * normal
    speeds[1] += knock / masses[1] * normal
    changed = {
        name: getattr(items, name).copy() for name in ("x_mm", "y_mm", "slip_mm", "fed_travel_mm")
    }
    changed["x_mm"][pair], changed["y_mm"][pair] = centres[:, 0], centres[:, 1]
    changed["slip_mm"][pair] = speeds * items.slip_decay_mm[pair, None]
    changed["fed_travel_mm"][pair] = travel_mm
    return dataclasses.replace(items, **changed)


def _worth_a_look(
    items: BeltItems, row: int, others: list[int], from_mm: float
) -> list[tuple[int, list[float]]]:
    """Return those that may meet an item, each with the belt travels at which to look.

    The first travel is that from which both lie on the belt; the last is the first one at which the
    two may touch.
    """
    if not others:
        return []
    fed, decay = items.fed_travel_mm, items.slip_decay_mm
    start = np.maximum(from_mm, np.maximum(fed[others], fed[row]))
    looks = start[:, None] + _LOOKS * np.maximum(decay[others], decay[row])[:, None]
    one, other = items.chosen(np.array([row])), items.chosen(np.array(others))
    apart = np.stack([other.origins_mm(at) - _origin_mm(one, at) for at in looks.T], axis=1)
    touch = may_touch(apart, one.support_mm[0], other.support_mm[:, None, :])
    return [
        (others[at], looks[at, : int(touch[at].argmax()) + 1].tolist())
        for at in np.flatnonzero(touch.any(axis=1)).tolist()
    ]


def _origin_mm(one: BeltItems, at_mm: Float64Array) -> Float64Array:
    """Return (n, 2) where one item's origin is at each of n belt travels."""
    since_mm = np.maximum(at_mm - one.fed_travel_mm[0], 0.0)
    gone = 1.0 - np.exp(-since_mm / one.slip_decay_mm[0])
    start = np.array((one.x_mm[0], one.y_mm[0]))
    return np.asarray(start + gone[:, None] * one.slip_mm[0])


def _touch(items: BeltItems, one: int, other: int, travel_mm: float) -> bool:
    outlines = items.outline_at_mm(one, travel_mm), items.outline_at_mm(other, travel_mm)
    return contact_mm(*outlines) is not None


def _first_touch(items: BeltItems, one: int, other: int, apart_mm: float, touch_mm: float) -> float:
    for _ in range(_HALVINGS):
        middle = (apart_mm + touch_mm) / 2
        if _touch(items, one, other, middle):
            touch_mm = middle
        else:
            apart_mm = middle
    return apart_mm
