"""Pictures of an empty belt, painted or made from photographs, whose two ends join."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

_BELT_LENGTH_MM = 6000.0
_RIM_SHARE = 0.02
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


def painted_belt(*, width_px: int, mm_per_px: float, seed: int) -> Image:
    """Paint a dark rubber belt: grain, stains, scratches along the run, worn edges.

    Args:
        width_px: width of the scene.
        mm_per_px: its scale.
        seed: of everything random.

    Returns:
        (length, width_px, 3) uint8 BGR; the last row is followed by the first.
    """
    rng = np.random.default_rng([seed, 5])
    length_px = round(_BELT_LENGTH_MM / mm_per_px)
    shape = (length_px, width_px)
    grey = np.full(shape, rng.uniform(42, 70), dtype=np.float32)
    for size_mm, depth in ((4.0, 5.0), (40.0, 5.0), (250.0, 6.0)):
        grey += depth * _clouds(rng, shape, size_mm / mm_per_px)
    for _ in range(25):
        column, at = int(rng.integers(width_px)), int(rng.integers(length_px))
        run = int(rng.uniform(80, 900) / mm_per_px)
        grey[np.arange(at, at + run) % length_px, column] += rng.uniform(4, 16)
    tint = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 0.03, 3)
    grain = rng.normal(0, 2.0, (*shape, 1)).astype(np.float32)
    return np.clip(grey[:, :, None] * tint + grain, 0, 255).astype(np.uint8)


def _clouds(
    rng: np.random.Generator, shape: tuple[int, int], size_px: float
) -> npt.NDArray[np.float32]:
    """Return smooth noise of unit spread whose rows wrap round."""
    step = max(1, round(size_px / 2))
    coarse_shape = (max(2, shape[0] // step), max(2, shape[1] // step))
    coarse = rng.standard_normal(coarse_shape).astype(np.float32)
    pad = 4
    wrapped = np.concatenate((coarse[-pad:], coarse, coarse[:pad]))
    wrapped = np.asarray(cv2.GaussianBlur(wrapped, (0, 0), 1.0), dtype=np.float32)
    stretch = shape[0] / coarse_shape[0]
    tall = round(len(wrapped) * stretch)
    smooth = np.asarray(cv2.resize(wrapped, (shape[1], tall), interpolation=cv2.INTER_CUBIC))
    first = round(pad * stretch)
    cut = smooth[first : first + shape[0]]
    return np.asarray(cut / max(float(cut.std()), 1e-6), dtype=np.float32)


def photographed_belt(folder: Path, *, width_px: int, mm_per_px: float, seed: int) -> Image:
    """Lay photographs of a belt end to end, each mirrored after itself so that the joints match.

    Args:
        folder: of pictures; each is taken to show the belt's full width.
        width_px: width of the scene.
        mm_per_px: its scale.
        seed: chooses and orders the pictures.

    Returns:
        (length, width_px, 3) uint8 BGR; the last row is followed by the first.

    Raises:
        FileNotFoundError: the folder holds no readable picture.
    """
    rng = np.random.default_rng([seed, 6])
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in _SUFFIXES)
    strips: list[Image] = []
    length = 0
    for index in rng.permutation(len(paths)):
        picture = cv2.imread(str(paths[index]), cv2.IMREAD_COLOR)
        if picture is None:
            continue
        # Photographs often carry a dark rim.
        rim = [int(side * _RIM_SHARE) for side in picture.shape[:2]]
        inner = picture[rim[0] : picture.shape[0] - rim[0], rim[1] : picture.shape[1] - rim[1]]
        height = max(2, round(inner.shape[0] * width_px / inner.shape[1]))
        flat = cv2.resize(inner, (width_px, height), interpolation=cv2.INTER_AREA)
        strips += [np.asarray(flat, np.uint8), np.asarray(flat[::-1], np.uint8)]
        length += 2 * height
        if length * mm_per_px >= _BELT_LENGTH_MM:
            break
    if not strips:
        msg = f"{folder}: no readable picture of a belt (jpg, png, webp, bmp)"
        raise FileNotFoundError(msg)
    return np.concatenate(strips)
