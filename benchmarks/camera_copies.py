"""From the driver's buffer to the detector's input, with and without a copy on the way.

The buffer is a 1920 x 1080 picture in memory, as a GenICam driver hands it over. "copied" is what
`vision.cameras.genicam` would do without views: copy it out, make it three BGR channels, shrink it.
"""

import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.result import Figures
from vision.cameras.genicam.buffer_views import BufferViews
from vision.cameras.genicam.pixel_formats import FORMATS
from vision.letterbox import Letterbox

WIDTH_PX, HEIGHT_PX = 1920, 1080
INPUTS_PX = (320, 640)
ROUNDS, QUICK_ROUNDS = 400, 80
_COPIED: dict[str, Callable[[npt.NDArray[np.uint8]], object]] = {
    "RGB8": lambda raw: cv2.cvtColor(raw.copy(), cv2.COLOR_RGB2BGR),
    "BGR8": lambda raw: raw.copy(),
    "Mono8": lambda raw: cv2.cvtColor(raw.copy(), cv2.COLOR_GRAY2BGR),
}


def run(*, quick: bool, console: Console) -> Figures:  # noqa: ARG001 - every benchmark's call
    """Time both ways in turn; medians in ms, and what the view saves."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    values: list[tuple[str, float]] = []
    for name in _COPIED:
        for side_px in INPUTS_PX:
            copied_ms, viewed_ms = _one(name, side_px, rounds)
            key = f"{name.lower()}_{side_px}"
            values += [
                (f"copied_ms_{key}", copied_ms),
                (f"view_ms_{key}", viewed_ms),
                (f"saved_ms_{key}", copied_ms - viewed_ms),
            ]
    return Figures(
        values=tuple(values),
        notes=(f"{WIDTH_PX} x {HEIGHT_PX} px buffer to detector input, medians of {rounds}",),
    )


def _one(name: str, side_px: int, rounds: int) -> tuple[float, float]:
    entry = FORMATS[name]
    shape = (HEIGHT_PX, WIDTH_PX, entry.bytes_per_px)
    raw = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    box = Letterbox((HEIGHT_PX, WIDTH_PX), side_px, 114)
    views = BufferViews(1)

    def by_copy() -> None:
        box.fit(np.asarray(_COPIED[name](raw), dtype=np.uint8))

    def by_view() -> None:
        box.fit(entry.to_bgr(views.lend(raw.ctypes.data, shape, lambda: None)))

    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for way, kept in zip((by_copy, by_view), times, strict=True):
            started = time.perf_counter()
            way()
            kept.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times[0]), statistics.median(times[1])
