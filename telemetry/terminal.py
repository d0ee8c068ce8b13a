"""The line in a terminal: live figures while it runs, the balance when it has ended."""

import logging
import sys
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.logging import RichHandler
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from controller.snapshot import LineSnapshot
from controller.types import Totals

WIDE = 160
"""Columns assumed where the output is no terminal and has no width."""


def console_on(stream: TextIO) -> Console:
    """Return a console on a stream; lines into a file or pipe are not folded."""
    return Console(file=stream, width=None if stream.isatty() else WIDE)


def tell(words: str) -> None:
    """Print one line of a command's result on standard output, exactly as it is."""
    sys.stdout.write(words + "\n")


def complain(console: Console, kind: str, words: str) -> None:
    """Print what is wrong on a line of its own, however long and whatever brackets are in it."""
    console.print(Text.assemble((kind, "red"), f" {words}"), soft_wrap=True)


def log_to(console: Console, level: int) -> None:
    """Send the program's log to a console, dressed for people only where it is a terminal."""
    handler: logging.Handler
    if console.is_terminal:
        handler = RichHandler(console=console, show_path=False, log_time_format="%H:%M:%S")
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(console.file)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    for chatty in ("pymodbus", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)


def live_view(
    snapshot: LineSnapshot, *, station_names: tuple[str, ...], page: str
) -> RenderableType:
    """Return the running line's figures, redrawn a few times a second.

    Args:
        snapshot: the newest.
        station_names: in the order of the stations.
        page: address of the page, shown so that it can be opened.
    """
    head = Text.assemble(
        (f" {snapshot.state.value.upper()} ", "bold reverse"), f"  {snapshot.state_reason}"
    )
    flow = Text(
        f"belt {snapshot.belt_speed_mm_per_s / 1000:.2f} m/s   "
        f"{snapshot.frames_per_s:.0f} frames/s, {snapshot.frames_dropped} dropped   "
        f"PLC {'up' if snapshot.link_ok else 'DOWN'} {snapshot.link_round_trip_ms:.1f} ms, "
        f"{snapshot.pulses_commanded} pulses, {snapshot.late_pulses} late"
    )
    latencies = Text(
        "   ".join(
            f"{latency.stage} {latency.p50_ms:.1f} / {latency.p99_ms:.1f} ms"
            for latency in snapshot.latencies
        )
        or "no frame yet",
        style="dim",
    )
    parts: list[RenderableType] = [
        head,
        flow,
        latencies,
        balance_table(snapshot.totals, station_names),
    ]
    for alarm in snapshot.alarms:
        seen = " (acknowledged)" if alarm.acknowledged else ""
        text = f"ALARM {alarm.kind.value}{seen}: {alarm.detail}. {alarm.remedy}"
        parts.append(Text(text, style="bold red"))
    parts.append(Text(f"page: {page}   stop: Ctrl-C", style="dim"))
    return Panel(Group(*parts), title="sorting line", title_align="left")


def one_line(snapshot: LineSnapshot, *, page: str) -> str:
    """Return the figures in one line, for output that is no terminal."""
    totals = snapshot.totals
    return (
        f"{snapshot.state.value}: {totals.seen} seen, {sum(totals.ejected)} ejected, "
        f"{totals.passed} passed, {totals.late} late, {totals.blocked} blocked, "
        f"{totals.removed} removed, {totals.in_flight} on the belt, "
        f"{len(snapshot.alarms)} alarms, page {page}"
    )


def balance_table(totals: Totals, station_names: tuple[str, ...]) -> Table:
    """Return the balance as a table whose columns add up to the items seen."""
    table = Table(box=None, pad_edge=False)
    columns = (
        ("seen", totals.seen),
        *((f"-> {name}", n) for name, n in zip(station_names, totals.ejected, strict=True)),
        ("passed", totals.passed),
        ("late", totals.late),
        ("blocked", totals.blocked),
        ("removed", totals.removed),
        ("on the belt", totals.in_flight),
    )
    for name, _ in columns:
        table.add_column(name, justify="right")
    table.add_row(*(str(count) for _, count in columns))
    return table
