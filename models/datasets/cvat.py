"""CVAT's XML for images, version 1.1 (docs.cvat.ai, "CVAT for images")."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from models.datasets.types import LabelledBox, LabelledPicture
from models.datasets.xml_fields import number, parse
from models.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read(labels: Path, _images: Path | None) -> tuple[LabelledPicture, ...]:
    """Read boxes and the upright boxes of polygons.

    Args:
        labels: annotations.xml.
        _images: not needed; names are below the folder of pictures.

    Raises:
        DatasetError: not CVAT for images, or a field is malformed.
    """
    root = parse(labels)
    nodes = list(root.iter("image"))
    if root.tag != "annotations" or not nodes:
        raise DatasetError(
            f"{labels}: no <annotations> with <image>; export the task as CVAT for images 1.1"
        )
    return tuple(_picture(node, labels) for node in nodes)


def write(pictures: Sequence[LabelledPicture], out: Path, _names: Sequence[str]) -> None:
    """Write `out`, one XML file."""
    root = Element("annotations")
    SubElement(root, "version").text = "1.1"
    for number_, picture in enumerate(pictures):
        node = SubElement(
            root,
            "image",
            id=str(number_),
            name=picture.name,
            width=str(picture.width_px),
            height=str(picture.height_px),
        )
        for box in picture.boxes:
            SubElement(
                node,
                "box",
                label=box.label,
                occluded="0",
                xtl=f"{box.x0_px:.3f}",
                ytl=f"{box.y0_px:.3f}",
                xbr=f"{box.x1_px:.3f}",
                ybr=f"{box.y1_px:.3f}",
            )
    indent(root)
    ElementTree(root).write(out, encoding="utf-8", xml_declaration=True)


def _picture(node: Element, path: Path) -> LabelledPicture:
    return LabelledPicture(
        name=_attribute(node, "name", path),
        width_px=round(_number(node, "width", path)),
        height_px=round(_number(node, "height", path)),
        boxes=tuple(_box(child, path) for child in node if child.tag in ("box", "polygon")),
    )


def _box(node: Element, path: Path) -> LabelledBox:
    if node.tag == "box":
        x0, y0, x1, y1 = (_number(node, name, path) for name in ("xtl", "ytl", "xbr", "ybr"))
    else:
        points = [
            [number(value, f"{path}: points") for value in pair.split(",")]
            for pair in _attribute(node, "points", path).split(";")
        ]
        x0, x1 = min(p[0] for p in points), max(p[0] for p in points)
        y0, y1 = min(p[-1] for p in points), max(p[-1] for p in points)
    return LabelledBox(
        label=_attribute(node, "label", path), x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1
    )


def _number(node: Element, name: str, path: Path) -> float:
    return number(_attribute(node, name, path), f"{path}: <{node.tag} {name}=...>")


def _attribute(node: Element, name: str, path: Path) -> str:
    value = node.get(name)
    if not value:
        raise DatasetError(f"{path}: <{node.tag}> lacks the attribute {name!r}")
    return value
