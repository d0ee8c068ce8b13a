"""The accounts' own pages: a ticket by form, checked and entered once; refused reports decided."""

import asyncio
import random
from contextlib import closing
from html.parser import HTMLParser

import httpx
import pytest
from starlette.applications import Starlette

from calibration.clock import MonotonicClock
from telemetry.accounts_pages import AccountsPages
from telemetry.database.address import sqlite_url
from telemetry.database.migration import open_database
from telemetry.delivery.dispatcher import Dispatcher
from telemetry.delivery.ports import DeliveryRefusedError
from telemetry.delivery.queue import DeliveryQueue, ParcelState
from telemetry.ledger.chain import entry_of
from telemetry.ledger.clerk import Clerk
from telemetry.ledger.entries import Dispatch, Received
from telemetry.ledger.plant_line import PlantLine
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind
from telemetry.reports.desk import ReportDesk
from telemetry.reports.period import parse_period
from tests.support.plant import NOON, WallClock, accounts
from tests.support.plant_month import END, FIRST, fortnight

TICKET = {
    "ticket": "T-1047",
    "weighed_at": "2026-10-05T11:30",
    "gross_kg": "18 420",
    "tare_kg": "11200,5",
    "direction": "in",
    "supplier": "<b>City</b>",
    "by": "A. Serik",
    "lang": "en",
}


class Hidden(HTMLParser):
    """Collects the hidden fields of a page."""

    def __init__(self, text):
        super().__init__()
        self.fields = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values["value"]


class Page:
    """Asks the pages as a browser does."""

    def __init__(self, clerk):
        self._app = Starlette(routes=AccountsPages(clerk).routes())

    def get(self, path, **more):
        return self._ask("GET", path, **more)

    def post(self, path, **more):
        return self._ask("POST", path, **more)

    def _ask(self, method, path, **more):
        async def ask():
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


class Office:
    """A plant's clerk behind its pages."""

    def __init__(self, folder, now=NOON):
        delivery = {"name": "office", "to": {"kind": "folder", "path": str(folder / "inbox")}}
        self.plant = accounts(database_path=folder / "plant.sqlite", deliveries=[delivery])
        self.clock = WallClock(now)
        line = PlantLine(accounts=self.plant, line_id="line", store_path=folder / "none.sqlite")
        self.clerk = Clerk(line, MonotonicClock(), now=self.clock)
        self.page = Page(lambda: self.clerk)

    def ledger(self):
        database = open_database(sqlite_url(self.plant.database_path))
        return closing(database), Ledger(database, self.plant, now=self.clock)

    def bodies(self, kind):
        closing_it, ledger = self.ledger()
        with closing_it:
            rows = [row for row in ledger.rows() if row.kind == kind]
        return [entry_of(row).body for row in rows]


@pytest.fixture
def office(tmp_path):
    office = Office(tmp_path)
    yield office
    office.clerk.close()


