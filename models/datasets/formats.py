"""The formats of labels that engineers use, by name."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from models.datasets import coco, cvat, label_studio, voc, yolo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from models.datasets.types import LabelledPicture


class LabelFormat(StrEnum):
    """Formats that are read and written."""

    YOLO = "yolo"
    COCO = "coco"
    VOC = "voc"
    CVAT = "cvat"
    LABEL_STUDIO = "label-studio"


class _Module(Protocol):
    def read(self, labels: Path, images: Path | None, /) -> tuple[LabelledPicture, ...]: ...

    def write(
        self, pictures: Sequence[LabelledPicture], out: Path, names: Sequence[str], /
    ) -> None: ...


FORMATS: Mapping[LabelFormat, _Module] = {
    LabelFormat.YOLO: yolo,
    LabelFormat.COCO: coco,
    LabelFormat.VOC: voc,
    LabelFormat.CVAT: cvat,
    LabelFormat.LABEL_STUDIO: label_studio,
}
"""What reads and writes each."""
