"""Keeps valve counts over restarts, and the log of every valve that was changed.

`counters.json` is replaced whole and at once, so that a power cut leaves the old or the new one.
`changes.jsonl` only grows: one line for each counter set back to zero, with who, when and why.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from calibration.clock import Clock
from calibration.errors import CalibrationError
from controller.valve_wear import BarCount

log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 10.0
"""What a power cut costs at most: some thousand openings of a life of a billion."""
_STOP_S: Final = 5.0


class WearError(CalibrationError):
    """Valve counts cannot be read or written, with what to do about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveChange:
    """A counter set back because a valve was changed.

    Attributes:
        station: name of the bar.
        valve: index on it.
        cycles: what the old valve had done.
        open_s: how long the old valve had been open.
        by: who changed it.
        at_utc: ISO date and time.
        note: what they said about it.
    """

    station: str
    valve: int
    cycles: int
    open_s: float
    by: str
    at_utc: str
    note: str


class WearFile:
    """The counters of one line on disk. Every call reads or writes the disk."""

    def __init__(self, folder: Path, *, line_id: str) -> None:
        """Name the folder; it is made with the first counts."""
        self.path, self.changes_path = folder / "counters.json", folder / "changes.jsonl"
        self._line_id = line_id

    def read(self) -> dict[str, BarCount]:
        """Return the counts by station, empty where nothing was counted yet.

        Raises:
            WearError: the file is malformed or of another line.
        """
        if not self.path.exists():
            return {}
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            bars = [
                BarCount(
                    station=str(bar["station"]),
                    cycles=tuple(int(c) for c in bar["cycles"]),
                    open_s=tuple(float(s) for s in bar["open_s"]),
                )
                for bar in document["bars"]
            ]
            line_id = document["line_id"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"{self.path}: no valve counters ({error}); move the file away to begin at zero"
            raise WearError(msg) from error
        if line_id != self._line_id:
            msg = f"{self.path}: counters of line {line_id!r}, this is {self._line_id!r}"
            raise WearError(msg)
        return {bar.station: bar for bar in bars}

    def write(self, bars: Sequence[BarCount]) -> None:
        """Replace the counts.

        Raises:
            WearError: the disk is full or the folder not writable.
        """
        document = {"line_id": self._line_id, "bars": [asdict(bar) for bar in bars]}
        scratch = self.path.with_suffix(".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with scratch.open("w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.path)
        except OSError as error:
            msg = f"{self.path}: cannot be written ({error.strerror})"
            raise WearError(msg) from error

    def change_valve(
        self, station: str, valve: int, *, by: str, at_utc: str, note: str
    ) -> ValveChange:
        """Set a valve's counter to zero because it was changed, and say so in the log.

        Raises:
            WearError: nothing was counted for it yet, or the disk does not take it.
        """
        bars = self.read()
        bar = bars.get(station)
        if bar is None or not 0 <= valve < len(bar.cycles):
            msg = f"{self.path}: nothing is counted for valve {valve} of station {station!r} yet"
            raise WearError(msg)
        change = ValveChange(
            station=station,
            valve=valve,
            cycles=bar.cycles[valve],
            open_s=bar.open_s[valve],
            by=by,
            at_utc=at_utc,
            note=note,
        )
        self._log(change)
        bars[station] = replace(
            bar,
            cycles=(*bar.cycles[:valve], 0, *bar.cycles[valve + 1 :]),
            open_s=(*bar.open_s[:valve], 0.0, *bar.open_s[valve + 1 :]),
        )
        self.write(tuple(bars.values()))
        return change

    def changes(self) -> tuple[ValveChange, ...]:
        """Return every change of a valve, oldest first.

        Raises:
            WearError: the log cannot be read.
        """
        if not self.changes_path.exists():
            return ()
        try:
            lines = self.changes_path.read_text(encoding="utf-8").splitlines()
            return tuple(ValveChange(**json.loads(line)) for line in lines)
        except (OSError, ValueError, TypeError) as error:
            msg = f"{self.changes_path}: cannot be read ({error})"
            raise WearError(msg) from error

    def _log(self, change: ValveChange) -> None:
        try:
            with self.changes_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(change)) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            msg = f"{self.changes_path}: cannot be written ({error.strerror})"
            raise WearError(msg) from error


class WearKeeper:
    """Writes a running line's counts every few seconds, in a thread of its own."""

    def __init__(
        self, file: WearFile, counts: Callable[[], Mapping[str, BarCount]], clock: Clock
    ) -> None:
        """Prepare.

        Args:
            file: where to.
            counts: the newest counts, from any thread.
            clock: of the thread.
        """
        self._file, self._counts, self._clock = file, counts, clock
        self._stopping = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="valve-wear", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Write once more and end the thread. Idempotent."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
            self._write()

    def _run(self) -> None:
        while not self._clock.wait(self._stopping, WRITE_EVERY_S):
            self._write()

    def _write(self) -> None:
        counts = self._counts()
        if not counts:
            return
        try:
            self._file.write(tuple(counts.values()))
        except WearError as error:
            if not self._failing:
                log.error("valve counters are not kept: %s", error)  # noqa: TRY400 - an edge
            self._failing = True
        else:
            if self._failing:
                log.info("valve counters are kept again")
            self._failing = False
