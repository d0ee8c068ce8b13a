"""The plant's database under load: items in, a year out, the ledger checked, bytes on disk.

Eight lines of four items per millisecond write into one PostgreSQL with its disk settings as a
plant has them (every commit synced), lines and server on the same cores. First at their pace, each
from its own store through the sender of a running line: did the plant keep up, and what was behind
at the end. Then as fast as they can, from memory: `ingest_per_s` above 32,000 means room to spare.
Full: ten minutes of pace, 19.2 million items.
"""

import itertools
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from rich.console import Console
from sqlalchemy import func, insert, select, text
from sqlalchemy.engine import URL

from benchmarks.paced_lines import PacedLine, keep_pace
from benchmarks.plant_load import ITEMS_PER_S, LineLoad, send_all
from benchmarks.postgres import PostgresServer, running_server, why_no_postgresql
from benchmarks.result import CannotRunError, Figures
from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Entry, Mass, MassMethod, Received
from telemetry.ledger.store import Ledger
from telemetry.plant.arrival import PlantDatabase, number_of
from telemetry.plant.periods import read_period
from telemetry.plant.tables import DAYS, LINES

LINE_COUNT: Final = 8
PACED_S, QUICK_PACED_S = 600, 8
UNPACED_S, QUICK_UNPACED_S = 150, 15
"""Of the pace's time: so many items are sent at once."""
HEAD_START_S: Final = 2.0
"""For the processes to start."""
BATCH_ITEMS: Final = 20_000
SETTINGS: Final = ("shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=15min")
YEAR_ITEMS: Final = 100_000_000
WORDS_PER_DAY: Final = 40
"""Combinations of fraction, action, reason, station and outcome that a line meets in a day."""
REPORTS: Final = 5
LEDGER_ROWS, QUICK_LEDGER_ROWS = 50_000, 3_000


def run(*, quick: bool, console: Console) -> Figures:
    """Measure.

    Raises:
        CannotRunError: PostgreSQL is not installed here.
    """
    if why_no_postgresql():
        raise CannotRunError(why_no_postgresql())
    items = LINE_COUNT * ITEMS_PER_S * (QUICK_UNPACED_S if quick else UNPACED_S)
    seconds = QUICK_PACED_S if quick else PACED_S
    with running_server(durable=True, settings=SETTINGS) as server:
        console.print(f"{LINE_COUNT} lines of {ITEMS_PER_S} items/s for {seconds} s ...")
        paced = _paced(server, seconds)
        console.print(f"{LINE_COUNT} lines send {items:,} items ...")
        ingest_per_s, bytes_per_item = _ingest(server, items)
        console.print(f"a year of {YEAR_ITEMS:,} items as sums by day ...")
        year_report_s = _year(server)
    rows = QUICK_LEDGER_ROWS if quick else LEDGER_ROWS
    console.print(f"a ledger of {rows:,} rows ...")
    return Figures(
        values=(
            ("ingest_per_s", ingest_per_s),
            ("year_report_s", year_report_s),
            ("verify_rows_per_s", _verify(rows)),
            ("bytes_per_item", bytes_per_item),
            ("items", float(items)),
            *paced,
        ),
        notes=(
            f"paced: {LINE_COUNT} lines of {ITEMS_PER_S} items/s, stores, senders and server here",
            "  behind: due and not arrived when the last was due; lag: longest, start included",
            f"ingest: {LINE_COUNT} processes, batches of {BATCH_ITEMS}, unpaced, from memory",
            "bytes per item: tables and indexes of the items; roll-ups are negligible beside them",
            f"year report: {LINE_COUNT} lines x 365 days x {WORDS_PER_DAY} sums by day",
            f"  standing for {YEAR_ITEMS:,} items, not inserted; slowest of {REPORTS}",
            "ledger: weighbridge tickets in SQLite, hash chain checked from the file",
        ),
    )


def _paced(server: PostgresServer, seconds: int) -> tuple[tuple[str, float], ...]:
    url = server.new_database()
    open_database(url).close()
    with TemporaryDirectory() as folder:
        begin_s = time.monotonic() + HEAD_START_S
        kept = keep_pace(
            tuple(
                PacedLine(
                    address=url.render_as_string(hide_password=False),
                    folder=Path(folder),
                    number=number,
                    seconds=seconds,
                    begin_s=begin_s,
                )
                for number in range(LINE_COUNT)
            )
        )
    items = sum(line.items for line in kept)
    _check_arrived(url, items, LINE_COUNT * seconds * ITEMS_PER_S)
    return (
        ("paced_items", float(items)),
        ("paced_s", float(seconds)),
        ("paced_items_per_s", items / max(line.done_s for line in kept)),
        ("paced_behind_items", float(sum(line.behind_items for line in kept))),
        ("paced_worst_lag_s", max(line.worst_lag_s for line in kept)),
        ("paced_done_s", max(line.done_s for line in kept)),
    )


