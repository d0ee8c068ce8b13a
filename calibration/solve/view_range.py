"""What part of the belt a camera sees: along it and across it."""

from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array

_VIEW_INSET_MM: Final = 8.0
"""The usable view ends this far inside the image's corners: items beyond are cut by its border."""


def usable_view_mm(plane: BeltPlane, belt_width_mm: float) -> tuple[float, float]:
    """Return the stretch of belt, upstream and downstream end, that is seen at its full width."""
    _, sides = _borders_mm(plane)
    ends = []
    for side in sides:
        over = side[
            (side[:, 0] >= -_VIEW_INSET_MM) & (side[:, 0] <= belt_width_mm + _VIEW_INSET_MM)
        ]
        ends.append((over if len(over) else side)[:, 1])
    near, far = sorted(ends, key=lambda end: float(end.mean()))
    return float(near.max()) + _VIEW_INSET_MM, float(far.min()) - _VIEW_INSET_MM


def seen_across_mm(plane: BeltPlane, belt_width_mm: float) -> tuple[float, float]:
    """Return the left and right end of the belt that a camera sees over its whole view."""
    sides, _ = _borders_mm(plane)
    left, right = sorted(sides, key=lambda side: float(side[:, 0].mean()))
    return max(0.0, float(left[:, 0].max())), min(belt_width_mm, float(right[:, 0].min()))


def _borders_mm(
    plane: BeltPlane,
) -> tuple[tuple[Float64Array, Float64Array], tuple[Float64Array, Float64Array]]:
    """Return the image's two borders beside the belt and the two across it, each (33, 2) mm."""
    u = np.linspace(0.0, plane.image_width_px, 33)
    v = np.linspace(0.0, plane.image_height_px, 33)
    zero, one = np.zeros_like(u), np.ones_like(u)
    beside = (
        plane.to_machine_mm(np.column_stack((zero, v))),
        plane.to_machine_mm(np.column_stack((one * plane.image_width_px, v))),
    )
    across = (
        plane.to_machine_mm(np.column_stack((u, zero))),
        plane.to_machine_mm(np.column_stack((u, one * plane.image_height_px))),
    )
    if float(np.ptp(across[0][:, 1])) > float(np.ptp(across[0][:, 0])):
        # The camera is turned by a quarter: its left and right borders lie across the belt.
        return across, beside
    return beside, across
