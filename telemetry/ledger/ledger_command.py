"""The ledger command: check the plant's ledger, look into it, enter tickets, correct entries.

Exit codes: 0 done, or the ledger holds; 1 `verify` found tampering; 2 the arguments, the line file,
an entry or the database cannot be used.
"""

import argparse
import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from telemetry.ledger.audits import read_audits
from telemetry.ledger.chain import Anchor, Row, as_document, entry_of
from telemetry.ledger.entries import MassMethod
from telemetry.ledger.errors import EntryError, LedgerError
from telemetry.ledger.naming import read_naming
from telemetry.ledger.opening import read_accounts
from telemetry.ledger.plant_database import plant_database
from telemetry.ledger.stock_actions import (
    add_method,
    add_stock_arguments,
    correction,
    stock_entry,
)
from telemetry.ledger.store import Ledger
from telemetry.ledger.weighbridge import read_tickets, with_openings
from telemetry.reports.store import ReportStore
from telemetry.terminal import tell
from telemetry.wall import utc_now

EXIT_OK, EXIT_FAULTS = 0, 1
_ANCHOR = re.compile(r"^(\d+):([0-9a-f]{64})$")
_LAST = 20
_FILES = {
    "tickets": ("weighbridge tickets", read_tickets),
    "audits": ("samples sorted by hand", read_audits),
    "naming": ("items named by the line and by a person", read_naming),
}
"""Actions that enter a CSV file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="check every row; names the row that was changed")
    verify.add_argument(
        "--anchor",
        action="append",
        default=[],
        metavar="ROW:HASH",
        help="a row known from elsewhere; those of filed reports are taken anyway",
    )
    show = actions.add_parser("show", help="print entries")
    show.add_argument("--uid", help="every revision of one entry")
    show.add_argument("--shift", help="what stands in one shift, e.g. 2026-10-05/A")
    show.add_argument("--last", type=int, default=_LAST, metavar="N", help="the last N rows")
    actions.add_parser("anchor", help="print number and hash of the last row, to keep elsewhere")
    for name, (what, _) in _FILES.items():
        entering = actions.add_parser(name, help=f"enter a CSV file of {what}")
        entering.add_argument("--file", type=Path, required=True, metavar="FILE.csv")
    for name, words in (("cancel", "void an entry"), ("edit", "correct an entry's mass")):
        correct = actions.add_parser(name, help=words)
        correct.add_argument("--uid", required=True)
        correct.add_argument("--reason", required=True)
        if name == "edit":
            correct.add_argument("--mass-kg", type=float, required=True)
            add_method(correct, required=False)
    add_stock_arguments(
        actions.add_parser("dispatch", help="enter what left the plant, out of stock"),
        actions.add_parser("count", help="enter stock of one code as a person found it"),
    )
    for action in actions.choices.values():
        action.add_argument("line", type=Path, metavar="LINE.toml", help="the line file")
        action.add_argument("--json", action="store_true", help="print for a machine")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Run the command; return its exit code."""
    accounts = read_accounts(arguments.line)
    with plant_database(accounts) as database:
        ledger = Ledger(database, accounts, now=utc_now)
        match arguments.action:
            case "verify":
                reports = ReportStore(database, now=utc_now)
                return _verify(ledger, reports, arguments, console)
            case "show":
                _print_rows(_rows(ledger, arguments), as_json=arguments.json)
            case "anchor":
                head = ledger.head()
                tell(json.dumps(dataclasses.asdict(head)) if arguments.json else _text(head))
            case name if name in _FILES:
                entries = _FILES[name][1](arguments.file, accounts)
                done = ledger.append(with_openings(entries, accounts))
                console.print(f"{len(done.rows)} rows written, {done.repeated} were there")
            case "dispatch" | "count":
                entry = stock_entry(arguments, accounts, utc_now().isoformat(timespec="seconds"))
                ledger.append(with_openings([entry], accounts))
                _print_rows(ledger.history(entry.uid)[-1:], as_json=arguments.json)
            case _:
                ledger.append([correction(ledger, arguments)])
                _print_rows(ledger.history(arguments.uid)[-1:], as_json=arguments.json)
    return EXIT_OK


def _text(anchor: Anchor) -> str:
    return f"{anchor.seq}:{anchor.hash}"


def _verify(
    ledger: Ledger, reports: ReportStore, arguments: argparse.Namespace, console: Console
) -> int:
    facility = ledger.accounts.facility
    anchors = [_parse_anchor(text) for text in arguments.anchor]
    known = reports.anchors(facility.bin, facility.facility_id)
    result = ledger.verify([*anchors, *known])
    if arguments.json:
        tell(json.dumps(dataclasses.asdict(result)))
    else:
        for fault in result.faults:
            tell(f"row {fault.seq}{f' ({fault.uid})' if fault.uid else ''}: {fault.what}")
        count = f"{result.rows} rows, {len(anchors) + len(known)} anchors"
        verdict = f"{len(result.faults)} faults" if result.faults else "everything holds"
        console.print(f"{count}: {verdict}")
    return EXIT_FAULTS if result.faults else EXIT_OK


def _parse_anchor(text: str) -> Anchor:
    found = _ANCHOR.match(text.strip())
    if found is None:
        msg = f"anchor {text!r} is not ROW:HASH, as `run_line.py ledger anchor LINE.toml` prints it"
        raise LedgerError(msg)
    return Anchor(seq=int(found[1]), hash=found[2], source="--anchor")


def _rows(ledger: Ledger, arguments: argparse.Namespace) -> Sequence[Row]:
    if arguments.uid:
        found = ledger.history(arguments.uid)
        if not found:
            msg = f"no entry {arguments.uid!r}; `run_line.py ledger show LINE.toml` lists uids"
            raise EntryError(msg)
        return found
    if arguments.shift:
        try:
            day = ledger.accounts.calendar.find(arguments.shift).day
        except ValueError as error:
            raise EntryError(str(error)) from error
        return ledger.standing(day, day, shift=arguments.shift)
    head = ledger.head()
    return tuple(ledger.rows(after=max(0, head.seq - max(1, arguments.last))))


def _print_rows(rows: Sequence[Row], *, as_json: bool) -> None:
    for row in rows:
        if as_json:
            tell(json.dumps({"seq": row.seq, "hash": row.hash} | as_document(entry_of(row))))
        else:
            tell(f"{row.seq:>7}  {row.day}  {row.action:<6} r{row.revision}  {_words(row)}")


def _words(row: Row) -> str:
    entry = entry_of(row)
    body = as_document(entry)["body"]
    mass = body.get("mass")
    words = [row.uid, row.kind]
    if mass:
        mark = "" if MassMethod(mass["method"]).weighed else " (estimate)"
        words.append(f"{mass['mass_g'] / 1000:g} kg by {mass['method']}{mark}")
    words += [str(body[name]) for name in ("code", "fraction", "what") if name in body]
    return "  ".join([*words, entry.reason])
