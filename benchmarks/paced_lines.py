"""Lines that keep a pace: each fills its own store and sends from it, as a running line does.

A process per line. Twice a second it adds the items that are due to its store (the schema, the
sync at every commit and the size of the stories of a real one) and lets `PlantSender` bring what
the plant has not. The rows are copies of records that `ItemStore` wrote: making and checking a
record costs a line's own computer some 30 us, which is no load of the plant's.
"""

import multiprocessing
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.line_records import made_records, opened
from benchmarks.plant_load import ITEMS_PER_S
from calibration.clock import MonotonicClock
from telemetry.database.address import parse_url
from telemetry.database.migration import open_database
from telemetry.plant.arrival import PlantDatabase
from telemetry.plant.line_store import LineStoreReader
from telemetry.plant.sender import PlantSender
from telemetry.store import ItemStore
from telemetry.store_schema import open_database as open_store
from telemetry.wall import UtcMapper

EVERY_S: Final = 0.5
BATCH_ITEMS: Final = 5_000
"""As `[telemetry.database] batch_items` is shipped."""
KEPT_ITEMS: Final = 40_000
"""That have arrived and stay in the line's store: ten seconds, to spare the disk."""
TEMPLATES: Final = 1_000
PATIENCE_S: Final = 1200.0
"""After the last item is due, so long a line goes on sending what is behind."""

_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PacedLine:
    """What one line is to do.

    Attributes:
        address: of the plant's database, password included.
        folder: of the line's store.
        number: of the line.
        seconds: of pace.
        begin_s: instant of `time.monotonic` at which all begin.
    """

    address: str
    folder: Path
    number: int
    seconds: int
    begin_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a line kept its pace.

    Attributes:
        items: that arrived, all in all.
        behind_items: that were due and had not arrived when the last one was due.
        worst_lag_s: longest that arrival was behind what was due, in s of the pace.
        done_s: after the beginning, until everything had arrived.
    """

    items: int
    behind_items: int
    worst_lag_s: float
    done_s: float


def keep_pace(lines: tuple[PacedLine, ...]) -> tuple[Kept, ...]:
    """Run all lines at once, a process each."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(len(lines), mp_context=context) as pool:
        return tuple(pool.map(run_line, lines))


def run_line(line: PacedLine) -> Kept:
    """Fill and send until everything due has arrived, or patience is over.

    Raises:
        telemetry.errors.TelemetryError: store or plant refuse.
    """
    path = line.folder / f"line-{line.number}.sqlite"
    feed = _Feed(path, line.number)
    sender = PlantSender(
        source=LineStoreReader(path),
        open_plant=lambda: PlantDatabase(open_database(parse_url(line.address))),
        batch_items=BATCH_ITEMS,
    )
    pace = _Pace(line)
    while not pace.over:
        pace.wait()
        feed.add_until(pace.due)
        sent = sender.send()
        pace.arrived(sent.items)
        feed.forget_until(pace.items - KEPT_ITEMS)
    sender.close()
    feed.close()
    return Kept(
        items=pace.items,
        behind_items=pace.behind_items,
        worst_lag_s=pace.worst_lag_s,
        done_s=pace.done_s,
    )


class _Pace:
    """What is due by the clock, and how far behind it the arrival is."""

    def __init__(self, line: PacedLine) -> None:
        self._begin_s, self._seconds = line.begin_s, line.seconds
        self._total = line.seconds * ITEMS_PER_S
        self._turn = 0
        self._never = threading.Event()
        self._ended = False
        self.items = 0
        self.behind_items = 0
        self.worst_lag_s = 0.0
        self.done_s = 0.0

    @property
    def due(self) -> int:
        """Items that have been due by now."""
        return min(self._total, max(0, int(self._since_s() * ITEMS_PER_S)))

    @property
    def over(self) -> bool:
        """Whether all have arrived, or it is no use waiting."""
        return self.items >= self._total or self._since_s() > self._seconds + PATIENCE_S

    def wait(self) -> None:
        """Wait for the next half second; not at all if it has passed."""
        self._turn += 1
        self._never.wait(max(0.0, self._turn * EVERY_S - self._since_s()))

    def arrived(self, items: int) -> None:
        """Note what one round brought."""
        if not self._ended:
            self.worst_lag_s = max(self.worst_lag_s, (self.due - self.items) / ITEMS_PER_S)
            self.behind_items = self.due - self.items - items
            self._ended = self.due >= self._total
        self.items += items
        self.done_s = self._since_s()

    def _since_s(self) -> float:
        return time.monotonic() - self._begin_s


class _Feed:
    """A line's store that copies of its first records come into."""

    def __init__(self, path: Path, number: int) -> None:
        clock = MonotonicClock()
        store = ItemStore(path=path, clock=clock, utc=UtcMapper(clock=clock))
        store.write([opened(f"line-{number}", f"paced-{number}", clock.now_ns())])
        store.write(tuple(made_records(f"paced-{number}", TEMPLATES, clock.now_ns(), seed=number)))
        store.close()
        self._database = open_store(path)
        self._items = self._templates("items")
        self._stories = self._templates("stories")
        self._last_seq = TEMPLATES
        self._forgotten_seq = 0

    def add_until(self, seq: int) -> None:
        """Add records up to a number, in one transaction; those made at first count."""
        if seq <= self._last_seq:
            return
        at_ns, at_utc = time.monotonic_ns(), datetime.now(UTC).isoformat(timespec="milliseconds")
        numbers = range(self._last_seq + 1, seq + 1)
        items = (self._items[number % TEMPLATES] for number in numbers)
        stories = (self._stories[number % TEMPLATES] for number in numbers)
        with self._transaction() as database:
            database.executemany(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (row[0], number, at_ns, at_utc, *row[4:])
                    for number, row in zip(numbers, items, strict=True)
                ],
            )
            database.executemany(
                "INSERT INTO stories VALUES (?, ?, ?)",
                [(row[0], number, row[2]) for number, row in zip(numbers, stories, strict=True)],
            )
        self._last_seq = seq

    def forget_until(self, seq: int) -> None:
        """Delete records up to a number, those of ten seconds at a time."""
        if seq < self._forgotten_seq + KEPT_ITEMS:
            return
        with self._transaction() as database:
            for table in ("items", "stories"):
                # A store has one session here, its first.
                condition = "session = 1 AND record_seq <= ?"
                database.execute(f"DELETE FROM {table} WHERE {condition}", (seq,))  # noqa: S608
        self._forgotten_seq = seq

    def close(self) -> None:
        """Close the store."""
        self._database.close()

    def _templates(self, table: str) -> list[_Row]:
        return self._database.execute(f"SELECT * FROM {table} ORDER BY record_seq").fetchall()  # noqa: S608

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._database.execute("BEGIN IMMEDIATE")
        yield self._database
        self._database.execute("COMMIT")
