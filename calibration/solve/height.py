"""What height does to a place: a tall item's top appears displaced away from below the camera."""

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.errors import ProcedureError

_LEAST_PARALLAX_MM = 0.5


def camera_place_mm(plane: BeltPlane) -> Float64Array:
    """Return where the camera hangs: x, s and height above the belt, mm.

    The homography's columns are the belt's axes before the camera; their common length is the
    scale, and their cross product the belt's normal (Zhang, 2000, section 3.1).
    """
    axes = np.linalg.inv(plane.camera_matrix) @ np.linalg.inv(plane.homography)
    axes = axes / np.sqrt(np.linalg.norm(axes[:, 0]) * np.linalg.norm(axes[:, 1]))
    axes = axes * np.sign(axes[2, 2])
    first = axes[:, 0] / np.linalg.norm(axes[:, 0])
    second = axes[:, 1] - first * (first @ axes[:, 1])
    second = second / np.linalg.norm(second)
    turn = np.column_stack((first, second, np.cross(first, second)))
    place = -turn.T @ axes[:, 2]
    return np.asarray((place[0], place[1], abs(place[2])), dtype=np.float64)


def foot_of(
    places_mm: Float64Array, heights_mm: Float64Array, camera_mm: Float64Array
) -> Float64Array:
    """Return where tops of known height truly are over the belt.

    Args:
        places_mm: (n, 2) x, s as if the tops lay on the belt.
        heights_mm: (n,) of the tops above the belt.
        camera_mm: (3,) from `camera_place_mm`.
    """
    share = (heights_mm / camera_mm[2])[:, None]
    return np.asarray(places_mm - share * (places_mm - camera_mm[:2]), dtype=np.float64)


def height_from_two_views(
    first_mm: Float64Array,
    second_mm: Float64Array,
    first_camera_mm: Float64Array,
    second_camera_mm: Float64Array,
) -> tuple[float, Float64Array]:
    """Return height and true place of a top that two cameras, or one at two ticks, saw.

    Args:
        first_mm: (2,) x, s in one belt frame as if it lay on the belt, seen by the first camera.
        second_mm: the same of the second view.
        first_camera_mm: (3,) where the first camera hung over that belt frame.
        second_camera_mm: the second.

    Raises:
        ProcedureError: both views look from the same place.
    """
    # place = foot + h / H (place - camera), for both views with one foot and one h.
    pulls = [
        (place - camera[:2]) / camera[2]
        for place, camera in ((first_mm, first_camera_mm), (second_mm, second_camera_mm))
    ]
    apart, pull = first_mm - second_mm, pulls[0] - pulls[1]
    if float(np.hypot(*pull)) * 100.0 < _LEAST_PARALLAX_MM:
        msg = "both views look at the item from the same place"
        raise ProcedureError(msg, "use views that lie farther apart, or a known height")
    height = float(apart @ pull / (pull @ pull))
    feet = (first_mm - height * pulls[0], second_mm - height * pulls[1])
    return height, np.asarray((feet[0] + feet[1]) / 2, dtype=np.float64)
