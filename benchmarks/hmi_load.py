"""Twenty browsers' traffic beside the demonstration line; its latency with and without.

The browsers are plain HTTP clients in a process of their own: each holds the page's event stream
open and fetches the live picture, as a page does. They run on the line's own cores, at the lowest
priority: on a plant they have computers of their own.
"""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from benchmarks.result import CannotRunError

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

ROOT: Final = Path(__file__).parents[1]
BROWSERS: Final = 20
PICTURE_EVERY_S: Final = 0.5
STAGES: Final = frozenset({"exposure_to_pipeline", "detect", "step"})
"""From the exposure to the decision; every frame goes through all three."""
START_S: Final = 90.0
SETTLE_S: Final = 2.0
POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The line's latency with and without browsers.

    Attributes:
        without_ms: 99th percentile, exposure to decision, median over the snapshot intervals.
        with_ms: the same with the browsers open.
        events_per_s: that each browser received.
    """

    without_ms: float
    with_ms: float
    events_per_s: float

    @property
    def ratio(self) -> float:
        """With over without."""
        return self.with_ms / self.without_ms


def measure_load(*, rounds: int, span_s: float) -> Load:
    """Run the demonstration line; measure without and with browsers, in turn.

    Args:
        rounds: how often each.
        span_s: how long each time.

    Raises:
        CannotRunError: the line does not come to sort.
    """
    with TemporaryDirectory() as folder, _demo(Path(folder)) as port:
        _wait_sorting(port)
        without: list[float] = []
        loaded: list[float] = []
        events = 0
        for _ in range(rounds):
            without += _latencies(port, span_s)
            with _browsers(port) as heard:
                loaded += _latencies(port, span_s)
                events += heard.value
    if not without or not loaded:
        msg = "the line told no latency: no frames went through it"
        raise CannotRunError(msg)
    return Load(
        without_ms=median(without),
        with_ms=median(loaded),
        events_per_s=events / BROWSERS / rounds / (span_s + SETTLE_S),
    )


@contextmanager
def _demo(folder: Path) -> Iterator[int]:
    page, plc = _free_port(), _free_port()
    text = (ROOT / "deploy/lines/demo.toml").read_text(encoding="utf-8")
    for old, new in (
        ("../../models", str(ROOT / "models")),
        ("../../var/demo/", ""),
        ("port = 5502", f"port = {plc}"),
        ("port = 8080", f"port = {page}"),
        ("mercury_lamp = 0.002", "mercury_lamp = 0.0"),
        ('mercury_lamp = { action = "stop_and_alarm"', 'mercury_lamp = { action = "pass"'),
        ("stall_after_ms = 500", "stall_after_ms = 2000"),
        ("heartbeat_timeout_ms = 300", "heartbeat_timeout_ms = 1000"),
    ):
        text = text.replace(old, new)
    line = folder / "demo.toml"
    line.write_text(text, encoding="utf-8")
    process = subprocess.Popen(  # noqa: S603 - this program
        [sys.executable, str(ROOT / "run_line.py"), "demo", str(line)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield page
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_sorting(port: int) -> None:
    end_s = time.monotonic() + START_S
    pause = threading.Event()
    while time.monotonic() < end_s:
        state = _state(port)
        if state is not None and state["state"] == "execute" and state["items_seen"] > 0:
            pause.wait(SETTLE_S)
            return
        pause.wait(0.5)
    msg = f"the demonstration line did not sort within {START_S:.0f} s"
    raise CannotRunError(msg)


def _latencies(port: int, span_s: float) -> list[float]:
    """Return the 99th percentiles of the snapshot intervals within a span, ms.

    An interval has some six frames, so its percentile is nearly its worst frame.
    """
    pause = threading.Event()
    pause.wait(SETTLE_S)
    end_s, found, last = time.monotonic() + span_s, list[float](), ""
    while time.monotonic() < end_s:
        state = _state(port)
        stages = [] if state is None else state["latencies"]
        newest = json.dumps(stages)
        if newest != last:
            last = newest
            worst = {stage["stage"]: stage["p99_ms"] for stage in stages}
            if set(worst) >= STAGES:
                found.append(sum(worst[stage] for stage in STAGES))
        pause.wait(POLL_S)
    return found


def _state(port: int) -> Any:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/state", timeout=5) as answer:
            return json.load(answer)
    except (OSError, urllib.error.URLError):
        return None


@contextmanager
def _browsers(port: int) -> "Iterator[Synchronized[int]]":
    context = multiprocessing.get_context("spawn")
    heard, stop = context.Value("q", 0), context.Event()
    process = context.Process(target=_browse, args=(port, heard, stop), daemon=True)
    process.start()
    try:
        yield heard
    finally:
        stop.set()
        process.join(10)
        if process.is_alive():
            process.kill()


def _browse(port: int, heard: "Synchronized[int]", stop: Event) -> None:
    # On a plant they have computers of their own: what their own work costs shall not count.
    os.nice(19)
    threads = []
    for _ in range(BROWSERS):
        threads += [
            threading.Thread(target=_listen, args=(port, heard, stop), daemon=True),
            threading.Thread(target=_look, args=(port, stop), daemon=True),
        ]
    for thread in threads:
        thread.start()
    stop.wait()


def _listen(port: int, heard: "Synchronized[int]", stop: Event) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/events", timeout=30) as stream:
        for line in stream:
            if stop.is_set():
                return
            if line.startswith(b"data:"):
                with heard.get_lock():
                    heard.value += 1


def _look(port: int, stop: Event) -> None:
    while not stop.wait(PICTURE_EVERY_S):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/picture", timeout=30) as picture:
            picture.read()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
