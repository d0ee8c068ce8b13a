"""Which picture belongs to which part of a data set: by source, never by file.

Photographs taken one after another show the same object, so neighbours by number share a group and
a group lies wholly in one part.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum

HELD_OUT_IN = 5
"""One group in five is held out."""


class Part(StrEnum):
    """Parts of a data set: thresholds are chosen on VAL, results are quoted on TEST."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


_NOISE_WORDS = re.compile(r"(copy[-_ ]?of[-_ ]?|[-_.]?(jpe?g|png)$|\.rf\..*$)", re.IGNORECASE)

_DATE_DIGITS, _TIME_DIGITS = 8, 6
"""YYYYMMDD and HHMMSS, as cameras name their files."""


def source_group(stem: str) -> str:
    """Group of neighbours a picture belongs to.

    The last run of digits loses its final digit (ten neighbours share a group); a clock time after
    a date loses minutes and seconds (one hour shares a group).
    """
    name = _NOISE_WORDS.sub("", stem).lower()
    runs = list(re.finditer(r"\d+", name))
    if not runs:
        return name
    last = runs[-1]
    digits = last.group()
    clock = len(runs) > 1 and len(runs[-2].group()) == _DATE_DIGITS and len(digits) == _TIME_DIGITS
    kept = digits[:2] if clock else str(int(digits) // 10)
    return f"{name[: last.start()]}{kept}*"


def part_of(stem: str) -> Part:
    """The part a picture lies in, fixed for ever by its name."""
    digest = int.from_bytes(hashlib.sha256(source_group(stem).encode()).digest()[:8], "big")
    if digest % HELD_OUT_IN:
        return Part.TRAIN
    return Part.VAL if (digest // HELD_OUT_IN) % 2 else Part.TEST
