"""Photographs taken earlier as a bench: `held/` for the camera, `belt/` with its ticks.

    FOLDER/held/*.png          the board held up before the camera
    FOLDER/belt/*.png          the board on the belt, at rest
    FOLDER/belt/ticks.csv      name,tick,laying for each photograph on the belt

A folder without these two holds photographs of the board held up.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import cv2
import numpy as np

from calibration.bench import FiredShot, NoMorePhotographsError, Photograph, Shot, Task, TaskKind
from calibration.errors import CalibrationError
from calibration.units import MonotonicNs

_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
_TICKS: Final = "ticks.csv"


class FolderBench:
    """Implements `calibration.bench.Bench` as far as photographs can: camera and belt."""

    def __init__(self, folder: Path) -> None:
        """List what is there.

        Raises:
            CalibrationError: no photographs, or ticks that do not belong to them.
        """
        if not folder.is_dir():
            msg = f"{folder}: no such folder of photographs"
            raise CalibrationError(msg)
        held = folder / "held"
        self._held = _photographs(held if held.is_dir() else folder)
        self._belt = _belt(folder / "belt")
        if not self._held:
            msg = f"{folder}: no photographs ({', '.join(sorted(_SUFFIXES))})"
            raise CalibrationError(msg)
        first = _read(self._held[0]).shape
        self._size = (first[1], first[0])
        self._on_belt, self._laying = False, -1

    @property
    def image_size_px(self) -> tuple[int, int]:
        """Width and height of the photographs."""
        return self._size

    def ask(self, task: Task) -> float:
        """Go on to the photographs that were taken for a task. See `Bench`."""
        self._on_belt = task.kind is TaskKind.LAY_BOARD
        if self._on_belt:
            self._laying += 1
        if task.kind not in (TaskKind.HOLD_BOARD, TaskKind.LAY_BOARD):
            self._cannot(task.kind.value.replace("_", " "))
        return 0.0

    def photograph(self) -> Photograph:
        """Return the next photograph. See `Bench`.

        Raises:
            NoMorePhotographsError: all were returned.
        """
        if self._on_belt:
            return self._next_on_belt()
        if not self._held:
            msg = "there are no more photographs of the board held up"
            raise NoMorePhotographsError(msg)
        return self._made(self._held.pop(0), 0.0)

    def _next_on_belt(self) -> Photograph:
        if not self._belt or self._belt[0][2] != self._laying:
            msg = f"there are no more photographs of laying {self._laying} on the belt"
            raise NoMorePhotographsError(msg)
        path, tick, _ = self._belt.pop(0)
        return self._made(path, tick)

    def _made(self, path: Path, tick: float) -> Photograph:
        image = _read(path)
        if (image.shape[1], image.shape[0]) != self._size:
            msg = (
                f"{path}: {image.shape[1]} x {image.shape[0]} px, the others have "
                f"{self._size[0]} x {self._size[1]}; one camera takes one size"
            )
            raise CalibrationError(msg)
        return Photograph(image=image, exposed_ns=MonotonicNs(0), tick=tick, ticks_per_s=0.0)

    def jog(self, travel_mm: float) -> None:
        """Do nothing: the belt moved when the photographs were taken."""
        del travel_mm

    def film(self, seconds: float) -> tuple[Photograph, ...]:
        """Refuse. See `Bench`."""
        del seconds
        self._cannot("film a start of the belt")

    def fire(self, shots: Sequence[Shot]) -> tuple[FiredShot, ...]:
        """Refuse. See `Bench`."""
        del shots
        self._cannot("fire valves")

    def _cannot(self, what: str) -> NoReturn:
        msg = (
            f"photographs cannot {what}; calibrate camera and belt from them, the rest on the line"
        )
        raise CalibrationError(msg)


def _photographs(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


def _belt(folder: Path) -> list[tuple[Path, float, int]]:
    if not folder.is_dir():
        return []
    listed = folder / _TICKS
    try:
        with listed.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return [
            (folder / row["name"], float(row["tick"]), int(row.get("laying") or 0)) for row in rows
        ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        msg = f"{listed}: needs the columns name,tick,laying, one row a photograph ({error})"
        raise CalibrationError(msg) from error


def _read(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: no photograph that can be read"
        raise CalibrationError(msg)
    return np.asarray(image, dtype=np.uint8)
