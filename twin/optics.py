"""The rendered camera: belt and items as they are at an instant, through lens, dirt and sensor.

The scene is composed flat, in belt millimetres, and then bent once into the raw image by the same
camera model that the calibration holds; where an item appears is where `BeltPlane` says.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.belt_plane import BeltPlane
from models.library import Sprite
from twin.belt_items import BeltItems
from twin.belt_texture import painted_belt, photographed_belt
from twin.config import TwinConfig
from twin.patches import PatchCache

Image = npt.NDArray[np.uint8]

_CANVAS_MARGIN_MM = 40.0
"""Scene composed beyond the image's corners, so that the lens's bend finds something there."""

_NOISE_MARGIN_PX = 64
_MIN_STREAK_PX = 0.3


class Renderer:
    """Draws frames. Buffers are reused; one thread."""

    def __init__(
        self,
        *,
        config: TwinConfig,
        plane: BeltPlane,
        sprites: Sequence[Sprite],
        belts: Path | None = None,
    ) -> None:
        """Prepare belt, lens and sensor.

        Args:
            config: of the world.
            plane: camera to draw by.
            sprites: pictures of the items, indexed as in the catalogue.
            belts: folder of photographs of belts to lay under the items; None paints one.

        Raises:
            FileNotFoundError: the folder holds no readable picture.
        """
        self._config, self._camera = config, config.camera
        self._mm_per_px, self._corner_mm, size = _canvas_frame(plane)
        self._canvas = np.zeros((size[1], size[0], 3), np.uint8)
        self._patches = PatchCache(sprites, mm_per_px=self._mm_per_px)
        seed = config.belt.texture_seed
        self._belt = (
            painted_belt(width_px=size[0], mm_per_px=self._mm_per_px, seed=seed)
            if belts is None
            else photographed_belt(belts, width_px=size[0], mm_per_px=self._mm_per_px, seed=seed)
        )
        self._map_uv, self._map_fraction = self._lens_maps(plane)
        self._gain = _window_gain(config, (plane.image_height_px, plane.image_width_px))
        self._noise = _noise_bank(config, (plane.image_height_px, plane.image_width_px))

    def _lens_maps(self, plane: BeltPlane) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint16]]:
        height, width = plane.image_height_px, plane.image_width_px
        v, u = np.mgrid[0:height, 0:width]
        # Pixel centres lie at integer coordinates for OpenCV's warps; image coordinates of boxes
        # count from the pixel's corner, half a pixel less.
        raw = np.column_stack((u.ravel() + 0.5, v.ravel() + 0.5))
        scene = (self._to_canvas(plane.to_machine_mm(raw)) - 0.5).astype(np.float32)
        first, second = cv2.convertMaps(
            scene[:, 0].reshape(height, width),
            scene[:, 1].reshape(height, width),
            cv2.CV_16SC2,
        )
        return np.asarray(first, dtype=np.int16), np.asarray(second, dtype=np.uint16)

    def _to_canvas(self, points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Machine millimetres to canvas px: columns along x, rows upstream."""
        offset = (points_mm - self._corner_mm) * (1.0, -1.0)
        return np.asarray(offset / self._mm_per_px, dtype=np.float64)

    def render(
        self, items: BeltItems, *, travel_mm: float, speed_mm_per_s: float, seq: int
    ) -> Image:
        """Draw one frame.

        Args:
            items: what may be in view, in order of feeding: later ones lie on top.
            travel_mm: belt travel at mid exposure.
            speed_mm_per_s: belt speed, for the smear of the exposure.
            seq: frame number, chooses the noise.

        Returns:
            (height, width, 3) uint8 BGR, raw image frame, read-only, not reused.
        """
        self._lay_belt(travel_mm)
        origins = items.origins_mm(travel_mm)
        origins[:, 1] = travel_mm - origins[:, 1]
        for item, centre in zip(range(len(items)), self._to_canvas(origins), strict=True):
            if items.sprite[item] >= 0:
                self._patches.draw(
                    self._canvas,
                    item_id=int(items.item_id[item]),
                    sprite=int(items.sprite[item]),
                    angle_rad=float(items.angle_rad[item]),
                    centre_px=(float(centre[0]), float(centre[1])),
                )
        streak_px = speed_mm_per_s * self._camera.exposure_ms * 1e-3 / self._mm_per_px
        return self._expose(streak_px, seq)

    def _lay_belt(self, travel_mm: float) -> None:
        """Copy the stretch of belt under the camera; texture moves in whole canvas pixels."""
        rows, length = len(self._canvas), len(self._belt)
        first = round((travel_mm - self._corner_mm[1]) / self._mm_per_px) % length
        head = min(rows, length - first)
        self._canvas[:head] = self._belt[first : first + head]
        if head < rows:
            self._canvas[head:] = self._belt[: rows - head]

    def _expose(self, streak_px: float, seq: int) -> Image:
        scene = self._canvas
        if streak_px >= _MIN_STREAK_PX:
            scene = np.asarray(cv2.filter2D(scene, -1, _streak(streak_px)), dtype=np.uint8)
        image = cv2.remap(scene, self._map_uv, self._map_fraction, cv2.INTER_LINEAR)
        if self._camera.blur_sd_px > 0:
            cv2.GaussianBlur(image, (0, 0), self._camera.blur_sd_px, dst=image)
        cv2.multiply(image, self._gain, dst=image, scale=1 / 255)
        if self._camera.noise_sd > 0:
            height, width = image.shape[:2]
            row, column = (seq * 29) % _NOISE_MARGIN_PX, (seq * 17) % _NOISE_MARGIN_PX
            noise = self._noise[row : row + height, column : column + width]
            cv2.addWeighted(image, 1.0, noise, 1.0, -128.0, dst=image)
        result = np.asarray(image, dtype=np.uint8)
        result.setflags(write=False)
        return result


