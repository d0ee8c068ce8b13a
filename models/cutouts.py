"""Single objects cut out of photographs: sprites of real waste for the twin and the compositor.

A photograph has no scale; each gets a plausible long side, drawn from a distribution seeded by its
own name.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.errors import ItemLibraryError
from models.library import Sprite
from models.progress import progress
from models.segment import cut_object
from vision.types import Fraction

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger(__name__)

U8 = npt.NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
_CACHE_FORMAT = 2
_LONG_SIDE_MM: dict[Fraction, tuple[float, float]] = {
    Fraction.PLASTIC: (80, 220),
    Fraction.PAPER: (90, 220),
    Fraction.FOOD: (60, 160),
    Fraction.WEEE: (80, 220),
    Fraction.MERCURY_LAMP: (100, 220),
    Fraction.OTHER: (70, 210),
}
_G_PER_MM2: dict[Fraction, tuple[float, float]] = {
    Fraction.PLASTIC: (0.0008, 25.0),
    Fraction.PAPER: (0.0006, 15.0),
    Fraction.FOOD: (0.005, 30.0),
    Fraction.WEEE: (0.011, 20.0),
    Fraction.MERCURY_LAMP: (0.008, 26.0),
    Fraction.OTHER: (0.006, 40.0),
}
"""Areal mass and height by fraction, from the rendered items' means."""

_BOX_CLASSES: dict[int, Fraction] = {
    **dict.fromkeys(range(5), Fraction.WEEE),
    5: Fraction.PLASTIC,
}
"""Class ids of the E-waste box set: laptop, monitor, mouse, phone, keyboard, plastic bottle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoItem:
    """One object to cut: a file, and where in it.

    Attributes:
        path: the photograph.
        fraction: what the folder or label says it is.
        box: centre x, centre y, width, height as shares of the image; None for the whole picture.
    """

    path: Path
    fraction: Fraction
    box: tuple[float, float, float, float] | None


def find_photo_items(folder: Path) -> tuple[PhotoItem, ...]:
    """List what can be cut from a folder.

    Recognised: `folder/<fraction>/*`, `folder/photos/<fraction>/*`, and
    `folder/weee-boxes/{images,labels}`.

    Raises:
        ItemLibraryError: nothing recognised.
    """
    items: list[PhotoItem] = []
    for base in (folder, folder / "photos"):
        for fraction in Fraction:
            items += [
                PhotoItem(path=path, fraction=fraction, box=None)
                for path in _images(base / fraction.value)
            ]
    items += _boxed_items(folder / "weee-boxes")
    if not items:
        names = ", ".join(fraction.value for fraction in Fraction)
        raise ItemLibraryError(
            f"{folder}: no photographs; put images into folders named by fraction ({names})"
        )
    return tuple(items)


def _images(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)


def _boxed_items(folder: Path) -> Iterator[PhotoItem]:
    for path in _images(folder / "images"):
        label = folder / "labels" / f"{path.stem}.txt"
        if not label.is_file():
            _log.warning("%s has no label file %s; left out", path, label)
            continue
        for line in label.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) != 5:
                continue
            cx, cy, w, h = (float(word) for word in words[1:])
            if min(w, h) >= 0.15:
                yield PhotoItem(path=path, fraction=_BOX_CLASSES[int(words[0])], box=(cx, cy, w, h))


def load_photo_items(
    folder: Path, *, cache: Path | None = None, workers: int = 1
) -> tuple[Sprite, ...]:
    """Cut every object in a folder of photographs.

    Args:
        folder: see `find_photo_items`.
        cache: where cut results are kept by file hash; None means the user's cache folder.
        workers: processes to cut with.

    Raises:
        ItemLibraryError: no photograph can be used. A single unreadable file is warned about by
            name and left out.
    """
    items = find_photo_items(folder)
    store = cache if cache is not None else default_cache()
    store.mkdir(parents=True, exist_ok=True)
    jobs = [(item, store) for item in items]
    if workers > 1:
        with get_context("spawn").Pool(workers) as pool:
            cut = list(progress(pool.imap(_cut_cached, jobs, 16), len(jobs), "cut photographs"))
    else:
        cut = list(progress(map(_cut_cached, jobs), len(jobs), "cut photographs"))
    sprites = tuple(sprite for sprite in cut if sprite is not None)
    if not sprites:
        raise ItemLibraryError(
            f"{folder}: none of {len(items)} photographs is readable as an image"
        )
    return sprites


def default_cache() -> Path:
    """Cut results live in the user's cache folder (XDG), never in the repository."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "sortline" / "cutouts"


def _cut_cached(job: tuple[PhotoItem, Path]) -> Sprite | None:
    item, store = job
    try:
        content = item.path.read_bytes()
    except OSError as error:
        _log.warning("%s cannot be read (%s); left out", item.path, error)
        return None
    key = hashlib.sha256(content + f"{_CACHE_FORMAT}{item.box}".encode()).hexdigest()[:32]
    cached = store / f"{key}.webp"
    pixels = cv2.imread(str(cached), cv2.IMREAD_UNCHANGED) if cached.is_file() else None
    if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4:
        encoded = np.frombuffer(content, np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        if image is None:
            _log.warning(
                "%s is no image OpenCV can read; convert it to JPEG or remove it", item.path
            )
            return None
        bgr, alpha = cut_object(np.asarray(image, np.uint8), item.box)
        pixels = np.dstack((bgr, alpha))
        _write_atomically(cached, np.asarray(pixels, np.uint8))
    return _sprite(item, np.asarray(pixels, np.uint8))


def _write_atomically(path: Path, pixels: U8) -> None:
    done, blob = cv2.imencode(".webp", pixels, [cv2.IMWRITE_WEBP_QUALITY, 92])
    if done:
        scratch = path.with_suffix(f".{os.getpid()}.part")
        scratch.write_bytes(np.asarray(blob, np.uint8).tobytes())
        scratch.replace(path)


def _sprite(item: PhotoItem, pixels: U8) -> Sprite:
    stem = item.path.stem
    seed = int.from_bytes(hashlib.sha256(f"{stem}{item.box}".encode()).digest()[:8], "big")
    rng = np.random.default_rng(seed)
    long_side_mm = float(rng.uniform(*_LONG_SIDE_MM[item.fraction]))
    mm_per_px = long_side_mm / max(pixels.shape[:2])
    areal_g_per_mm2, height_mm = _G_PER_MM2[item.fraction]
    alpha = np.ascontiguousarray(pixels[:, :, 3])
    area_mm2 = float(np.count_nonzero(alpha >= 128)) * mm_per_px**2
    return Sprite(
        bgr=np.ascontiguousarray(pixels[:, :, :3]),
        alpha=alpha,
        mm_per_px=mm_per_px,
        fraction=item.fraction,
        design="photo",
        mass_g=max(area_mm2 * areal_g_per_mm2 * float(rng.uniform(0.6, 1.6)), 0.5),
        height_mm=min(height_mm * float(rng.uniform(0.5, 1.5)), long_side_mm / 2),
        source=stem,
    )
