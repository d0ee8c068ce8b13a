"""One composed belt picture: items at true scale, seen through a line's camera, with labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.belts import Belt, belt_patch
from vision.types import Fraction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.library import Sprite

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

LEAST_VISIBLE = 0.25
"""An item is labelled when at least this share of its footprint is seen."""

_FOOTPRINT, _SOLID = 26, 128
"""Alpha from which a pixel belongs to an item, and from which it hides what lies below."""

_LEAST_SIDE_PX = 4
_MOST_ITEMS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneStyle:
    """Ranges one scene is drawn from.

    Attributes:
        width_px: picture width.
        height_px: picture height.
        mm_per_px: range of the scale; 1 m of belt over 320 px is 3.1.
        occupancy: range of the share of belt covered, 0..1.
        resize: range of a photographed item's size factor, as photographs have no scale.
        clean: leave out glare, blur and exposure changes.
    """

    width_px: int = 320
    height_px: int = 320
    mm_per_px: tuple[float, float] = (1.5, 3.2)
    occupancy: tuple[float, float] = (0.0, 0.3)
    resize: tuple[float, float] = (0.8, 1.25)
    clean: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Box of the visible part of one item.

    Attributes:
        fraction: what it is.
        x0_px: left edge; image frame, pixels.
        y0_px: top edge.
        x1_px: right edge, exclusive.
        y1_px: bottom edge, exclusive.
        design: the sprite's design.
        source: the sprite's source.
    """

    fraction: Fraction
    x0_px: int
    y0_px: int
    x1_px: int
    y1_px: int
    design: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A picture with its labels.

    Attributes:
        bgr: uint8 (h, w, 3).
        labels: one per item visible enough.
        mm_per_px: scale it was composed at.
    """

    bgr: U8
    labels: tuple[Label, ...]
    mm_per_px: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Laid:
    sprite: Sprite
    bgr: U8
    alpha: U8
    x_px: int
    y_px: int


class ItemPool:
    """Sprites to draw from: fractions equally often, photographs by a set share."""

    def __init__(self, sprites: Sequence[Sprite], photo_share: float) -> None:
        """Group the sprites.

        Args:
            sprites: at least one.
            photo_share: chance of a photograph where a fraction has both kinds, 0..1.
        """
        groups: dict[Fraction, tuple[list[Sprite], list[Sprite]]] = {}
        for sprite in sprites:
            pair = groups.setdefault(sprite.fraction, ([], []))
            pair[sprite.source != "rendered"].append(sprite)
        self._groups = [groups[fraction] for fraction in Fraction if fraction in groups]
        self._photo_share = photo_share

    def draw(self, rng: Rng) -> Sprite:
        """One sprite."""
        rendered, photos = self._groups[int(rng.integers(len(self._groups)))]
        use_photo = bool(photos) and (not rendered or rng.random() < self._photo_share)
        chosen = photos if use_photo else rendered
        return chosen[int(rng.integers(len(chosen)))]


def compose_scene(rng: Rng, pool: ItemPool, belt: Belt, style: SceneStyle) -> Scene:
    """Lay items on a belt until it is occupied as drawn, then see it through a camera.

    The generator decides everything: the same state gives the same bytes.
    """
    mm_per_px = float(rng.uniform(*style.mm_per_px))
    canvas = belt_patch(rng, belt, (style.width_px, style.height_px)).astype(np.float32)
    wanted_px = float(rng.uniform(*style.occupancy)) * style.width_px * style.height_px
    laid: list[_Laid] = []
    covered_px = 0.0
    while len(laid) < _MOST_ITEMS:
        item = _lay(rng, pool.draw(rng), mm_per_px, style)
        _blend(canvas, item, rng)
        laid.append(item)
        covered_px += float(np.count_nonzero(item.alpha >= _FOOTPRINT))
        if covered_px >= wanted_px:
            break
    labels = _labels(laid, canvas.shape[:2])
    return Scene(bgr=_expose(rng, canvas, style), labels=labels, mm_per_px=mm_per_px)


def _lay(rng: Rng, sprite: Sprite, mm_per_px: float, style: SceneStyle) -> _Laid:
    factor = float(rng.uniform(*style.resize)) if sprite.source != "rendered" else 1.0
    scale = sprite.mm_per_px * factor / mm_per_px
    pixels = np.dstack((sprite.bgr, sprite.alpha))
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    size = (max(round(pixels.shape[1] * scale), 3), max(round(pixels.shape[0] * scale), 3))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    turned = _rotate(np.asarray(small, np.uint8), float(rng.uniform(0, 360)))
    height_px, width_px = turned.shape[:2]
    x_px = int(rng.uniform(-0.5 * width_px, style.width_px - 0.5 * width_px))
    y_px = int(rng.uniform(-0.5 * height_px, style.height_px - 0.5 * height_px))
    tone = rng.uniform(0.75, 1.2) * (1 + rng.normal(0, 0.03, 3))
    bgr = np.clip(turned[:, :, :3] * tone, 0, 255).astype(np.uint8)
    alpha = np.ascontiguousarray(turned[:, :, 3])
    return _Laid(sprite=sprite, bgr=bgr, alpha=alpha, x_px=x_px, y_px=y_px)


def _rotate(pixels: U8, angle_deg: float) -> U8:
    height_px, width_px = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width_px / 2, height_px / 2), angle_deg, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (
        int(np.ceil(height_px * sin + width_px * cos)) + 2,
        int(np.ceil(height_px * cos + width_px * sin)) + 2,
    )
    matrix[:, 2] += (size[0] / 2 - width_px / 2, size[1] / 2 - height_px / 2)
    alpha = pixels[:, :, 3]
    turned = cv2.warpAffine(
        pixels[:, :, :3], matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    turned_alpha = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
    return np.dstack((np.asarray(turned, np.uint8), np.asarray(turned_alpha, np.uint8)))


def _window(item: _Laid, shape: tuple[int, ...]) -> tuple[slice, slice, slice, slice]:
    """Rows and columns in the picture, then rows and columns in the item."""
    height_px, width_px = item.alpha.shape
    y0, x0 = max(item.y_px, 0), max(item.x_px, 0)
    y1, x1 = min(item.y_px + height_px, shape[0]), min(item.x_px + width_px, shape[1])
    return (
        slice(y0, max(y1, y0)),
        slice(x0, max(x1, x0)),
        slice(y0 - item.y_px, max(y1, y0) - item.y_px),
        slice(x0 - item.x_px, max(x1, x0) - item.x_px),
    )


def _blend(canvas: F32, item: _Laid, rng: Rng) -> None:
    shadow = _Laid(
        sprite=item.sprite,
        bgr=item.bgr,
        alpha=np.asarray(cv2.blur(item.alpha, (7, 7)), np.uint8),
        x_px=item.x_px + int(rng.integers(-3, 4)),
        y_px=item.y_px + int(rng.integers(-3, 4)),
    )
    depth = float(rng.uniform(0.1, 0.55)) / 255
    rows, cols, item_rows, item_cols = _window(shadow, canvas.shape)
    canvas[rows, cols] *= 1 - depth * shadow.alpha[item_rows, item_cols, None].astype(np.float32)
    rows, cols, item_rows, item_cols = _window(item, canvas.shape)
    cover = item.alpha[item_rows, item_cols, None].astype(np.float32) / 255
    canvas[rows, cols] += (item.bgr[item_rows, item_cols] - canvas[rows, cols]) * cover


def _labels(laid: Sequence[_Laid], shape: tuple[int, ...]) -> tuple[Label, ...]:
    """Boxes of what is seen, found from the topmost item down."""
    hidden = np.zeros(shape[:2], bool)
    labels: list[Label] = []
    for item in reversed(laid):
        rows, cols, item_rows, item_cols = _window(item, shape)
        alpha = item.alpha[item_rows, item_cols]
        seen = (alpha >= _FOOTPRINT) & ~hidden[rows, cols]
        hidden[rows, cols] |= alpha >= _SOLID
        footprint = np.count_nonzero(item.alpha >= _FOOTPRINT)
        if np.count_nonzero(seen) < LEAST_VISIBLE * footprint or not seen.any():
            continue
        y_seen, x_seen = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        label = Label(
            fraction=item.sprite.fraction,
            x0_px=int(cols.start + x_seen[0]),
            y0_px=int(rows.start + y_seen[0]),
            x1_px=int(cols.start + x_seen[-1] + 1),
            y1_px=int(rows.start + y_seen[-1] + 1),
            design=item.sprite.design,
            source=item.sprite.source,
        )
        if min(label.x1_px - label.x0_px, label.y1_px - label.y0_px) >= _LEAST_SIDE_PX:
            labels.append(label)
    return tuple(reversed(labels))


def _expose(rng: Rng, canvas: F32, style: SceneStyle) -> U8:
    """Uneven light, glare bands, motion blur along the belt (v), white balance, noise."""
    if style.clean:
        return np.clip(canvas, 0, 255).astype(np.uint8)
    height_px, width_px = canvas.shape[:2]
    across = np.linspace(-1, 1, width_px, dtype=np.float32)
    light = 1 + float(rng.normal(0, 0.08)) * across - float(rng.uniform(0, 0.2)) * across**2
    picture = canvas * light[None, :, None]
    if rng.random() < 0.25:
        place, width = float(rng.uniform(-1, 1)), float(rng.uniform(0.02, 0.12))
        band = np.exp(-(((across - place) / width) ** 2)) * float(rng.uniform(10, 90))
        picture += band[None, :, None]
    blur_px = int(rng.integers(0, 5))
    if blur_px > 1:
        picture = np.asarray(cv2.blur(picture, (1, blur_px)), np.float32)
    if rng.random() < 0.3:
        sigma_px = float(rng.uniform(0.4, 1.0))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.float32)
    gain = float(rng.uniform(0.7, 1.3)) * (1 + rng.normal(0, 0.04, 3))
    picture = picture * gain.astype(np.float32)
    grain = np.empty((height_px, width_px, 3), np.float32)
    cv2.setRNGSeed(int(rng.integers(2**31 - 1)))
    cv2.randn(grain, np.zeros(3), np.ones(3))
    picture += grain * float(rng.uniform(0.5, 6))
    return np.clip(picture, 0, 255).astype(np.uint8)
