"""The JSON API: what it answers, what it refuses, and that its document tells the truth."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from starlette.applications import Starlette
from starlette.testclient import TestClient

from calibration.clock import MonotonicClock
from telemetry.api.routes import Api
from telemetry.hub import LineHub
from telemetry.messages import SessionAnnounced
from telemetry.recorder import Recorder
from telemetry.signal_store import SignalStore
from telemetry.signals import Signals
from telemetry.store import ItemStore
from telemetry.wall import UtcMapper
from tests.support.telemetry_line import STATIONS, RecordSource, lamp_alarm

CLOCK = MonotonicClock()


@dataclass(frozen=True)
class Served:
    application: Starlette
    signals: Signals

    def get(self, path: str, **parameters: Any) -> Any:
        return TestClient(self.application).get(f"/api/v1{path}", params=parameters)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, utc = tmp_path_factory.mktemp("api"), UtcMapper(clock=CLOCK)
    store = ItemStore(path=folder / "s.sqlite", clock=CLOCK, utc=utc)
    hub = LineHub(clock=CLOCK)
    recorder = Recorder(store=store, on_written=lambda _: None)
    signals = Signals(
        hub=hub,
        recorder=recorder,
        store=SignalStore(folder / "s.signals.sqlite"),
        clock=CLOCK,
        utc=utc,
        rated_t_per_h=1.0,
    )
    _fill(hub, recorder, signals)
    yield Served(
        Starlette(routes=Api(hub=hub, recorder=recorder, signals=signals).routes()), signals
    )
    store.close()


def _fill(hub: LineHub, recorder: Recorder, signals: Signals) -> None:
    source = RecordSource("s1")
    session = SessionAnnounced(
        session_id="s1", line_id="l", station_names=STATIONS, opened_ns=CLOCK.now_ns()
    )
    hub.attach(session, stored=(), last_seq=0, sender=lambda _: None)
    recorder.queue(session)
    for _ in range(300):
        recorder.queue(source.next(CLOCK.now_ns()))
    alarms = (lamp_alarm(CLOCK.now_ns()),)
    hub.take_snapshot(source.snapshot(CLOCK.now_ns(), alarms=alarms))
    signals.observe()

    async def write() -> None:
        await recorder.flush()
        await signals.flush()
        await signals.count()

    asyncio.run(write())


def test_state_tells_the_line_and_its_first_out_alarm(served: Served) -> None:
    state = served.get("/state").json()
    assert (state["line_id"], state["state"], state["answering"]) == ("l", "execute", True)
    assert state["first_out"] == "lamp_found"
    assert state["alarms_unacknowledged"] == 1


def test_items_are_paged_without_a_gap(served: Served) -> None:
    seen, bound = [], {}
    while True:
        page = served.get("/items", limit=90, **bound).json()
        seen += [item["record"]["record_seq"] for item in page["items"]]
        if page["next_before_seq"] is None:
            break
        bound = {"before_seq": page["next_before_seq"]}
    assert seen == list(range(300, 0, -1))


def test_counted_production_is_that_of_the_records_and_is_counted_once(served: Served) -> None:
    asyncio.run(served.signals.count())
    production = served.get("/oee").json()["production"]
    assert production["items"] == 300
    assert 0 < production["good_mass_kg"] < production["mass_kg"]


def test_the_running_shift_comes_first(served: Served) -> None:
    shifts = served.get("/shifts", days=2).json()["shifts"]
    assert len(shifts) in (2, 3, 4)
    assert shifts == sorted(shifts, key=lambda shift: shift["start"], reverse=True)
    assert shifts[0]["effectiveness"]["production"]["items"] in (0, 300)


def test_the_alarm_list_comes_in_each_language(served: Served) -> None:
    names = {
        language: served.get("/alarms/list", language=language).json()["alarms"][0]["name"]
        for language in ("kk", "ru", "en")
    }
    assert len(set(names.values())) == 3


@pytest.mark.parametrize(
    ("path", "parameters", "words"),
    [
        ("/items", {"limit": 0}, "limit"),
        ("/items", {"limits": 5}, "limits"),
        ("/items", {"session_id": "a\x00b"}, "session_id"),
        ("/oee", {"start": "2026-01-01T00:00:00"}, "timezone"),
        ("/oee", {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "follow"),
        ("/oee", {"start": "2020-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, "366 days"),
        ("/oee", {"start": "0001-01-01T00:00:00+14:00"}, "years"),
        ("/oee", {"end": "9999-12-31T23:59:59-12:00"}, "years"),
        ("/shifts", {"days": 32}, "days"),
        ("/state", {"x": 1}, "x"),
        ("/alarms/list", {"language": "de"}, "language"),
        ("/items", {"limit": ["1", "2"]}, "limit"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(
    served: Served, path: str, parameters: dict[str, Any], words: str
) -> None:
    refused = served.get(path, **parameters)
    assert refused.status_code == 400
    assert words in refused.json()["detail"]


def test_nothing_can_be_written(served: Served) -> None:
    client = TestClient(served.application)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, "/api/v1/state").status_code == 405


PATHS = ("state", "items", "shifts", "alarms", "alarms/list", "alarms/journal", "oee", "downtime")


@pytest.fixture(scope="module")
def described(served: Served) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", served.application)


def test_every_path_of_the_document_is_fuzzed(described: Any) -> None:
    told = {operation.ok().path.strip("/") for operation in described.get_all_operations()}
    assert told == set(PATHS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_any_request_is_answered_as_the_document_says(
    described: Any, path: str, mode: GenerationMode
) -> None:
    operation = described[f"/{path}"]["GET"]
    if mode is GenerationMode.NEGATIVE and not operation.query:
        mode = GenerationMode.POSITIVE  # nothing of it can be made not to fit

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def answered(case: Any) -> None:
        response = case.call()
        # That a period ends after it starts, and is not too long, no schema can say.
        relation = response.status_code == 400 and response.json()["detail"].startswith("query: ")
        excluded = [checks.positive_data_acceptance] if relation else []
        case.validate_response(response, excluded_checks=excluded)

    answered()


def test_the_running_stretch_is_told_up_to_the_present(served: Served) -> None:
    first = served.get("/oee").json()
    second = served.get("/oee").json()
    assert second["seconds"]["producing"] > first["seconds"]["producing"] > 0
