"""What it costs a frame to be evened out by the grey card's gains, by image size and by way.

"frame" is what the running line does (bytes, fixed point); "float" the same with floating-point
gains. A view that is even to two per cent costs nothing: it is handed on as it is.
"""

import statistics
import time
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from rich.console import Console

from benchmarks.result import Figures
from calibration.light_field import GRID, LightField
from vision.light_correction import LightCorrection

SIZES_PX: Final = ((640, 320), (1280, 640), (1920, 1080))
ROUNDS, QUICK_ROUNDS = 400, 60
_CORNER_GAIN: Final = 1.35


def run(*, quick: bool, console: Console) -> Figures:  # noqa: ARG001 - every benchmark's call
    """Time both ways in turn; medians in ms."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    values: list[tuple[str, float]] = []
    for width, height in SIZES_PX:
        frame_ms, float_ms = _one(width, height, rounds)
        key = f"{width}x{height}"
        values += [(f"frame_ms_{key}", frame_ms), (f"float_ms_{key}", float_ms)]
    return Figures(values=tuple(values), notes=(f"colour frames, medians of {rounds}",))


def _one(width: int, height: int, rounds: int) -> tuple[float, float]:
    gain = np.linspace(1.0, _CORNER_GAIN, GRID[0] * GRID[1]).reshape(GRID)
    light = LightField(gain=gain, white_balance=(1.1, 1.0, 0.95))
    correction = LightCorrection(light, (height, width))
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    smooth = np.asarray(cv2.resize(gain, (width, height)), dtype=np.float32)
    gains, out = np.dstack([smooth] * 3), np.empty_like(image)

    def by_bytes() -> None:
        correction.apply(image)

    def by_float() -> None:
        cv2.multiply(image, gains, dst=out, dtype=cv2.CV_8U)

    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for way, kept in zip((by_bytes, by_float), times, strict=True):
            kept.append(_ms(way))
    return statistics.median(times[0]), statistics.median(times[1])


def _ms(work: Callable[[], None]) -> float:
    start_ns = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start_ns) / 1e6
