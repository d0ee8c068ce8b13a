"""`python -m vision.tracking.score TRACKS`: how often a passage is foreseen on recorded tracks.

A hit is a predicted passage within the tolerances in time and across the belt. Each track is cut
where its blind flight begins; what follows is used for nothing but the truth.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vision.tracking.recorded import RecordedTrack, Scales, TrackFileError, read_tracks
from vision.tracking.rivals import Method, methods

EXIT_OK, EXIT_USAGE = 0, 2
WILSON_Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What has to be foreseen.

    Attributes:
        nozzle_y_mm: the line, or None for the line that nearly every track still passes.
        blind_mm: from the last sight to the line.
        tolerance_ms: either way, in time.
        tolerance_mm: either way, across the belt.
    """

    nozzle_y_mm: float | None = None
    blind_mm: float = 44.0
    tolerance_ms: float = 1.0
    tolerance_mm: float = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one method did on one kind of material.

    Attributes:
        kind: of material.
        method: by name.
        tracks: scored.
        hits: share within both tolerances.
        low: lower end of the 95 % interval of that share (Wilson).
        high: its upper end.
        median_ms: median error in time, either way.
        p99_ms: 99th percentile of the error in time.
        p99_mm: of the lateral error.
    """

    kind: str
    method: str
    tracks: int
    hits: float
    low: float
    high: float
    median_ms: float
    p99_ms: float
    p99_mm: float


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, JASA 22:209, 1927)."""
    if not count:
        return 0.0, 1.0
    z2 = WILSON_Z**2
    share = hits / count
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = WILSON_Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2))
    half /= 1 + z2 / count
    return max(0.0, middle - half), min(1.0, middle + half)


def score_tracks(
    tracks: Sequence[RecordedTrack], task: Task, belt_speed_mm_per_s: float | None = None
) -> tuple[Score, ...]:
    """Score every method on every kind of material in the tracks.

    Raises:
        TrackFileError: no track is seen before the blind stretch and again behind the line.
    """
    line_mm = task.nozzle_y_mm if task.nozzle_y_mm is not None else _common_line_mm(tracks)
    scores: list[Score] = []
    for kind in dict.fromkeys(track.kind for track in tracks):
        cut = [
            (track.before(line_mm - task.blind_mm), passage)
            for track in tracks
            if track.kind == kind and (passage := track.passage(line_mm)) is not None
        ]
        usable = [(seen, passage) for seen, passage in cut if len(seen.times_s) >= 2]
        if not usable:
            continue
        for name, method in methods([seen for seen, _ in usable], belt_speed_mm_per_s):
            scores.append(_score(kind or "all", name, method, usable, line_mm, task))
    if not scores:
        msg = (
            f"no track is seen {task.blind_mm:g} mm before the nozzle line at {line_mm:.1f} mm and "
            "again behind it; give --nozzle-y-mm or a shorter --blind-mm"
        )
        raise TrackFileError(msg)
    return tuple(scores)


def _common_line_mm(tracks: Sequence[RecordedTrack]) -> float:
    """Return the line furthest downstream that 98 % of the tracks reach."""
    return float(np.percentile([track.y_mm.max() for track in tracks if len(track.y_mm)], 2))


def _score(
    kind: str,
    name: str,
    method: Method,
    usable: Sequence[tuple[RecordedTrack, tuple[float, float]]],
    line_mm: float,
    task: Task,
) -> Score:
    errors = np.empty((len(usable), 2))
    for row, (seen, passage) in enumerate(usable):
        try:
            at_s, x_mm = method(seen, line_mm)
        except ValueError:
            # A track that cannot be foreseen is missed; it must not leave the score.
            errors[row] = np.inf
            continue
        errors[row] = 1e3 * abs(at_s - passage[0]), abs(x_mm - passage[1])
    hit = (errors[:, 0] <= task.tolerance_ms) & (errors[:, 1] <= task.tolerance_mm)
    low, high = wilson(int(hit.sum()), len(hit))
    return Score(
        kind=kind,
        method=name,
        tracks=len(hit),
        hits=float(hit.mean()),
        low=low,
        high=high,
        median_ms=float(np.median(errors[:, 0])),
        p99_ms=float(np.percentile(errors[:, 0], 99, method="lower")),
        p99_mm=float(np.percentile(errors[:, 1], 99, method="lower")),
    )


def lines_of(scores: Sequence[Score]) -> tuple[str, ...]:
    """Return the scores as a table in plain text."""
    head = (
        f"{'kind':14} {'method':36} {'tracks':>6} {'hits %':>7} {'95 % interval':>15} "
        f"{'median ms':>10} {'p99 ms':>7} {'p99 mm':>7}"
    )
    return (
        head,
        *(
            f"{s.kind:14} {s.method:36} {s.tracks:6d} {100 * s.hits:7.2f} "
            f"{100 * s.low:7.2f}-{100 * s.high:6.2f}  {s.median_ms:10.3f} {s.p99_ms:7.3f} "
            f"{s.p99_mm:7.3f}"
            for s in scores
        ),
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m vision.tracking.score",
        description=__doc__,
        epilog=(
            "long CSV: track,time_s|time_ms|frame,x_mm,y_mm|x_px,y_px[,kind]; wide CSV: one frame "
            "a line, columns NAME_X,NAME_Y; JSON: a list of {track, kind, times_s, x_mm, y_mm}"
        ),
    )
    parser.add_argument("tracks", type=Path, nargs="+", help="CSV or JSON files")
    parser.add_argument("--nozzle-y-mm", type=float, help="default: where 98 %% of tracks get to")
    parser.add_argument("--blind-mm", type=float, default=44.0)
    parser.add_argument("--tolerance-ms", type=float, default=1.0)
    parser.add_argument("--tolerance-mm", type=float, default=2.5)
    parser.add_argument("--belt-speed-mm-per-s", type=float, help="where it is known")
    parser.add_argument("--px-per-mm", type=float, help="of positions in px; 2.88 is usual")
    parser.add_argument("--frames-per-s", type=float, help="of times in frames")
    parser.add_argument("--along", choices=("x", "y"), default="y", help="column along the belt")
    parser.add_argument("--backwards", action="store_true", help="positions fall downstream")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Score files of tracks; returns 0, or 2 where a file cannot be used."""
    arguments = _arguments(argv)
    scales = Scales(
        px_per_mm=arguments.px_per_mm,
        frames_per_s=arguments.frames_per_s,
        along=arguments.along,
        backwards=arguments.backwards,
    )
    task = Task(
        nozzle_y_mm=arguments.nozzle_y_mm,
        blind_mm=arguments.blind_mm,
        tolerance_ms=arguments.tolerance_ms,
        tolerance_mm=arguments.tolerance_mm,
    )
    try:
        tracks = [track for path in arguments.tracks for track in read_tracks(path, scales)]
        scores = score_tracks(tracks, task, arguments.belt_speed_mm_per_s)
    except TrackFileError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_USAGE
    if arguments.json:
        sys.stdout.write(json.dumps([asdict(score) for score in scores], indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(lines_of(scores)) + "\n")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
