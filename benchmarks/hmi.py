"""The page's cost: zooming from a year to a minute, and what twenty browsers do to the line.

The year's 50 million items are in the plant's database as their sums by minute, hour and day, the
tables that a zoom reads; the items' own rows, which no zoom reads, are not inserted. A zoom is the
whole way: year, month, week, day, half a day, an hour, a minute, around one random instant.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from rich.console import Console

from benchmarks.hmi_load import BROWSERS, measure_load
from benchmarks.result import CannotRunError, Figures
from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.plant.arrival import PlantDatabase, number_of
from telemetry.plant.rollups import Sums, add_sums
from telemetry.plant.tables import LINES
from telemetry.plant.zoom import read_history

Int64Array = npt.NDArray[np.int64]
FULL_ITEMS, QUICK_ITEMS = 50_000_000, 5_000_000
ZONE: Final = ZoneInfo("Asia/Almaty")
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
WORDS: Final = (
    (0, 0, 0, 0, 0),
    (1, 0, 0, 1, 0),
    (2, 3, 1, -1, 1),
    (5, 3, 1, -1, 1),
    (0, 3, 2, -1, 1),
)
"""Fraction, action, reason, station, outcome: what a line meets in a minute."""
PER_MINUTE: Final = 96
"""Items: 50 million spread over the minutes of a year."""
DAYS_AT_ONCE: Final = 10
SPANS: Final = (
    timedelta(days=365),
    timedelta(days=31),
    timedelta(days=7),
    timedelta(days=1),
    timedelta(hours=12),
    timedelta(hours=1),
    timedelta(minutes=1),
)
ZOOMS: Final = 20
LINE_ID: Final = "line-1"


def run(*, quick: bool, console: Console) -> Figures:
    """Measure.

    Raises:
        CannotRunError: the demonstration line does not come to sort here.
    """
    items = QUICK_ITEMS if quick else FULL_ITEMS
    console.print(f"sums of {items:,} items by minute, hour and day ...")
    with TemporaryDirectory() as folder:
        zoom_s, counted = _zooms(Path(folder), items)
    console.print(f"the demonstration line with and without {BROWSERS} browsers ...")
    load = measure_load(rounds=1 if quick else 4, span_s=6.0 if quick else 20.0)
    return Figures(
        values=(
            ("zoom_year_to_minute_s", zoom_s),
            ("items", float(counted)),
            ("latency_p99_ratio_20_browsers", load.ratio),
            ("latency_p99_without_ms", load.without_ms),
            ("latency_p99_with_ms", load.with_ms),
            ("events_per_browser_per_s", load.events_per_s),
        ),
        notes=(
            f"zoom: {len(SPANS)} queries, a year to a minute, in SQLite; slowest of {ZOOMS} ways",
            "items stand in the database as their sums; their own rows no zoom reads",
            "latency: exposure to decision of the demonstration line, median over the intervals'",
            f"  99th percentiles; {BROWSERS} event streams and pictures on the line's own cores",
        ),
    )


def _zooms(folder: Path, items: int) -> tuple[float, int]:
    database = open_database(sqlite_url(folder / "plant.sqlite"))
    PlantDatabase(database, zone_name=ZONE.key)
    _fill(database, items)
    rng = np.random.default_rng(1)
    year = read_history(database, LINE_ID, START, START + SPANS[0], ZONE)
    counted = sum(point.items for point in year.points)
    if counted != items:
        msg = f"the year counts {counted} items, not {items}"
        raise CannotRunError(msg)
    slowest = max(_zoom(database, items, rng) for _ in range(ZOOMS))
    database.close()
    return slowest, counted


def _zoom(database: Database, items: int, rng: np.random.Generator) -> float:
    """Return how long one way from a year to a minute takes, seconds."""
    filled = timedelta(minutes=items // PER_MINUTE)
    middle = START + filled * float(rng.uniform(0.1, 0.9))
    begun = time.perf_counter()
    for span in SPANS:
        first = START if span == SPANS[0] else middle - span / 2
        if not read_history(database, LINE_ID, first, first + span, ZONE).points:
            msg = f"nothing is shown for {span} around {middle}"
            raise CannotRunError(msg)
    return time.perf_counter() - begun


def _fill(database: Database, items: int) -> None:
    """Add the sums of items that follow one another from the year's start on."""
    rng = np.random.default_rng(0)
    minute, left = round(START.timestamp()) // 60, items
    while left:
        minutes = min(DAYS_AT_ONCE * 24 * 60, -(-left // PER_MINUTE))
        counts = np.full(minutes, PER_MINUTE)
        counts[-1] = min(PER_MINUTE, left - PER_MINUTE * (minutes - 1))
        with database.write() as connection:
            line_no = number_of(connection, LINES, LINE_ID)
            add_sums(connection, line_no, _sums(rng, minute, counts), ZONE)
        left -= int(counts.sum())
        minute += minutes


def _sums(rng: np.random.Generator, first_minute: int, counts: Int64Array) -> Sums:
    share = np.full(len(WORDS), 1 / len(WORDS))
    items = rng.multinomial(counts, share).reshape(-1)
    minutes = np.repeat(np.arange(first_minute, first_minute + len(counts)), len(WORDS))
    keys = np.column_stack([minutes, np.tile(np.array(WORDS), (len(counts), 1))])
    return Sums(
        keys=keys.astype(np.int64),
        items=items.astype(np.int64),
        mass_mg=items.astype(np.int64) * 50_000,
        mass_var_g2=(items * 900.0).astype(np.float64),
    )
