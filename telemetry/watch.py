"""Shows a running line in the terminal until it ends, fails, or somebody presses Ctrl-C."""

import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext

from rich.console import Console
from rich.live import Live

from calibration.clock import Clock
from calibration.units import NS_PER_S
from controller.runtime import LineRuntime
from controller.snapshot import LineSnapshot
from telemetry.terminal import live_view, one_line

DRAW_S = 0.25
"""Between two redraws of the terminal."""
WORDS_S = 5.0
"""Between two lines of output where there is no terminal to redraw."""


def watch(
    runtime: LineRuntime,
    *,
    look: Callable[[LineSnapshot], None],
    names: tuple[str, ...],
    page: str,
    console: Console,
    clock: Clock,
) -> None:
    """Block until the line has ended or SIGINT or SIGTERM comes.

    Args:
        runtime: started.
        look: called with the newest snapshot a few times a second; what it raises ends the watch.
        names: of the stations, downstream order.
        page: address of the page.
        console: to draw on; a line every few seconds where it is no terminal.
        clock: paces the redraws.

    Raises:
        LineFailedError: a thread of the line has ended.
        Exception: what `look` raised.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    live = Live(console=console, auto_refresh=False, transient=True)
    said_ns = 0
    with live if console.is_terminal else nullcontext():
        while not runtime.ended and not clock.wait(stopping, DRAW_S):
            runtime.check()
            snapshot = runtime.snapshot
            if snapshot is None:
                continue
            look(snapshot)
            if console.is_terminal:
                live.update(live_view(snapshot, station_names=names, page=page), refresh=True)
            elif clock.now_ns() - said_ns > WORDS_S * NS_PER_S:
                said_ns = clock.now_ns()
                console.print(one_line(snapshot, page=page), soft_wrap=True)
