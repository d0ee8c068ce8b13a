"""A data set's version: a hash of its pictures and labels, the same wherever it lies."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from models.datasets.pictures import SUFFIXES

if TYPE_CHECKING:
    from pathlib import Path

_LABELS = ".txt"


def content_hash(folder: Path) -> str:
    """Return SHA-256 over names and bytes of all pictures and labels below a folder.

    Neither times, order nor the folder's own name count.
    """
    total = hashlib.sha256()
    wanted = SUFFIXES | {_LABELS}
    files = (path for path in folder.rglob("*") if path.suffix.lower() in wanted)
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        total.update(path.relative_to(folder).as_posix().encode())
        total.update(b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
