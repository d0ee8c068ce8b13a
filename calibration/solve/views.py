"""What the geometry is solved from: views of the board, held by hand or lying on the belt."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.board.spec import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """Corners of the board in one photograph.

    Attributes:
        board_mm: (n, 2) where the corners are on the board, board frame.
        corners_px: (n, 2) where they are in the image, image frame.
    """

    board_mm: Float64Array
    corners_px: Float64Array

    def __post_init__(self) -> None:
        """Check shapes.

        Raises:
            ValueError: the arrays do not belong together.
        """
        if self.board_mm.shape != self.corners_px.shape or self.board_mm.shape[1:] != (2,):
            msg = f"expected equal (n, 2), got {self.board_mm.shape} and {self.corners_px.shape}"
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return the number of corners."""
        return len(self.board_mm)


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltView:
    """The board lying on the belt.

    Attributes:
        view: its corners.
        tick: encoder count when it was photographed, belt at rest.
        laying: counts how often the board had been laid anew; 0 is the reference laying.
    """

    view: BoardView
    tick: float
    laying: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """Intrinsics of a camera, OpenCV's five-parameter lens model.

    Attributes:
        focal_px: (fx, fy).
        centre_px: (cx, cy), image frame.
        distortion: k1, k2, p1, p2, k3.
    """

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float]

    @property
    def camera_matrix(self) -> Float64Array:
        """The (3, 3) camera matrix."""
        (fx, fy), (cx, cy) = self.focal_px, self.centre_px
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @classmethod
    def from_vector(cls, vector: npt.ArrayLike) -> "Lens":
        """Return the lens of fx, fy, cx, cy, k1, k2, p1, p2, k3."""
        fx, fy, cx, cy, k1, k2, p1, p2, k3 = (float(value) for value in np.asarray(vector))
        return cls(focal_px=(fx, fy), centre_px=(cx, cy), distortion=(k1, k2, p1, p2, k3))

    @property
    def vector(self) -> Float64Array:
        """The nine parameters in `from_vector`'s order."""
        return np.array([*self.focal_px, *self.centre_px, *self.distortion])


LENS_NAMES = ("fx_px", "fy_px", "cx_px", "cy_px", "k1", "k2", "p1", "p2", "k3")


def project(lens: npt.ArrayLike, points_mm: Float64Array) -> Float64Array:
    """Project points in camera coordinates.

    Args:
        lens: the nine parameters.
        points_mm: (n, 3) camera frame: x right, y down, z away from the camera.

    Returns:
        (n, 2) image frame px.
    """
    fx, fy, cx, cy, k1, k2, p1, p2, k3 = np.asarray(lens, dtype=np.float64)
    x, y = points_mm[:, 0] / points_mm[:, 2], points_mm[:, 1] / points_mm[:, 2]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.column_stack(
        (
            fx * (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x)) + cx,
            fy * (y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y) + cy,
        )
    )


def rotations(vectors: Float64Array) -> Float64Array:
    """Return the (n, 3, 3) rotations of (n, 3) Rodrigues vectors."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = (vectors / np.where(angle > 0, angle, 1.0)[:, :, 0]).T
    zero = np.zeros_like(x)
    skew = np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)
    return np.asarray(
        np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * (skew @ skew), dtype=np.float64
    )
