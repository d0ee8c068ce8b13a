"""The folder that keeps every valve test of one line; each is a file of its own, never changed.

A line whose calibration is a file could keep them there too, but valves are tested far more often
than a camera is calibrated, and lines without a calibration file have valves as well. What was
found is put into the line's calibration when that is loaded.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from calibration.errors import CalibrationError
from calibration.line_calibration import LineCalibration
from calibration.valve_records import bars_from_json, bars_to_json
from calibration.valve_response import BarResponse

_FORMAT: Final = 1
_PATTERN: Final = "valves-*.json"


class ValveStore:
    """Valve tests of one line, newest last. Every call reads the disk; nothing is cached."""

    def __init__(self, folder: Path, *, line_id: str) -> None:
        """Name the folder; it is made with the first test.

        Args:
            folder: of the store.
            line_id: the line's; tests of another line are refused.
        """
        self.folder, self._line_id = folder, line_id

    def bars(self) -> tuple[BarResponse, ...]:
        """Return the newest test of every bar, empty where none was made.

        Raises:
            CalibrationError: the newest file was altered, is malformed, or of another line.
        """
        files = self._files()
        return self._read(files[-1]) if files else ()

    def keep(self, bar: BarResponse) -> Path:
        """Write a new version in which a bar's test replaces its last one; returns the file.

        Raises:
            CalibrationError: the folder cannot be written, or its newest file not be read.
        """
        others = tuple(old for old in self.bars() if old.station != bar.station)
        files = self._files()
        number = 1 + (int(files[-1].stem.removeprefix("valves-")) if files else 0)
        body = {
            "format": _FORMAT,
            "line_id": self._line_id,
            "version": number,
            "bars": bars_to_json((*others, bar)),
        }
        path = self.folder / f"valves-{number:04d}.json"
        text = json.dumps({"sha256": _digest(body), "valves": body}, indent=1) + "\n"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            msg = f"{path}: cannot be written ({error.strerror}); make valves.folder writable"
            raise CalibrationError(msg) from error
        return path

    def into(self, calibration: LineCalibration) -> LineCalibration:
        """Return a calibration with what the newest tests found.

        Raises:
            CalibrationError: as `bars`.
        """
        bars = self.bars()
        return replace(calibration, bars=bars) if bars else calibration

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(_PATTERN)) if self.folder.is_dir() else []

    def _read(self, path: Path) -> tuple[BarResponse, ...]:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            body, digest = document["valves"], document["sha256"]
            altered = _digest(body) != digest
            line_id, bars = body["line_id"], bars_from_json(body["bars"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"{path}: no valve test ({error}); move it away and test the valves again"
            raise CalibrationError(msg) from error
        if altered:
            msg = f"{path}: was altered by hand; move it away and test the valves again"
            raise CalibrationError(msg)
        if line_id != self._line_id:
            msg = f"{path}: of line {line_id!r}, this is {self._line_id!r}; name another folder"
            raise CalibrationError(msg)
        return bars


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
