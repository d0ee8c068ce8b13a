"""The item library: sprites of waste at true scale, rendered, stored compactly, and loaded."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from models.errors import ItemLibraryError
from models.progress import progress
from models.render import food, lamp, paper, plastic, residue, weee
from models.render.surface import MM_PER_PX, random_look, shade
from vision.types import Fraction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from models.render.item import Design

DEFAULT_ITEMS = Path(__file__).parent / "items"
"""The sprite set that ships."""

DESIGNS: dict[Fraction, tuple[Design, ...]] = {
    Fraction.PLASTIC: plastic.DESIGNS,
    Fraction.PAPER: paper.DESIGNS,
    Fraction.FOOD: food.DESIGNS,
    Fraction.WEEE: weee.DESIGNS,
    Fraction.MERCURY_LAMP: lamp.DESIGNS,
    Fraction.OTHER: residue.DESIGNS,
}

_INDEX, _PIXELS = "index.json", "pixels.npz"
_FORMAT = 1
_WEBP_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sprite:
    """One item seen from straight above.

    Attributes:
        bgr: colour, uint8 (h, w, 3), read-only.
        alpha: opacity, uint8 (h, w), read-only; clear plastic lets the belt through.
        mm_per_px: scale of both arrays.
        fraction: what it is.
        design: the design's name, or the photograph's kind.
        mass_g: mass of the item.
        height_mm: how far it stands above the belt.
        source: "rendered", or the photograph's source id; data sets are split by it.
    """

    bgr: npt.NDArray[np.uint8]
    alpha: npt.NDArray[np.uint8]
    mm_per_px: float
    fraction: Fraction
    design: str
    mass_g: float
    height_mm: float
    source: str

    def __post_init__(self) -> None:
        if self.bgr.shape != (*self.alpha.shape, 3):
            raise ItemLibraryError(
                f"sprite {self.design}: colour {self.bgr.shape} and alpha {self.alpha.shape} differ"
            )
        self.bgr.setflags(write=False)
        self.alpha.setflags(write=False)

    @property
    def length_mm(self) -> float:
        """Longer side of the bounding box."""
        return float(max(self.alpha.shape) * self.mm_per_px)

    @property
    def area_mm2(self) -> float:
        """Footprint: pixels at least a tenth opaque."""
        return float(np.count_nonzero(self.alpha >= 26)) * self.mm_per_px**2


def render_sprite(fraction: Fraction, seed: int, design: str | None = None) -> Sprite:
    """Render one item; the same arguments give the same sprite.

    Args:
        fraction: what to render.
        seed: varies design, shape, print, light and wear.
        design: one design by name instead of a random one.

    Raises:
        ItemLibraryError: the fraction has no such design.
    """
    rng = np.random.default_rng([seed, list(Fraction).index(fraction)])
    chosen = _choose(fraction, design, rng)
    item = chosen.make(rng)
    bgr, alpha = shade(item.surface, random_look(rng), rng)
    return Sprite(
        bgr=bgr,
        alpha=alpha,
        mm_per_px=MM_PER_PX,
        fraction=fraction,
        design=chosen.name,
        mass_g=float(max(item.mass_g, 0.3)),
        height_mm=float(item.height_mm),
        source="rendered",
    )


def _choose(fraction: Fraction, design: str | None, rng: np.random.Generator) -> Design:
    designs = DESIGNS[fraction]
    if design is None:
        shares = np.array([d.share for d in designs])
        return designs[int(rng.choice(len(designs), p=shares / shares.sum()))]
    for candidate in designs:
        if candidate.name == design:
            return candidate
    names = ", ".join(d.name for d in designs)
    raise ItemLibraryError(f"{fraction.value} has no design {design!r}; it has {names}")


def render_sprites(seed: int, count: int) -> Iterator[Sprite]:
    """Render `count` sprites, the fractions in turn and within each the designs in turn."""
    fractions = list(Fraction)
    for k in range(count):
        fraction = fractions[k % len(fractions)]
        designs = DESIGNS[fraction]
        design = designs[(k // len(fractions)) % len(designs)]
        yield render_sprite(fraction, seed * 1_000_003 + k, design.name)


def save_sprites(sprites: Iterable[Sprite], folder: Path) -> int:
    """Write a sprite set: WebP images in one npz, everything else in a JSON index.

    Returns:
        Number of sprites written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, object]] = []
    blobs: list[npt.NDArray[np.uint8]] = []
    for sprite in sprites:
        done, blob = cv2.imencode(
            ".webp",
            np.dstack((sprite.bgr, sprite.alpha)),
            [cv2.IMWRITE_WEBP_QUALITY, _WEBP_QUALITY],
        )
        if not done:
            raise ItemLibraryError(f"cannot encode sprite {sprite.design}")
        blobs.append(np.asarray(blob, np.uint8).ravel())
        entries.append(
            {
                "fraction": sprite.fraction.value,
                "design": sprite.design,
                "mm_per_px": sprite.mm_per_px,
                "mass_g": round(sprite.mass_g, 2),
                "height_mm": round(sprite.height_mm, 1),
                "source": sprite.source,
                "bytes": int(blobs[-1].size),
            }
        )
    np.savez(folder / _PIXELS, webp=np.concatenate(blobs) if blobs else np.zeros(0, np.uint8))
    index = {"format": _FORMAT, "sprites": entries}
    (folder / _INDEX).write_text(json.dumps(index, indent=0) + "\n", encoding="utf-8")
    return len(entries)


