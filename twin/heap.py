"""Which items lie on one another: heaps at a bar, and what a camera above sees of each item."""

import numpy as np

from twin.belt_items import BeltItems
from twin.items import Float64Array
from twin.outlines import contact_mm, shared_mm2


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
    apart = centres[:, None, :] - centres[None, :, :]
    reach = items.radius_mm[:, None] + items.radius_mm[None, :]
    close = np.triu((apart**2).sum(axis=2) < reach**2, k=1)
    for below, above in np.argwhere(close).tolist():
        area, _ = shared_mm2(items.outline_mm[below], items.outline_mm[above] - apart[below, above])
        shares[below] -= area / items.area_mm2[below]
    return np.maximum(shares, 0.0)


def _near(items: BeltItems, centres: Float64Array, index: int) -> list[int]:
    distance2 = ((centres - centres[index]) ** 2).sum(axis=1)
    near = distance2 < (items.radius_mm + items.radius_mm[index]) ** 2
    near[index] = False
    return list(np.flatnonzero(near).tolist())
