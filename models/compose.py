"""Compose a YOLO data set of belt scenes from rendered and photographed items, split by source."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from models.belts import Belt, load_belts, render_belt
from models.classes import CLASS_NAMES
from models.cutouts import load_photo_items
from models.datasets.yolo import label_line
from models.errors import DatasetError
from models.library import Sprite, render_sprite
from models.progress import progress
from models.scene import ItemPool, Label, Scene, SceneStyle, compose_scene
from models.sources import Part, part_of
from vision.types import Fraction

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_HELD_OUT_OCCUPANCY = (0.1, 0.1)
"""Held-out scenes all lie at the occupancy that sorting figures are quoted at."""

_SEED_BLOCK = 10_000_000
_PART_OFFSET = {Part.TRAIN: 1, Part.VAL: 2, Part.TEST: 3}
_RENDERED_BELTS = {Part.TRAIN: 80, Part.VAL: 12, Part.TEST: 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeOrder:
    """What to compose.

    Attributes:
        out: data set folder.
        seed: decides everything.
        train: scenes to train on.
        held_out: scenes in each of the val and test subsets.
        rendered_items: rendered sprites per fraction in the training part.
        photo_share: chance of a photograph where a fraction has both kinds.
        style: ranges of a training scene; held-out ones differ in occupancy and photograph size.
    """

    out: Path
    seed: int
    train: int
    held_out: int
    rendered_items: int
    photo_share: float
    style: SceneStyle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stock:
    """Items and belts of one part.

    Attributes:
        rendered: sprites from this part's own seeds.
        photos: cutouts whose source group lies in this part.
        belts: rendered belts, and photographed ones of this part.
    """

    rendered: tuple[Sprite, ...]
    photos: tuple[Sprite, ...]
    belts: tuple[Belt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Scenes to write: subset name, part, how many, which items."""

    name: str
    part: Part
    count: int
    photo_share: float
    only_photos: bool = False


def part_seed(part: Part, seed: int) -> int:
    """First rendering seed of a part; parts never share a seed."""
    return _SEED_BLOCK * (_PART_OFFSET[part] + 10 * seed)


def make_stock(
    part: Part, seed: int, per_fraction: int, photos: tuple[Sprite, ...], belts: Path | None
) -> Stock:
    """Gather what one part may use: seeds, photographs and belts of its own only."""
    first = part_seed(part, seed)
    total = per_fraction * len(CLASS_NAMES)
    rendered = progress(
        (render_sprite(f, first + k) for f in Fraction for k in range(per_fraction)),
        total,
        f"render items ({part.value})",
    )
    rng = np.random.default_rng(first)
    surfaces = tuple(render_belt(rng) for _ in range(_RENDERED_BELTS[part]))
    return Stock(
        rendered=tuple(rendered),
        photos=tuple(sprite for sprite in photos if part_of(sprite.source) is part),
        belts=surfaces + (load_belts(belts, part) if belts is not None else ()),
    )


def compose_dataset(order: ComposeOrder, photos: Path | None, belts: Path | None) -> Path:
    """Write images, labels and data.yaml.

    Subsets: train; val (mixed); test_rendered; test_photo (only when photographs are given).

    Returns:
        Path of data.yaml.

    Raises:
        DatasetError: the folder already holds a data set of another order.
    """
    _claim(order)
    workers = max(os.cpu_count() or 1, 1)
    cut = load_photo_items(photos, workers=workers) if photos is not None else ()
    for batch in _batches(order, with_photos=bool(cut)):
        if not batch.count:
            continue
        count = order.rendered_items if batch.part is Part.TRAIN else order.rendered_items // 4 + 1
        stock = make_stock(batch.part, order.seed, count, cut, belts)
        _write_batch(order, batch, stock, workers)
    return _write_yaml(order, with_photos=bool(cut))


def _batches(order: ComposeOrder, *, with_photos: bool) -> Iterator[_Batch]:
    share = order.photo_share if with_photos else 0.0
    yield _Batch(name="val", part=Part.VAL, count=order.held_out, photo_share=share)
    yield _Batch(name="test_rendered", part=Part.TEST, count=order.held_out, photo_share=0.0)
    if with_photos:
        yield _Batch(
            name="test_photo",
            part=Part.TEST,
            count=order.held_out,
            photo_share=1.0,
            only_photos=True,
        )
    yield _Batch(name="train", part=Part.TRAIN, count=order.train, photo_share=share)


