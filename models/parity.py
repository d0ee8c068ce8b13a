"""Proof that an exported network is the trained one: same boxes, same scores, on fixed scenes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.belts import render_belt
from models.errors import ExportError
from models.library import render_sprite
from models.scene import ItemPool, SceneStyle, compose_scene
from vision.types import Fraction

if TYPE_CHECKING:
    from collections.abc import Callable

F32 = npt.NDArray[np.float32]

BOX_TOLERANCE_PX = 0.05
"""Far below the 1.5 mm a pixel spans on the finest view."""

SCORE_TOLERANCE = 1e-3
"""A hundredth of the smallest step between thresholds that anyone sets."""

_SEED = 20_261_123
_SHAPES = ((320, 320), (160, 320), (320, 640), (256, 448))
"""(height, width) px: every aspect goes through the dynamic axes, not only the traced one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Largest differences seen.

    Attributes:
        box_px: largest box coordinate difference of any candidate scoring at least 0.05.
        score: largest class score difference of any candidate.
        scenes: scenes compared.
    """

    box_px: float
    score: float
    scenes: int


def parity_inputs() -> tuple[F32, ...]:
    """Input tensors (1, 3, h, w) in 0..1, RGB, of fixed rendered scenes in several aspects."""
    rng = np.random.default_rng(_SEED)
    sprites = [render_sprite(f, _SEED + k) for f in Fraction for k in range(3)]
    pool, belt = ItemPool(sprites, 0.0), render_belt(rng)
    tensors = []
    for height_px, width_px in _SHAPES:
        style = SceneStyle(width_px=width_px, height_px=height_px, occupancy=(0.2, 0.2))
        bgr = compose_scene(rng, pool, belt, style).bgr
        rgb = bgr[:, :, ::-1].astype(np.float32) / np.float32(255)
        tensors.append(np.ascontiguousarray(rgb.transpose(2, 0, 1)[None]))
    return tuple(tensors)


def measure(first: Callable[[F32], F32], second: Callable[[F32], F32]) -> Parity:
    """Run both networks on the fixed scenes and compare every candidate."""
    box_px, score = 0.0, 0.0
    inputs = parity_inputs()
    for tensor in inputs:
        one, two = first(tensor)[0], second(tensor)[0]
        if one.shape != two.shape:
            msg = f"exported output {two.shape} differs from the trained network's {one.shape}"
            raise ExportError(msg)
        score = max(score, float(np.abs(one[4:] - two[4:]).max()))
        likely = one[4:].max(axis=0) >= 0.05
        if likely.any():
            box_px = max(box_px, float(np.abs(one[:4, likely] - two[:4, likely]).max()))
    return Parity(box_px=box_px, score=score, scenes=len(inputs))


def require(parity: Parity) -> None:
    """Refuse an export that differs.

    Raises:
        ExportError: a difference is above its tolerance.
    """
    if parity.box_px > BOX_TOLERANCE_PX or parity.score > SCORE_TOLERANCE:
        msg = (
            f"the exported network differs from the trained one: boxes by {parity.box_px:.3f} px "
            f"(allowed {BOX_TOLERANCE_PX}), scores by {parity.score:.5f} "
            f"(allowed {SCORE_TOLERANCE})"
        )
        raise ExportError(msg)
