"""Items as Parquet files, for whoever analyses them elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import select

from telemetry.database.engine import Database
from telemetry.errors import DatabaseError
from telemetry.plant.batch import US_PER_S
from telemetry.plant.codes import ACTION_OF, FRACTION_OF, OUTCOME_OF, REASON_OF
from telemetry.plant.tables import BUNDLES, ITEMS, LINES, SESSIONS

ROWS_PER_FILE: Final = 500_000
"""About 100 MB while a file is made."""
INSTALL_WORDS: Final = (
    "Parquet needs polars: pip install 'sortline[parquet]', or pip install polars"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        files: in order.
        items: in all of them.
    """

    files: tuple[Path, ...]
    items: int


def export_items(
    database: Database, folder: Path, *, first: date, last: date, zone: ZoneInfo
) -> Exported:
    """Write the items of whole days, both ends included, into a new or empty folder.

    Corrections are a table of their own in the database; items are exported as they were sorted.

    Raises:
        DatabaseError: polars is missing, the days are in the wrong order, or the folder holds
            something or cannot be written.
    """
    polars = _polars()
    if last < first:
        msg = f"the last day, {last}, is before the first, {first}"
        raise DatabaseError(msg)
    files, items = [], 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            msg = f"{folder} is not empty; name a new folder"
            raise DatabaseError(msg)
        for number, rows in enumerate(_chunks(database, _bounds(first, last, zone)), start=1):
            path = folder / f"items-{number:05d}.parquet"
            _frame(polars, rows).write_parquet(path, compression="zstd")
            files.append(path)
            items += len(rows)
    except OSError as error:
        msg = f"{folder} cannot be written: {error}"
        raise DatabaseError(msg) from error
    return Exported(files=tuple(files), items=items)


def _polars() -> Any:
    try:
        import polars as pl  # noqa: PLC0415 - optional, and nothing else needs it
    except ImportError as error:
        raise DatabaseError(INSTALL_WORDS) from error
    return pl


def _bounds(first: date, last: date, zone: ZoneInfo) -> tuple[int, int]:
    """Return the first µs of the first day and the first after the last."""
    starts = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    low, high = (round(start.timestamp()) * US_PER_S for start in starts)
    return low, high


def _chunks(database: Database, bounds: tuple[int, int]) -> Iterator[list[tuple[Any, ...]]]:
    low, high = bounds
    query = (
        select(
            LINES.c.line_id,
            SESSIONS.c.session_id,
            BUNDLES.c.bundle_id,
            *(column for column in ITEMS.c if column.name not in ("session_no", "bundle_no")),
        )
        .select_from(ITEMS)
        .join(SESSIONS, SESSIONS.c.session_no == ITEMS.c.session_no)
        .join(LINES)
        .join(BUNDLES, BUNDLES.c.bundle_no == ITEMS.c.bundle_no)
        .where(ITEMS.c.at_us >= low, ITEMS.c.at_us < high)
    )
    with database.read() as connection:
        found = connection.execution_options(yield_per=ROWS_PER_FILE).execute(query)
        for part in found.partitions():
            yield [tuple(row) for row in part]


_WORDS: Final = {
    "fraction": {code: word.value for code, word in FRACTION_OF.items()},
    "action": {code: word.value for code, word in ACTION_OF.items()},
    "reason": {code: word.value for code, word in REASON_OF.items()},
    "outcome": {code: word.value for code, word in OUTCOME_OF.items()},
}
_NAMES: Final = (
    "line_id",
    "session_id",
    "bundle_id",
    *(column.name for column in ITEMS.c if column.name not in ("session_no", "bundle_no")),
)


def _frame(polars: Any, rows: list[tuple[Any, ...]]) -> Any:
    columns = dict(zip(_NAMES, zip(*rows, strict=True), strict=True))
    frame = polars.DataFrame({name: list(values) for name, values in columns.items()})
    words = [
        polars.col(name).replace_strict(codes, return_dtype=polars.String)
        for name, codes in _WORDS.items()
    ]
    at_utc = polars.from_epoch("at_us", time_unit="us").dt.replace_time_zone("UTC").alias("at_utc")
    return frame.with_columns(*words, at_utc).drop("at_us")
