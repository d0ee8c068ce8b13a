"""Which items lie on one another: heaps at a bar, and what a camera above sees of each item."""

import numpy as np

from twin.belt_items import BeltItems
from twin.items import Float64Array
from twin.outlines import contact_mm, may_touch, shared_mm2


def heap_of(items: BeltItems, index: int, travel_mm: float) -> list[int]:
    """Return an item's index and those of all that lie on or under it, directly or by others.

    Args:
        items: on the belt; who fell later lies higher.
        index: one of them.
        travel_mm: belt travel at which they are looked at.

    Returns:
        Indices from the lowest to the uppermost.
    """
    centres = items.origins_mm(travel_mm)
    found, open_ends = {index}, [index]
    while open_ends:
        one = open_ends.pop()
        outline = items.outline_mm[one] + centres[one]
        for other in _near(items, centres, one):
            if other in found:
                continue
            if contact_mm(outline, items.outline_mm[other] + centres[other]) is not None:
                found.add(other)
                open_ends.append(other)
    return sorted(found)


def visible_shares(items: BeltItems, travel_mm: float) -> Float64Array:
    """Return (n,) share of each item's outline that no later item hides from above."""
    shares = np.ones(len(items))
    centres = items.origins_mm(travel_mm)
    apart = centres[None, :, :] - centres[:, None, :]
    reach = items.radius_mm[:, None] + items.radius_mm[None, :]
    pairs = np.argwhere(np.triu((apart**2).sum(axis=2) < reach**2, k=1))
    if not len(pairs):
        return shares
    lower, upper = pairs.T
    close = may_touch(apart[lower, upper], items.support_mm[lower], items.support_mm[upper])
    for below, above in pairs[close].tolist():
        moved = items.outline_mm[above] + apart[below, above]
        area, _ = shared_mm2(items.outline_mm[below], moved)
        shares[below] -= area / items.area_mm2[below]
    return np.maximum(shares, 0.0)


def _near(items: BeltItems, centres: Float64Array, index: int) -> list[int]:
    apart = centres - centres[index]
    near = (apart**2).sum(axis=1) < (items.radius_mm + items.radius_mm[index]) ** 2
    near[index] = False
    rows = np.flatnonzero(near)
    if len(rows):
        rows = rows[may_touch(apart[rows], items.support_mm[index], items.support_mm[rows])]
    return list(rows.tolist())
