"""The delivery queue on both databases: order, back-off, a week of silence, dead letters."""

import random
from datetime import timedelta

import pytest

from telemetry.delivery.dispatcher import FIRST_WAIT, MOST_BACK_OFF, Dispatcher, back_off
from telemetry.delivery.ports import DeliveryError
from telemetry.delivery.queue import LEASE, DeliveryQueue, ParcelState
from telemetry.delivery.transports.folder import FolderTransport
from telemetry.errors import DatabaseError
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.period import parse_period
from tests.support.plant import WallClock, accounts
from tests.support.plant_month import END, FIRST, fortnight

PLANT = accounts(deliveries=[{"name": "office", "to": {"kind": "folder", "path": "x"}}])


class Rig:
    """A plant with filed reports and a folder that can be made unreachable."""

    def __init__(self, database, folder):
        self.clock = WallClock(END)
        self.database = database
        self.folder = folder
        Ledger(database, PLANT, now=self.clock).append(fortnight(days=4))
        self.desk = ReportDesk(database, PLANT, now=self.clock)
        self.queue = DeliveryQueue(database)
        self.dispatcher = Dispatcher(
            self.queue,
            {"office": FolderTransport(folder)},
            now=self.clock,
            chance=random.Random(7),
        )

    def file(self, day):
        text = (FIRST + timedelta(days=day)).isoformat()
        period = parse_period(text, PLANT.calendar)
        return self.desk.make(ReportKind.SUMMARY, period, edit=None, draft=False)[0]

    def cancel(self, day):
        text = (FIRST + timedelta(days=day)).isoformat()
        period = parse_period(text, PLANT.calendar)
        return self.desk.cancel(ReportKind.SUMMARY, period, "wrong")[0]

    def states(self):
        parcels = sorted(self.queue.standing(), key=lambda parcel: parcel.parcel_id)
        return [parcel.state.value for parcel in parcels]

    def block(self):
        self.folder.write_text("a file where a folder should be")

    def unblock(self):
        self.folder.unlink()


@pytest.fixture
def rig(database, tmp_path):
    return Rig(database, tmp_path / "inbox")


def test_a_report_is_queued_when_it_is_filed_and_not_again_when_nothing_changes(rig):
    rig.file(0)
    rig.file(0)
    assert rig.states() == ["pending"]
    assert rig.dispatcher.drain() == 1
    assert rig.states() == ["delivered"]
    (parcel,) = rig.queue.standing()
    assert '"sha256"' in parcel.receipt
    assert rig.dispatcher.drain() == 0


def test_a_receiver_that_is_down_for_a_week_gets_everything_in_order(rig):
    rig.block()
    documents = [rig.file(day) for day in range(3)]
    tries = 0
    end = rig.clock.now + timedelta(days=7)
    while rig.clock.now < end:
        tries += rig.dispatcher.drain()
        rig.clock.step(minutes=30)
    assert rig.states() == ["pending"] * 3
    first = min(rig.queue.standing(), key=lambda parcel: parcel.parcel_id)
    assert "Not a directory" in first.last_error or "File exists" in first.last_error
    assert tries == 7 * 24 * 2, "one try each time somebody looked, and no more"
    rig.unblock()
    rig.clock.step(minutes=16)
    rig.dispatcher.drain()
    assert rig.states() == ["delivered"] * 3
    assert len(list(rig.folder.glob("*.json"))) == len(documents)


def test_the_first_of_a_facility_holds_back_those_behind_it(rig):
    rig.block()
    rig.file(0)
    rig.file(1)
    assert rig.dispatcher.drain() == 1
    rig.unblock()
    assert rig.dispatcher.drain() == 0
    rig.clock.step(seconds=6)
    assert rig.dispatcher.drain() == 2


def test_back_off_doubles_up_to_its_limit_and_never_loses_its_chance():
    waits = [[back_off(n, random.Random(seed)) for n in range(14)] for seed in range(20)]
    for wait in waits:
        assert FIRST_WAIT / 2 <= wait[0] <= FIRST_WAIT
        assert MOST_BACK_OFF / 2 <= wait[13] <= MOST_BACK_OFF
    assert len({wait[13] for wait in waits}) == 20


def test_a_refused_report_is_dead_the_others_pass_and_its_revisions_wait_for_a_person(rig):
    document = rig.file(0)
    rig.folder.mkdir()
    name = f"{PLANT.facility.bin}-site-1-{document.report_uid}-r1.json"
    (rig.folder / name).write_text("something else")
    rig.file(1)
    rig.cancel(0)
    rig.dispatcher.drain()
    assert rig.states() == ["dead", "delivered", "pending"]
    assert rig.queue.dead() == 1
    held = next(parcel for parcel in rig.queue.standing() if parcel.held)
    assert held.key == f"{document.report_uid}:2"
    (rig.folder / name).unlink()
    dead = next(p for p in rig.queue.standing() if p.state is ParcelState.DEAD)
    assert "exists with other content" in dead.last_error
    rig.queue.revive(dead.parcel_id, rig.clock())
    rig.dispatcher.drain()
    assert rig.states() == ["delivered"] * 3


def test_only_a_dead_parcel_can_be_revived(rig):
    rig.file(0)
    for number in (1, 99):
        with pytest.raises(DeliveryError, match="is not dead"):
            rig.queue.revive(number, rig.clock())


def test_a_parcel_taken_by_a_process_that_died_is_free_after_its_lease(rig):
    rig.file(0)
    assert rig.queue.take(("office",), rig.clock()).attempts == 0
    assert rig.queue.take(("office",), rig.clock()) is None
    rig.clock.step(seconds=LEASE.total_seconds() + 1)
    assert rig.queue.take(("office",), rig.clock()).attempts == 1


def test_a_clock_set_back_a_day_does_not_keep_a_parcel_waiting_for_a_day(rig):
    rig.block()
    rig.file(0)
    rig.dispatcher.drain()
    rig.unblock()
    rig.clock.step(days=-1)
    assert rig.dispatcher.drain() == 1
    assert rig.states() == ["delivered"]


def test_receipts_cannot_be_changed(rig, database):
    rig.file(0)
    rig.dispatcher.drain()
    with pytest.raises(DatabaseError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql("UPDATE delivery_receipts SET content = 'x'")
