"""A progress line on stderr for work that takes more than two seconds."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

_QUIET_S = 2.0
_EVERY_S = 0.5


def progress(items: Iterable[T], total: int, title: str) -> Iterator[T]:
    """Pass the items through; after two seconds show count, share and remaining time."""
    start_s = time.monotonic()
    shown_s = start_s + _QUIET_S - _EVERY_S
    for done, item in enumerate(items, start=1):
        yield item
        now_s = time.monotonic()
        if now_s - shown_s >= _EVERY_S:
            shown_s = now_s
            left_s = (now_s - start_s) / done * max(total - done, 0)
            sys.stderr.write(
                f"\r{title}: {done}/{total} ({done / max(total, 1):.0%}), {left_s:.0f} s left "
            )
            sys.stderr.flush()
    if shown_s > start_s + _QUIET_S - _EVERY_S:
        sys.stderr.write("\n")
