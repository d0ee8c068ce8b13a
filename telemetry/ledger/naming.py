"""Audits of the line's naming, from a CSV file: what a person calls items that the line has named.

Columns: audited_at, named, true, items, model, by. Lines of one instant and model are one audit of
a stretch of belt; `named` is the line's word, `true` the person's, `model` the bundle's version.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.csv_rows import csv_rows
from telemetry.ledger.entries import Entry
from telemetry.ledger.errors import EntryError
from telemetry.ledger.sampling import Naming
from telemetry.ledger.weighbridge import local_time
from vision.types import FRACTIONS, Fraction

_COLUMNS: Final = ("audited_at", "named", "true", "items", "model", "by")


def read_naming(path: Path, accounts: AccountsConfig) -> tuple[Entry, ...]:
    """Return the entries of a CSV file.

    Raises:
        EntryError: with every problem, by line number; then nothing of the file may be entered.
    """
    entries: list[Entry] = []
    problems: list[str] = []
    for number, row in csv_rows(path, needed=_COLUMNS, known=_COLUMNS):
        found: list[str] = []
        entry = _entry(row, accounts, found)
        problems += [f"line {number}: {problem}" for problem in found]
        if entry is not None:
            entries.append(entry)
    if problems:
        raise EntryError(f"{path}: " + "\n".join(problems))
    return tuple(entries)


def _entry(row: Mapping[str, str], accounts: AccountsConfig, problems: list[str]) -> Entry | None:
    at = local_time(row["audited_at"], accounts, problems)
    problems += [
        f"{name} {row[name]!r} is none of {', '.join(FRACTIONS)}"
        for name in ("named", "true")
        if row[name] not in FRACTIONS
    ]
    if not row["items"].isascii() or not row["items"].isdigit():
        problems.append(f"items {row['items']!r} is not a number of pieces")
    if at is None or problems:
        return None
    body = Naming(
        named=Fraction(row["named"]),
        true=Fraction(row["true"]),
        items=int(row["items"]),
        model=row["model"],
        by=row["by"],
    )
    return Entry(
        uid=f"naming:{at.isoformat()}:{body.model}:{body.named.value}:{body.true.value}",
        at=at,
        shift=accounts.calendar.at(at).shift_id,
        body=body,
    )
