"""Label Studio's JSON: tasks with rectangles in per cent (labelstud.io/guide/export)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from models.datasets.pictures import inside, size_px
from models.datasets.types import LabelledBox, LabelledPicture
from models.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_RECTANGLE = "rectanglelabels"
_PER_CENT = 100.0


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Value(_Lenient):
    x: float
    y: float
    width: float
    height: float
    rectanglelabels: Annotated[tuple[str, ...], Field(min_length=1)]


class _Result(_Lenient):
    type: str
    value: dict[str, Any]
    original_width: int | None = None
    original_height: int | None = None


class _Annotation(_Lenient):
    result: tuple[_Result, ...]
    was_cancelled: bool = False


class _Task(_Lenient):
    id: int | None = None
    data: dict[str, Any]
    annotations: tuple[_Annotation, ...] = ()


_TASKS: TypeAdapter[tuple[_Task, ...]] = TypeAdapter(tuple[_Task, ...])


def read(labels: Path, images: Path | None) -> tuple[LabelledPicture, ...]:
    """Read an export; of several annotations of a task the last that was not skipped counts.

    Args:
        labels: the JSON file.
        images: folder of the pictures, for the size of one without any rectangle.

    Raises:
        DatasetError: not such an export, or a picture's size is not known.
    """
    try:
        tasks = _TASKS.validate_json(labels.read_bytes())
    except OSError as error:
        raise DatasetError(f"{labels}: {error.strerror}; name a Label Studio export") from error
    except ValidationError as error:
        raise DatasetError(f"{labels}: {_fault(error)}") from error
    found = (_picture(task, f"{labels}: task {n}", images) for n, task in enumerate(tasks))
    return tuple(picture for picture in found if picture is not None)


def write(pictures: Sequence[LabelledPicture], out: Path, _names: Sequence[str]) -> None:
    """Write `out`, tasks ready to be imported."""
    tasks = [
        {
            "data": {"image": picture.name},
            "annotations": [{"result": [_result(picture, box) for box in picture.boxes]}],
        }
        for picture in pictures
    ]
    out.write_text(json.dumps(tasks, indent=1) + "\n", "utf-8")


def _picture(task: _Task, place: str, images: Path | None) -> LabelledPicture | None:
    done = [a for a in task.annotations if not a.was_cancelled]
    if not done:
        return None
    name = _name(task, place)
    rectangles = [result for result in done[-1].result if result.type == _RECTANGLE]
    width_px, height_px = _size(rectangles, name, place, images)
    return LabelledPicture(
        name=name,
        width_px=width_px,
        height_px=height_px,
        boxes=tuple(_box(result, width_px, height_px, place) for result in rectangles),
    )


def _name(task: _Task, place: str) -> str:
    """Return the picture's name; local files are served as /data/local-files/?d=NAME."""
    image = task.data.get("image")
    if not isinstance(image, str) or not image:
        raise DatasetError(f"{place}: data.image names no picture")
    address = urlsplit(image)
    local = parse_qs(address.query).get("d")
    return local[0] if local else unquote(address.path).rsplit("/", 1)[-1]


def _size(
    rectangles: Sequence[_Result], name: str, place: str, images: Path | None
) -> tuple[int, int]:
    for result in rectangles:
        if result.original_width and result.original_height:
            return result.original_width, result.original_height
    if images is None:
        raise DatasetError(f"{place}: the size of {name} is not told; name the folder of pictures")
    return size_px(inside(images, name))


def _box(result: _Result, width_px: int, height_px: int, place: str) -> LabelledBox:
    try:
        value = _Value.model_validate(result.value)
    except ValidationError as error:
        raise DatasetError(f"{place}: rectangle: {_fault(error)}") from error
    x_px, y_px = value.x / _PER_CENT * width_px, value.y / _PER_CENT * height_px
    return LabelledBox(
        label=value.rectanglelabels[0],
        x0_px=x_px,
        y0_px=y_px,
        x1_px=x_px + value.width / _PER_CENT * width_px,
        y1_px=y_px + value.height / _PER_CENT * height_px,
    )


def _result(picture: LabelledPicture, box: LabelledBox) -> dict[str, object]:
    across, down = _PER_CENT / picture.width_px, _PER_CENT / picture.height_px
    return {
        "type": _RECTANGLE,
        "from_name": "label",
        "to_name": "image",
        "original_width": picture.width_px,
        "original_height": picture.height_px,
        "value": {
            "x": box.x0_px * across,
            "y": box.y0_px * down,
            "width": (box.x1_px - box.x0_px) * across,
            "height": (box.y1_px - box.y0_px) * down,
            "rotation": 0,
            _RECTANGLE: [box.label],
        },
    }


def _fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
