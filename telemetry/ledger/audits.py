"""Manual audits as ledger entries, from a CSV file: one line per sample and material.

Columns: audited_at, stream, material, sample_kg, material_kg, items, by. The stream is a fraction
or `residue`; for purity the material is the stream's own fraction.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.csv_rows import csv_rows
from telemetry.ledger.entries import Entry
from telemetry.ledger.errors import EntryError
from telemetry.ledger.sampling import Audit
from telemetry.ledger.weighbridge import grams, local_time

_COLUMNS: Final = (
    *("audited_at", "stream", "material", "sample_kg", "material_kg", "items", "by"),
)


def read_audits(path: Path, accounts: AccountsConfig) -> tuple[Entry, ...]:
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
        if entry is not None and not found:
            entries.append(entry)
    if problems:
        raise EntryError(f"{path}: " + "\n".join(problems))
    return tuple(entries)


def _entry(row: Mapping[str, str], accounts: AccountsConfig, problems: list[str]) -> Entry | None:
    at = local_time(row["audited_at"], accounts, problems)
    sample_g = grams("sample_kg", row["sample_kg"], problems)
    material_g = grams("material_kg", row["material_kg"], problems)
    if not row["items"].isascii() or not row["items"].isdigit():
        problems.append(f"items {row['items']!r} is not a number of pieces")
    if at is None or problems:
        return None
    body = Audit(
        stream=row["stream"],
        material=row["material"],
        sample_g=sample_g,
        material_g=material_g,
        items=int(row["items"]),
        by=row["by"],
    )
    return Entry(
        uid=f"audit:{body.stream}:{body.material}:{at.isoformat()}",
        at=at,
        shift=accounts.calendar.at(at).shift_id,
        body=body,
    )
