"""The ledger's and the delivery's commands, as a person types them; the clerk's storage alarm."""

import json
import random
from contextlib import closing
from datetime import timedelta

import pytest

import run_line
from calibration.clock import MonotonicClock
from telemetry.clerk_status import ClerkStatus
from telemetry.database.address import sqlite_url
from telemetry.database.migration import open_database
from telemetry.delivery.dispatcher import Dispatcher
from telemetry.delivery.ports import DeliveryRefusedError
from telemetry.delivery.queue import DeliveryQueue
from telemetry.ledger.chain import entry_of
from telemetry.ledger.clerk import STORAGE_EVERY, Clerk
from telemetry.ledger.entries import Dispatch, MassMethod, Operation, Removal, StockCount
from telemetry.ledger.plant_line import PlantLine
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.period import parse_period
from tests.support.plant import BIN, NOON, WallClock, accounts, bale, entry, weighed
from tests.support.plant_month import END, FIRST, fortnight

LINE = f"""
[accounts]
database_path = "plant.sqlite"
facility = {{ bin = "{BIN}", facility_id = "site-1", name_kk = "Зауыт", name_ru = "Завод" }}
equipment = {{ rated_t_per_h = 5.0 }}
[[accounts.deliveries]]
name = "office"
to = {{ kind = "folder", path = "inbox" }}
"""


