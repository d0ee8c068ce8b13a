"""What height does to a place: a tall item's top appears displaced away from below the camera."""

from dataclasses import dataclass

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.errors import ProcedureError

_LEAST_PARALLAX_MM = 0.5
_LEAST_RIDE_MM = 60.0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRide:
    """A block's height from how much faster than the belt its top seems to move.

    Attributes:
        height_mm: above the belt.
        sd_mm: its standard deviation.
    """

    height_mm: float
    sd_mm: float


def block_ride(
    places_mm: Float64Array, travel_mm: Float64Array, camera_height_mm: float
) -> BlockRide:
    """Return the height of a top that one camera saw at several ticks.

    A top at height h under a camera at height H seems to move H / (H - h) times as fast as the
    belt that carries it.

    Args:
        places_mm: (n, 2) x, s as if the top lay on the belt.
        travel_mm: (n,) of the belt, from the encoder.
        camera_height_mm: of the camera above the belt.

    Raises:
        ProcedureError: the belt did not move, or the top seems to move slower than the belt.
    """
    ways = travel_mm - travel_mm.mean()
    if float(np.ptp(ways)) < _LEAST_RIDE_MM:
        msg = "the belt did not move between the photographs"
        raise ProcedureError(msg, "start the belt; check its drive if it does not run")
    along = places_mm[:, 1] - places_mm[:, 1].mean()
    faster = float(ways @ along / (ways @ ways))
    rest = along - faster * ways
    sd = float(np.sqrt(rest @ rest / max(1, len(rest) - 2) / (ways @ ways)))
    if faster <= 0:
        msg = "the block moves against the encoder"
        raise ProcedureError(msg, "swap the encoder's channels A and B, or its sign in the PLC")
    return BlockRide(
        height_mm=camera_height_mm * (1.0 - 1.0 / faster), sd_mm=camera_height_mm * sd / faster**2
    )


def feet_of_boxes(
    low_mm: Float64Array, high_mm: Float64Array, heights_mm: Float64Array, camera_mm: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Return where the sides of boxes truly stand on the belt.

    Of a box the camera sees the upper edge of the sides that face away from it, displaced
    outwards, and the lower edge, in its place, of those that face it.

    Args:
        low_mm: (n, 2) smaller x and s as if they lay on the belt.
        high_mm: (n, 2) larger.
        heights_mm: (n,) above the belt; NaN where not known, which changes nothing.
        camera_mm: (3,) where the camera hangs.
    """
    # Nothing on a belt reaches half as high as its camera.
    share = np.clip(np.nan_to_num(heights_mm, nan=0.0) / camera_mm[2], 0.0, 0.5)[:, None]
    below = camera_mm[:2]
    low = np.where(low_mm < below, low_mm - share * (low_mm - below), low_mm)
    high = np.where(high_mm > below, high_mm - share * (high_mm - below), high_mm)
    return low, np.maximum(high, low)
