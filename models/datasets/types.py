"""Labelled pictures as every format of labels is read into and written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.sources import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledBox:
    """One item in a picture, upright box in pixels of the picture as stored.

    Attributes:
        label: class name as its source calls it.
        x0_px: left edge, from the picture's left edge.
        y0_px: upper edge, from the picture's upper edge.
        x1_px: right edge.
        y1_px: lower edge.
    """

    label: str
    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """A picture and the items in it.

    Attributes:
        name: path below the folder of pictures, with forward slashes.
        width_px: as stored; 0 where the picture cannot be read.
        height_px: as stored; 0 likewise.
        boxes: items in it, none for an empty belt.
        part: of the data set where its source says so, else None.
    """

    name: str
    width_px: int
    height_px: int
    boxes: tuple[LabelledBox, ...]
    part: Part | None = None
