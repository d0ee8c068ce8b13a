"""The page's interface, without sockets: what is answered and what is refused."""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from calibration.clock import MonotonicClock
from controller.snapshot import (
    Alarm,
    MassStanding,
    ModeRequest,
    OperatorRequest,
    PackmlRequest,
)
from controller.states import LineCommand, LineMode, LineState
from telemetry.broadcast import StateBroadcast
from telemetry.clerk_status import ClerkStatus
from telemetry.guard import REQUEST_HEADER
from telemetry.hmi.accounts import AccountBook
from telemetry.hmi.desk import AccountDesk
from telemetry.hmi.gate import GateRules
from telemetry.hmi.roles import Role
from telemetry.hmi.standing import standing_of
from telemetry.hub import LineHub
from telemetry.line_server import LineServer
from telemetry.messages import SessionAnnounced
from telemetry.metrics import LineCollector, make_registry
from telemetry.page_state import PageStateSource
from telemetry.recorder import Recorder, StoreStatus
from telemetry.store import ItemStore
from telemetry.wall import UtcMapper
from telemetry.web import Pages
from tests.support.page_user import sign_in
from tests.support.telemetry_line import STATIONS, RecordSource, lamp_alarm

CLOCK = MonotonicClock()
HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
OWN = {REQUEST_HEADER: "1"}


class Desk:
    """Hub, recorder and pages put together as the process does, without listening anywhere."""

    def __init__(self, folder: Path, *, open_to_read: bool = True) -> None:
        utc = UtcMapper(clock=CLOCK)
        self.store = ItemStore(path=folder / "s.sqlite", clock=CLOCK, utc=utc)
        self.hub = LineHub(clock=CLOCK)
        self.recorder = Recorder(store=self.store, on_written=lambda _: None)
        self.server = LineServer(hub=self.hub, recorder=self.recorder, pictures=True)
        source = PageStateSource(hub=self.hub, recorder=self.recorder, utc=utc)
        self.broadcast = StateBroadcast(encode=source.json)
        collector = LineCollector(hub=self.hub, recorder=self.recorder, server=self.server)
        pages = Pages(
            hub=self.hub,
            recorder=self.recorder,
            source=source,
            broadcast=self.broadcast,
            registry=make_registry(collector),
        )
        self.book = AccountBook(folder / "users.sqlite")
        self.application = pages.application(
            HOSTS,
            book=self.book,
            desk=AccountDesk(book=self.book, clock=CLOCK, stay=timedelta(hours=1), secure=False),
            rules=GateRules(open_to_read=open_to_read, before=lambda: standing_of(self.hub)),
        )
        self.headers = {**OWN, **sign_in(self.book, "a", Role.ENGINEER)}
        self.requests: list[OperatorRequest] = []
        self.source = RecordSource("s1")

    def connect(self, records: int = 0, *, alarms: tuple[Alarm, ...] = ()) -> None:
        session = SessionAnnounced(
            session_id="s1", line_id="line-1", station_names=STATIONS, opened_ns=CLOCK.now_ns()
        )
        self.hub.attach(session, stored=(), last_seq=0, sender=self.requests.append)
        self.recorder.queue(session)
        for _ in range(records):
            record = self.source.next(CLOCK.now_ns())
            self.hub.take_record(record)
            self.recorder.queue(record)
        asyncio.run(self.recorder.flush())
        self.hub.take_snapshot(self.source.snapshot(CLOCK.now_ns(), alarms=alarms))

    def get(self, path: str, host: str = "127.0.0.1:8080", **more: Any) -> httpx.Response:
        return self._ask("GET", path, host, more)

    def post(
        self, path: str, body: object, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = self.headers if headers is None else headers
        return self._ask("POST", path, "127.0.0.1:8080", {"content": content, "headers": sent})

    def _ask(self, method: str, path: str, host: str, more: dict[str, Any]) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.application)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def metrics(self) -> dict[str, list[Any]]:
        text = self.get("/metrics").text
        return {family.name: family.samples for family in text_string_to_metric_families(text)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.store.close()
    made.book.close()


def test_before_the_first_line_the_page_says_so(desk: Desk) -> None:
    state = desk.get("/api/state").json()
    assert not state["connected"]
    assert state["session"] is None
    assert state["commands"] == []
    assert desk.get("/api/picture").status_code == 404
    assert desk.get("/api/items").json() == []
    assert desk.get("/healthz").json()["line"] is False
    assert desk.metrics()["sortline_line_up"][0].value == 0


def test_the_page_and_its_files_come_from_here_with_a_strict_policy(desk: Desk) -> None:
    page = desk.get("/")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "http://" not in page.text
    assert "https://" not in page.text
    for file in ("page.js", "page.css", "icon.svg"):
        assert desk.get(f"/static/{file}").status_code == 200
    assert desk.get("/static/../web.py").status_code == 404


def test_a_command_valid_in_this_state_is_passed_on(desk: Desk) -> None:
    desk.connect(3)
    answer = desk.post("/api/command", {"command": "hold"})
    assert answer.status_code == 202
    assert desk.requests == [PackmlRequest(command=LineCommand.HOLD, operator="a")]


def test_a_command_not_valid_in_this_state_is_refused(desk: Desk) -> None:
    desk.connect(3)
    answer = desk.post("/api/command", {"command": "start"})
    assert answer.status_code == 409
    assert desk.requests == []


def test_another_mode_is_asked_for_at_rest_only(desk: Desk) -> None:
    desk.connect(3)
    body = {"mode": "maintenance"}
    refused = desk.post("/api/mode", body)
    assert refused.status_code == 409
    assert "not stopped, idle or aborted" in refused.json()["detail"]
    assert desk.get("/api/state").json()["modes"] == []
    desk.hub.take_snapshot(
        dataclasses.replace(desk.source.snapshot(CLOCK.now_ns()), state=LineState.STOPPED)
    )
    assert desk.get("/api/state").json()["modes"] == ["maintenance", "manual"]
    assert desk.post("/api/mode", {"mode": "production"}).status_code == 409
    assert desk.post("/api/mode", {"mode": "turbo"}).status_code == 400
    assert desk.post("/api/mode", body).status_code == 202
    assert desk.requests == [ModeRequest(mode=LineMode.MAINTENANCE, operator="a")]


def test_a_command_without_a_line_is_refused(desk: Desk) -> None:
    desk.connect(3)
    desk.hub.detach()
    answer = desk.post("/api/command", {"command": "hold"})
    assert answer.status_code == 503


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**OWN, "origin": "http://evil.example"},
        {**OWN, "origin": "null"},
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
    ],
)
def test_a_request_from_another_site_is_refused(desk: Desk, headers: dict[str, str]) -> None:
    desk.connect()
    body = {"command": "hold"}
    if headers:
        headers = {**desk.headers, **headers}
    assert desk.post("/api/command", body, headers=headers).status_code == 403
    assert desk.requests == []


