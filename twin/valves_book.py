"""What is on disk about a line's valves: show, counters and reset of the valves command."""

import argparse
import getpass
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from calibration.valve_store import ValveStore
from controller.config_report import UsageError
from controller.line_file import LineFile
from controller.stations import JetBarConfig
from controller.valve_report import printed, report_document, report_lines, table_lines
from controller.valves_config import ValvesConfig
from controller.wear_file import ValveChange, WearFile
from twin.whole_line import WholeLine

_MOST_WORN = 5


def show(arguments: argparse.Namespace, whole: WholeLine, _console: Console) -> int:
    """Print the last test of every bar.

    Returns:
        0.

    Raises:
        UsageError, CalibrationError: no [valves] section, or stored tests cannot be used.
    """
    bars = [(bar_of(whole.line, bar.station), bar) for bar in store_of(whole.line).bars()]
    if arguments.json:
        print_json(
            {
                "line": whole.line.line.id,
                "bars": [report_document(station, bar) for station, bar in bars],
            }
        )
        return 0
    if not bars:
        print_lines([f"no valve was tested yet; run: valves test {whole.path}"])
    for station, bar in bars:
        print_lines([*report_lines(station, bar), *table_lines(station, bar)])
    return 0


def counters(arguments: argparse.Namespace, whole: WholeLine, _console: Console) -> int:
    """Print what the valves have done since each was new, and which were changed.

    Returns:
        0.

    Raises:
        UsageError, CalibrationError: no [valves] section, or the counters cannot be used.
    """
    rated, file = section_of(whole.line).rated_cycles, wear_of(whole.line)
    counts, changes = file.read(), file.changes()
    if arguments.json:
        print_json(
            {
                "line": whole.line.line.id,
                "rated_cycles": rated,
                "bars": [asdict(bar) for bar in counts.values()],
                "changes": [asdict(change) for change in changes],
            }
        )
        return 0
    if not counts:
        print_lines(["nothing is counted yet: the line has not run"])
    for name, bar in counts.items():
        station = bar_of(whole.line, name)
        worst = sorted(range(len(bar.cycles)), key=lambda v: -bar.cycles[v])[:_MOST_WORN]
        opened, total_s = sum(bar.cycles), sum(bar.open_s)
        print_lines([f"station {name}: {opened} openings, {total_s:.0f} s open; most:"])
        for v in worst:
            share = bar.cycles[v] / rated
            words = f"{bar.cycles[v]} openings, {share:.4%} of the rated life"
            print_lines([f"  valve {printed(station, v)}: {words}"])
    print_lines([_change_line(whole.line, change) for change in changes])
    return 0


def _change_line(line: LineFile, change: ValveChange) -> str:
    valve = printed(bar_of(line, change.station), change.valve)
    note = f" ({change.note})" if change.note else ""
    what = f"changed valve {valve} of {change.station} after {change.cycles} openings"
    return f"{change.at_utc} {change.by} {what}{note}"


def reset(arguments: argparse.Namespace, whole: WholeLine, _console: Console) -> int:
    """Set a valve's counter to zero because it was changed, and say so in the log.

    Returns:
        0.

    Raises:
        UsageError: no such valve.
        CalibrationError: nothing was counted for it, or the disk does not take it.
    """
    station = bar_of(whole.line, arguments.station)
    valve = arguments.valve - station.first_printed
    if not 0 <= valve < station.valve_count:
        first, last = printed(station, 0), printed(station, station.valve_count - 1)
        msg = f"--valve {arguments.valve}: station {station.name!r} has valves {first} to {last}"
        raise UsageError(msg)
    change = wear_of(whole.line).change_valve(
        station.name,
        valve,
        by=arguments.by or getpass.getuser(),
        at_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        note=arguments.note,
    )
    again = f"valves test {whole.path} --station {station.name} --valves {arguments.valve}"
    print_lines(
        [
            _change_line(whole.line, change),
            f"its counter is set back to zero; now test it: {again}",
        ]
    )
    return 0


def bar_of(line: LineFile, name: str) -> JetBarConfig:
    """Return the jet bar of that name.

    Raises:
        UsageError: there is none.
    """
    bars = [s for s in line.stations if isinstance(s, JetBarConfig)]
    for station in bars:
        if station.name == name:
            return station
    known = ", ".join(repr(station.name) for station in bars) or "no jet bar"
    msg = f"station {name}: no jet bar of that name; the line has {known}"
    raise UsageError(msg)


def section_of(line: LineFile) -> ValvesConfig:
    """Return the [valves] section.

    Raises:
        UsageError: the line file has none.
    """
    if line.valves is None:
        msg = 'the line file has no [valves] section; add one with folder = "..."'
        raise UsageError(msg)
    return line.valves


def store_of(line: LineFile) -> ValveStore:
    """Return the line's store of valve tests."""
    return ValveStore(section_of(line).folder, line_id=line.line.id)


def wear_of(line: LineFile) -> WearFile:
    """Return the line's valve counters."""
    return WearFile(section_of(line).folder, line_id=line.line.id)


def print_json(document: dict[str, Any]) -> None:
    """Print a document for a machine."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def print_lines(lines: Sequence[str]) -> None:
    """Print lines for people."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
