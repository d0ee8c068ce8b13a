"""What two convex outlines share."""

import cv2
import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

_SMALLEST_MM2 = 1.0


_DIRECTIONS = 16
_TURN = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
_NORMALS = np.column_stack((np.cos(_TURN), np.sin(_TURN)))


def supports_mm(outlines_mm: Float64Array) -> Float64Array:
    """Return (n, 16) how far outlines reach from their origins in 16 directions.

    Args:
        outlines_mm: (n, k, 2).
    """
    if not len(outlines_mm):
        return np.empty((0, _DIRECTIONS))
    return np.asarray((outlines_mm @ _NORMALS.T).max(axis=1), dtype=np.float64)


def may_touch(
    apart_mm: Float64Array, supports_mm: Float64Array, others_mm: Float64Array
) -> npt.NDArray[np.bool_]:
    """Return where outlines may share an area: False is certain, True is not.

    Args:
        apart_mm: (..., 2) from the origin of one to that of the other.
        supports_mm: (..., 16) of the one, from `supports_mm`.
        others_mm: (..., 16) of the other.
    """
    against = np.roll(others_mm, _DIRECTIONS // 2, axis=-1)
    return np.asarray((apart_mm @ _NORMALS.T < supports_mm + against).all(axis=-1))


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
    follows = (outline_mm[1:] != outline_mm[:-1]).any(axis=1)
    closes = bool((outline_mm[0] != outline_mm[-1]).any())
    distinct = outline_mm[np.concatenate(([closes], follows))]
    return np.asarray(distinct, dtype=np.float32)