def test_a_request_from_the_own_page_is_taken(desk: Desk) -> None:
    desk.connect()
    headers = {**desk.headers, "origin": "http://127.0.0.1:8080", "sec-fetch-site": "same-origin"}
    body = {"command": "hold"}
    assert desk.post("/api/command", body, headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:8080", 421),
    ],
)
def test_only_own_names_are_answered(desk: Desk, host: str, code: int) -> None:
    assert desk.get("/api/state", host=host).status_code == code


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        {"command": "fly"},
        {},
        {"command": "hold", "operator": "somebody else"},
        {"command": "hold", "more": 1},
        b'{"command": "hold", "more": "' + b"x" * 10_000 + b'"}',
    ],
)
def test_a_malformed_request_is_refused_with_its_reason(desk: Desk, body: object) -> None:
    desk.connect()
    answer = desk.post("/api/command", body)
    assert answer.status_code == 400
    assert "not understood" in answer.json()["detail"]
    assert desk.requests == []


def test_only_a_standing_alarm_can_be_acknowledged(desk: Desk) -> None:
    desk.connect(1)
    body = {"kind": "lamp_found"}
    assert desk.post("/api/acknowledge", body).status_code == 409
    assert desk.post("/api/lamp-removed", {}).status_code == 409
    desk.hub.take_snapshot(
        desk.source.snapshot(CLOCK.now_ns(), alarms=(lamp_alarm(CLOCK.now_ns()),))
    )
    assert desk.post("/api/acknowledge", body).status_code == 202
    assert desk.post("/api/lamp-removed", {}).status_code == 202
    assert len(desk.requests) == 2


def test_the_store_s_alarm_is_acknowledged_here_and_goes_when_the_store_works(desk: Desk) -> None:
    desk.connect(1)
    desk.hub.watch_store(StoreStatus(available=False, detail="disk is full"))
    (alarm,) = desk.get("/api/state").json()["alarms"]
    assert (alarm["kind"], alarm["acknowledged"]) == ("disk_full", False)
    body = {"kind": "disk_full"}
    assert desk.post("/api/acknowledge", body).status_code == 202
    assert desk.requests == []
    assert desk.get("/api/state").json()["alarms"][0]["acknowledged"]
    desk.hub.watch_store(StoreStatus())
    assert desk.get("/api/state").json()["alarms"] == []


