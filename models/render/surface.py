"""A working canvas in millimetres and the shader that turns it into a sprite.

Frame: x along the item's long axis, y across it, both in mm with 0 at the canvas centre; height
above the belt in mm. Colours are RGB in 0..1 until `shade` writes BGR bytes. One canvas pixel is
`MM_PER_PX` mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
RGB = tuple[float, float, float]
Rng = np.random.Generator

MM_PER_PX = 1.0
"""Finer than any line's view (1.5 mm per pixel and up), so that sprites are only ever shrunk."""


class Surface:
    """Colour, height, opacity and shine of one item, painted layer by layer."""

    def __init__(self, length_mm: float, width_mm: float, margin_mm: float = 8.0) -> None:
        """Clear canvas that holds an item of the given size plus a margin on every side."""
        w_px = int(np.ceil((length_mm + 2 * margin_mm) / MM_PER_PX))
        h_px = int(np.ceil((width_mm + 2 * margin_mm) / MM_PER_PX))
        self.shape = (h_px, w_px)
        across = (np.arange(h_px, dtype=np.float32) - (h_px - 1) / 2) * MM_PER_PX
        along = (np.arange(w_px, dtype=np.float32) - (w_px - 1) / 2) * MM_PER_PX
        self.y_mm: F32 = np.repeat(across[:, None], w_px, axis=1)
        self.x_mm: F32 = np.repeat(along[None, :], h_px, axis=0)
        self.albedo: F32 = np.zeros((h_px, w_px, 3), np.float32)
        self.height_mm: F32 = np.zeros(self.shape, np.float32)
        self.alpha: F32 = np.zeros(self.shape, np.float32)
        self.specular: F32 = np.zeros(self.shape, np.float32)
        self.gloss: F32 = np.full(self.shape, 20.0, np.float32)

    def cover(self, sdf_mm: F32) -> F32:
        """Anti-aliased coverage 0..1 of the inside of a signed distance field."""
        return np.asarray(np.clip(0.5 - sdf_mm / MM_PER_PX, 0.0, 1.0), np.float32)

    def paint(
        self,
        cover: F32,
        colour: RGB | F32,
        *,
        opacity: float | F32 | None = None,
        height_mm: float | F32 | None = None,
        specular: float | None = None,
        gloss: float | None = None,
    ) -> None:
        """Lay a coat over `cover`; a property left out keeps what lies below it."""
        c3 = cover[:, :, None]
        self.albedo = self.albedo * (1 - c3) + np.asarray(colour, np.float32) * c3
        if opacity is not None:
            self.alpha = _over(self.alpha, opacity, cover)
        if height_mm is not None:
            self.height_mm = _over(self.height_mm, height_mm, cover)
        if specular is not None:
            self.specular = _over(self.specular, specular, cover)
        if gloss is not None:
            self.gloss = _over(self.gloss, gloss, (cover > 0.5).astype(np.float32))

    def bump(self, delta_mm: F32) -> None:
        """Add relief to the height field."""
        self.height_mm = (self.height_mm + delta_mm).astype(np.float32)

    def tint(self, factor: F32) -> None:
        """Multiply the colour by a field (h, w)."""
        self.albedo = (self.albedo * factor[:, :, None]).astype(np.float32)

    def box(
        self, cx_mm: float, cy_mm: float, length_mm: float, width_mm: float, radius_mm: float = 0.0
    ) -> F32:
        """Coverage of a rounded rectangle."""
        return self.cover(
            box_sdf(self.x_mm - cx_mm, self.y_mm - cy_mm, length_mm, width_mm, radius_mm)
        )

    def disc(self, cx_mm: float, cy_mm: float, radius_mm: float) -> F32:
        """Coverage of a disc."""
        distance = np.hypot(self.x_mm - cx_mm, self.y_mm - cy_mm) - radius_mm
        return self.cover(distance.astype(np.float32))

    def polygon(self, points_mm: Sequence[tuple[float, float]]) -> F32:
        """Coverage of a filled polygon."""
        h_px, w_px = self.shape
        centre = np.array([(w_px - 1) / 2, (h_px - 1) / 2])
        corners = np.round((np.asarray(points_mm) / MM_PER_PX + centre) * 16).astype(np.int32)
        mask: U8 = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [corners], (255,), cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255.0

    def stroke(self, points_mm: F32, width_mm: float) -> tuple[F32, F32]:
        """Coverage and round-section height of a thick curve.

        Args:
            points_mm: (n, 2) x, y along the curve.
            width_mm: diameter of the section.
        """
        h_px, w_px = self.shape
        centre = np.array([(w_px - 1) / 2, (h_px - 1) / 2])
        corners = np.round((points_mm / MM_PER_PX + centre) * 16).astype(np.int32)
        line: U8 = np.full(self.shape, 255, np.uint8)
        cv2.polylines(line, [corners], isClosed=False, color=(0,), thickness=1, shift=4)
        distance = cv2.distanceTransform(line, cv2.DIST_L2, 5).astype(np.float32) * MM_PER_PX
        inside = np.clip((width_mm / 2) ** 2 - distance**2, 0.0, None)
        return self.cover(distance - np.float32(width_mm / 2)), np.sqrt(inside).astype(np.float32)

    def lathe(
        self, x0_mm: float, x1_mm: float, radius: Callable[[F32], F32], cy_mm: float = 0.0
    ) -> tuple[F32, F32]:
        """Coverage and height of a solid of revolution lying along x between x0 and x1."""
        radius_mm = radius(self.x_mm)
        y_mm = self.y_mm - cy_mm
        ends = np.maximum(x0_mm - self.x_mm, self.x_mm - x1_mm)
        sdf = np.maximum(np.abs(y_mm) - radius_mm, ends).astype(np.float32)
        height = np.sqrt(np.clip(radius_mm**2 - y_mm**2, 0.0, None)) + radius_mm
        return self.cover(sdf), height.astype(np.float32)


