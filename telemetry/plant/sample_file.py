"""Manual samples from a CSV file, one row per fraction found in a sample.

Columns: sample, product, taken_at, author, fraction, items, mass_g. Rows of one `sample` are one
portion; its name makes its identity, so that a file read twice counts once.
"""

import csv
import uuid
from datetime import datetime
from pathlib import Path
from typing import Final

from telemetry.errors import DatabaseError
from telemetry.plant.audits import ProductSample, SamplePart
from vision.types import Fraction

COLUMNS: Final = ("sample", "product", "taken_at", "author", "fraction", "items", "mass_g")
_NAMESPACE: Final = uuid.UUID("7f0c2b0e-6c1c-4a58-9f0e-3b7d5a1e9c42")
"""Of this program's samples; drawn once at random."""
_Rows = list[tuple[str, dict[str, str]]]


def read_samples(path: Path, line_id: str) -> tuple[ProductSample, ...]:
    """Return the samples of a file.

    Args:
        path: of the file.
        line_id: whose products they were taken from.

    Raises:
        DatabaseError: unreadable, a column missing, or a row that cannot be; the row is named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            rows = [] if missing else list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"samples {path} cannot be read: {error}"
        raise DatabaseError(msg) from error
    if missing or not rows:
        what = f"no column {', '.join(missing)}" if missing else "no rows"
        msg = f"samples {path} has {what}; columns are {', '.join(COLUMNS)}"
        raise DatabaseError(msg)
    by_sample: dict[str, _Rows] = {}
    for number, row in enumerate(rows, start=2):
        filled = {name: (row[name] or "").strip() for name in COLUMNS}
        by_sample.setdefault(filled["sample"], []).append((f"{path}, row {number}", filled))
    return tuple(_sample(name, own, line_id) for name, own in by_sample.items())


def _sample(name: str, rows: _Rows, line_id: str) -> ProductSample:
    place, first = rows[0]
    try:
        product, taken_at = Fraction(first["product"]), datetime.fromisoformat(first["taken_at"])
    except ValueError as error:
        msg = f"{place}: {error}"
        raise DatabaseError(msg) from error
    return ProductSample(
        uid=uuid.uuid5(_NAMESPACE, f"{line_id}\n{name}"),
        line_id=line_id,
        product=product,
        taken_at=taken_at,
        author=first["author"],
        parts=tuple(_part(place, row, first) for place, row in rows),
        note=name,
    )


def _part(place: str, row: dict[str, str], first: dict[str, str]) -> SamplePart:
    if any(row[key] != first[key] for key in ("product", "taken_at", "author")):
        msg = f"{place}: sample {row['sample']} has another product, time or author in a row before"
        raise DatabaseError(msg)
    try:
        return SamplePart(
            fraction=Fraction(row["fraction"]),
            items=int(row["items"]),
            mass_g=float(row["mass_g"]),
        )
    except ValueError as error:
        msg = f"{place}: {error}"
        raise DatabaseError(msg) from error
