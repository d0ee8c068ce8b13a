"""Draws what a rig's camera sees: an empty belt and flat printed things on it or held above it."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import Float64Array
from calibration.solve.views import project
from twin.belt_texture import painted_belt
from twin.rig.truth import RigTruth

Image = npt.NDArray[np.uint8]

_FINER: Final = 3
"""Printed things are drawn at this many samples a pixel and averaged, as a pixel's area does."""
_BELT_MM_PER_PX: Final = 1.6
_BELT_WIDTH_MM: Final = 1400.0
_BELT_LEFT_MM: Final = -200.0
_FRAME_GREY: Final = 110.0
"""Of the machine's frame beside the belt, with dark crosses stuck onto it on both sides."""
_CROSS_BESIDE_MM, _CROSS_S_MM = 15.0, 110.0
_CROSS_HALF_LONG_MM, _CROSS_HALF_THICK_MM = 8.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """A flat printed thing.

    Attributes:
        picture: (rows, columns) uint8 as it is read, row 0 at its upper edge.
        mm_per_px: its scale.
    """

    picture: Image
    mm_per_px: float

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        rows, columns = self.picture.shape
        return columns * self.mm_per_px, rows * self.mm_per_px


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A print somewhere before the camera.

    Attributes:
        thing: the print.
        turn: (3, 3) from the print's frame (x right, y up, z towards the reader) to the camera.
        shift_mm: (3,) the print's lower left corner in the camera frame.
    """

    thing: Print
    turn: Float64Array
    shift_mm: Float64Array


class Photographer:
    """Draws photographs of one rig. One thread."""

    def __init__(self, truth: RigTruth, *, seed: int) -> None:
        """Prepare lens and sensor.

        Args:
            truth: what to draw by.
            seed: of the noise.
        """
        self._truth = truth
        self._rng = np.random.default_rng([seed, 0xF070])
        width, height = truth.image_size_px
        self._rays = _rays(truth, width, height, 1)
        self._fine_rays = _rays(truth, width, height, _FINER)
        u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        self._ground = truth.plane.to_machine_mm(np.column_stack((u.ravel(), v.ravel()))).reshape(
            height, width, 2
        )
        radius2 = ((u - width / 2) / (width / 2)) ** 2 + ((v - height / 2) / (height / 2)) ** 2
        self.light = (1.0 - truth.vignette * radius2 / 2).astype(np.float32)
        """Share of the light that reaches each pixel, (height, width)."""
        self._crosses = _crosses(self._ground, truth.belt_width_mm)
        self.blur_px = truth.blur_px
        """Defocus, to be changed by whoever knocks at the lens."""

    def on_belt(
        self, thing: Print, x_mm: float, s_mm: float, turn_rad: float = 0.0, *, z_mm: float = 0.0
    ) -> Placed:
        """Lay a print onto the belt, its lower left corner at a place of the machine frame.

        Args:
            thing: the print.
            x_mm: of its corner.
            s_mm: of its corner.
            turn_rad: counter-clockwise.
            z_mm: above the belt.
        """
        truth = self._truth
        cos, sin = np.cos(turn_rad), np.sin(turn_rad)
        spin = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        corner = truth.turn @ np.array([x_mm, s_mm, z_mm]) + truth.shift_mm
        return Placed(thing=thing, turn=truth.turn @ spin, shift_mm=corner)

    def expose(self, travel_mm: float, things: tuple[Placed, ...], *, smear_mm: float) -> Image:
        """Draw one photograph.

        Args:
            travel_mm: of the belt, for its texture.
            things: in the picture, later ones on top.
            smear_mm: way of the belt during the exposure.

        Returns:
            (height, width, 3) uint8 BGR, read-only.
        """
        scene = self._belt(travel_mm)
        for placed in things:
            self._lay(scene, placed)
        return self._sensor(scene, smear_mm)

    def _belt(self, travel_mm: float) -> npt.NDArray[np.float32]:
        texture = _texture()
        columns = (self._ground[..., 0] - _BELT_LEFT_MM) / _BELT_MM_PER_PX
        rows = (travel_mm - self._ground[..., 1]) / _BELT_MM_PER_PX
        drawn = cv2.remap(
            texture,
            columns.astype(np.float32),
            (rows % len(texture)).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        off = (self._ground[..., 0] < 0) | (self._ground[..., 0] > self._truth.belt_width_mm)
        frame = np.asarray(drawn, dtype=np.float32)
        frame[off] = _FRAME_GREY * (1.0 - 0.8 * self._crosses[off])
        return frame

    def _lay(self, scene: npt.NDArray[np.float32], placed: Placed) -> None:
        box = self._box(placed)
        if box is None:
            return
        u0, v0, u1, v1 = box
        rays = self._fine_rays[v0 * _FINER : v1 * _FINER, u0 * _FINER : u1 * _FINER]
        thing = placed.thing
        # The ray meets the print's plane where the plane's homography says.
        to_print = np.linalg.inv(np.column_stack((placed.turn[:, :2], placed.shift_mm)))
        spots = rays @ to_print[:, :2].T.astype(np.float32) + to_print[:, 2].astype(np.float32)
        rows, _ = thing.picture.shape
        columns = spots[..., 0] / spots[..., 2] / thing.mm_per_px - 0.5
        lines = rows - spots[..., 1] / spots[..., 2] / thing.mm_per_px - 0.5
        drawn = cv2.remap(thing.picture, columns, lines, cv2.INTER_LINEAR)
        cover = cv2.remap(np.full_like(thing.picture, 255), columns, lines, cv2.INTER_LINEAR)
        size = (u1 - u0, v1 - v0)
        colour = cv2.resize(drawn.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        share = np.asarray(
            cv2.resize(cover.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32
        )
        part = scene[v0:v1, u0:u1]
        part *= 1.0 - share / 255.0
        part += colour

    def _box(self, placed: Placed) -> tuple[int, int, int, int] | None:
        width_mm, height_mm = placed.thing.size_mm
        edge = np.linspace(0.0, 1.0, 9)
        rim = np.concatenate(
            [
                np.column_stack(p)
                for p in (
                    (edge, 0 * edge),
                    (edge, 0 * edge + 1),
                    (0 * edge, edge),
                    (0 * edge + 1, edge),
                )
            ]
        ) * (width_mm, height_mm)
        points = np.column_stack((rim, np.zeros(len(rim)))) @ placed.turn.T + placed.shift_mm
        if (points[:, 2] <= 0).any():
            return None
        pixels = project(self._truth.lens.vector, points)
        low = np.floor(pixels.min(axis=0)).astype(int) - 2
        high = np.ceil(pixels.max(axis=0)).astype(int) + 2
        width, height = self._truth.image_size_px
        u0, v0 = max(int(low[0]), 0), max(int(low[1]), 0)
        u1, v1 = min(int(high[0]), width), min(int(high[1]), height)
        return (u0, v0, u1, v1) if u0 < u1 and v0 < v1 else None

    def _sensor(self, scene: npt.NDArray[np.float32], smear_mm: float) -> Image:
        truth = self._truth
        middle = self._ground.shape[0] // 2
        step = self._ground[middle + 1, 0] - self._ground[middle, 0]
        smear_px = smear_mm / max(float(np.hypot(*step)), 1e-6)
        if smear_px > 0.05:
            # A box of this length has the spread of a Gaussian of length / sqrt(12).
            scene = np.asarray(
                cv2.GaussianBlur(scene, (0, 0), sigmaX=0.01, sigmaY=smear_px / 12**0.5 + 0.01)
            )
        if self.blur_px > 0:
            scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), self.blur_px))
        lit = scene * self.light
        noise = self._rng.standard_normal(lit.shape, dtype=np.float32) * np.float32(truth.noise_sd)
        grey = np.clip(np.rint(lit + noise), 0, 255).astype(np.uint8)
        image = np.ascontiguousarray(np.repeat(grey[..., None], 3, axis=2))
        image.setflags(write=False)
        return image


def _rays(truth: RigTruth, width: int, height: int, finer: int) -> npt.NDArray[np.float32]:
    """Return x / z and y / z of the ray through each sample, (rows, columns, 2)."""
    u, v = np.meshgrid(
        (np.arange(width * finer) + 0.5) / finer, (np.arange(height * finer) + 0.5) / finer
    )
    points = np.column_stack((u.ravel(), v.ravel())).reshape(-1, 1, 2)
    rays = cv2.undistortPoints(points, truth.lens.camera_matrix, np.array(truth.lens.distortion))
    return np.asarray(rays, dtype=np.float32).reshape(height * finer, width * finer, 2)


def _crosses(ground: Float64Array, belt_width_mm: float) -> npt.NDArray[np.float32]:
    """Return how much of each pixel is covered by the crosses stuck beside the belt."""
    pixel_mm = float(np.hypot(*(ground[1, 0] - ground[0, 0])))
    covered = np.zeros(ground.shape[:2])
    for x in (-_CROSS_BESIDE_MM, belt_width_mm + _CROSS_BESIDE_MM):
        for s in (-_CROSS_S_MM, 0.0, _CROSS_S_MM):
            across, along = (np.abs(ground[..., i] - at) for i, at in enumerate((x, s)))
            for thin, long in ((across, along), (along, across)):
                arm = np.clip((_CROSS_HALF_THICK_MM - thin) / pixel_mm + 0.5, 0, 1)
                arm *= np.clip((_CROSS_HALF_LONG_MM - long) / pixel_mm + 0.5, 0, 1)
                covered = np.maximum(covered, arm)
    return covered.astype(np.float32)


@cache
def _texture() -> npt.NDArray[np.uint8]:
    belt = painted_belt(
        width_px=round(_BELT_WIDTH_MM / _BELT_MM_PER_PX), mm_per_px=_BELT_MM_PER_PX, seed=7
    )
    return np.ascontiguousarray(belt[:, :, 1])