def _canvas_frame(
    plane: BeltPlane,
) -> tuple[float, npt.NDArray[np.float64], tuple[int, int]]:
    """Return the scene's scale, its corner (least x, greatest s) and its (width, height) px."""
    width, height = float(plane.image_width_px), float(plane.image_height_px)
    edge = np.linspace(0.0, 1.0, 17)
    zero, one = np.zeros_like(edge), np.ones_like(edge)
    border = np.concatenate(
        [np.column_stack(p) for p in ((edge, zero), (edge, one), (zero, edge), (one, edge))]
    )
    corners_mm = plane.to_machine_mm(border * (width, height))
    low = corners_mm.min(axis=0) - _CANVAS_MARGIN_MM
    high = corners_mm.max(axis=0) + _CANVAS_MARGIN_MM
    middle = plane.to_machine_mm([[width / 2 - 0.5, height / 2], [width / 2 + 0.5, height / 2]])
    mm_per_px = float(np.linalg.norm(middle[1] - middle[0]))
    columns, rows = np.ceil((high - low) / mm_per_px).astype(int).tolist()
    return mm_per_px, np.array([low[0], high[1]]), (columns, rows)


def _streak(length_px: float) -> npt.NDArray[np.float32]:
    """Return a box kernel along the rows' axis, of fractional length."""
    half = int(np.ceil((length_px - 1) / 2)) if length_px > 1 else 1
    places = np.arange(-half, half + 1, dtype=np.float64)
    covered = np.minimum(places + 0.5, length_px / 2) - np.maximum(places - 0.5, -length_px / 2)
    kernel = np.clip(covered, 0.0, 1.0)
    return np.asarray((kernel / kernel.sum())[:, None], dtype=np.float32)


def _window_gain(config: TwinConfig, shape: tuple[int, int]) -> Image:
    """Return the light that reaches each pixel, 255 is all: vignette and dirt on the window."""
    rng = np.random.default_rng([config.seed, 3])
    height, width = shape
    v, u = np.mgrid[0:height, 0:width].astype(np.float64)
    radius = np.hypot((u - width / 2) / (width / 2), (v - height / 2) / (height / 2))
    gain = 1.0 - config.camera.vignette * radius**2 / 2
    for _ in range(config.camera.dirt_spots):
        at = rng.uniform((0, 0), (width, height))
        size_px, depth = rng.uniform(2, 7), rng.uniform(0.1, 0.4)
        gain *= 1 - depth * np.exp(-((u - at[0]) ** 2 + (v - at[1]) ** 2) / (2 * size_px**2))
    light = np.clip(gain * config.camera.light * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(light[:, :, None], 3, axis=2))


def _noise_bank(config: TwinConfig, shape: tuple[int, int]) -> Image:
    rng = np.random.default_rng([config.seed, 4])
    size = (shape[0] + _NOISE_MARGIN_PX, shape[1] + _NOISE_MARGIN_PX, 3)
    noise = rng.standard_normal(size, dtype=np.float32) * config.camera.noise_sd + 128.0
    return np.asarray(np.clip(np.rint(noise), 0, 255), dtype=np.uint8)