def _over(below: F32, value: float | F32, cover: F32) -> F32:
    return (below * (1 - cover) + np.asarray(value, np.float32) * cover).astype(np.float32)


def box_sdf(x_mm: F32, y_mm: F32, length_mm: float, width_mm: float, radius_mm: float) -> F32:
    """Signed distance to a rounded rectangle centred at 0 (Quilez's form)."""
    dx = np.abs(x_mm) - (length_mm / 2 - radius_mm)
    dy = np.abs(y_mm) - (width_mm / 2 - radius_mm)
    outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
    return (outside + np.minimum(np.maximum(dx, dy), 0) - radius_mm).astype(np.float32)


def noise(rng: Rng, shape: tuple[int, int], scale_px: float, octaves: int = 1) -> F32:
    """Smooth noise of about unit amplitude, (h, w), with features of `scale_px`."""
    h_px, w_px = shape
    total = np.zeros(shape, np.float32)
    gain = 1.0
    for octave in range(octaves):
        step_px = max(scale_px / 2**octave, 1.0)
        cells = (int(h_px / step_px) + 3, int(w_px / step_px) + 3)
        grid = rng.standard_normal(cells).astype(np.float32)
        total += gain * cv2.resize(grid, (w_px, h_px), interpolation=cv2.INTER_CUBIC)
        gain *= 0.55
    return total


def creases(rng: Rng, shape: tuple[int, int], count: int, depth_mm: float) -> F32:
    """Height field (h, w) of straight random folds, as in crumpled sheet."""
    h_px, w_px = shape
    y_px, x_px = np.mgrid[0:h_px, 0:w_px].astype(np.float32)
    total = np.zeros(shape, np.float32)
    for _ in range(count):
        angle_rad = rng.uniform(0, np.pi)
        offset_px = rng.uniform(-0.5, 0.5) * float(np.hypot(h_px, w_px)) * 0.7
        side = (x_px - w_px / 2) * np.cos(angle_rad) + (y_px - h_px / 2) * np.sin(angle_rad)
        total += rng.uniform(0.3, 1.0) * np.abs(side - offset_px) * rng.choice((-1.0, 1.0))
    spread = float(np.std(total)) or 1.0
    return (total / spread * depth_mm).astype(np.float32)


def jitter(rng: Rng, colour: RGB, amount: float = 0.06) -> RGB:
    """A neighbouring colour."""
    shift = rng.normal(0, amount) + rng.normal(0, amount / 4, 3)
    shifted = np.clip(np.asarray(colour) + shift, 0.01, 0.99)
    return (float(shifted[0]), float(shifted[1]), float(shifted[2]))


def pick(rng: Rng, colours: Sequence[RGB], amount: float = 0.06) -> RGB:
    """One of the colours, varied."""
    return jitter(rng, colours[int(rng.integers(len(colours)))], amount)


