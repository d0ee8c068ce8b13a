"""Several cameras over one belt: brought into the first one's belt frame through their overlap."""

import dataclasses
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.belt_plane import BeltPlane, Float64Array
from calibration.errors import ProcedureError

_FEWEST: Final = 4
_LARGEST_SCALE_ERROR: Final = 0.005
_LARGEST_RESIDUAL_MM: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapFit:
    """A camera joined to another.

    Attributes:
        plane: of the joined camera, in the other's machine frame.
        turn_deg: it was turned by.
        shift_mm: (2,) and moved by.
        residual_mm: root mean square distance of the shared points afterwards.
        scale_error: by which its millimetres differed from the other's.
    """

    plane: BeltPlane
    turn_deg: float
    shift_mm: Float64Array
    residual_mm: float
    scale_error: float


def join(plane: BeltPlane, here_px: Float64Array, there_mm: Float64Array) -> OverlapFit:
    """Bring a camera into another's belt frame.

    Args:
        plane: of the camera to join, calibrated on its own.
        here_px: (n, 2) points that both see, in this camera's image: corners of one board.
        there_mm: (n, 2) the same points as the other camera places them, at the same tick.

    Raises:
        ProcedureError: too few shared points, or ones that are not the same.
    """
    if len(here_px) < _FEWEST:
        msg = f"{len(here_px)} points are seen by both cameras, {_FEWEST} are needed"
        raise ProcedureError(msg, "lay the board where the views overlap")
    here_mm = plane.to_machine_mm(here_px)
    a, b = here_mm - here_mm.mean(axis=0), there_mm - there_mm.mean(axis=0)
    angle = float(np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum()))
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = there_mm.mean(axis=0) - turn @ here_mm.mean(axis=0)
    off = here_mm @ turn.T + shift - there_mm
    residual = float(np.sqrt((off**2).sum(axis=1).mean()))
    scale_error = float(np.sqrt((b**2).sum() / (a**2).sum())) - 1.0
    if residual > _LARGEST_RESIDUAL_MM or abs(scale_error) > _LARGEST_SCALE_ERROR:
        msg = f"the shared points disagree by {residual:.1f} mm and {scale_error:+.2%} of scale"
        raise ProcedureError(msg, "photograph with both cameras at one tick; calibrate both anew")
    move = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]], [0.0, 0.0, 1.0]])
    return OverlapFit(
        plane=dataclasses.replace(plane, homography=move @ plane.homography),
        turn_deg=float(np.degrees(angle)),
        shift_mm=np.asarray(shift, dtype=np.float64),
        residual_mm=residual,
        scale_error=scale_error,
    )
