"""What one would write without this project: `model.track` and a coil write at a line.

Runs in a process of its own, with the Python that has Ultralytics; `benchmarks.latency` starts it
and reads the file that it writes.
"""

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from time import monotonic_ns
from typing import Any

import numpy as np
import numpy.typing as npt

NS_PER_S = 1_000_000_000
WARM_UP_FRAMES = 5


class Film:
    """A camera on the endless belt, the newest frame wins."""

    def __init__(
        self, path: Path, *, step_mm: float, speed_mm_per_s: float, frames_per_s: float
    ) -> None:
        """Load the frames of one loop.

        Args:
            path: .npy of (n, height, width, 3) uint8.
            step_mm: belt travel between two of them.
            speed_mm_per_s: of the belt.
            frames_per_s: exposures a second; 0 exposes whenever a frame is asked for.
        """
        self._images = np.load(path)
        self._steps_per_ns = speed_mm_per_s / step_mm / NS_PER_S
        self._start_ns = monotonic_ns()
        self._period_ns = NS_PER_S / frames_per_s if frames_per_s else 0.0
        self._shown = -1
        self._never = Event()

    def read(self) -> tuple[int, npt.NDArray[np.uint8]]:
        """Return the newest frame not yet returned with the instant of its exposure."""
        exposed_ns = monotonic_ns()
        if self._period_ns:
            newest = int((exposed_ns - self._start_ns) / self._period_ns)
            if newest <= self._shown:
                newest = self._shown + 1
                due_ns = self._start_ns + newest * self._period_ns
                self._never.wait((due_ns - exposed_ns) / NS_PER_S)
            self._shown = newest
            exposed_ns = round(self._start_ns + newest * self._period_ns)
        step = round((exposed_ns - self._start_ns) * self._steps_per_ns)
        return exposed_ns, np.asarray(self._images[step % len(self._images)])


class LineCrossing:
    """Writes one coil for each tracked box whose centre crosses the image's middle downstream."""

    def __init__(self, client: Any, *, unit_id: int, valves: int) -> None:
        """Take a connected Modbus client."""
        self._client, self._unit_id, self._valves = client, unit_id, valves
        self._before: dict[int, float] = {}

    def serve(self, boxes: Any, shape: tuple[int, int]) -> int:
        """Write what is due; returns how many coils were written."""
        if boxes.id is None:
            return 0
        height, width = shape
        written = 0
        for track_id, (u, v, _, _) in zip(
            boxes.id.int().tolist(), boxes.xywh.tolist(), strict=True
        ):
            # The image's top is downstream.
            if v <= height / 2 < self._before.get(track_id, 0.0):
                valve = min(self._valves - 1, int(u / width * self._valves))
                self._client.write_coil(valve, True, device_id=self._unit_id)  # noqa: FBT003
                written += 1
            self._before[track_id] = v
        return written


def time_track(
    model: Any, film: Film, crossing: LineCrossing, *, input_px: int, seconds: float
) -> dict[str, Any]:
    """Track for a while; returns frames per second and latencies, ms."""
    frame_ms: list[float] = []
    coil_ms: list[float] = []
    for _ in range(WARM_UP_FRAMES):
        model.track(film.read()[1], persist=True, imgsz=input_px, verbose=False)
    began_ns = monotonic_ns()
    boxes = 0
    while monotonic_ns() - began_ns < seconds * NS_PER_S:
        exposed_ns, image = film.read()
        (result,) = model.track(image, persist=True, imgsz=input_px, verbose=False)
        written = crossing.serve(result.boxes, result.orig_shape)
        elapsed_ms = (monotonic_ns() - exposed_ns) / 1e6
        boxes += len(result.boxes)
        frame_ms.append(elapsed_ms)
        if written:
            coil_ms.append(elapsed_ms)
    elapsed_s = (monotonic_ns() - began_ns) / NS_PER_S
    return {
        "frames_per_s": len(frame_ms) / elapsed_s,
        "boxes_per_frame": boxes / len(frame_ms),
        "frame_ms": frame_ms,
        "coil_ms": coil_ms,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every film at every input size and write the result as JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.track_baseline", description=main.__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--films", type=Path, nargs="+", required=True, help=".npy of frames")
    parser.add_argument("--inputs", type=int, nargs="+", required=True, help="px")
    parser.add_argument("--rates", type=float, nargs="+", required=True, help="frames/s, by input")
    parser.add_argument("--step-mm", type=float, required=True)
    parser.add_argument("--speed-mm-per-s", type=float, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--unit", type=int, required=True)
    parser.add_argument("--valves", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args(argv)

    # Imported here so that --help works, and a missing package shows, without them.
    from models import torchvision_shim  # noqa: PLC0415

    torchvision_shim.install()
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415
    from ultralytics import YOLO  # noqa: PLC0415

    client: Any = ModbusTcpClient("127.0.0.1", port=arguments.port)
    client.connect()
    results: dict[str, dict[str, Any]] = {}
    for input_px, rate in zip(arguments.inputs, arguments.rates, strict=True):
        for path, frames_per_s in itertools.product(arguments.films, (0.0, rate)):
            results[f"{input_px} {path.stem} {'camera' if frames_per_s else 'fresh'}"] = time_track(
                YOLO(arguments.weights, task="detect"),
                Film(
                    path,
                    step_mm=arguments.step_mm,
                    speed_mm_per_s=arguments.speed_mm_per_s,
                    frames_per_s=frames_per_s,
                ),
                LineCrossing(client, unit_id=arguments.unit, valves=arguments.valves),
                input_px=input_px,
                seconds=arguments.seconds,
            )
    client.close()
    arguments.out.write_text(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
