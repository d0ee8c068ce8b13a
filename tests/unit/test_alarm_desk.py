"""The alarm desk: ISA-18.2 states, requests, first-out and load, over a restart too."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from controller.snapshot import Alarm, AlarmKind
from telemetry.alarms.desk import AlarmDesk
from telemetry.alarms.types import AlarmAct, AlarmRefusedError, AlarmState
from telemetry.signal_store import SignalStore
from tests.support.wall_time import MovedTime

STALLED, CAMERA, LINK, VALVE = (
    AlarmKind.CAMERA_STALLED,
    AlarmKind.CAMERA_LOST,
    AlarmKind.PLC_LINK_LOST,
    AlarmKind.VALVE_FAULTY,
)


class Bench:
    def __init__(self) -> None:
        self.time = MovedTime()
        self.desk = AlarmDesk(utc=self.time.utc, now=self.time.now)
        self._raised: dict[AlarmKind, int] = {}

    def stand(self, *kinds: AlarmKind, detail: str = "seen") -> None:
        self._raised = {k: self._raised.get(k, self.time.now_ns()) for k in kinds}
        self.desk.observe(
            Alarm(kind=k, raised_ns=ns, detail=detail, remedy="", acknowledged=False)  # type: ignore[arg-type]
            for k, ns in self._raised.items()
        )

    def state(self, kind: AlarmKind) -> AlarmState | None:
        entry = self.desk.entry(kind)
        return None if entry is None else entry.state


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_alarm_goes_through_its_states_either_way_round(bench: Bench) -> None:
    bench.stand(VALVE)
    assert bench.state(VALVE) is AlarmState.UNACKNOWLEDGED
    bench.desk.acknowledge(VALVE, "Aigul")
    assert bench.state(VALVE) is AlarmState.ACKNOWLEDGED
    bench.stand()
    assert bench.state(VALVE) is None
    bench.stand(VALVE)
    bench.stand()
    assert bench.state(VALVE) is AlarmState.RETURNED
    bench.stand(VALVE)
    assert bench.state(VALVE) is AlarmState.UNACKNOWLEDGED
    bench.stand()
    bench.desk.acknowledge(VALVE, "Aigul")
    assert bench.state(VALVE) is None


def test_a_shelved_alarm_is_quiet_for_its_time_and_comes_back_unacknowledged(bench: Bench) -> None:
    bench.stand(VALVE)
    bench.desk.shelve(VALVE, "Aigul", seconds=600, reason="part is ordered")
    bench.time.pass_s(599)
    bench.stand(VALVE)
    assert bench.state(VALVE) is AlarmState.SHELVED
    assert bench.desk.load().standing == 0
    bench.time.pass_s(1)
    bench.stand(VALVE)
    assert bench.state(VALVE) is AlarmState.UNACKNOWLEDGED
    change = bench.desk.take_change()
    assert change is not None
    acts = [event.act for event in change.events]
    assert acts == [AlarmAct.RAISED, AlarmAct.SHELVED, AlarmAct.SHELF_EXPIRED]


def test_an_alarm_may_be_shelved_before_it_comes_and_rises_quietly(bench: Bench) -> None:
    bench.desk.shelve(VALVE, "Aigul", seconds=600, reason="valves are being changed")
    bench.stand(VALVE)
    entry = bench.desk.entry(VALVE)
    assert entry is not None
    assert (entry.state, entry.active) == (AlarmState.SHELVED, True)
    assert entry.set_aside_why == "valves are being changed"
    assert bench.desk.load().last_10_min == 0


def test_out_of_service_lasts_until_a_person_puts_it_back(bench: Bench) -> None:
    bench.stand(VALVE)
    bench.desk.take_out_of_service(VALVE, "Aigul", reason="bar taken off")
    bench.stand()
    bench.time.pass_s(10 * 86400)
    bench.stand(VALVE)
    assert bench.state(VALVE) is AlarmState.OUT_OF_SERVICE
    bench.desk.return_to_service(VALVE, "Aigul")
    assert bench.state(VALVE) is AlarmState.UNACKNOWLEDGED


def test_what_makes_no_sense_is_refused_with_the_reason(bench: Bench) -> None:
    desk = bench.desk
    with pytest.raises(AlarmRefusedError, match="does not stand"):
        desk.acknowledge(VALVE, "A")
    with pytest.raises(AlarmRefusedError, match="critical"):
        desk.shelve(LINK, "A", seconds=60, reason="x")
    with pytest.raises(AlarmRefusedError, match="critical"):
        desk.take_out_of_service(LINK, "A", reason="x")
    with pytest.raises(AlarmRefusedError, match="say why"):
        desk.shelve(VALVE, "A", seconds=60, reason="  ")
    for seconds in (0, -5, 43_201, float("nan"), float("inf")):
        with pytest.raises(AlarmRefusedError, match="12 h"):
            desk.shelve(VALVE, "A", seconds=seconds, reason="x")
    with pytest.raises(AlarmRefusedError, match="not shelved"):
        desk.unshelve(VALVE, "A")
    with pytest.raises(AlarmRefusedError, match="not out of service"):
        desk.return_to_service(VALVE, "A")


def test_the_first_of_the_alarms_that_stop_the_line_is_marked(bench: Bench) -> None:
    bench.stand(VALVE)
    bench.time.pass_s(1)
    bench.stand(VALVE, CAMERA)
    bench.time.pass_s(1)
    bench.stand(VALVE, CAMERA, LINK)
    marked = [entry.kind for entry in bench.desk.entries() if entry.first_out]
    assert marked == [CAMERA]
    bench.stand()
    bench.stand(LINK)
    assert [e.kind for e in bench.desk.entries() if e.first_out and e.active] == [LINK]


def test_most_urgent_comes_first_and_what_is_set_aside_last(bench: Bench) -> None:
    bench.stand(VALVE, STALLED, LINK)
    bench.desk.shelve(STALLED, "A", seconds=60, reason="x")
    assert [entry.kind for entry in bench.desk.entries()] == [LINK, VALVE, STALLED]


def test_floods_chatter_and_stale_alarms_are_counted(bench: Bench) -> None:
    for _ in range(11):
        bench.stand(VALVE)
        bench.time.pass_s(10)
        bench.stand()
        bench.time.pass_s(10)
    load = bench.desk.load()
    assert (load.last_10_min, load.in_flood) == (11, True)
    assert load.chattering == (VALVE,)
    assert load.most_frequent[0].share == 1.0
    bench.time.pass_s(600)
    assert (bench.desk.load().last_10_min, bench.desk.load().peak_10_min) == (0, 11)
    bench.stand(VALVE)
    bench.time.pass_s(86_401)
    bench.stand(VALVE)
    load = bench.desk.load()
    assert load.stale == (VALVE,)
    assert load.last_24_h == 0


def test_the_journal_keeps_states_and_shelves_over_a_restart(bench: Bench, tmp_path: Path) -> None:
    bench.stand(VALVE, CAMERA)
    bench.desk.acknowledge(CAMERA, "Aigul")
    bench.desk.shelve(VALVE, "Aigul", seconds=600, reason="part is ordered")
    with closing(SignalStore(tmp_path / "signals.sqlite")) as store:
        store.write(bench.desk.take_change(), ())
    with closing(SignalStore(tmp_path / "signals.sqlite")) as store:
        entries = store.alarm_entries()
        now = bench.time.now()
        rises = store.rises_since(now - timedelta(hours=1))
        events = store.alarm_events(start=now - timedelta(1), end=now + timedelta(1), limit=10)
    assert [event.act for event in events][:2] == [AlarmAct.SHELVED, AlarmAct.ACKNOWLEDGED]
    before = bench.desk.entries()
    bench.desk = AlarmDesk(utc=bench.time.utc, now=bench.time.now, entries=entries, rises=rises)
    assert bench.desk.entries() == before
    assert bench.desk.load().last_10_min == 2
    bench.stand(VALVE, CAMERA)
    assert bench.state(CAMERA) is AlarmState.ACKNOWLEDGED
    assert bench.desk.take_change() is None
    bench.time.pass_s(601)
    bench.stand(VALVE, CAMERA)
    assert bench.state(VALVE) is AlarmState.UNACKNOWLEDGED
