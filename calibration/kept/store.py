"""The folder that keeps every calibration of one line, and the one that is in force.

`current.json` is what the line file names; `versions/` holds every calibration ever in force,
numbered, never changed. Rolling back makes an older one current and says so in `log.jsonl`.
"""

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calibration.errors import CalibrationError
from calibration.kept.record import CalibrationRecord, record_from, record_text

CURRENT = "current.json"
_VERSIONS = "versions"
_LOG = "log.jsonl"
_NAME = re.compile(r"(\d{4,})-[0-9a-f]{8}\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One kept calibration.

    Attributes:
        number: counts from 1, never reused.
        record: its content.
        in_force: it is the current one.
    """

    number: int
    record: CalibrationRecord
    in_force: bool


class CalibrationStore:
    """Versions of one line's calibration. Every call reads the disk; nothing is cached."""

    def __init__(self, folder: Path, *, camera_id: str, belt_id: str) -> None:
        """Name the folder; it is made with the first calibration.

        Args:
            folder: of the store.
            camera_id: the line's camera; records of another are refused.
            belt_id: the line's belt; records of another are refused.
        """
        self.folder, self._camera_id, self._belt_id = folder, camera_id, belt_id

    @property
    def current_path(self) -> Path:
        """The file that a line file's `calibration.path` names."""
        return self.folder / CURRENT

    def current(self) -> CalibrationRecord | None:
        """Return the calibration in force, None where the line has none yet.

        Raises:
            CalibrationError: it was altered by hand or belongs to another camera or belt.
        """
        if not self.current_path.exists():
            return None
        return self._checked(self._read(self.current_path), str(self.current_path))

    def versions(self) -> tuple[Version, ...]:
        """Return every kept calibration, oldest first.

        Raises:
            CalibrationError: one of them was altered or cannot be read.
        """
        now = self.current()
        in_force = "" if now is None else now.sha256
        found = [(number, self._read(path)) for number, path in self._files()]
        newest = max((n for n, record in found if record.sha256 == in_force), default=0)
        return tuple(
            Version(number=number, record=record, in_force=number == newest)
            for number, record in found
        )

    def version(self, number: int) -> CalibrationRecord:
        """Return one kept calibration.

        Raises:
            CalibrationError: there is none of that number, or it was altered.
        """
        for found, path in self._files():
            if found == number:
                return self._checked(self._read(path), str(path))
        numbers = ", ".join(str(found) for found, _ in self._files()) or "none"
        msg = f"{self.folder}: no calibration {number}; kept are: {numbers}"
        raise CalibrationError(msg)

    def keep(self, record: CalibrationRecord) -> Version:
        """Keep a new calibration and put it in force.

        Raises:
            CalibrationError: it belongs to another camera or belt, or cannot be written.
        """
        self._checked(record, "this calibration")
        number = max((found for found, _ in self._files()), default=0) + 1
        name = f"{number:04d}-{record.sha256[:8]}.json"
        self._write(self.folder / _VERSIONS / name, record_text(record))
        self._put_in_force(record)
        self._note(number, record, record.provenance.measured_at_utc, "kept")
        return Version(number=number, record=record, in_force=True)

    def roll_back(self, number: int, *, by: str, at_utc: datetime) -> CalibrationRecord:
        """Put an older calibration in force again; nothing is lost by it.

        Args:
            number: of the version.
            by: who asks for it.
            at_utc: when.

        Raises:
            CalibrationError: no such version, altered, or of another camera or belt.
        """
        record = self.version(number)
        self._put_in_force(record)
        self._note(number, record, at_utc, f"rolled back by {by}")
        return record

    def _files(self) -> list[tuple[int, Path]]:
        folder = self.folder / _VERSIONS
        if not folder.is_dir():
            return []
        named = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
        return sorted((int(match[1]), path) for match, path in named if match)

    def _read(self, path: Path) -> CalibrationRecord:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{path}: cannot be read ({error})"
            raise CalibrationError(msg) from error
        return record_from(text, str(path))

    def _checked(self, record: CalibrationRecord, origin: str) -> CalibrationRecord:
        for name, wanted in (("camera_id", self._camera_id), ("belt_id", self._belt_id)):
            found = getattr(record.calibration, name)
            if found != wanted:
                msg = (
                    f"{origin}: taken for {name} {found!r}, this line has {wanted!r}; calibrate "
                    "this line, or give the line file the identity of the device that is there"
                )
                raise CalibrationError(msg)
        return record

    def _put_in_force(self, record: CalibrationRecord) -> None:
        self._write(self.current_path, record_text(record))

    def _write(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _replacing(path) as stream:
                os.write(stream, text.encode())
        except OSError as error:
            msg = f"{path}: cannot be written ({error.strerror}); free space or name another folder"
            raise CalibrationError(msg) from error

    def _note(self, number: int, record: CalibrationRecord, at_utc: datetime, what: str) -> None:
        entry = {"at_utc": at_utc.isoformat(), "version": number, "what": what}
        line = json.dumps(entry | {"sha256": record.sha256}) + "\n"
        with (self.folder / _LOG).open("a", encoding="utf-8") as stream:
            stream.write(line)


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[int]:
    """Write a file beside `path` and put it in its place once it is whole on the disk."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".new")
    try:
        yield handle
        os.fsync(handle)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    Path(name).replace(path)
