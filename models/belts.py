"""Belt surfaces to compose on: rendered rubber, and photographs of real belts."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.cutouts import IMAGE_SUFFIXES
from models.render.surface import noise
from models.sources import Part, part_of

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

_RUBBER_BGR: tuple[tuple[float, float, float], ...] = (
    (42, 42, 42),
    (70, 72, 70),
    (62, 82, 48),
    (100, 75, 45),
    (105, 110, 112),
    (150, 155, 155),
    (195, 198, 196),
)
"""Black, dark grey, green, blue, grey and white belts, as belt makers sell them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belt:
    """A picture of empty belt.

    Attributes:
        bgr: (h, w, 3) uint8, read-only.
        source: "rendered" or the photograph's name.
    """

    bgr: U8
    source: str


def load_belts(folder: Path, part: Part) -> tuple[Belt, ...]:
    """The photographed belts of one part; unreadable files are warned about and left out."""
    belts: list[Belt] = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES):
        if part_of(f"belt{path.stem}") is not part:
            continue
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            _log.warning("%s is no image OpenCV can read; left out", path)
            continue
        belts.append(Belt(bgr=np.asarray(image, np.uint8), source=path.stem))
    return tuple(belts)


def render_belt(rng: np.random.Generator, size_px: int = 480) -> Belt:
    """A used rubber belt: base tone, weave, scratches along the run, stains, a splice by chance."""
    shape = (size_px, size_px)
    base = np.asarray(_RUBBER_BGR[int(rng.integers(len(_RUBBER_BGR)))], np.float32)
    tone = np.ones(shape, np.float32)
    tone += float(rng.uniform(0.02, 0.12)) * noise(rng, shape, 120, 3)
    tone += float(rng.uniform(0.01, 0.06)) * rng.standard_normal(shape).astype(np.float32)
    across = rng.standard_normal((1, size_px)).astype(np.float32)
    along = cv2.GaussianBlur(np.repeat(across, size_px, axis=0), (0, 0), 1.0)
    tone += float(rng.uniform(0, 0.1)) * along
    if rng.random() < 0.3:
        y_px, x_px = np.mgrid[0:size_px, 0:size_px].astype(np.float32)
        pitch_px = float(rng.uniform(4, 16))
        tone += 0.06 * np.sin(x_px * 2 * np.pi / pitch_px) * np.sin(y_px * 2 * np.pi / pitch_px)
    image = base * tone[:, :, None] * float(rng.uniform(0.7, 1.3))
    stain = np.clip(noise(rng, shape, 60, 3) - 1.2, 0, 1) * float(rng.uniform(0, 0.8))
    image = image * (1 - stain[:, :, None]) + np.array([50, 60, 70]) * stain[:, :, None]
    canvas = np.clip(image, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 6))):
        start = rng.integers(0, size_px, 2)
        end = start + rng.integers(-60, 60, 2)
        grey = float(rng.uniform(20, 200))
        cv2.line(canvas, start.tolist(), end.tolist(), (grey, grey, grey), 1, cv2.LINE_AA)
    if rng.random() < 0.25:
        row = int(rng.integers(20, size_px - 20))
        dark = (base * 0.5).tolist()
        cv2.line(canvas, (0, row), (size_px, row + int(rng.integers(-30, 30))), dark, 2)
    return Belt(bgr=canvas, source="rendered")


def belt_patch(rng: np.random.Generator, belt: Belt, size_px: tuple[int, int]) -> U8:
    """A random piece of belt of (width, height) px, turned, scaled and toned at random."""
    width_px, height_px = size_px
    source = belt.bgr
    side = int(min(source.shape[:2]) * rng.uniform(0.5, 1.0))
    y_px = int(rng.integers(0, source.shape[0] - side + 1))
    x_px = int(rng.integers(0, source.shape[1] - side + 1))
    piece = np.rot90(source[y_px : y_px + side, x_px : x_px + side], int(rng.integers(4)))
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    patch = cv2.resize(
        np.ascontiguousarray(piece), (width_px, height_px), interpolation=cv2.INTER_LINEAR
    ).astype(np.float32)
    if rng.random() < 0.5:
        base = np.asarray(_RUBBER_BGR[int(rng.integers(len(_RUBBER_BGR)))], np.float32)
        mean = patch.mean(axis=(0, 1))
        share = float(rng.uniform(0.3, 1.0))
        patch *= (1 - share) + share * base / np.maximum(mean, 8.0)
    return np.clip(patch, 0, 255).astype(np.uint8)
