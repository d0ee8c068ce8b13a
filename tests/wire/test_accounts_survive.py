"""Ledger, reports and deliveries survive kills at every statement, a full disk, two processes."""

import random
import resource
import shutil
from datetime import timedelta

import pytest
from sqlalchemy import event

from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.delivery.dispatcher import Dispatcher
from telemetry.delivery.ports import DeliveryRetryError
from telemetry.delivery.queue import LEASE, DeliveryQueue, ParcelState
from telemetry.delivery.transports.folder import FolderTransport
from telemetry.errors import DatabaseUnavailableError
from telemetry.ledger.books import books_of
from telemetry.ledger.chain import entry_of
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind, report_uid
from telemetry.reports.desk import ReportDesk
from telemetry.reports.period import parse_period
from telemetry.reports.store import ReportStore
from tests.support.killed import in_processes, killed_at_every_boundary
from tests.support.plant import NOON, WallClock, accounts, bale, correction, ticket
from tests.support.plant_month import END, FIRST, fortnight

pytestmark = pytest.mark.wire

FOLDER = {"name": "office", "to": {"kind": "folder", "path": "inbox"}}
PLANT = accounts(deliveries=[FOLDER])
DAY = parse_period(FIRST.isoformat(), PLANT.calendar)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A database with three days of entries, closed, to be copied."""
    path = tmp_path_factory.mktemp("template") / "plant.sqlite"
    database = open_database(sqlite_url(path))
    Ledger(database, PLANT, now=WallClock(END)).append(fortnight(days=1))
    database.close()
    return path


@pytest.fixture
def place(tmp_path, template):
    path = tmp_path / "plant.sqlite"
    shutil.copy(template, path)
    return path


def connect(path):
    return Database(sqlite_url(path))


def fresh(path, template):
    for old in path.parent.glob("plant.sqlite*"):
        old.unlink()
    shutil.rmtree(path.parent / "inbox", ignore_errors=True)
    shutil.copy(template, path)


def some_entries():
    first = ticket("1", 5000)
    return [
        first,
        bale("1", 300),
        correction(first, ticket("1", 5100).body),
        ticket("2", 700),
        correction(ticket("2", 700)),
    ]


def append_in_two(database):
    ledger = Ledger(database, PLANT, now=WallClock(END))
    ledger.open_shift(NOON)
    ledger.append(some_entries()[:3])
    ledger.append(some_entries()[3:])


def test_a_ledger_killed_at_every_statement_holds_and_a_retry_completes_it(place, template):
    def work(boundaries):
        database = connect(place)
        boundaries.watch(database)
        append_in_two(database)

    kills = 0
    for _ in killed_at_every_boundary(lambda: fresh(place, template), work):
        kills += 1
        database = connect(place)
        ledger = Ledger(database, PLANT, now=WallClock(END))
        assert ledger.verify().faults == ()
        append_in_two(database)
        assert ledger.verify().faults == ()
        books = books_of(entry_of(row) for row in ledger.standing(NOON.date(), NOON.date()))
        assert (books.received_g, books.products_g) == (5_100_000, 300_000)
        database.close()
    assert kills > 10


def file_and_deliver(path, clock, watch=lambda database: None):
    """File a day's report, cancel it, deliver both; what was done before is not done again."""
    database = connect(path)
    watch(database)
    desk = ReportDesk(database, PLANT, now=clock)
    store = ReportStore(database, now=clock)
    uid = report_uid(PLANT, ReportKind.SUMMARY, DAY)
    if store.newest(uid) is None:
        desk.make(ReportKind.SUMMARY, DAY, edit=None, draft=False)
    if len(store.revisions(uid)) == 1:
        desk.cancel(ReportKind.SUMMARY, DAY, "not ours")
    dispatcher(database, path, clock).drain()
    return database, uid


def dispatcher(database, path, clock):
    transports = {"office": FolderTransport(path.parent / "inbox")}
    return Dispatcher(DeliveryQueue(database), transports, now=clock, chance=random.Random(1))


