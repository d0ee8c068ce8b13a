"""The register map as data: codec, soft PLC, PLC program and documents come from it.

Registers are 16 bits wide; 32-bit values take two, high word first. Addresses count from 0 (a
master that counts from 1, or adds 40001, adds its own offset). What the PLC writes and a cycle
needs lies in OpenPLC's %QW area, the mailboxes and the long ring of reports in its %MW area, so
that one Structured Text program can serve them all.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import accumulate

from plc.register_flags import RequestFlag, StatusFlag
from plc.register_rows import (
    BATCH_PULSES,
    MAGIC,
    MAILBOX_ROWS,
    MAP_VERSION,
    PAGE_ROWS,
    PULSE_ROWS,
    REPORT_ROWS,
    SERVICE_ROWS,
    STATION_ROWS,
    STATUS_ROWS,
    TEST_ROWS,
    TRIGGER_ROWS,
    VALVE_ROWS,
    VALVES_PER_PAGE,
    Row,
)
from plc.register_tables import as_csv, as_markdown
from plc.register_types import Access, Block, Kind, Register

__all__ = [
    "BATCH_PULSES",
    "MAGIC",
    "MAP_VERSION",
    "VALVES_PER_PAGE",
    "RequestFlag",
    "StatusFlag",
]

MAX_STATIONS = 16
VALVES_PER_STATION = 128
MAX_OUTPUTS = 768
"""Valve outputs of one PLC: six bars of 128, or up to 16 stations that together have no more.
OpenPLC has 800 coils; the rest are belt drive and lamps."""
BELT_RUN_COIL = MAX_OUTPUTS
BELT_SLOW_COIL = MAX_OUTPUTS + 1
RUNNING_COIL = MAX_OUTPUTS + 2
"""Lamp: the line may fire."""
SAFE_COIL = MAX_OUTPUTS + 3
"""Lamp: safe state."""
MAINTENANCE_COIL = MAX_OUTPUTS + 4
"""Lamp: valves may be fired by hand."""
FIRST_MEMORY_WORD = 1024
"""Holding register of OpenPLC's %MW0. Not used itself: versions of its Modbus server take it for
%QW1024, which it has not, and what a master writes there may reach another variable."""
COIL_COUNT = 800
"""%QX0.0 to %QX99.7, all that OpenPLC v3 has."""
RECENT_REPORTS = 12
RECENT_TRIGGERS = 6
"""Reports and triggers read together with the status: 123 registers of Modbus' 125 per FC3."""
HISTORY_REPORTS = 128
HISTORY_TRIGGERS = 64


def _block(
    name: str, address: int, access: Access, meaning: str, rows: Sequence[Row], repeats: int = 1
) -> Block:
    sizes = (2 if kind is Kind.U32 else 1 for _, kind, _, _ in rows)
    addresses = accumulate(sizes, initial=address)
    registers = tuple(
        Register(name=row[0], address=at, kind=row[1], unit=row[2], meaning=row[3])
        for row, at in zip(rows, addresses, strict=False)
    )
    return Block(name=name, access=access, registers=registers, repeats=repeats, meaning=meaning)


STATUS = _block(
    "status",
    0,
    Access.READ,
    "The PLC's condition, refreshed every scan; read it together with the recent triggers and "
    "reports (FC3, address 0, count 123).",
    STATUS_ROWS,
)
RECENT_LATCHES = _block(
    "recent_triggers",
    STATUS.address + STATUS.words,
    Access.READ,
    f"The last {RECENT_TRIGGERS} camera triggers; trigger n lies in entry n modulo "
    f"{RECENT_TRIGGERS}.",
    TRIGGER_ROWS,
    repeats=RECENT_TRIGGERS,
)
RECENT = _block(
    "recent_reports",
    RECENT_LATCHES.address + RECENT_LATCHES.words,
    Access.READ,
    f"The last {RECENT_REPORTS} pulse reports; report n lies in entry n modulo {RECENT_REPORTS}.",
    REPORT_ROWS,
    repeats=RECENT_REPORTS,
)
STATIONS = _block(
    "stations",
    128,
    Access.READ,
    "What stands at each station, with the limits that hold there.",
    STATION_ROWS,
    repeats=MAX_STATIONS,
)
LATCHES = _block(
    "trigger_history",
    288,
    Access.READ,
    f"The last {HISTORY_TRIGGERS} camera triggers, to catch up after a gap; trigger n lies in "
    f"entry n modulo {HISTORY_TRIGGERS}.",
    TRIGGER_ROWS,
    repeats=HISTORY_TRIGGERS,
)
TEST = _block(
    "valve_test",
    416,
    Access.READ,
    "The last manual valve test and what the pressure sensor of its bar showed.",
    TEST_ROWS,
)
PAGE = _block("valve_page", 448, Access.READ, "Which valves the following entries show.", PAGE_ROWS)
PAGE_VALVES = _block(
    "valve_page_entries",
    PAGE.address + PAGE.words,
    Access.READ,
    f"{VALVES_PER_PAGE} valves, by output number (FC3, address 448, count 97).",
    VALVE_ROWS,
    repeats=VALVES_PER_PAGE,
)
MAILBOX = _block(
    "mailbox",
    FIRST_MEMORY_WORD + 4,
    Access.WRITE,
    "Heartbeat, requests and a batch of pulses, written together by one FC16 of 20 + 3 x "
    "pulse_count registers. The first master whose write is seen has the lease until its "
    "heartbeat lapses or it releases it; what others write meanwhile is refused and counted.",
    MAILBOX_ROWS,
)
PULSES = _block(
    "mailbox_pulses",
    MAILBOX.address + MAILBOX.words,
    Access.WRITE,
    f"Up to {BATCH_PULSES} pulses of the batch, in the same write as the mailbox.",
    PULSE_ROWS,
    repeats=BATCH_PULSES,
)
SERVICE = _block(
    "service_mailbox",
    1152,
    Access.WRITE,
    "Manual valve test, choice of the valve page, simulation; written by one FC16 of its own.",
    SERVICE_ROWS,
)
HISTORY = _block(
    "report_history",
    1280,
    Access.READ,
    f"The last {HISTORY_REPORTS} pulse reports, to catch up after a gap and for the first pieces "
    f"out after a start; report n lies in entry n modulo {HISTORY_REPORTS}.",
    REPORT_ROWS,
    repeats=HISTORY_REPORTS,
)
BLOCKS = (
    STATUS,
    RECENT_LATCHES,
    RECENT,
    STATIONS,
    LATCHES,
    TEST,
    PAGE,
    PAGE_VALVES,
    MAILBOX,
    PULSES,
    SERVICE,
    HISTORY,
)
READ_WORDS = STATUS.words + RECENT_LATCHES.words + RECENT.words
MAILBOX_WORDS = MAILBOX.words + PULSES.words
MAP_WORDS = HISTORY.address + HISTORY.words
"""Every register of the map lies in holding registers 0 to this, exclusive."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the map to stdout as Markdown or CSV.

    Returns:
        0.
    """
    parser = argparse.ArgumentParser(prog="plc.registers", description=main.__doc__)
    form = parser.add_mutually_exclusive_group(required=True)
    form.add_argument("--markdown", action="store_true", help="as docs/registers.md")
    form.add_argument("--csv", action="store_true", help="as docs/registers.csv")
    wants_csv: bool = parser.parse_args(argv).csv
    sys.stdout.write(as_csv(BLOCKS) if wants_csv else as_markdown(BLOCKS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