def load_sprites(folder: Path = DEFAULT_ITEMS) -> tuple[Sprite, ...]:
    """Load a sprite set written by `save_sprites`.

    Raises:
        ItemLibraryError: the set is absent or damaged; the message says how to make one.
    """
    remedy = f"make one with: python -m models render --out {folder}"
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        with np.load(folder / _PIXELS) as archive:
            blob = archive["webp"]
    except (OSError, ValueError, KeyError) as error:
        raise ItemLibraryError(f"no sprite set in {folder} ({error}); {remedy}") from error
    if index.get("format") != _FORMAT:
        raise ItemLibraryError(f"sprite set {folder} has format {index.get('format')}; {remedy}")
    ends = np.cumsum([entry["bytes"] for entry in index["sprites"]], dtype=np.int64)
    if ends.size and int(ends[-1]) != blob.size:
        raise ItemLibraryError(f"sprite set {folder}: index and pixels disagree; {remedy}")
    return tuple(
        _decode(entry, blob[end - entry["bytes"] : end], folder)
        for entry, end in zip(index["sprites"], ends, strict=True)
    )


def _decode(entry: dict[str, object], blob: npt.NDArray[np.uint8], folder: Path) -> Sprite:
    image = cv2.imdecode(blob, cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ItemLibraryError(f"sprite set {folder}: a picture of {entry['design']} is damaged")
    if image.ndim == 3 and image.shape[2] == 3:
        image = np.dstack((image, np.full(image.shape[:2], 255, np.uint8)))
    pixels = np.asarray(image, np.uint8)
    return Sprite(
        bgr=np.ascontiguousarray(pixels[:, :, :3]),
        alpha=np.ascontiguousarray(pixels[:, :, 3]),
        mm_per_px=float(str(entry["mm_per_px"])),
        fraction=Fraction(str(entry["fraction"])),
        design=str(entry["design"]),
        mass_g=float(str(entry["mass_g"])),
        height_mm=float(str(entry["height_mm"])),
        source=str(entry["source"]),
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `render` command."""
    parser.add_argument("--seed", type=int, default=1, help="varies every item (default 1)")
    parser.add_argument("--count", type=int, default=720, help="how many sprites (default 720)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the set to")


def run(arguments: argparse.Namespace) -> int:
    """Render and save a sprite set."""
    sprites = progress(render_sprites(arguments.seed, arguments.count), arguments.count, "render")
    written = save_sprites(sprites, arguments.out)
    sys.stdout.write(f"{written} sprites in {arguments.out}\n")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m models.library render …`."""
    parser = argparse.ArgumentParser(prog="python -m models.library", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_arguments(commands.add_parser("render", help="render a sprite set"))
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    raise SystemExit(main())