def test_storage_that_is_due_is_an_alarm_that_says_what_to_do(desk: Desk) -> None:
    desk.connect(1)
    desk.hub.watch_accounts(ClerkStatus(storage="191204: 300 kg overdue since 2027-01-05"))
    (alarm,) = desk.get("/api/state").json()["alarms"]
    assert (alarm["kind"], alarm["detail"][:6]) == ("storage_time", "191204")
    assert "dispatch" in alarm["remedy"]
    desk.hub.watch_accounts(ClerkStatus())
    assert desk.get("/api/state").json()["alarms"] == []


def test_items_are_paged_from_the_newest(desk: Desk) -> None:
    desk.connect(25)
    first = desk.get("/api/items", params={"limit": 10}).json()
    assert [item["record"]["record_seq"] for item in first] == list(range(25, 15, -1))
    second = desk.get("/api/items", params={"limit": 10, "before_seq": 16}).json()
    assert second[0]["record"]["record_seq"] == 15


@pytest.mark.parametrize(
    "parameters", [{"limit": 0}, {"limit": 1001}, {"limit": "many"}, {"before_seq": 0}, {"sql": 1}]
)
def test_items_are_not_given_beyond_their_limits(desk: Desk, parameters: dict[str, Any]) -> None:
    assert desk.get("/api/items", params=parameters).status_code == 400


def test_the_stored_books_are_given(desk: Desk) -> None:
    desk.connect(12)
    (balance,) = desk.get("/api/balances").json()
    assert balance["session_id"] == "s1"
    assert balance["account"]["stored"]["ejected"] == list(
        desk.source.totals.ejected[: len(balance["account"]["stored"]["ejected"])]
    )


def test_masses_beyond_the_overlap_limit_are_told_to_page_and_metrics(desk: Desk) -> None:
    heaped = MassStanding(model="mass-2026-11-25-0123456789ab", overlap_index=1.12, valid=False)
    desk.hub.take_snapshot(desk.source.snapshot(CLOCK.now_ns(), masses=heaped))
    assert desk.get("/api/state").json()["line"]["masses"] == {
        "model": "mass-2026-11-25-0123456789ab",
        "overlap_index": 1.12,
        "valid": False,
    }
    metrics = desk.metrics()
    assert metrics["sortline_overlap_index"][0].value == 1.12
    assert metrics["sortline_mass_valid"][0].value == 0
    (model,) = metrics["sortline_mass_model_info"]
    assert model.labels == {"version": "mass-2026-11-25-0123456789ab"}


def test_metrics_follow_the_items_and_the_line(desk: Desk) -> None:
    desk.connect(200)
    metrics = desk.metrics()
    assert sum(s.value for s in metrics["sortline_items"]) == 200
    assert sum(s.value for s in metrics["sortline_decisions"]) == 200
    assert sum(s.value for s in metrics["sortline_ejected_items"]) == sum(
        desk.source.totals.ejected
    )
    assert metrics["sortline_belt_speed_meters_per_second"][0].value == pytest.approx(2.7984)
    states = {s.labels["sortline_state"]: s.value for s in metrics["sortline_state"]}
    assert states["execute"] == 1
    assert sum(states.values()) == 1
    (line,) = metrics["sortline_line_info"]
    assert line.labels["bundle_id"] == "demo-1"


def test_the_number_of_series_is_bounded_whatever_comes(desk: Desk) -> None:
    desk.connect(2000)
    series = sum(len(samples) for samples in desk.metrics().values())
    assert series < 200
    for _ in range(5):
        desk.connect(500)
    assert sum(len(samples) for samples in desk.metrics().values()) < 200


def test_every_metric_name_follows_the_convention(desk: Desk) -> None:
    desk.connect(50)
    for line in desk.get("/metrics").text.splitlines():
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            assert name.startswith("sortline_")
            assert name.endswith("_total") == (kind == "counter")
            assert not name.endswith(("_ms", "_mm", "_milliseconds"))


def test_events_begin_with_the_state_and_end_with_the_broadcast(desk: Desk) -> None:
    desk.connect(5)

    async def listen() -> list[bytes]:
        stop = asyncio.Event()
        running = asyncio.create_task(desk.broadcast.run(stop))
        received = []
        async for event in desk.broadcast.events():
            received.append(event)
            if len(received) == 3:
                stop.set()
        await running
        return received

    received = asyncio.run(listen())
    assert len(received) == 3
    for event in received:
        data = event.split(b"data: ")[1]
        assert json.loads(data)["session"]["session_id"] == "s1"
    assert desk.broadcast.listeners == 0
