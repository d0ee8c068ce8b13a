"""The register map as data: the codec, the soft PLC, docs/registers.md and the CSV come from it.

Registers are 16 bits wide; 32-bit values take two, high word first. Addresses count from 0 (a
master that counts from 1, or adds 40001, adds its own offset). The status block lies in OpenPLC's
%QW area, the mailbox in its %MW area, so that one Structured Text program can serve both.
"""

import argparse
import sys
from collections.abc import Sequence
from enum import IntFlag
from itertools import accumulate

from plc.register_tables import as_csv, as_markdown
from plc.register_types import Access, Block, Kind, Register

MAGIC = 0x534C
"""ASCII "SL" in register 0: the device runs this program."""
MAP_VERSION = 1
"""Raised whenever an address or a meaning changes."""
MAX_STATIONS = 16
VALVES_PER_STATION = 128
BATCH_PULSES = 32
"""Pulses in one mailbox write: 16 + 3 x 32 = 112 registers, within Modbus' 123 per FC16."""
RECENT_REPORTS = 16
"""Reports read together with the status: 29 + 6 x 16 = 125 registers, Modbus' limit for FC3."""
HISTORY_REPORTS = 128


class StatusFlag(IntFlag):
    """Bits of the status register `flags`."""

    SAFETY_OK = 1
    BELT_RUNNING = 2
    HEARTBEAT_OK = 4


class RequestFlag(IntFlag):
    """Bits of the mailbox register `requests`."""

    RUN = 1
    BELT_RUN = 2


Row = tuple[str, Kind, str, str]


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


_REPORT_ROWS: tuple[Row, ...] = (
    ("pulse_id", Kind.U32, "", "As commanded"),
    (
        "tag",
        Kind.U16,
        "",
        (
            "Bits 0-3: 1 fired, 2 late, 3 refused, 4 blocked. Bits 4-15: low 12 bits of this "
            "report's number in report_sequence, so that an overwritten entry is noticed"
        ),
    ),
    ("open_tick", Kind.U32, "tick", "When the valves opened (fired), else as commanded"),
    (
        "duration_tick",
        Kind.U16,
        "tick",
        "From opening to closing (fired), else as commanded; at most 65535",
    ),
)

STATUS = _block(
    "status",
    0,
    Access.READ,
    "The PLC's condition, refreshed every scan; read it together with the recent reports "
    "(FC3, address 0, count 125).",
    (
        ("magic", Kind.U16, "", f"Always {MAGIC} (0x{MAGIC:04X})"),
        ("map_version", Kind.U16, "", f"Version of this map, {MAP_VERSION}"),
        ("state", Kind.U16, "", "0 stopped, 1 running, 2 safe"),
        (
            "flags",
            Kind.BITS,
            "",
            "Bit 0 safety input OK, bit 1 belt drive on, bit 2 PC heartbeat in time",
        ),
        ("scan_counter", Kind.U16, "", "Counts scans; the PLC's heartbeat to the PC"),
        ("encoder_tick", Kind.U32, "tick", "Encoder count at the last scan, wraps at 2^32"),
        ("scan_period_us", Kind.U16, "us", "Nominal time between two scans"),
        ("queue_used", Kind.U16, "", "Pulses waiting or open, all stations"),
        ("queue_size", Kind.U16, "", "Pulses that each station can hold"),
        ("accepted_batch", Kind.U16, "", "Sequence number of the last batch taken"),
        ("fired_total", Kind.U32, "", "Pulses fired since boot"),
        ("late_total", Kind.U32, "", "Pulses not fired because they came or would open too late"),
        ("refused_total", Kind.U32, "", "Pulses not taken: malformed, out of limits, queue full"),
        ("blocked_total", Kind.U32, "", "Pulses not fired: stopped, safe state, heartbeat lost"),
        ("heartbeat_timeout_ms", Kind.U16, "ms", "Silence after which every valve closes"),
        ("max_open_ms", Kind.U16, "ms", "Longest time a valve stays open, by the PLC's clock"),
        ("min_open_tick", Kind.U16, "tick", "Shorter pulses are refused"),
        ("max_open_tick", Kind.U16, "tick", "Longer pulses are refused"),
        ("late_tolerance_tick", Kind.U16, "tick", "A pulse due longer ago than this is late"),
        ("station_count", Kind.U16, "", "Jet bars present"),
        ("valve_count", Kind.U16, "", "Valves of the largest bar"),
        ("boot_number", Kind.U16, "", "Differs after each start of the PLC program"),
        ("report_sequence", Kind.U32, "", "Number of the newest report; reports count 1, 2, 3 …"),
    ),
)
RECENT = _block(
    "recent_reports",
    STATUS.address + STATUS.words,
    Access.READ,
    f"The last {RECENT_REPORTS} pulse reports; report n lies in entry n modulo {RECENT_REPORTS}.",
    _REPORT_ROWS,
    repeats=RECENT_REPORTS,
)
HISTORY = _block(
    "report_history",
    128,
    Access.READ,
    f"The last {HISTORY_REPORTS} pulse reports, to catch up after a gap; report n lies in entry "
    f"n modulo {HISTORY_REPORTS}.",
    _REPORT_ROWS,
    repeats=HISTORY_REPORTS,
)
MAILBOX = _block(
    "mailbox",
    1024,
    Access.WRITE,
    "Heartbeat, requests and a batch of pulses, written together by one FC16 of 16 + 3 x "
    "pulse_count registers. A batch whose sequence number equals accepted_batch is ignored.",
    (
        ("heartbeat", Kind.U16, "", "Changed with every write; silence closes the valves"),
        ("requests", Kind.BITS, "", "Bit 0 run (line may fire), bit 1 belt run"),
        ("batch_sequence", Kind.U16, "", "1 to 65535, next after accepted_batch; 0 is skipped"),
        ("pulse_count", Kind.U16, "", f"Pulses in this batch, 0 to {BATCH_PULSES}"),
        ("base_pulse_id", Kind.U32, "", "Id of the first pulse; the others count up from it"),
        ("base_tick", Kind.U32, "tick", "Encoder count that open offsets are added to"),
        *(
            (
                f"stations_{4 * i}_{4 * i + 3}",
                Kind.U16,
                "",
                (
                    f"Station of pulse {4 * i} in bits 0-3, of {4 * i + 1} in 4-7, "
                    f"of {4 * i + 2} in 8-11, of {4 * i + 3} in 12-15"
                ),
            )
            for i in range(BATCH_PULSES // 4)
        ),
    ),
)
PULSES = _block(
    "mailbox_pulses",
    MAILBOX.address + MAILBOX.words,
    Access.WRITE,
    f"Up to {BATCH_PULSES} pulses of the batch, in the same write as the mailbox.",
    (
        ("valves", Kind.U16, "", "First valve in the high byte, last valve in the low byte"),
        ("open_offset_tick", Kind.U16, "tick", "Open tick = base_tick + this"),
        (
            "open_duration_tick",
            Kind.U16,
            "tick",
            "Close tick = open tick + this; 0 marks an id that is not used, skipped unreported",
        ),
    ),
    repeats=BATCH_PULSES,
)
BLOCKS = (STATUS, RECENT, HISTORY, MAILBOX, PULSES)
READ_WORDS = STATUS.words + RECENT.words
STATUS_AREA_WORDS = HISTORY.address + HISTORY.words
"""Everything the PLC writes lies in holding registers 0 to this, exclusive."""
MAILBOX_WORDS = MAILBOX.words + PULSES.words


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
