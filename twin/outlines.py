"""What two convex outlines share."""

import cv2
import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

_SMALLEST_MM2 = 1.0


def shared_mm2(one_mm: Float64Array, other_mm: Float64Array) -> tuple[float, Float64Array]:
    """Return the area that two convex outlines share, and the middle of it.

    Args:
        one_mm: (k, 2) corners in turning order; corners may repeat.
        other_mm: the same of the other.

    Returns:
        Area, and (2,) the mean of its corners, which means nothing where the area is zero.
    """
    origin = one_mm[0]
    area, corners = cv2.intersectConvexConvex(
        _distinct(one_mm - origin), _distinct(other_mm - origin)
    )
    if area < _SMALLEST_MM2 or corners is None:
        return 0.0, origin
    centre = corners.reshape(-1, 2).mean(axis=0, dtype=np.float64)
    return float(area), np.asarray(centre + origin, dtype=np.float64)


def contact_mm(one_mm: Float64Array, other_mm: Float64Array) -> Float64Array | None:
    """Return the middle of the area that two convex outlines share, None if they share none."""
    area, centre = shared_mm2(one_mm, other_mm)
    return centre if area > 0.0 else None


def _distinct(outline_mm: Float64Array) -> npt.NDArray[np.float32]:
    """Drop repeated corners: the intersection of outlines that have them comes out empty."""
    follows = np.roll(outline_mm, 1, axis=0)
    distinct = outline_mm[(outline_mm != follows).any(axis=1)]
    return np.asarray(distinct, dtype=np.float32)
