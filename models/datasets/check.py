"""What is wrong with a data set, and what an engineer should know before training on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from PIL import Image

from models.classes import CLASS_NAMES
from models.datasets.duplicates import near_pairs, picture_hash
from models.datasets.version import content_hash
from models.progress import progress
from models.sources import source_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from models.datasets.types import LabelledPicture

TINY_PX: Final = 8.0
"""A box with a shorter side is less than the detector's finest grid cell."""
_OUT_PX: Final = 1.0
_SCARCE_SHARE: Final = 0.02
"""Share of the boxes below which a fraction is hardly learned."""


class Severity(StrEnum):
    """Errors spoil training or its figures; notes are for the engineer to weigh."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found.

    Attributes:
        severity: whether it must be mended.
        kind: short name of what it is.
        place: picture or class that it concerns.
        detail: what was found and what to do.
    """

    severity: Severity
    kind: str
    place: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """All that was found.

    Attributes:
        version: content hash of the folder.
        pictures: number by part.
        boxes: number by part and class.
        findings: errors first.
    """

    version: str
    pictures: dict[str, int]
    boxes: dict[str, dict[str, int]]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings must be mended."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def check_dataset(pictures: Sequence[LabelledPicture], folder: Path) -> DatasetReport:
    """Look at every picture and label.

    Args:
        pictures: as read (`models/datasets/yolo.py`); names are below `folder`.
        folder: of the data set.
    """
    findings: list[Finding] = []
    hashes: list[npt.NDArray[np.uint8]] = []
    hashed: list[LabelledPicture] = []
    for picture in progress(pictures, len(pictures), "check pictures"):
        findings += _boxes(picture) if picture.width_px else ()
        try:
            with Image.open(folder / picture.name) as image:
                image.load()
            hashes.append(picture_hash(folder / picture.name))
            hashed.append(picture)
        except OSError as error:
            findings.append(_error("corrupt", picture.name, f"cannot be decoded: {error}"))
    findings += _shared(hashed, hashes)
    findings += _groups(pictures)
    boxes = {
        part: dict(Counter(b.label for p in pictures if str(p.part) == part for b in p.boxes))
        for part in sorted({str(p.part) for p in pictures})
    }
    findings += _balance(boxes)
    if "val" not in boxes:
        findings.append(_error("no val part", "data.yaml", "nothing tells when training is over"))
    return DatasetReport(
        version=content_hash(folder),
        pictures=dict(Counter(str(p.part) for p in pictures)),
        boxes=boxes,
        findings=tuple(sorted(findings, key=lambda f: (f.severity is not Severity.ERROR, f.kind))),
    )


def _boxes(picture: LabelledPicture) -> Iterator[Finding]:
    for box in picture.boxes:
        if box.label not in CLASS_NAMES:
            yield _error(
                "unknown class",
                picture.name,
                f"{box.label!r} is no fraction; take the set in with a taxonomy",
            )
        out_px = max(
            -box.x0_px, -box.y0_px, box.x1_px - picture.width_px, box.y1_px - picture.height_px
        )
        if out_px > _OUT_PX:
            yield _error("out of range", picture.name, f"a box reaches {out_px:.1f} px out of it")
        short_px = min(box.x1_px - box.x0_px, box.y1_px - box.y0_px)
        if short_px <= 0.0:
            yield _error("empty box", picture.name, f"a box of {box.label} has no area")
        elif short_px < TINY_PX:
            yield Finding(
                severity=Severity.NOTE,
                kind="tiny box",
                place=picture.name,
                detail=f"{box.label}, {short_px:.1f} px; use larger pictures or leave it out",
            )


def _shared(
    pictures: Sequence[LabelledPicture], hashes: Sequence[npt.NDArray[np.uint8]]
) -> Iterator[Finding]:
    """Yield pictures that show the same, the worse where they lie in two parts."""
    for a, b in near_pairs(hashes):
        one, other = pictures[a], pictures[b]
        if one.part is other.part:
            yield Finding(
                severity=Severity.NOTE,
                kind="near duplicate",
                place=one.name,
                detail=f"shows the same as {other.name}",
            )
        else:
            yield _error(
                "duplicate across parts",
                one.name,
                f"{other.name} shows the same in another part; its figures would flatter",
            )


def _groups(pictures: Sequence[LabelledPicture]) -> Iterator[Finding]:
    """Yield sources whose pictures lie in several parts."""
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for picture in pictures:
        stem = picture.name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        parts[source_group(stem)].add(str(picture.part))
    for group, found in sorted(parts.items()):
        if len(found) > 1:
            yield Finding(
                severity=Severity.NOTE,
                kind="source in several parts",
                place=group,
                detail=f"neighbours by name lie in {', '.join(sorted(found))}",
            )


def _balance(boxes: dict[str, dict[str, int]]) -> Iterator[Finding]:
    train = boxes.get("train", {})
    total = sum(train.values())
    if not total:
        yield _error("no labels", "train", "nothing is labelled in the training part")
        return
    if len(train) == 1:
        yield _error("one class", "train", f"only {next(iter(train))}: nothing to tell apart")
    for name in CLASS_NAMES:
        share = train.get(name, 0) / total
        if share < _SCARCE_SHARE:
            yield Finding(
                severity=Severity.NOTE,
                kind="scarce class",
                place=name,
                detail=f"{train.get(name, 0)} of {total} boxes ({share:.1%}); it is hardly learned",
            )


def _error(kind: str, place: str, detail: str) -> Finding:
    return Finding(severity=Severity.ERROR, kind=kind, place=place, detail=detail)