def vivid(rng: Rng) -> RGB:
    """A random saturated print colour."""
    hsv = np.array([[[rng.uniform(0, 180), rng.uniform(120, 255), rng.uniform(90, 250)]]], np.uint8)
    r, g, b = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(float) / 255.0
    return (float(r), float(g), float(b))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Light and wear of one rendering.

    Attributes:
        lights: direction vectors (x, y, z) towards the lamps over the belt.
        ambient: share of the light that comes from everywhere, 0..1.
        dirt: 0 clean to 1 filthy.
        grain: standard deviation of surface texture, in units of full scale.
    """

    lights: tuple[tuple[float, float, float], ...]
    ambient: float
    dirt: float
    grain: float


def random_look(rng: Rng) -> Look:
    """Two luminaires above the belt, as sorting cabins have, at random places."""
    first = (float(rng.uniform(-0.9, 0.9)), float(rng.uniform(-0.9, 0.9)), 1.3)
    second = (float(-first[0] + rng.uniform(-0.3, 0.3)), float(-first[1]), 1.5)
    return Look(
        lights=(first, second),
        ambient=float(rng.uniform(0.35, 0.65)),
        dirt=float(rng.beta(1.2, 4.0)),
        grain=float(rng.uniform(0.004, 0.02)),
    )


def shade(surface: Surface, look: Look, rng: Rng) -> tuple[U8, U8]:
    """Lambert diffuse plus Blinn highlights over the height field.

    Returns:
        BGR (h, w, 3) and alpha (h, w), uint8, cropped to the item.
    """
    height = cv2.GaussianBlur(surface.height_mm, (0, 0), 0.8)
    slope_y, slope_x = np.gradient(height, MM_PER_PX)
    normal = np.dstack((-slope_x, -slope_y, np.ones_like(height)))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    diffuse = np.zeros(surface.shape, np.float32)
    shine = np.zeros(surface.shape, np.float32)
    for light in look.lights:
        to_light = np.asarray(light) / np.linalg.norm(light)
        half = to_light + np.array([0.0, 0.0, 1.0])
        half /= np.linalg.norm(half)
        diffuse += np.clip(normal @ to_light, 0, None) / to_light[2] / len(look.lights)
        shine += np.clip(normal @ half, 0, None) ** surface.gloss * surface.specular
    lit = surface.albedo * (look.ambient + (1 - look.ambient) * diffuse)[:, :, None]
    lit = _soil(lit, look, surface.shape, rng) + shine[:, :, None]
    solid = (surface.alpha > 0.02).astype(np.float32)
    rim = 0.8 * (1 - normal[:, :, 2]) * solid
    alpha = np.clip(np.maximum(surface.alpha, np.maximum(rim, shine) * solid), 0, 1)
    bgr = np.clip(lit[:, :, ::-1] * 255, 0, 255).astype(np.uint8)
    return crop(bgr, main_part(np.round(alpha * 255).astype(np.uint8)))


def _soil(lit: F32, look: Look, shape: tuple[int, int], rng: Rng) -> F32:
    patch = np.clip(noise(rng, shape, 30, 3) * 0.5 + look.dirt - 0.25, 0, 1) * look.dirt
    brown = np.array([0.27, 0.22, 0.17], np.float32) * float(rng.uniform(0.5, 1.3))
    soiled = lit * (1 - patch[:, :, None]) + brown * patch[:, :, None]
    grain = rng.normal(0, look.grain, (*shape, 1)) + rng.normal(0, look.grain / 2, (*shape, 3))
    return np.asarray(soiled * (1 + 4 * grain), np.float32)


def main_part(alpha: U8, least_share: float = 0.15) -> U8:
    """Clear every island smaller than `least_share` of the largest part."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 12).astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    if areas.size < 3:
        return alpha
    keep = areas >= least_share * areas[1:].max()
    keep[0] = True
    return np.where(keep[labels], alpha, 0).astype(np.uint8)


def crop(bgr: U8, alpha: U8, threshold: int = 12) -> tuple[U8, U8]:
    """Cut both down to the box where alpha exceeds the threshold."""
    rows = np.flatnonzero((alpha > threshold).any(axis=1))
    cols = np.flatnonzero((alpha > threshold).any(axis=0))
    if rows.size == 0:
        return bgr, alpha
    box = (slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1))
    return np.ascontiguousarray(bgr[box]), np.ascontiguousarray(alpha[box])