def test_a_ticket_is_checked_shown_and_entered_once_however_often_it_is_sent(office):
    shown = office.page.post("/weighbridge/check", data=TICKET)
    assert (shown.status_code, office.bodies("received")) == (200, [])
    assert "7,219.500" in shown.text
    assert "&lt;b&gt;City" in shown.text
    assert "<b>City" not in shown.text
    fields = Hidden(shown.text).fields
    for _ in range(2):
        done = office.page.post("/weighbridge/enter", data=fields)
        assert done.status_code == 200
    assert "already" in done.text
    (body,) = office.bodies("received")
    assert isinstance(body, Received)
    assert (body.mass.mass_g, body.mass.is_estimate, body.code) == (7_219_500, False, "200301")
    (deed,) = office.bodies("handling")
    assert (deed.about, deed.did, deed.by) == (
        "weighbridge:T-1047",
        "ticket_entered",
        "A. Serik",
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tare_kg": "20000"}, "leave no load"),
        ({"gross_kg": "-5"}, "leave no load"),
        ({"gross_kg": "1842000"}, "absurd"),
        ({"gross_kg": "many"}, "not a number"),
        ({"weighed_at": "2026-10-06T11:30"}, "future"),
        ({"weighed_at": "2006-10-05T11:30"}, "correct the year"),
        ({"weighed_at": ""}, "time"),
        ({"code": "999999"}, "999999"),
        ({"net_kg": "9000"}, "not gross less tare"),
        ({"ticket": " "}, "no number"),
        ({"direction": "out", "code": "191212", "operation": "burn"}, "operation"),
        ({"direction": "out"}, "needs its waste code"),
        ({"direction": "sideways"}, "neither in nor out"),
        ({"by": ""}, "who enters"),
        ({"supplier": "x" * 101}, "101 characters"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason_and_the_form_stays_filled(office, wrong, said):
    for place in ("check", "enter"):
        answer = office.page.post(f"/weighbridge/{place}", data=TICKET | wrong)
        assert answer.status_code == 422
        assert said in answer.text
        assert 'value="18 420"' in answer.text or "gross_kg" in wrong
    assert office.bodies("received") == office.bodies("dispatch") == []


def test_a_number_that_stands_with_another_load_is_refused_and_says_how_to_correct(office):
    office.page.post("/weighbridge/enter", data=TICKET)
    other = office.page.post("/weighbridge/enter", data=TICKET | {"gross_kg": "18500"})
    assert other.status_code == 422
    assert "ledger edit LINE.toml --uid weighbridge:T-1047" in other.text


def test_what_leaves_is_booked_as_a_dispatch(office):
    out = {"direction": "out", "code": "19 12 12", "operation": "landfill", "destination": "Dump"}
    assert office.page.post("/weighbridge/enter", data=TICKET | out).status_code == 200
    (body,) = office.bodies("dispatch")
    assert isinstance(body, Dispatch)
    assert (body.code, body.operation, body.destination) == ("191212", "landfill", "Dump")


@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_the_pages_are_there_in_each_language(office, language):
    for path in ("/weighbridge", "/accounts/deliveries"):
        answer = office.page.get(path, params={"lang": language})
        assert (answer.status_code, f'lang="{language}"' in answer.text) == (200, True)


def test_without_a_clerk_the_pages_say_so():
    page = Page(lambda: None)
    answer = page.post("/weighbridge/enter", data=TICKET)
    assert (answer.status_code, "keeps no accounts" in answer.text) == (404, True)


class Refusing:
    def send(self, parcel):
        msg = "422: BIN <unknown>"
        raise DeliveryRefusedError(msg)


@pytest.fixture
def refused(tmp_path):
    office = Office(tmp_path, END)
    database = open_database(sqlite_url(office.plant.database_path))
    with closing(database):
        Ledger(database, office.plant, now=office.clock).append(fortnight(days=1))
        desk = ReportDesk(database, office.plant, now=office.clock)
        period = parse_period(FIRST.isoformat(), office.plant.calendar)
        desk.make(ReportKind.SUMMARY, period, edit=None, draft=False)
        Dispatcher(
            DeliveryQueue(database),
            {"office": Refusing()},
            now=office.clock,
            chance=random.Random(1),
        ).drain()
    yield office
    office.clerk.close()


def test_a_refused_report_is_shown_and_given_up_with_a_reason_that_the_ledger_keeps(refused):
    listed = refused.page.get("/accounts/deliveries", params={"lang": "en"})
    assert "422: BIN &lt;unknown&gt;" in listed.text
    (parcel,) = refused.clerk.parcels()
    decision = {"parcel_id": str(parcel.parcel_id), "by": "B. Bek", "lang": "en"}
    for missing in ({"reason": " "}, {"reason": "sent by post", "by": " "}):
        answer = refused.page.post("/accounts/deliveries/drop", data=decision | missing)
        assert (answer.status_code, "is kept" in answer.text) == (409, True)
    assert refused.clerk.parcels()[0].state is ParcelState.DEAD
    decision["reason"] = "sent by post"
    answer = refused.page.post("/accounts/deliveries/drop", data=decision)
    assert (answer.status_code, "given up by B. Bek: sent by post" in answer.text) == (200, True)
    (deed,) = refused.bodies("handling")
    assert (deed.did, deed.by, deed.reason) == ("delivery_dropped", "B. Bek", "sent by post")
    again = refused.page.post("/accounts/deliveries/retry", data=decision)
    assert (again.status_code, "is not dead" in again.text) == (409, True)
    refused.clerk.step()
    assert refused.clerk.status.dead == 0


def test_a_refused_report_that_is_tried_again_is_delivered_and_the_ledger_says_who(refused):
    (parcel,) = refused.clerk.parcels()
    decision = {"parcel_id": str(parcel.parcel_id), "by": "B. Bek"}
    assert refused.page.post("/accounts/deliveries/retry", data=decision).status_code == 200
    refused.clerk.step()
    assert refused.clerk.parcels()[0].state is ParcelState.DELIVERED
    (deed,) = refused.bodies("handling")
    assert (deed.did, deed.by) == ("delivery_retried", "B. Bek")
