"""Takes foreign labelled pictures in: mapped, split by source, copied, with a version."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from models.classes import CLASS_NAMES
from models.datasets import yolo
from models.datasets.pictures import inside, size_px
from models.datasets.taxonomy import Taxonomy, mapped
from models.datasets.version import content_hash
from models.errors import DatasetError
from models.progress import progress
from models.sources import Part, part_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.datasets.types import LabelledBox, LabelledPicture

RECORD: Final = "dataset.json"
_ROUNDING_PX: Final = 1.0
"""How far a box may reach out of its picture by rounding; it is cut there. More is an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What was taken in.

    Attributes:
        folder: of the data set.
        version: content hash.
        pictures: by part.
        boxes: by fraction.
    """

    folder: Path
    version: str
    pictures: dict[str, int]
    boxes: dict[str, int]


def take_in(
    pictures: Sequence[LabelledPicture],
    images: Path,
    taxonomy: Taxonomy,
    out: Path,
    *,
    source: str,
) -> Intake:
    """Write a data set of pictures that lie elsewhere.

    Pictures keep the parts that their source gave them. Where it gave none, or all the same, they
    are split by source (`models/sources.py`), so that neighbours never lie on both sides.

    Args:
        pictures: as read.
        images: folder below which they lie.
        taxonomy: what their classes are here.
        out: new folder.
        source: what is told of their origin in the record.

    Returns:
        What was written.

    Raises:
        DatasetError: the folder is not empty, nothing is labelled, a picture is missing or has
            another size than its labels say, a class is unknown, or a box reaches out.
    """
    if not any(picture.boxes for picture in pictures):
        raise DatasetError(f"{images}: {len(pictures)} pictures and not one label; nothing to take")
    if out.exists() and any(out.iterdir()):
        raise DatasetError(f"{out}: not empty; name a new folder")
    known = mapped(pictures, taxonomy)
    if len({picture.part for picture in known}) == 1:
        known = tuple(replace(picture, part=None) for picture in known)
    placed = [_checked(picture, images) for picture in progress(known, len(known), "check")]
    written = [_copied(picture, images, out) for picture in progress(placed, len(placed), "copy")]
    yolo.write(written, out, CLASS_NAMES)
    found = Intake(
        folder=out,
        version=content_hash(out),
        pictures=dict(Counter(str(picture.part) for picture in written)),
        boxes=dict(Counter(box.label for picture in written for box in picture.boxes)),
    )
    record = {
        "version": found.version,
        "source": source,
        "taxonomy": taxonomy.name,
        "taken_in": datetime.now(UTC).isoformat(timespec="seconds"),
        "pictures": found.pictures,
        "boxes": found.boxes,
    }
    (out / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")
    return found


def _checked(picture: LabelledPicture, images: Path) -> LabelledPicture:
    path = inside(images, picture.name)
    size = size_px(path)
    if size != (picture.width_px, picture.height_px):
        raise DatasetError(
            f"{path}: {size[0]} x {size[1]} px, its labels were made on {picture.width_px} x "
            f"{picture.height_px}; take the pictures that were labelled"
        )
    boxes = tuple(_cut(box, picture, path) for box in picture.boxes)
    return replace(picture, boxes=boxes, part=picture.part or part_of(path.stem))


def _cut(box: LabelledBox, picture: LabelledPicture, path: Path) -> LabelledBox:
    w_px, h_px = float(picture.width_px), float(picture.height_px)
    cut = replace(
        box,
        x0_px=min(max(box.x0_px, 0.0), w_px),
        y0_px=min(max(box.y0_px, 0.0), h_px),
        x1_px=min(max(box.x1_px, 0.0), w_px),
        y1_px=min(max(box.y1_px, 0.0), h_px),
    )
    moved_px = max(
        abs(a - b)
        for a, b in (
            (box.x0_px, cut.x0_px),
            (box.y0_px, cut.y0_px),
            (box.x1_px, cut.x1_px),
            (box.y1_px, cut.y1_px),
        )
    )
    if moved_px > _ROUNDING_PX:
        raise DatasetError(f"{path}: a box of {box.label} reaches {moved_px:.1f} px out of it")
    if cut.x1_px <= cut.x0_px or cut.y1_px <= cut.y0_px:
        raise DatasetError(f"{path}: a box of {box.label} has no area")
    return cut


def _copied(picture: LabelledPicture, images: Path, out: Path) -> LabelledPicture:
    """Copy a picture to its part; folders of its name become part of the file's name."""
    flat = picture.name.removeprefix("images/").replace("/", "__")
    name = f"images/{(picture.part or Part.TRAIN).value}/{flat}"
    target = out / name
    if target.exists():
        raise DatasetError(f"{picture.name}: two pictures come to the name {flat}; rename one")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(inside(images, picture.name), target)
    return replace(picture, name=name)
