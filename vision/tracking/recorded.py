"""Recorded tracks of single items: what a file of them looks like, and how they are scored.

Two forms of CSV and one of JSON are read (docs/sorting.md shows each):

long    one observation a line: track, time_s | time_ms | frame, x_mm, y_mm | x_px, y_px [, kind]
wide    one frame a line, two columns a track: NAME_X, NAME_Y; empty or NaN where it was not seen
JSON    a list of {"track": ..., "kind": ..., "times_s": [...], "x_mm": [...], "y_mm": [...]}
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.errors import VisionError

Float64Array = npt.NDArray[np.float64]


class TrackFileError(VisionError):
    """A file of recorded tracks cannot be read; the message says where and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordedTrack:
    """One item's observed positions.

    Attributes:
        name: in the file.
        kind: of material, empty where the file does not say.
        times_s: (n,) ascending.
        x_mm: (n,) across the belt.
        y_mm: (n,) along the belt, growing downstream.
        truth: times, x and y without noise, where somebody knows them, else None.
    """

    name: str
    kind: str
    times_s: Float64Array
    x_mm: Float64Array
    y_mm: Float64Array
    truth: tuple[Float64Array, Float64Array, Float64Array] | None = None

    def passage(self, nozzle_y_mm: float) -> tuple[float, float] | None:
        """Return time and lateral place of the true passage of a line, None if never passed.

        Where only observations are known, the passage is read off the line through the last
        before and the first behind it.
        """
        times, x, y = self.truth or (self.times_s, self.x_mm, self.y_mm)
        behind = np.flatnonzero(y >= nozzle_y_mm)
        if not len(behind) or behind[0] == 0:
            return None
        after = int(behind[0])
        share = (nozzle_y_mm - y[after - 1]) / (y[after] - y[after - 1])
        return (
            float(times[after - 1] + share * (times[after] - times[after - 1])),
            float(x[after - 1] + share * (x[after] - x[after - 1])),
        )

    def before(self, last_y_mm: float) -> "RecordedTrack":
        """Return the observations up to the first that lies beyond a line."""
        beyond = np.flatnonzero(self.y_mm > last_y_mm)
        end = int(beyond[0]) if len(beyond) else len(self.times_s)
        return RecordedTrack(
            name=self.name,
            kind=self.kind,
            times_s=self.times_s[:end],
            x_mm=self.x_mm[:end],
            y_mm=self.y_mm[:end],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """What turns a file's numbers into seconds and millimetres.

    Attributes:
        px_per_mm: of positions in px.
        frames_per_s: of times in frames.
        along: column that lies along the belt, "x" or "y".
        backwards: positions along the belt fall downstream.
    """

    px_per_mm: float | None = None
    frames_per_s: float | None = None
    along: str = "y"
    backwards: bool = False


def read_tracks(path: Path, scales: Scales) -> tuple[RecordedTrack, ...]:
    """Read a file of recorded tracks.

    Raises:
        TrackFileError: missing, malformed, or a scale is needed that was not given.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error}); name a CSV or JSON file of tracks"
        raise TrackFileError(msg) from error
    try:
        if path.suffix.lower() == ".json":
            found = _from_json(json.loads(text), scales)
        else:
            found = _from_csv(list(csv.reader(text.splitlines())), scales)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        msg = f"{path}: {what}; `python -m vision.tracking.score --help` shows the forms"
        raise TrackFileError(msg) from error
    if not found:
        msg = f"{path}: holds no track"
        raise TrackFileError(msg)
    return found


def _from_json(document: Any, scales: Scales) -> tuple[RecordedTrack, ...]:
    entries = document["tracks"] if isinstance(document, Mapping) else document
    return tuple(
        _track(
            str(entry.get("track", index)),
            str(entry.get("kind", "")),
            {k: v for k, v in entry.items() if k not in ("track", "kind")},
            scales,
        )
        for index, entry in enumerate(entries)
    )


def _from_csv(rows: Sequence[Sequence[str]], scales: Scales) -> tuple[RecordedTrack, ...]:
    if len(rows) < 2:
        msg = "no line below the header"
        raise ValueError(msg)
    header = [name.strip() for name in rows[0]]
    lower = [name.lower() for name in header]
    for line, row in enumerate(rows[1:], start=2):
        if row and len(row) != len(header):
            msg = f"line {line}: {len(row)} columns, the header has {len(header)}"
            raise ValueError(msg)
    body = [row for row in rows[1:] if row]
    if "track" in lower or "track_id" in lower:
        return _from_long(lower, body, scales)
    return _from_wide(header, body, scales)


def _from_long(
    header: list[str], body: Sequence[Sequence[str]], scales: Scales
) -> tuple[RecordedTrack, ...]:
    name_at = header.index("track" if "track" in header else "track_id")
    kind_at = header.index("kind") if "kind" in header else None
    groups: dict[tuple[str, str], list[Sequence[str]]] = {}
    for row in body:
        kind = "" if kind_at is None else row[kind_at].strip()
        groups.setdefault((row[name_at], kind), []).append(row)
    wanted = [i for i in range(len(header)) if i not in (name_at, kind_at)]
    return tuple(
        _track(
            name,
            kind,
            {header[i]: [_number(row[i]) for row in rows] for i in wanted},
            scales,
        )
        for (name, kind), rows in groups.items()
    )


def _from_wide(
    header: list[str], body: Sequence[Sequence[str]], scales: Scales
) -> tuple[RecordedTrack, ...]:
    ends = {name: index for index, name in enumerate(header)}
    names = [n[:-2] for n in header if n[-2:].upper() == "_X"]
    if not names:
        msg = f"columns {', '.join(header[:6])} are neither the long nor the wide form"
        raise ValueError(msg)
    unit = "px" if scales.px_per_mm else "mm"
    tracks = []
    for name in names:
        x = [_number(row[ends[f"{name}_X"]]) for row in body]
        y = [_number(row[ends[f"{name}_Y"]]) for row in body]
        columns: dict[str, Sequence[float]] = {
            "frame": list(range(len(body))),
            f"x_{unit}": x,
            f"y_{unit}": y,
        }
        tracks.append(_track(name, "", columns, scales))
    return tuple(tracks)


def _number(text: str) -> float:
    return float(text) if text.strip() else float("nan")


def _track(
    name: str, kind: str, columns: Mapping[str, Sequence[float]], scales: Scales
) -> RecordedTrack:
    times = _times(columns, scales)
    x, y = (_places(columns, axis, scales) for axis in ("x", "y"))
    if not len(times) == len(x) == len(y):
        msg = f"track {name}: {len(times)} times, {len(x)} x and {len(y)} y"
        raise ValueError(msg)
    if scales.along == "x":
        x, y = y, x
    if scales.backwards:
        y = -y
    good = np.isfinite(times) & np.isfinite(x) & np.isfinite(y)
    order = np.argsort(times[good], kind="stable")
    return RecordedTrack(
        name=name,
        kind=kind,
        times_s=times[good][order],
        x_mm=x[good][order],
        y_mm=y[good][order],
    )


def _times(columns: Mapping[str, Sequence[float]], scales: Scales) -> Float64Array:
    for name, factor in (("time_s", 1.0), ("times_s", 1.0), ("time_ms", 1e-3), ("times_ms", 1e-3)):
        if name in columns:
            return np.asarray(columns[name], dtype=np.float64) * factor
    if "frame" in columns:
        if scales.frames_per_s is None:
            msg = "times are frames: give --frames-per-s"
            raise ValueError(msg)
        return np.asarray(columns["frame"], dtype=np.float64) / scales.frames_per_s
    msg = "no column time_s, time_ms or frame"
    raise ValueError(msg)


def _places(columns: Mapping[str, Sequence[float]], axis: str, scales: Scales) -> Float64Array:
    if f"{axis}_mm" in columns:
        return np.asarray(columns[f"{axis}_mm"], dtype=np.float64)
    if f"{axis}_px" not in columns:
        msg = f"no column {axis}_mm or {axis}_px"
        raise ValueError(msg)
    if scales.px_per_mm is None:
        msg = "positions are in px: give --px-per-mm"
        raise ValueError(msg)
    return np.asarray(columns[f"{axis}_px"], dtype=np.float64) / scales.px_per_mm