def _claim(order: ComposeOrder) -> None:
    record = order.out / "order.json"
    wanted = {
        "seed": order.seed,
        "train": order.train,
        "held_out": order.held_out,
        "rendered_items": order.rendered_items,
        "photo_share": order.photo_share,
        "style": repr(order.style),
    }
    if record.is_file() and json.loads(record.read_text(encoding="utf-8")) != wanted:
        raise DatasetError(f"{order.out} holds another data set; choose another --out or remove it")
    order.out.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Worker:
    """What a composing process keeps: handed over once, as the process starts."""

    pool: ItemPool
    belts: tuple[Belt, ...]
    folder: Path
    name: str
    seed: int
    style: SceneStyle

    def write(self, index: int) -> int:
        """Compose scene `index` of the batch and write it; returns its label count."""
        rng = np.random.default_rng([self.seed, index])
        belt = self.belts[int(rng.integers(len(self.belts)))]
        scene = compose_scene(rng, self.pool, belt, self.style)
        quality = int(rng.integers(60, 96))
        stem = f"{index:06d}"
        image = self.folder / "images" / self.name / f"{stem}.jpg"
        cv2.imwrite(str(image), scene.bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        text = self.folder / "labels" / self.name / f"{stem}.txt"
        text.write_text(yolo_lines(scene), encoding="utf-8")
        return len(scene.labels)


class _Process:
    """What a composing process keeps between scenes."""

    worker: ClassVar[_Worker | None] = None


def _enter(worker: _Worker) -> None:
    _Process.worker = worker
    cv2.setNumThreads(1)


def _write_one(index: int) -> int:
    if _Process.worker is None:
        msg = "composing process was started without its stock"
        raise DatasetError(msg)
    return _Process.worker.write(index)


def _write_batch(order: ComposeOrder, batch: _Batch, stock: Stock, workers: int) -> None:
    for kind in ("images", "labels"):
        (order.out / kind / batch.name).mkdir(parents=True, exist_ok=True)
    sprites = stock.photos if batch.only_photos else stock.rendered + stock.photos
    if not sprites:
        raise DatasetError(f"{batch.name}: no item in this part; give more photographs or items")
    style = order.style
    if batch.part is not Part.TRAIN:
        style = replace(style, resize=(1.0, 1.0), occupancy=_HELD_OUT_OCCUPANCY)
    names = list(Part).index(batch.part) * 10 + int(batch.only_photos)
    worker = _Worker(
        pool=ItemPool(sprites, batch.photo_share),
        belts=stock.belts,
        folder=order.out,
        name=batch.name,
        seed=order.seed * 100 + names,
        style=style,
    )
    with get_context("spawn").Pool(workers, _enter, (worker,)) as pool:
        done = pool.imap_unordered(_write_one, range(batch.count), 32)
        items = sum(progress(done, batch.count, f"compose {batch.name}"))
    sys.stderr.write(f"{batch.name}: {batch.count} scenes, {items} labelled items\n")


def yolo_lines(scene: Scene) -> str:
    """Labels in YOLO's text form: class, then centre and size as shares of the picture."""
    height_px, width_px = scene.bgr.shape[:2]
    return "".join(_yolo_line(label, width_px, height_px) for label in scene.labels)


def _yolo_line(label: Label, width_px: int, height_px: int) -> str:
    corners_px = (label.x0_px, label.y0_px, label.x1_px, label.y1_px)
    return label_line(CLASS_NAMES.index(label.fraction.value), corners_px, width_px, height_px)


def _write_yaml(order: ComposeOrder, *, with_photos: bool) -> Path:
    names = "\n".join(f"  {k}: {name}" for k, name in enumerate(CLASS_NAMES))
    subsets = ["train: images/train", "val: images/val", "test: images/test_rendered"]
    if with_photos:
        subsets.append("test_photo: images/test_photo")
    text = f"path: {order.out.resolve()}\n" + "\n".join(subsets) + f"\nnames:\n{names}\n"
    path = order.out / "data.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the `compose` command."""
    parser.add_argument("--out", type=Path, required=True, help="data set folder to write")
    parser.add_argument("--photos", type=Path, help="folder of photographs (see models/cutouts.py)")
    parser.add_argument("--belts", type=Path, help="folder of belt photographs")
    parser.add_argument("--train", type=int, default=16000, help="training scenes (default 16000)")
    parser.add_argument("--held-out", type=int, default=500, help="scenes in each held-out subset")
    parser.add_argument("--items", type=int, default=450, help="rendered items per fraction")
    parser.add_argument("--photo-share", type=float, default=0.6, help="photographs among items")
    parser.add_argument("--size", type=int, default=320, help="picture side in px (default 320)")
    parser.add_argument(
        "--occupancy", type=float, default=0.4, help="most belt covered in training, 0..1"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default 1)")


def run(arguments: argparse.Namespace) -> int:
    """Compose a data set."""
    style = SceneStyle(
        width_px=arguments.size,
        height_px=arguments.size,
        mm_per_px=(1.5 * 320 / max(arguments.size, 320), 3.2),
        occupancy=(0.0, arguments.occupancy),
    )
    order = ComposeOrder(
        out=arguments.out,
        seed=arguments.seed,
        train=arguments.train,
        held_out=arguments.held_out,
        rendered_items=arguments.items,
        photo_share=arguments.photo_share,
        style=style,
    )
    sys.stdout.write(f"{compose_dataset(order, arguments.photos, arguments.belts)}\n")
    return 0
