"""COCO's object detection JSON: one file for all pictures (cocodataset.org/#format-data)."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.datasets.types import LabelledBox, LabelledPicture
from models.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Image(_Lenient):
    id: int
    file_name: str = Field(min_length=1)
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class _Category(_Lenient):
    id: int
    name: str


class _Annotation(_Lenient):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    """Left, upper, width and height, px."""
    iscrowd: int = 0


class _Document(_Lenient):
    images: tuple[_Image, ...]
    annotations: tuple[_Annotation, ...]
    categories: tuple[_Category, ...]


def read(labels: Path, _images: Path | None) -> tuple[LabelledPicture, ...]:
    """Read a COCO file; crowd regions are left out, they are no single items.

    Args:
        labels: the JSON file.
        _images: not needed; names are below the folder of pictures.

    Raises:
        DatasetError: not COCO, or it refers to a picture or class it does not list.
    """
    try:
        document = _Document.model_validate_json(labels.read_bytes())
    except OSError as error:
        raise DatasetError(f"{labels}: {error.strerror}; name a COCO JSON file") from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise DatasetError(f"{labels}: {place}: {fault['msg']}") from error
    names = {category.id: category.name for category in document.categories}
    known = {image.id for image in document.images}
    boxes: defaultdict[int, list[LabelledBox]] = defaultdict(list)
    for number, annotation in enumerate(document.annotations):
        place = f"{labels}: annotations.{number}"
        if annotation.image_id not in known:
            raise DatasetError(f"{place}: picture {annotation.image_id} is not listed in images")
        if annotation.category_id not in names:
            raise DatasetError(f"{place}: class {annotation.category_id} is not in categories")
        if not annotation.iscrowd:
            boxes[annotation.image_id].append(_box(annotation, names[annotation.category_id]))
    return tuple(
        LabelledPicture(
            name=image.file_name,
            width_px=image.width,
            height_px=image.height,
            boxes=tuple(boxes[image.id]),
        )
        for image in document.images
    )


def write(pictures: Sequence[LabelledPicture], out: Path, names: Sequence[str]) -> None:
    """Write `out`, one JSON file; ids count from 1, as most tools expect.

    Raises:
        DatasetError: a box has a label that is none of `names`.
    """
    ids = {name: number for number, name in enumerate(names, start=1)}
    annotations: list[dict[str, object]] = []
    for image_id, picture in enumerate(pictures, start=1):
        for box in picture.boxes:
            if box.label not in ids:
                raise DatasetError(f"{picture.name}: {box.label!r} is none of {', '.join(names)}")
            w_px, h_px = box.x1_px - box.x0_px, box.y1_px - box.y0_px
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": ids[box.label],
                    "bbox": [box.x0_px, box.y0_px, w_px, h_px],
                    "area": w_px * h_px,
                    "iscrowd": 0,
                    "segmentation": [],
                }
            )
    document = {
        "images": [
            {"id": i, "file_name": p.name, "width": p.width_px, "height": p.height_px}
            for i, p in enumerate(pictures, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": i, "name": n, "supercategory": "waste"} for n, i in ids.items()],
    }
    out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _box(annotation: _Annotation, label: str) -> LabelledBox:
    x_px, y_px, w_px, h_px = annotation.bbox
    return LabelledBox(label=label, x0_px=x_px, y0_px=y_px, x1_px=x_px + w_px, y1_px=y_px + h_px)
