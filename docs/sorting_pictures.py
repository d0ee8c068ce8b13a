"""Draws the pictures of docs/sorting.md: `python docs/sorting_pictures.py` (needs matplotlib).

The windows are those of the recorded scene `crowded`; the hits are read from
benchmarks/results/tracking.json, which `python -m benchmarks tracking` writes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import numpy as np
import numpy.typing as npt
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from calibration.line_calibration import LineCalibration  # noqa: E402
from controller.jet_window import StationTiming  # noqa: E402
from tests.golden.replays import SCENES, own_pipeline, read_scene  # noqa: E402
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line  # noqa: E402
from twin.viewpoint import true_calibration  # noqa: E402
from vision.locate import BeltLocator  # noqa: E402
from vision.types import FRACTIONS, Fraction  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
COLOURS = {
    Fraction.PLASTIC: "#2a78c2",
    Fraction.PAPER: "#b9a98c",
    Fraction.FOOD: "#7d9b4f",
    Fraction.WEEE: "#6b6b6b",
    Fraction.MERCURY_LAMP: "#d43c3c",
    Fraction.OTHER: "#c8c8c8",
}
_TURNS = np.arange(16) * (2 * np.pi / 16)


def corners(support_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (16, 2) corners of an outline: where the limits of neighbouring directions meet."""
    step = 2 * np.pi / 16
    after = np.roll(support_mm, -1)
    along = (after - support_mm * np.cos(step)) / np.sin(step)
    return np.column_stack(
        (
            support_mm * np.cos(_TURNS) - along * np.sin(_TURNS),
            support_mm * np.sin(_TURNS) + along * np.cos(_TURNS),
        )
    )


def draw_windows() -> Path:
    """Draw items and air of the recorded scene `crowded` on the belt."""
    name, steps = read_scene(SCENES / "crowded.jsonl")
    line, world = shipped_line(name)
    calibration = true_calibration(world, mm_per_tick=MM_PER_TICK)
    pipeline = own_pipeline(line, calibration)
    locator = BeltLocator(calibration, border_px=line.tracker.border_px)
    figure, axes = plt.subplots(figsize=(11, 6.2))
    outlines: list[tuple[float, float, Any, Fraction]] = []
    for step in steps:
        seen = locator.locate(step.stamp, step.detections)
        whole = ~(seen.cut_upstream | seen.cut_downstream)
        for row in np.flatnonzero(whole).tolist():
            x, y = float(seen.x_mm[row]), float(seen.y_mm[row])
            if all(abs(x - a) + abs(y - b) > 25 for a, b, _, _ in outlines):
                fraction = FRACTIONS[int(seen.scores[row].argmax())]
                outlines.append((x, y, seen.support_mm[row], fraction))
        result = pipeline.step(step.stamp, step.detections, step.status)
        timing = StationTiming(
            line.stations[0], mm_per_tick=MM_PER_TICK, ticks_per_s=step.status.ticks_per_s
        )
        for planned in result.planned:
            _draw_air(axes, timing, planned.command)
    for x, y, support, fraction in outlines:
        shape = corners(support) + np.array((x, y))
        axes.fill(shape[:, 1], shape[:, 0], color=COLOURS[fraction], alpha=0.85, lw=0, zorder=1)
    _finish(axes, outlines, calibration)
    path = PICTURES / "sorting-windows.png"
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path


def _draw_air(axes: Any, timing: StationTiming, command: Any) -> None:
    left, right = timing.swept_x_mm(command.valves.first, command.valves.last)
    low, high = timing.swept_y_mm(command.open_tick, command.close_tick)
    axes.add_patch(
        plt.Rectangle(
            (low, left), high - low, right - left, fill=False, ec="#e07b00", lw=1.6, zorder=2
        )
    )


def _finish(axes: Any, outlines: Any, calibration: LineCalibration) -> None:
    middle = [y for _, y, _, _ in outlines]
    axes.set_xlim(min(middle) - 90, max(middle) + 90)
    axes.set_ylim(calibration.belt_width_mm, 0)
    axes.set_aspect("equal")
    axes.set_xlabel("belt coordinate y, mm (upstream to the right)")
    axes.set_ylabel("across the belt x, mm")
    shown = dict.fromkeys(fraction for *_, fraction in outlines)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[f]) for f in shown]
    handles.append(plt.Rectangle((0, 0), 1, 1, fill=False, ec="#e07b00", lw=1.6))
    labels = [*(f.value for f in shown), "air over the belt"]
    axes.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 1.1), ncol=7)


def draw_hits() -> Path:
    """Draw how often a passage is foreseen, by material and method."""
    figures = json.loads((ROOT / "benchmarks" / "results" / "tracking.json").read_text())["figures"]
    kinds = ("spheres", "cylinders", "grain")
    methods = {
        "fixed_delay": "fixed delay",
        "constant_speed": "constant speed",
        "constant_acceleration": "constant acceleration",
        "arrival": "predict_arrival",
        "arrival_belt_known": "predict_arrival, belt speed known",
    }
    figure, axes = plt.subplots(figsize=(10, 3.6))
    width = 0.16
    for index, (key, label) in enumerate(methods.items()):
        values = [100 * figures[f"hits_{kind}_{key}"] for kind in kinds]
        places = np.arange(len(kinds)) + (index - 2) * width
        bars = axes.bar(places, values, width * 0.92, label=label)
        axes.bar_label(bars, fmt="%.1f", fontsize=7)
    axes.set_xticks(np.arange(len(kinds)), kinds)
    axes.set_ylim(60, 103)
    axes.set_ylabel("within 1 ms and 2.5 mm, %")
    axes.legend(fontsize=8, ncol=5, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    path = PICTURES / "sorting-arrival.png"
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
    return path


def main() -> int:
    """Draw both pictures."""
    PICTURES.mkdir(exist_ok=True)
    for path in (draw_windows(), draw_hits()):
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
