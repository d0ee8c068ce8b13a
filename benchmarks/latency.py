"""Capture to pulse at the PLC link, and frames per second, beside Ultralytics' `model.track`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.status import Status

from benchmarks.latency_figures import (
    TYPICAL_ITEMS,
    Results,
    SceneResult,
    line_figures,
    ratios,
    track_figures,
)
from benchmarks.line_bench import Stopwatch, line_bench
from benchmarks.result import CannotRunError, Figures
from benchmarks.scenes import LOOP_MM, EndlessBelt, draw_belt
from benchmarks.soft_plc import start_soft_plc
from benchmarks.standard_line import StandardLine, standard_line
from twin.catalogue import open_catalogue
from twin.soft_plc.launch import SoftPlcProcesses
from vision.config import DetectorConfig
from vision.errors import DetectorError
from vision.factory import open_detector

ROOT = Path(__file__).parents[1]
INPUTS_PX = (320, 640)
ITEMS = (20, 5, 60)
STEPS = 200
"""Frames of the endless belt; 7 mm apart, 2.5 ms at nominal speed."""
FLAT_OUT_FRAMES_PER_S = 400.0
"""More than the line takes: it then works without a pause, always on the newest frame."""
STEADY_FRAMES_PER_S = {320: 50.0, 640: 25.0}
"""Camera rates at which latency is measured: the standard scenario's, and half of it."""
PYTHON_VARIABLE = "SORTLINE_TRAIN_PYTHON"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long each part is measured, seconds."""

    steady_s: float
    flat_out_s: float
    track_s: float


def measure_line(
    standard: StandardLine,
    detector: DetectorConfig,
    inputs_px: Sequence[int],
    belts: Mapping[int, EndlessBelt],
    plc: SoftPlcProcesses,
    plan: Plan,
) -> Results:
    """Run the line at some input sizes over some belts.

    Args:
        standard: the line, its belt without drift: the drawn one has none.
        detector: its [detector] section but for the input size.
        inputs_px: input sizes.
        belts: by item count.
        plc: what it talks to.
        plan: durations.

    Returns:
        By (input px, items in view).
    """
    results: dict[tuple[int, int], SceneResult] = {}
    for input_px in inputs_px:
        watch = Stopwatch()
        config = detector.model_copy(update={"input_px": input_px})
        first = belts[TYPICAL_ITEMS]
        with line_bench(standard, config, plc=plc, belt=first, watch=watch) as bench:
            for items, belt in belts.items():
                results[input_px, items] = SceneResult(
                    steady=bench.measure(
                        watch,
                        belt,
                        frames_per_s=STEADY_FRAMES_PER_S[input_px],
                        seconds=plan.steady_s,
                    ),
                    flat_out=bench.measure(
                        watch, belt, frames_per_s=FLAT_OUT_FRAMES_PER_S, seconds=plan.flat_out_s
                    ),
                )
    return results


def measure_track(
    standard: StandardLine, belts: Mapping[int, EndlessBelt], plc: SoftPlcProcesses, plan: Plan
) -> dict[str, dict[str, object]]:
    """Run the comparison in its own process over the same belts, PLC and weights.

    Raises:
        CannotRunError: Ultralytics is missing or failed; the message says what to do.
    """
    python = track_python()
    with tempfile.TemporaryDirectory() as folder:
        films = []
        for items, belt in belts.items():
            films.append(Path(folder) / f"{items}.npy")
            np.save(films[-1], belt.images)
        out = Path(folder) / "result.json"
        arguments: dict[str, Sequence[object]] = {
            "--weights": [weights(standard)],
            "--films": films,
            "--inputs": INPUTS_PX,
            "--rates": [STEADY_FRAMES_PER_S[input_px] for input_px in INPUTS_PX],
            "--step-mm": [LOOP_MM / STEPS],
            "--speed-mm-per-s": [standard.twin.belt.speed_mm_per_s],
            "--port": [plc.port],
            "--unit": [standard.line.queue_plc.unit_id],
            "--valves": [standard.line.stations[0].valve_count],
            "--seconds": [plan.track_s],
            "--out": [out],
        }
        words = [str(word) for name, values in arguments.items() for word in (name, *values)]
        done = subprocess.run(  # noqa: S603 - our own module
            [python, "-m", "benchmarks.track_baseline", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not out.exists():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            msg = (
                f"the comparison with Ultralytics' model.track failed under {python}: {last}; "
                "`make train-env` installs all that it needs"
            )
            raise CannotRunError(msg)
        results: dict[str, dict[str, object]] = json.loads(out.read_text())
        return results


def track_python() -> str:
    """Return the Python that runs the comparison.

    Raises:
        CannotRunError: it has no Ultralytics.
    """
    python = os.environ.get(PYTHON_VARIABLE, sys.executable)
    look = "import importlib.util as u, sys; sys.exit(u.find_spec('ultralytics') is None)"
    if subprocess.run([python, "-c", look], check=False).returncode:  # noqa: S603 - the user's own
        msg = (
            f"{python} has no Ultralytics to compare with: `make train-env` installs it, or name a "
            f"Python that has it in {PYTHON_VARIABLE}"
        )
        raise CannotRunError(msg)
    return python


def weights(standard: StandardLine) -> Path:
    """Return the bundle's weights as Ultralytics reads them: those the network came from.

    Raises:
        CannotRunError: the bundle has none.
    """
    path = standard.line.detector.bundle / "weights.pt"
    if not path.exists():
        msg = f"{path} is missing: there is nothing for Ultralytics to run"
        raise CannotRunError(msg)
    return path


def run(*, quick: bool, console: Console) -> Figures:
    """Measure the line, then the comparison, each with the machine to itself."""
    standard = standard_line()
    weights(standard)
    track_python()
    shipped = standard.line.detector
    still = standard.twin.belt.model_copy(update={"drift_share": 0.0})
    plan = (
        Plan(steady_s=1.0, flat_out_s=0.6, track_s=0.4)
        if quick
        else Plan(steady_s=8.0, flat_out_s=3.0, track_s=3.0)
    )
    with Status("drawing belts", console=console) as status:
        catalogue = open_catalogue()
        belts = {
            items: draw_belt(standard, catalogue, items_in_view=items, step_mm=LOOP_MM / STEPS)
            for items in ITEMS
        }
        with start_soft_plc(standard, still) as plc:
            status.update("the line: 320 and 640 px input, 5, 20 and 60 items in view")
            values = line_figures(measure_line(standard, shipped, INPUTS_PX, belts, plc, plan))
        other = other_precision(standard)
        if other is not None:
            typical = {TYPICAL_ITEMS: belts[TYPICAL_ITEMS]}
            with start_soft_plc(standard, still) as plc:
                status.update(f"the line: 320 px, {other.precision}")
                results = measure_line(standard, other, INPUTS_PX[:1], typical, plc, plan)
                values += line_figures(results, f"_{other.precision}")
        with start_soft_plc(standard, still) as plc:
            status.update("Ultralytics' model.track on the same frames")
            values += track_figures(measure_track(standard, belts, plc, plan))
    return Figures(values=(*ratios(dict(values)), *values), notes=_notes(shipped))


def other_precision(standard: StandardLine) -> DetectorConfig | None:
    """Return the detector in the precision that is not shipped, None where it cannot run."""
    shipped, camera = standard.line.detector, standard.twin.camera
    other = shipped.model_copy(
        update={"precision": "bf16" if shipped.precision == "f32" else "f32"}
    )
    try:
        open_detector(other, (camera.height_px, camera.width_px))
    except DetectorError:
        return None
    return other


def _notes(detector: DetectorConfig) -> tuple[str, ...]:
    return (
        (
            f"line: capture thread, {detector.backend} {detector.precision} on {detector.threads} "
            "thread(s), tracker, policy, planner, PLC thread, Modbus TCP to the soft PLC's "
            "processes; pNN_ms: exposure to the end of the exchange that gave a pulse to the PLC; "
            "frame_pNN_ms: exposure to the end of planning; fps: fed faster than it takes frames"
        ),
        (
            "latency at 50 frames/s (320 px) and 25 frames/s (640 px); keys without an item count: "
            f"{TYPICAL_ITEMS} items in view; _5 and _60 as they say; paper, food and weee are "
            "ejected as well, for many pulses to time, and lamps do not stop the belt"
        ),
        (
            "track: model.track(frame, persist=True, imgsz=..., verbose=False) of Ultralytics on "
            "the weights that the bundle's network was exported from, torch's own thread count, "
            "default tracker, one blocking write_coil to the same Modbus server for each box whose "
            "centre crosses the middle of the image (the PLC answers it with an exception: its "
            "coils are read only; the round trip is the same); track_pNN_ms: exposure to coil "
            "written, camera rates as above, newest frame first; track_fps, track_frame_, "
            "track_fresh_: without a pause, each frame exposed when it is asked for"
        ),
        (
            "_bf16 or _f32: the line with the precision that is not shipped; ratios at 320 px: the "
            "line's fps over track's; the line's p50_ms over track's"
        ),
    )