def _check_arrived(url: URL, told: int, due: int) -> None:
    """Compare rows, sums and what was due; one item lost or doubled fails the benchmark."""
    database = open_database(url)
    with database.read() as connection:
        rows = int(connection.scalar(text("SELECT count(*) FROM items")) or 0)
        summed = int(connection.scalar(select(func.sum(DAYS.c["items"]))) or 0)
    database.close()
    if not due == told == rows == summed:
        msg = f"{due} items due, {told} told of, {rows} in the table, {summed} in the sums"
        raise CannotRunError(msg)


def _ingest(server: PostgresServer, items: int) -> tuple[float, float]:
    url = server.new_database()
    address = url.render_as_string(hide_password=False)
    database = open_database(url)
    PlantDatabase(database)
    database.close()
    loads = tuple(
        LineLoad(address=address, number=number, items=items // LINE_COUNT, batch_items=BATCH_ITEMS)
        for number in range(LINE_COUNT)
    )
    wall_s = send_all(loads)
    database = open_database(url)
    with database.read() as connection:
        size, count = connection.execute(
            text(
                "SELECT (SELECT sum(pg_total_relation_size(table_name::regclass)) FROM item_parts),"
                " (SELECT count(*) FROM items)"
            )
        ).one()
    arrived = read_period(database, date(2026, 3, 1), date(2026, 3, 2)).items
    database.close()
    if not count == arrived == items:
        msg = f"{items} items sent, {count} in the table, {arrived} in the sums"
        raise CannotRunError(msg)
    return items / wall_s, float(size) / items


def _year(server: PostgresServer) -> float:
    database = open_database(server.new_database())
    PlantDatabase(database)
    rng = np.random.default_rng(1)
    for number in range(LINE_COUNT):
        with database.write() as connection:
            line_no = number_of(connection, LINES, f"line-{number}")
            connection.execute(insert(DAYS), _year_of_sums(line_no, rng))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    timed = [_timed_year(database) for _ in range(REPORTS)]
    database.close()
    return max(timed)


def _timed_year(database: Database) -> float:
    begun = time.perf_counter()
    period = read_period(database, date(2025, 1, 1), date(2025, 12, 31))
    wall_s = time.perf_counter() - begun
    if period.items != YEAR_ITEMS:
        msg = f"the year report counts {period.items} items, not {YEAR_ITEMS}"
        raise CannotRunError(msg)
    return wall_s


def _year_of_sums(line_no: int, rng: np.random.Generator) -> list[dict[str, object]]:
    """Sums by day of one line's share of the year, for every day and combination of words."""
    words = list(itertools.product(range(5), range(2), range(2), range(2)))
    shares = rng.multinomial(
        YEAR_ITEMS // LINE_COUNT, np.full(365 * len(words), 1 / (365 * len(words)))
    ).reshape(365, len(words))
    now, first = datetime.now(UTC), date(2025, 1, 1)
    return [
        {
            "day": first + timedelta(days=day),
            "line_no": line_no,
            "fraction": fraction,
            "action": 0,
            "reason": reason,
            "station": station,
            "outcome": outcome,
            "items": int(shares[day, place]),
            "mass_mg": int(shares[day, place]) * 50_000,
            "mass_var_g2": float(shares[day, place]) * 900.0,
            "changed_at": now,
        }
        for day in range(365)
        for place, (fraction, reason, station, outcome) in enumerate(words)
    ]


def _verify(rows: int) -> float:
    with TemporaryDirectory() as folder:
        database = open_database(sqlite_url(Path(folder) / "plant.sqlite"))
        ledger = Ledger(database, _accounts(), now=lambda: datetime.now(UTC))
        shift = ledger.open_shift(datetime.now(UTC))
        for first in range(0, rows, 1000):
            ledger.append(
                [_ticket(number, shift.shift_id) for number in range(first, first + 1000)]
            )
        begun = time.perf_counter()
        found = ledger.verify()
        wall_s = time.perf_counter() - begun
        database.close()
    if found.faults or found.rows < rows:
        msg = f"the ledger of the benchmark does not verify: {found.faults[:1]}"
        raise CannotRunError(msg)
    return found.rows / wall_s


def _ticket(number: int, shift_id: str) -> Entry:
    mass = Mass(mass_g=12_000_000 + number, method=MassMethod.WEIGHBRIDGE, source="WB-1")
    body = Received(code="200301", mass=mass, supplier="city", vehicle="A 123")
    return Entry(uid=f"weighbridge:{number}", at=datetime.now(UTC), shift=shift_id, body=body)


def _accounts() -> AccountsConfig:
    return AccountsConfig.model_validate(
        {
            "facility": {
                "bin": "000140000012",
                "facility_id": "bench",
                "name_kk": "Сұрыптау зауыты",
                "name_ru": "Сортировочный завод",
            },
            "equipment": {"rated_t_per_h": 5.0},
            "database_path": "plant.sqlite",
        }
    )
