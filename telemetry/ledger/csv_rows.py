"""Rows of CSV files that people and other programs write: columns checked, line numbers kept."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from telemetry.ledger.errors import EntryError


def csv_rows(
    path: Path, *, needed: Sequence[str], known: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield line number and cells of each row; comma or semicolon between.

    Args:
        path: UTF-8 text, with or without a byte order mark; its first line names the columns.
        needed: columns that must be there.
        known: columns that may be.

    Raises:
        EntryError: not such a file.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read as UTF-8 text: {error}"
        raise EntryError(msg) from error
    if not lines:
        msg = f"{path}: the file is empty; its first line names the columns"
        raise EntryError(msg)
    delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.DictReader(lines, delimiter=delimiter, restkey="", restval="")
    names = [name.strip() for name in reader.fieldnames or ()]
    words = [f"column {name} is missing" for name in needed if name not in names]
    words += [f"column {name!r} is unknown" for name in names if name not in known]
    if words:
        raise EntryError(f"{path}: {'; '.join(words)}; known are {', '.join(known)}")
    reader.fieldnames = names
    for row in reader:
        if "" in row:
            msg = f"{path}: line {reader.line_num} has more cells than columns"
            raise EntryError(msg)
        yield reader.line_num, {name: (value or "").strip() for name, value in row.items()}
