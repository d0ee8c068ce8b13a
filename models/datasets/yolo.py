"""YOLO's text labels: a data.yaml, folders of pictures, a text file beside every picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from models.datasets.pictures import inside, picture_names, size_px
from models.datasets.types import LabelledBox, LabelledPicture
from models.errors import DatasetError
from models.sources import Part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_VALUES = 5
_PART_OF_KEY = {"train": Part.TRAIN, "val": Part.VAL, "test": Part.TEST}


def read(labels: Path, images: Path | None) -> tuple[LabelledPicture, ...]:
    """Read a data set by its data.yaml; a picture that cannot be read has no size.

    Args:
        labels: data.yaml, or the folder that holds it.
        images: not needed; names are below the data set's folder.

    Raises:
        DatasetError: no data.yaml, or a line of labels is malformed; named by file and line.
    """
    where = labels / "data.yaml" if labels.is_dir() else labels
    content = _content(where)
    root = images or where.parent
    names = _names(where, content)
    return tuple(
        _picture(root, folder, name, names, part)
        for key, part in _PART_OF_KEY.items()
        for folder in _folders(content.get(key))
        for name in picture_names(inside(root, folder))
    )


def write(pictures: Sequence[LabelledPicture], out: Path, names: Sequence[str]) -> None:
    """Write labels and data.yaml; the pictures lie under `images/PART/` already.

    Raises:
        DatasetError: a box has a label that is none of `names`.
    """
    for picture in pictures:
        path = _label_path(out / picture.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(_line(picture, box, names) for box in picture.boxes), "utf-8")
    parts = {picture.part for picture in pictures}
    document = {
        "path": str(out.resolve()),
        **{key: f"images/{p.value}" for key, p in _PART_OF_KEY.items() if p in parts},
        "names": dict(enumerate(names)),
    }
    (out / "data.yaml").write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")


def label_line(
    index: int, corners_px: tuple[float, float, float, float], width_px: int, height_px: int
) -> str:
    """Return one box as YOLO has it: class, then centre and size as shares of the picture.

    Args:
        index: of the class.
        corners_px: left, upper, right and lower edge.
        width_px: of the picture.
        height_px: of the picture.
    """
    x0_px, y0_px, x1_px, y1_px = corners_px
    cx, cy = (x0_px + x1_px) / 2 / width_px, (y0_px + y1_px) / 2 / height_px
    w, h = (x1_px - x0_px) / width_px, (y1_px - y0_px) / height_px
    return f"{index} {cx:.6f} {cy:.6f} {w:.6f} {h:.6f}\n"


def _content(where: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(where.read_text("utf-8"))
    except OSError as error:
        raise DatasetError(f"{where}: {error.strerror}; name a data.yaml or its folder") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DatasetError(f"{where}: not YAML: {error}") from error
    if not isinstance(content, dict) or "names" not in content:
        raise DatasetError(f"{where}: no `names` in it; a YOLO data.yaml lists its classes there")
    return content


def _names(where: Path, content: Mapping[str, Any]) -> Mapping[int, str]:
    names = content["names"]
    if isinstance(names, list):
        return dict(enumerate(map(str, names)))
    if isinstance(names, dict) and all(str(key).isdecimal() for key in names):
        return {int(key): str(name) for key, name in names.items()}
    raise DatasetError(f"{where}: `names` is neither a list nor a table from number to name")


def _folders(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _picture(
    root: Path, folder: str, name: str, names: Mapping[int, str], part: Part
) -> LabelledPicture:
    path = inside(root, folder) / name
    try:
        width_px, height_px = size_px(path)
    except DatasetError:
        width_px = height_px = 0
    text = _label_path(path)
    lines = text.read_text("utf-8").splitlines() if text.is_file() else []
    return LabelledPicture(
        name=path.relative_to(root.resolve()).as_posix(),
        width_px=width_px,
        height_px=height_px,
        boxes=tuple(
            _box(f"{text}:{number}", line, names, width_px, height_px)
            for number, line in enumerate(lines, start=1)
            if line.strip()
        ),
        part=part,
    )


def _label_path(picture: Path) -> Path:
    """Return where a picture's labels lie: the last `images` of its path becomes `labels`."""
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return Path(*parts).with_suffix(".txt")


def _box(
    place: str, line: str, names: Mapping[int, str], width_px: int, height_px: int
) -> LabelledBox:
    words = line.split()
    try:
        index, values = int(words[0]), [float(word) for word in words[1:]]
    except ValueError as error:
        raise DatasetError(f"{place}: {line!r} is not `class cx cy w h`") from error
    if index not in names:
        raise DatasetError(f"{place}: class {index} is not in data.yaml's names")
    if len(values) == _VALUES - 1:
        cx, cy, w, h = values
        x0, y0, x1, y1 = cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2
    elif len(values) > _VALUES and len(values) % 2 == 0:
        # A polygon, as segmentation labels have it: its upright box.
        x0, y0, x1, y1 = min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])
    else:
        raise DatasetError(f"{place}: {len(words)} values; a box has 5, a polygon 1 + 2n")
    if not all(map(math.isfinite, values)):
        raise DatasetError(f"{place}: {line!r} holds a value that is no number")
    return LabelledBox(
        label=names[index],
        x0_px=x0 * width_px,
        y0_px=y0 * height_px,
        x1_px=x1 * width_px,
        y1_px=y1 * height_px,
    )


def _line(picture: LabelledPicture, box: LabelledBox, names: Sequence[str]) -> str:
    if box.label not in names:
        raise DatasetError(f"{picture.name}: label {box.label!r} is none of {', '.join(names)}")
    corners_px = (box.x0_px, box.y0_px, box.x1_px, box.y1_px)
    return label_line(list(names).index(box.label), corners_px, picture.width_px, picture.height_px)
