"""Looks after kept calibrations: shows, compares and rolls back, and signs new ones."""

import argparse
import getpass
import json
import os
import sys
from datetime import UTC, datetime

from rich.console import Console

from calibration.kept.difference import differences
from calibration.kept.record import CalibrationRecord
from calibration.kept.store import CalibrationStore
from calibration.procedures.whole import Signature
from controller.config_report import UsageError
from twin.calibration_show import show_record


def in_force(store: CalibrationStore) -> CalibrationRecord:
    """Return the calibration in force.

    Raises:
        UsageError: none is kept yet.
    """
    record = store.current()
    if record is None:
        msg = f"{store.folder}: no calibration is kept yet; make one with the action all"
        raise UsageError(msg)
    return record


def signature_of(arguments: argparse.Namespace) -> Signature:
    """Return who calibrates now."""
    return Signature(by=arguments.by or _somebody(), at_utc=datetime.now(UTC), note=arguments.note)


def _somebody() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container's user may have no name.
        return f"uid {os.getuid()}"


def changes(before: CalibrationRecord | None, record: CalibrationRecord) -> tuple[str, ...]:
    """Return what a new calibration changed, for people."""
    if before is None:
        return ("this is the line's first calibration",)
    found = differences(before.calibration, record.calibration)
    return tuple(f"changed: {words}" for words in found) or ("nothing changed",)


def document(record: CalibrationRecord, number: int) -> dict[str, object]:
    """Return a calibration as the command prints it with --json."""
    return {
        "version": number,
        "sha256": record.sha256,
        "measured_by": record.provenance.measured_by,
        "measured_at_utc": record.provenance.measured_at_utc.isoformat(),
        "procedures": list(record.provenance.procedures),
        "findings": {f"{f.procedure}.{f.name}": f.value for f in record.findings},
    }


def show_document(record: CalibrationRecord, number: int) -> None:
    """Print a calibration for a machine."""
    sys.stdout.write(json.dumps(document(record, number), indent=2) + "\n")


def show(
    arguments: argparse.Namespace, store: CalibrationStore, rest: list[int], console: Console
) -> None:
    """Show one kept calibration, the one in force where none is named."""
    record = store.version(rest[0]) if rest else in_force(store)
    if arguments.json:
        number = next(v.number for v in store.versions() if v.record.sha256 == record.sha256)
        show_document(record, number)
    else:
        show_record(record, console)


def show_difference(store: CalibrationStore, rest: list[int], console: Console) -> None:
    """Say what changed between two kept calibrations.

    Raises:
        UsageError: there are no two.
    """
    numbers = rest or [version.number for version in store.versions()][-2:]
    if len(numbers) != 2:
        msg = "diff needs two calibrations: name their versions, see the action list"
        raise UsageError(msg)
    old, new = (store.version(number) for number in numbers)
    found = differences(old.calibration, new.calibration)
    console.print(f"from version {numbers[0]} to version {numbers[1]}:")
    for words in found or ("nothing changed",):
        console.print(f"  {words}", soft_wrap=True)


def roll_back(
    arguments: argparse.Namespace, store: CalibrationStore, rest: list[int], console: Console
) -> None:
    """Put an older calibration in force again.

    Raises:
        UsageError: no version is named.
    """
    if len(rest) != 1:
        msg = "rollback needs the number of the version to put in force; see the action list"
        raise UsageError(msg)
    before = in_force(store)
    record = store.roll_back(rest[0], by=arguments.by or _somebody(), at_utc=datetime.now(UTC))
    console.print(f"version {rest[0]} is in force; restart the line for it to take effect")
    for words in changes(before, record):
        console.print(words, soft_wrap=True)