@pytest.fixture
def line(tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    path = tmp_path / "line.toml"
    path.write_text(LINE)
    return path


def ledger_of(line):
    database = open_database(sqlite_url(line.parent / "plant.sqlite"))
    return database, Ledger(database, accounts(), now=WallClock(END))


def fill(line, *entries):
    database, ledger = ledger_of(line)
    with closing(database):
        ledger.append(entries)


def body_of(line, uid):
    database, ledger = ledger_of(line)
    with closing(database):
        return entry_of(ledger.history(uid)[-1]).body


DISPATCH = ("ledger", "dispatch", "--operation", "recycling", "--destination", "Mill")


def test_a_product_leaves_stock_by_its_fraction_s_code(line, capsys):
    words = ("--product", "plastic", "--mass-kg", "800", "--method", "weighbridge")
    words = (*words, "--ticket", "W-7")
    when = ("--at", "2026-10-05 15:00")
    assert run_line.main([*DISPATCH, *words, *when, str(line)]) == 0
    assert "dispatch:W-7" in capsys.readouterr().out
    body = body_of(line, "dispatch:W-7")
    assert isinstance(body, Dispatch)
    assert (body.code, body.mass.mass_g) == ("191204", 800_000)
    assert (body.operation, body.mass.method) == (Operation.RECYCLING, MassMethod.WEIGHBRIDGE)


def test_counted_stock_is_entered_with_who_counted_and_that_it_was_declared(line, capsys):
    words = ("--code", "19 12 01", "--mass-kg", "120", "--by", "B. Bek", "--method", "declared")
    assert run_line.main(["ledger", "count", *words, "--json", str(line)]) == 0
    row = json.loads(capsys.readouterr().out)
    body = body_of(line, row["uid"])
    assert isinstance(body, StockCount)
    assert (body.code, body.by, body.mass.is_estimate) == ("191201", "B. Bek", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--code", "999999", "--mass-kg", "1"), "999999"),
        (("--product", "plastic", "--mass-kg", "-5"), "negative"),
        (("--product", "plastic", "--mass-kg", "nan"), "no mass"),
        (("--product", "plastic", "--mass-kg", "5", "--at", "tomorrow"), "'tomorrow'"),
    ],
)
def test_a_dispatch_that_cannot_be_is_refused(line, capsys, words, said):
    assert run_line.main([*DISPATCH, "--method", "weighbridge", *words, str(line)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_mass_without_how_it_was_found_is_refused(line, capsys):
    for action in (DISPATCH, ("ledger", "count", "--by", "B. Bek")):
        with pytest.raises(SystemExit, match="2"):
            run_line.main([*action, "--product", "plastic", "--mass-kg", "5", str(line)])
        assert "--method" in capsys.readouterr().err


def edit(line, uid, *words):
    wanted = ("ledger", "edit", "--uid", uid, "--reason", "weighed later")
    return run_line.main([*wanted, *words, str(line)])


def test_a_lamp_that_was_not_weighed_is_weighed_later_and_says_how(line, capsys):
    lamp = Removal(what="mercury_lamp", code="200121", hazardous=True)
    fill(line, entry("lamp:1", lamp))
    assert edit(line, "lamp:1", "--mass-kg", "0.2") == 2
    assert "--method" in capsys.readouterr().err
    assert edit(line, "lamp:1", "--mass-kg", "0.2", "--method", "platform_scale") == 0
    body = body_of(line, "lamp:1")
    assert (body.mass.mass_g, body.mass.is_estimate) == (200, False)


def test_an_estimate_that_was_weighed_later_is_no_estimate_any_more(line):
    fill(line, bale("1", 300))
    assert edit(line, "product:1", "--mass-kg", "280") == 0
    assert body_of(line, "product:1").mass.is_estimate
    assert edit(line, "product:1", "--mass-kg", "281", "--method", "platform_scale") == 0
    assert not body_of(line, "product:1").mass.is_estimate


class Refusing:
    def send(self, parcel):
        msg = "422: BIN is unknown"
        raise DeliveryRefusedError(msg)


def dead_parcel(line):
    database, ledger = ledger_of(line)
    plant = accounts(deliveries=[{"name": "office", "to": {"kind": "folder", "path": "inbox"}}])
    with closing(database):
        ledger.append(fortnight(days=1))
        period = parse_period(FIRST.isoformat(), plant.calendar)
        desk = ReportDesk(database, plant, now=WallClock(END))
        desk.make(ReportKind.SUMMARY, period, edit=None, draft=False)
        queue = DeliveryQueue(database)
        dispatcher = Dispatcher(
            queue, {"office": Refusing()}, now=WallClock(END), chance=random.Random(1)
        )
        dispatcher.drain()
        return queue.standing()[0].parcel_id


def test_dead_letters_are_listed_with_what_the_receiver_said_and_revived(line, capsys):
    number = dead_parcel(line)
    assert run_line.main(["delivery", "show", "--json", "--dead", str(line)]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert (shown["parcel_id"], shown["state"]) == (number, "dead")
    assert "BIN is unknown" in shown["last_error"]
    assert run_line.main(["delivery", "revive", "--parcel", str(number), str(line)]) == 0
    assert run_line.main(["delivery", "show", str(line)]) == 0
    assert "pending" in capsys.readouterr().out
    assert run_line.main(["delivery", "revive", "--parcel", str(number), str(line)]) == 2
    assert "delivery show" in capsys.readouterr().err


def test_all_dead_letters_are_revived_at_once_and_none_is_no_error(line, capsys):
    dead_parcel(line)
    assert run_line.main(["delivery", "revive", "--all", str(line)]) == 0
    assert "1 revived" in capsys.readouterr().err
    assert run_line.main(["delivery", "revive", "--all", str(line)]) == 0
    assert "0 revived" in capsys.readouterr().err


def test_what_lies_longer_than_it_may_is_an_alarm_until_it_has_left(tmp_path):
    plant = accounts(database_path=tmp_path / "plant.sqlite")
    clock = WallClock(NOON)
    place = PlantLine(accounts=plant, line_id="line", store_path=tmp_path / "none.sqlite")
    database = open_database(sqlite_url(plant.database_path))
    ledger = Ledger(database, plant, now=clock)
    ledger.append([bale("1", 300)])
    clerk = Clerk(place, MonotonicClock(), now=clock)
    try:
        clerk.step()
        assert clerk.status == ClerkStatus()
        clock.step(days=80)
        clerk.step()
        assert "300 kg must leave by 2027-01-05" in clerk.status.storage
        clock.step(days=20)
        clerk.step()
        assert "191204: 300 kg overdue since 2027-01-05" in clerk.status.storage
        gone = Dispatch(
            code="191204", mass=weighed(300), operation=Operation.RECYCLING, destination="Mill"
        )
        ledger.append([entry("dispatch:1", gone, shift="", at=clock.now)])
        clock.step(seconds=(STORAGE_EVERY + timedelta(seconds=1)).total_seconds())
        clerk.step()
        assert clerk.status.storage == ""
    finally:
        clerk.close()
        database.close()
