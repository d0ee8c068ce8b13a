"""Items' pictures, scaled and turned once, then pasted at fractions of a pixel in each frame."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from models.library import Sprite

_KEPT = 512
"""Turned patches kept: far more than lie in view, little enough for memory."""

_SHADOW_SD_MM = 6.0
_SHADOW_DEPTH = 0.55
_SHADOW_SLANT = 0.35
"""A lamp bar upstream throws a soft shadow downstream of the item, this share of its height."""

_MAX_SHADOW_MM = 25.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Patch:
    """A turned picture with its shadow.

    Attributes:
        colour: (h, w, 3) uint8, premultiplied by opacity.
        through: (h, w, 3) uint8, what the belt keeps: 255 minus opacity.
        origin_px: (column, row) of the item's origin in the patch.
    """

    colour: npt.NDArray[np.uint8]
    through: npt.NDArray[np.uint8]
    origin_px: tuple[float, float]


class PatchCache:
    """Draws items onto a scene of a given scale."""

    def __init__(self, sprites: Sequence[Sprite], *, mm_per_px: float) -> None:
        """Take the pictures.

        Args:
            sprites: indexed as in the item catalogue.
            mm_per_px: scale of the scene.
        """
        self._sprites, self._mm_per_px = tuple(sprites), mm_per_px
        self._kept: OrderedDict[int, _Patch] = OrderedDict()

    def draw(
        self,
        scene: npt.NDArray[np.uint8],
        *,
        item_id: int,
        sprite: int,
        angle_rad: float,
        centre_px: tuple[float, float],
    ) -> None:
        """Paste an item onto the scene, in place.

        Args:
            scene: (h, w, 3) uint8 BGR.
            item_id: under which the turned picture is kept.
            sprite: index of the picture.
            angle_rad: turn from columns towards rows.
            centre_px: column and row of the item's origin, counted from the scene's corner.
        """
        patch = self._kept.get(item_id)
        if patch is None:
            patch = self._turn(self._sprites[sprite], angle_rad)
            self._kept[item_id] = patch
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        left, top = centre_px[0] - patch.origin_px[0], centre_px[1] - patch.origin_px[1]
        _paste(scene, patch, left, top)

    def _turn(self, sprite: Sprite, angle_rad: float) -> _Patch:
        scale = sprite.mm_per_px / self._mm_per_px
        height, width = sprite.alpha.shape
        cos, sin = np.cos(angle_rad), np.sin(angle_rad)
        shadow_px = min(sprite.height_mm * _SHADOW_SLANT, _MAX_SHADOW_MM) / self._mm_per_px
        margin = int(np.ceil(shadow_px + 2 * _SHADOW_SD_MM / self._mm_per_px)) + 2
        across = int(np.ceil(scale * (abs(width * cos) + abs(height * sin)))) + 2 * margin
        along = int(np.ceil(scale * (abs(width * sin) + abs(height * cos)))) + 2 * margin
        turn = scale * np.array([[cos, -sin], [sin, cos]])
        centre = np.array([across / 2, along / 2])
        # Warps count from pixel centres: half a pixel in on either side.
        shift = centre - 0.5 - turn @ np.array([width / 2 - 0.5, height / 2 - 0.5])
        clear = sprite.alpha.astype(np.float32) / 255
        premultiplied = np.dstack((sprite.bgr * clear[:, :, None], clear)).astype(np.float32)
        turned = _shrink(premultiplied, np.column_stack((turn, shift)), scale, (across, along))
        opacity = np.asarray(np.clip(turned[:, :, 3], 0, 1), dtype=np.float32)
        shade = self._shadow(opacity, shadow_px) * (1 - opacity)
        through = np.clip((1 - opacity - shade) * 255, 0, 255).astype(np.uint8)
        return _Patch(
            colour=np.clip(turned[:, :, :3], 0, 255).astype(np.uint8),
            through=np.repeat(through[:, :, None], 3, axis=2),
            origin_px=(across / 2, along / 2),
        )

    def _shadow(
        self, opacity: npt.NDArray[np.float32], shadow_px: float
    ) -> npt.NDArray[np.float32]:
        # Rows run upstream, so downstream is up.
        down = np.array([[1, 0, 0], [0, 1, -shadow_px]], dtype=np.float64)
        moved = cv2.warpAffine(opacity, down, opacity.shape[::-1])
        soft = cv2.GaussianBlur(moved, (0, 0), max(0.5, _SHADOW_SD_MM / self._mm_per_px))
        return np.asarray(soft * _SHADOW_DEPTH, dtype=np.float32)


def _shrink(
    picture: npt.NDArray[np.float32],
    affine: npt.NDArray[np.float64],
    scale: float,
    size: tuple[int, int],
) -> npt.NDArray[np.float32]:
    """Warp with low-pass first, so that shrinking does not alias."""
    if scale < 1:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 / scale), dtype=np.float32)
    return np.asarray(cv2.warpAffine(picture, affine, size, flags=cv2.INTER_LINEAR), np.float32)


def _paste(scene: npt.NDArray[np.uint8], patch: _Patch, left: float, top: float) -> None:
    height, width = patch.through.shape[:2]
    column, row = int(np.floor(left)), int(np.floor(top))
    c0, r0 = max(column, 0), max(row, 0)
    c1, r1 = min(column + width + 1, scene.shape[1]), min(row + height + 1, scene.shape[0])
    if c0 >= c1 or r0 >= r1:
        return
    # Shift by the fraction and cut in one warp: destination pixel 0 is scene pixel (c0, r0).
    move = np.array([[1, 0, left - c0], [0, 1, top - r0]], dtype=np.float64)
    size = (c1 - c0, r1 - r0)
    colour = cv2.warpAffine(patch.colour, move, size)
    through = cv2.warpAffine(
        patch.through, move, size, borderMode=cv2.BORDER_CONSTANT, borderValue=(255, 255, 255)
    )
    under = scene[r0:r1, c0:c1]
    cv2.multiply(under, through, dst=through, scale=1 / 255)
    scene[r0:r1, c0:c1] = cv2.add(through, colour)
