"""The store: what goes in is there, the books close, and foreign or newer files are refused."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from calibration.units import MonotonicNs
from controller.types import ItemOutcome
from telemetry.balance import Counts
from telemetry.errors import StoreError, StoreUnavailableError, StoreVersionError
from telemetry.messages import SessionAnnounced, SessionClosing
from telemetry.store import ItemStore
from telemetry.store_reader import SessionBalance
from telemetry.store_schema import (
    APPLICATION_ID,
    MASS_IS_INVALID,
    SCHEMA,
    SCHEMA_VERSION,
    open_database,
)
from telemetry.store_writer import TotalsReported
from telemetry.wall import UtcMapper
from tests.support.telemetry_line import STATIONS, RecordSource

CLOCK = MonotonicClock()


def announced(session_id: str, line_id: str = "line-1") -> SessionAnnounced:
    return SessionAnnounced(
        session_id=session_id,
        line_id=line_id,
        station_names=STATIONS,
        opened_ns=CLOCK.now_ns(),
    )


def open_store(path: Path) -> ItemStore:
    return ItemStore(path=path, clock=CLOCK, utc=UtcMapper(clock=CLOCK))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ItemStore]:
    opened = open_store(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def parts(balance: SessionBalance) -> tuple[int, int, int]:
    account = balance.account
    return account.stored.total, account.gaps.total, account.in_flight


def test_records_come_back_as_they_went_in(store: ItemStore) -> None:
    records = list(RecordSource("s1").many(30))
    result = store.write([announced("s1"), *records])
    assert result.rows == 30
    assert result.account is not None
    assert result.account.last_seq == 30
    items = store.items(session_id="s1", before_seq=31, limit=100)
    assert [item.record for item in items] == records[::-1]
    assert store.items(session_id="s1", before_seq=11, limit=3)[0].record == records[9]
    assert store.verify() == ()


def test_the_balance_of_an_open_session_equals_the_line_s_totals(store: ItemStore) -> None:
    source = RecordSource("s1")
    store.write([announced("s1"), *source.many(50)])
    balance = store.balance("s1")
    assert balance.ending is None
    assert balance.account.closes
    assert balance.account.seen == source.totals.seen
    assert balance.finished.ejected == source.totals.ejected
    assert balance.station_names == STATIONS


def test_a_record_that_comes_twice_is_stored_once(store: ItemStore) -> None:
    records = list(RecordSource("s1").many(10))
    store.write([announced("s1"), *records])
    result = store.write([announced("s1"), *records[4:]])
    assert (result.rows, result.duplicates) == (0, 6)
    assert store.balance("s1").account.stored.total == 10
    assert store.verify() == ()


def test_a_hole_in_the_numbering_becomes_a_gap_from_the_totals(store: ItemStore) -> None:
    source = RecordSource("s1")
    records = list(source.many(40))
    result = store.write([announced("s1"), *records[:10], *records[25:]])
    assert result.gap_items == 15
    account = store.balance("s1").account
    lost = records[10:25]
    assert account.gaps.passed == sum(r.outcome is ItemOutcome.PASSED for r in lost)
    assert account.gaps.total == 15
    assert account.closes
    assert store.verify() == ()


def test_a_closing_mark_books_what_never_arrived(store: ItemStore) -> None:
    source = RecordSource("s1")
    records = list(source.many(20))
    result = store.write(
        [announced("s1"), *records[:12], SessionClosing(session_id="s1", totals=source.totals)]
    )
    assert result.closed
    balance = store.balance("s1")
    assert balance.ending == "closed"
    assert parts(balance) == (12, 8 + source.totals.in_flight, 0)
    assert store.session_is_closed("s1")
    assert store.verify() == ()


def test_a_killed_line_s_session_is_closed_as_interrupted_by_the_next_one(store: ItemStore) -> None:
    source = RecordSource("s1", seed=3)
    records = list(source.many(20))
    reported = TotalsReported(session_id="s1", totals=source.totals)
    store.write([announced("s1"), announced("other", "line-2"), *records[:15], reported])
    store.write([announced("s2")])
    killed = store.balance("s1")
    assert killed.ending == "interrupted"
    assert killed.account.seen == source.totals.seen
    assert parts(killed) == (15, 5 + source.totals.in_flight, 0)
    assert store.balance("other").ending is None
    assert store.verify() == ()


def test_entries_for_a_closed_or_unknown_session_are_refused_and_counted(store: ItemStore) -> None:
    source = RecordSource("s1")
    store.write([announced("s1"), SessionClosing(session_id="s1", totals=None)])
    result = store.write([source.next(1), RecordSource("nobody").next(1)])
    assert (result.rows, result.refused) == (0, 2)
    assert store.verify() == ()


def test_items_without_a_known_session_cannot_be_asked_for(store: ItemStore) -> None:
    assert store.items(session_id="none", before_seq=5, limit=5) == ()
    with pytest.raises(StoreError, match="no session none"):
        store.balance("none")


def test_tallies_count_items_and_mass_by_what_they_became(store: ItemStore) -> None:
    records = list(RecordSource("s1").many(60))
    store.write([announced("s1"), *records])
    tallies = store.tallies("s1")
    assert sum(tally.items for tally in tallies) == 60
    assert sum(tally.mass_g for tally in tallies) == pytest.approx(
        sum(record.track.mass_g for record in records)
    )
    assert len({tally.key for tally in tallies}) == len(tallies)


def test_a_full_disk_loses_nothing_and_is_over_when_there_is_room(tmp_path: Path) -> None:
    """SQLite's own page limit makes it fail as on a full disk: the real error path."""
    path = tmp_path / "store.sqlite"
    store = open_store(path)
    source = RecordSource("s1")
    store.write([announced("s1"), *source.many(5)])
    pages = store._database.execute("PRAGMA page_count").fetchone()[0]
    store._database.execute(f"PRAGMA max_page_count = {pages + 2}")
    batch = list(source.many(200))
    for _ in range(3):
        with pytest.raises(StoreUnavailableError, match="full"):
            store.write(batch)
    assert store.balance("s1").account.last_seq == 5
    store._database.execute("PRAGMA max_page_count = 100000")
    assert store.write(batch).rows == 200
    assert store.verify() == ()
    store.close()


