"""From pixels to belt millimetres: lens undistortion of points, then the belt-plane homography."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class BeltPlane:
    """Camera model and belt plane of one camera.

    Image frame: px, origin top left of the raw image. Machine frame: (x_mm, s_mm), see
    docs/frames-of-reference.md. Distortion is OpenCV's five-parameter model (k1, k2, p1, p2, k3).

    Attributes:
        camera_matrix: (3, 3) intrinsics of the raw image, px.
        distortion: (5,) lens distortion coefficients.
        homography: (3, 3) from undistorted px (same intrinsics) to machine mm.
        image_width_px: width of the raw image that the intrinsics belong to.
        image_height_px: height of that image.
    """

    camera_matrix: Float64Array
    distortion: Float64Array
    homography: Float64Array
    image_width_px: int
    image_height_px: int

    def __post_init__(self) -> None:
        """Check shapes and make the arrays read-only.

        Raises:
            ValueError: a matrix has the wrong shape or the homography is singular.
        """
        for name, shape in (
            ("camera_matrix", (3, 3)),
            ("distortion", (5,)),
            ("homography", (3, 3)),
        ):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape:
                msg = f"{name} must have shape {shape}, got {array.shape}"
                raise ValueError(msg)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        if abs(float(np.linalg.det(self.homography))) < 1e-12:
            msg = "homography is singular: the four belt points lie on one line"
            raise ValueError(msg)

    @property
    def image_shape(self) -> tuple[int, int]:
        """(height, width) px of the raw image."""
        return self.image_height_px, self.image_width_px

    @cached_property
    def _inverse_homography(self) -> Float64Array:
        return np.asarray(np.linalg.inv(self.homography), dtype=np.float64)

    def to_machine_mm(self, points_px: npt.ArrayLike) -> Float64Array:
        """Locate image points on the belt plane.

        Args:
            points_px: (n, 2) u, v in raw image px.

        Returns:
            (n, 2) x_mm, s_mm in the machine frame.
        """
        points = np.asarray(points_px, dtype=np.float64).reshape(-1, 1, 2)
        if not len(points):
            return np.empty((0, 2))
        undistorted = cv2.undistortPoints(
            points, self.camera_matrix, self.distortion, P=self.camera_matrix
        )
        return np.asarray(
            _apply(self.homography, np.asarray(undistorted, dtype=np.float64).reshape(-1, 2)),
            dtype=np.float64,
        )

    def to_image_px(self, points_mm: npt.ArrayLike) -> Float64Array:
        """Project belt points into the raw image.

        Args:
            points_mm: (n, 2) x_mm, s_mm in the machine frame.

        Returns:
            (n, 2) u, v in raw image px, lens distortion included.
        """
        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 2)
        ideal = _apply(self._inverse_homography, points)
        focal = self.camera_matrix[[0, 1], [0, 1]]
        centre = self.camera_matrix[:2, 2]
        x, y = ((ideal - centre) / focal).T
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        distorted = np.column_stack(
            (
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            )
        )
        return np.asarray(distorted * focal + centre, dtype=np.float64)


def _apply(homography: Float64Array, points: Float64Array) -> Float64Array:
    mapped = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:], dtype=np.float64)
