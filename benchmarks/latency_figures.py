"""From measured durations to the latency benchmark's keys."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.line_bench import Measured

TYPICAL_ITEMS = 20
"""Keys without an item count are of this many items in view."""
PERCENTILES = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p999": 99.9}
Values = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SceneResult:
    """One input size and item count: at a steady camera rate, and flat out."""

    steady: Measured
    flat_out: Measured


Results = Mapping[tuple[int, int], SceneResult]


def percentiles(prefix: str, suffix: str, samples_ms: npt.ArrayLike) -> Values:
    """Return p50, p95, p99 and p99.9 of durations, ms, or nothing where there are none."""
    samples = np.asarray(samples_ms, dtype=np.float64)
    if not len(samples):
        return ()
    return tuple(
        (f"{prefix}{name}_ms{suffix}", float(np.percentile(samples, q)))
        for name, q in PERCENTILES.items()
    )


def line_figures(results: Results, variant: str = "") -> Values:
    """Return the line's own figures, the typical scene's under the short keys.

    Args:
        results: as measured.
        variant: added to every key.
    """
    values: list[tuple[str, float]] = []
    for (input_px, items), result in results.items():
        suffix = f"_{input_px}" if items == TYPICAL_ITEMS else f"_{input_px}_{items}"
        suffix += variant
        values.append((f"fps{suffix}", result.flat_out.frames_per_s))
        values += percentiles("", suffix, result.steady.pulse_ms)
        values += percentiles("frame_", suffix, result.steady.frame_ms)
        values.append((f"steady_fps{suffix}", result.steady.frames_per_s))
        values.append((f"pulses{suffix}", len(result.steady.pulse_ms)))
    return tuple(values)


def track_figures(track: Mapping[str, Mapping[str, object]]) -> Values:
    """Return the comparison's figures under keys that begin with `track_`."""
    values: list[tuple[str, float]] = []
    for name, result in track.items():
        input_px, items, camera = name.split()
        suffix = f"_{input_px}" if int(items) == TYPICAL_ITEMS else f"_{input_px}_{items}"
        if camera == "camera":
            values += percentiles("track_", suffix, np.asarray(result["coil_ms"]))
        else:
            values.append((f"track_fps{suffix}", float(str(result["frames_per_s"]))))
            values += percentiles("track_fresh_", suffix, np.asarray(result["coil_ms"]))
            values += percentiles("track_frame_", suffix, np.asarray(result["frame_ms"]))
            values.append((f"track_boxes{suffix}", float(str(result["boxes_per_frame"]))))
    return tuple(values)


def ratios(values: Mapping[str, float]) -> Values:
    """Return how the line compares at 320 px with the typical scene."""
    found = []
    if "track_fps_320" in values:
        found.append(("fps_ratio_vs_track", values["fps_320"] / values["track_fps_320"]))
    if "p50_ms_320" in values and "track_p50_ms_320" in values:
        ratio = values["p50_ms_320"] / values["track_p50_ms_320"]
        found.append(("latency_ratio_vs_track", ratio))
    return tuple(found)