def test_an_outbox_killed_at_every_statement_delivers_each_revision_once_and_in_order(
    place, template
):
    clock = WallClock(END)

    def work(boundaries):
        file_and_deliver(place, clock, boundaries.watch)

    kills = 0
    for _ in killed_at_every_boundary(lambda: fresh(place, template), work):
        kills += 1
        later = WallClock(END + LEASE + timedelta(seconds=1))
        database, uid = file_and_deliver(place, later)
        parcels = sorted(DeliveryQueue(database).standing(), key=lambda p: p.parcel_id)
        assert [p.key for p in parcels] == [f"{uid}:1", f"{uid}:2"]
        assert {p.state for p in parcels} == {ParcelState.DELIVERED}
        assert all(p.receipt for p in parcels)
        files = sorted(path.name for path in (place.parent / "inbox").iterdir())
        assert len(files) == 2
        assert all(name.endswith(("-r1.json", "-r2.json")) for name in files)
        database.close()
    assert kills > 30


def test_a_full_disk_stops_an_append_and_loses_nothing(place):
    database = connect(place)
    ledger = Ledger(database, PLANT, now=WallClock(END))
    head = ledger.head()
    pages = []

    def no_more_room(connection, _record):
        (now,) = connection.execute("PRAGMA page_count").fetchone()
        pages.append(now)
        connection.execute(f"PRAGMA max_page_count = {now}")

    event.listen(database.engine, "connect", no_more_room)
    database.close()
    many = [ticket(str(number), 10) for number in range(400)]
    with pytest.raises(DatabaseUnavailableError, match="full"):
        ledger.append(many)
    assert ledger.head() == head
    event.remove(database.engine, "connect", no_more_room)
    database.close()
    ledger.append(many)
    assert ledger.head().seq == head.seq + 400
    assert ledger.verify().faults == ()
    assert pages
    database.close()


def test_a_full_disk_at_the_receiver_is_tried_again_and_leaves_no_half_file(place):
    clock = WallClock(END)
    database = connect(place)
    desk = ReportDesk(database, PLANT, now=clock)
    desk.make(ReportKind.SUMMARY, DAY, edit=None, draft=False)
    database.close()

    def deliver_without_room():
        mine = connect(place)
        transport = FolderTransport(place.parent / "inbox")
        parcel = DeliveryQueue(mine).take(("office",), clock())
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        with pytest.raises(DeliveryRetryError, match="File too large"):
            transport.send(parcel)

    in_processes(deliver_without_room)
    assert not list((place.parent / "inbox").glob("*.json"))
    clock.now += LEASE + timedelta(seconds=1)
    database = connect(place)
    assert dispatcher(database, place, clock).drain() == 1
    (file,) = (place.parent / "inbox").glob("*.json")
    assert file.stat().st_size > 1000
    database.close()


def test_two_processes_on_one_store_make_one_chain(place):
    def append(name):
        def work():
            database = connect(place)
            ledger = Ledger(database, PLANT, now=WallClock(END))
            for number in range(25):
                ledger.append([ticket(f"{name}-{number}", 10), ticket(f"shared-{number}", 20)])
            database.close()

        return work

    in_processes(append("a"), append("b"))
    database = connect(place)
    ledger = Ledger(database, PLANT, now=WallClock(END))
    assert ledger.verify().faults == ()
    names = [row.uid for row in ledger.rows() if row.uid.startswith("weighbridge:")]
    assert len(names) == len(set(names)) == 75
    database.close()


def test_two_processes_that_deliver_from_one_store_have_each_report_taken_once(place):
    clock = WallClock(END)
    database = connect(place)
    desk = ReportDesk(database, PLANT, now=clock)
    desk.make(ReportKind.SUMMARY, DAY, edit=None, draft=False)
    desk.cancel(ReportKind.SUMMARY, DAY, "not ours")
    database.close()

    def deliver():
        mine = connect(place)
        dispatcher(mine, place, clock).drain()
        mine.close()

    in_processes(deliver, deliver, deliver)
    database = connect(place)
    parcels = DeliveryQueue(database).standing()
    assert {parcel.state for parcel in parcels} == {ParcelState.DELIVERED}
    with database.read() as connection:
        receipts = connection.exec_driver_sql("SELECT count(*) FROM delivery_receipts").scalar()
    assert receipts == len(parcels) == len(list((place.parent / "inbox").glob("*.json"))) == 2
    database.close()
