"""Pascal VOC's XML: a file for each picture (host.robots.ox.ac.uk/pascal/VOC)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from models.datasets.types import LabelledBox, LabelledPicture
from models.datasets.xml_fields import number_of, parse, text_of
from models.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read(labels: Path, _images: Path | None) -> tuple[LabelledPicture, ...]:
    """Read every XML file of a folder.

    Args:
        labels: the folder (`Annotations`).
        _images: not needed; names are below the folder of pictures.

    Raises:
        DatasetError: no XML file there, or one is malformed; named by file and field.
    """
    files = sorted(labels.rglob("*.xml")) if labels.is_dir() else []
    if not files:
        raise DatasetError(f"{labels}: no XML files; name the folder of Pascal VOC annotations")
    return tuple(_picture(path) for path in files)


def write(pictures: Sequence[LabelledPicture], out: Path, _names: Sequence[str]) -> None:
    """Write a folder of XML files, one for each picture."""
    for picture in pictures:
        root = Element("annotation")
        SubElement(root, "filename").text = picture.name
        size = SubElement(root, "size")
        for tag, value in (
            ("width", picture.width_px),
            ("height", picture.height_px),
            ("depth", 3),
        ):
            SubElement(size, tag).text = str(value)
        for box in picture.boxes:
            item = SubElement(root, "object")
            SubElement(item, "name").text = box.label
            corners = SubElement(item, "bndbox")
            edges = (box.x0_px, box.y0_px, box.x1_px, box.y1_px)
            for tag, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True):
                SubElement(corners, tag).text = f"{edge:.3f}"
        indent(root)
        path = (out / picture.name).with_suffix(".xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _picture(path: Path) -> LabelledPicture:
    root = parse(path)
    return LabelledPicture(
        name=text_of(root, "filename", path),
        width_px=round(number_of(root, "size/width", path)),
        height_px=round(number_of(root, "size/height", path)),
        boxes=tuple(_box(item, path) for item in root.iter("object")),
    )


def _box(item: Element, path: Path) -> LabelledBox:
    return LabelledBox(
        label=text_of(item, "name", path),
        x0_px=number_of(item, "bndbox/xmin", path),
        y0_px=number_of(item, "bndbox/ymin", path),
        x1_px=number_of(item, "bndbox/xmax", path),
        y1_px=number_of(item, "bndbox/ymax", path),
    )