def test_a_locked_store_is_worth_a_retry(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(path)
    store._database.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        store.write([announced("s1")])
    other.execute("ROLLBACK")
    other.close()
    assert store.write([announced("s1")]).account is not None
    store.close()


def test_a_store_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(StoreVersionError, match=f"has schema {SCHEMA_VERSION + 1}"):
        open_store(path)


def test_a_foreign_sqlite_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE mine (x)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_store_whose_tables_differ_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    open_store(path).close()
    database = sqlite3.connect(path)
    database.execute("ALTER TABLE items ADD COLUMN colour TEXT")
    database.close()
    with pytest.raises(StoreError, match="tables differ"):
        open_store(path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(b"this is not a database, by any means at all" * 30)
    with pytest.raises(StoreError, match="not a database"):
        open_store(path)


def test_a_store_in_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    holder = open_store(path)
    with pytest.raises(StoreError, match="in use"):
        open_store(path)
    holder.close()
    open_store(path).close()


def test_a_store_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="not accessible"):
        open_store(tmp_path / "file" / "store.sqlite")


def test_every_commit_is_synced(store: ItemStore) -> None:
    assert store._database.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert store._database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_verify_tells_of_a_row_that_was_taken_out(store: ItemStore) -> None:
    store.write([announced("s1"), *RecordSource("s1").many(20)])
    store._database.execute("DELETE FROM items WHERE record_seq = 7")
    (fault,) = store.verify()
    assert fault.session_id == "s1"
    assert fault.detail.startswith("rows count")


def test_verify_tells_of_a_story_that_was_taken_out(store: ItemStore) -> None:
    store.write([announced("s1"), *RecordSource("s1").many(20)])
    store._database.execute("DELETE FROM stories WHERE record_seq = 7")
    assert store.verify()[0].detail == "20 rows have 19 stories"


def test_verify_tells_of_books_that_do_not_close(store: ItemStore) -> None:
    record = RecordSource("s1").next(1)
    wrong = replace(record, totals=replace(record.totals, seen=record.totals.seen + 1))
    store.write([announced("s1"), wrong])
    assert "balance: seen" in store.verify()[0].detail


def test_verify_tells_of_an_item_with_two_records(store: ItemStore) -> None:
    source = RecordSource("s1")
    first, second = source.next(1), source.next(2)
    store.write([announced("s1"), first, replace(second, track=first.track)])
    assert store.verify()[0].detail == "2 rows tell of 1 items"


def test_verify_tells_of_totals_that_contradict_the_numbering(store: ItemStore) -> None:
    source = RecordSource("s1")
    records = list(source.many(10))
    store.write([announced("s1"), records[0], replace(records[6], totals=records[1].totals)])
    assert any("contradict the numbering" in fault.detail for fault in store.verify())


class StepClock:
    def __init__(self) -> None:
        self.ns = 5_000_000_000

    def now_ns(self) -> MonotonicNs:
        return MonotonicNs(self.ns)

    def wait(self, event: object, timeout_s: float) -> bool:
        raise AssertionError("nothing waits here")


def test_a_clock_step_moves_wall_time_only_and_order_stays(tmp_path: Path) -> None:
    clock = StepClock()
    wall = [datetime(2026, 11, 23, 2, 30, tzinfo=UTC)]
    utc = UtcMapper(clock=clock, now=lambda: wall[0])
    store = ItemStore(path=tmp_path / "s.sqlite", clock=clock, utc=utc)
    source = RecordSource("s1")
    store.write([announced("s1"), source.next(4_000_000_000)])
    wall[0] -= timedelta(hours=1)
    clock.ns = 7_000_000_000
    store.write([source.next(6_500_000_000)])
    later, earlier = store.items(session_id="s1", before_seq=10, limit=10)
    assert earlier.at_utc == "2026-11-23T02:29:59.000+00:00"
    assert later.at_utc == "2026-11-23T01:29:59.500+00:00"
    assert earlier.record.closed_ns < later.record.closed_ns
    assert [balance.session_id for balance in store.balances(5)] == ["s1"]
    assert store.verify() == ()
    store.close()


def test_counts_add_and_subtract_with_different_numbers_of_stations() -> None:
    one = Counts(ejected=(1, 2), passed=3)
    two = Counts(ejected=(1, 2, 5), late=1)
    assert one.plus(two).minus(two).trimmed == one
    assert one.minus(two).has_negative
    assert not one.has_negative


def test_a_store_of_the_first_version_is_kept_and_brought_up_to_this_one(tmp_path):
    path = tmp_path / "items.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(SCHEMA)
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("PRAGMA user_version = 1")
    for _ in range(2):
        with closing(open_database(path)) as new:
            assert new.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
            plan = new.execute(
                f"EXPLAIN QUERY PLAN SELECT record_seq FROM stories WHERE {MASS_IS_INVALID}"
            ).fetchall()
            assert "invalid_masses" in plan[0][-1]
