"""The line as a process, filmed plates before its camera, the soft PLC in processes of its own."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from calibration.clock import MonotonicClock
from plc.codec import decode_mailbox
from plc.registers import MAILBOX, PULSES
from tests.support.filmed_belt import (
    HEARTBEAT_MS,
    FilmedLine,
    film,
    film_plc,
    write_filmed_line,
)
from tests.support.line_process import DEADLINE_S, LineProcess, books, wait_for
from tests.support.modbus_bytes import RawClient
from tests.support.plc_bench import AT
from tests.support.plc_wire import free_port
from twin.soft_plc.launch import SoftPlcProcesses
from twin.wiring import ValveEdge

pytestmark = pytest.mark.wire

FAR_TICK = int((HEARTBEAT_MS + 250) * 3)
"""At 3 ticks per millisecond."""
STOPPED, RUNNING, SAFE = 0, 1, 2
SCAN_SLACK_NS = 200_000_000
"""The PLC's own timing is tested elsewhere; here a scan may wait for its turn on a busy machine."""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "film", distinct=50, frames=4000)


@pytest.fixture
def plate_line(tmp_path: Path, films: Path) -> FilmedLine:
    return write_filmed_line(tmp_path / "l", films, plc_port=free_port(), page_port=free_port())


@contextmanager
def running(line: FilmedLine) -> Iterator[LineProcess]:
    folder = line.path.parent
    with LineProcess("run", line.path, page_port=line.page_port, folder=folder) as process:
        yield process


class PlcWatch:
    """Reads a running PLC as any other master would, and hears its valves."""

    def __init__(self, plc: SoftPlcProcesses) -> None:
        self._plc = plc
        self._master = RawClient(plc.port, unit=1)
        self.edges: list[ValveEdge] = []

    def close(self) -> None:
        self._master.close()

    @property
    def state(self) -> int:
        return self._master.read(AT["state"], 1)[0]

    @property
    def queued(self) -> int:
        return self._master.read(AT["queue_used"], 1)[0]

    @property
    def blocked(self) -> int:
        high, low = self._master.read(AT["blocked_total"], 2)
        return high << 16 | low

    def open_coils(self) -> int:
        answer = self._master.ask(bytes((1, 0, 0, 2, 0)))
        return sum(byte.bit_count() for byte in answer[2:])

    def hear(self) -> None:
        while self._plc.events.poll(0):
            self.edges += [e for e in self._plc.events.recv() if isinstance(e, ValveEdge)]

    def wait_far_pulse(self) -> None:
        """Wait until a pulse was sent that is due only well after the heartbeat has run out."""
        limit_ns = now_ns() + int(DEADLINE_S * 1e9)
        while not self._far_pulse():
            assert now_ns() < limit_ns, "no pulse for the farthest bar"
            self.hear()

    def _far_pulse(self) -> bool:
        """Look into the mailbox, where a batch stands for one cycle."""
        words = self._master.read(MAILBOX.address, MAILBOX.words + PULSES.words)
        high, low = self._master.read(AT["encoder_tick"], 2)
        mailbox = decode_mailbox(words)
        tick = high << 16 | low
        if mailbox is None:
            return False
        opens = [mailbox.base_tick + pulse.open_offset_tick for pulse in mailbox.pulses]
        return any(open_tick - tick > FAR_TICK for open_tick in opens)

    def assert_silent_since(self, silent_ns: int) -> None:
        """Wait for SAFE; then every valve is closed, and none opened past the timeout."""
        wait_for(lambda: self.state == SAFE, lambda: f"SAFE, state {self.state}")
        assert self.queued == 0
        assert self.open_coils() == 0
        self.hear()
        limit_ns = silent_ns + int(HEARTBEAT_MS * 1e6) + SCAN_SLACK_NS
        late = [edge for edge in self.edges if edge.opened and edge.at_ns > limit_ns]
        assert late == []
        closed = {}
        for edge in self.edges:
            closed[edge.station, edge.valve] = edge.opened
        assert not any(closed.values())


@contextmanager
def plc_and_watch(line: FilmedLine) -> Iterator[tuple[SoftPlcProcesses, PlcWatch]]:
    with film_plc(line.plc_port) as plc, closing(PlcWatch(plc)) as watch:
        yield plc, watch


def now_ns() -> int:
    return MonotonicClock().now_ns()


def test_killed_line_leaves_closed_valves_no_child_and_books_that_close(
    plate_line: FilmedLine,
) -> None:
    with plc_and_watch(plate_line) as (plc, watch), running(plate_line) as line:
        line.start_sorting()
        line.wait(lambda seen: sum(seen["totals"]["ejected"]) >= 3, "items ejected")
        watch.wait_far_pulse()
        line.family()
        line.signal(signal.SIGKILL)
        killed_ns = now_ns()
        assert line.ended() == -signal.SIGKILL
        watch.assert_silent_since(killed_ns)
        assert watch.blocked > 0
        line.wait_childless()
        plc.check()
    (session,) = books(plate_line.path.parent / "store.sqlite")
    assert session.account.seen >= 3
    assert session.ending != "closed"


def test_stopped_line_process_makes_the_plc_safe_and_does_not_resume_by_itself(
    plate_line: FilmedLine,
) -> None:
    with plc_and_watch(plate_line) as (_, watch), running(plate_line) as line:
        line.start_sorting()
        watch.wait_far_pulse()
        line.signal(signal.SIGSTOP)
        watch.assert_silent_since(now_ns())
        assert watch.blocked > 0
        line.signal(signal.SIGCONT)
        line.wait_state("aborted")
        line.wait(lambda seen: seen["link_ok"], "the link again")
        wait_for(lambda: watch.state == STOPPED, "PLC told to stop")
        seen = line.wait(lambda now: now["frames_per_s"] > 0, "frames again")
        assert seen["state"] == "aborted"
        line.command("clear")
        line.start_sorting()
        before = sum(line.line()["totals"]["ejected"])
        line.wait(lambda now: sum(now["totals"]["ejected"]) > before, "sorting again")

        line.signal(signal.SIGINT)
        assert line.ended() == 0, line.log
        assert watch.state == STOPPED
        assert watch.open_coils() == 0
        line.wait_childless()
    (session,) = books(plate_line.path.parent / "store.sqlite")
    assert session.ending == "closed"
    assert session.account.in_flight == 0
    assert "Traceback" not in line.log


def test_plc_absent_at_start_then_lost_and_restarted_never_resumes_by_itself(
    plate_line: FilmedLine,
) -> None:
    with running(plate_line) as line:
        line.wait(lambda seen: not seen["link_ok"], "a snapshot without PLC")
        line.wait(
            lambda seen: "plc_link_lost" in {alarm["kind"] for alarm in seen["alarms"]}, "the alarm"
        )
        assert line.line()["state"] == "stopped"
        page = line.get("/")
        assert page is not None
        assert page.status_code == 200
        with film_plc(plate_line.plc_port) as plc:
            seen = line.wait(lambda now: now["link_ok"], "the link")
            assert seen["state"] == "stopped"
            line.start_sorting()
            os.kill(plc.server_pid, signal.SIGKILL)
            line.wait_state("aborted")
            line.wait(lambda seen: not seen["link_ok"], "the lost link")
        with film_plc(plate_line.plc_port):
            line.wait(lambda seen: seen["link_ok"], "the link to the restarted PLC")
            seen = line.wait(lambda now: not now["alarms"], "no more alarms")
            assert seen["state"] == "aborted"
            line.command("clear")
            line.start_sorting()
            line.signal(signal.SIGTERM)
            assert line.ended() == 0, line.log
    (session,) = books(plate_line.path.parent / "store.sqlite")
    assert session.ending == "closed"


def test_killed_telemetry_costs_the_line_nothing_and_no_record(plate_line: FilmedLine) -> None:
    with film_plc(plate_line.plc_port), running(plate_line) as line:
        line.start_sorting()
        before = line.wait(lambda seen: sum(seen["totals"]["ejected"]) >= 1, "items")
        (telemetry,) = [pid for pid in line.family() if is_telemetry(pid)]
        os.kill(telemetry, signal.SIGKILL)
        after = line.wait(
            lambda seen: sum(seen["totals"]["ejected"]) > sum(before["totals"]["ejected"]) + 1,
            "the line sorting on, and telemetry back",
        )
        assert after["state"] == "execute"
        assert after["session_id"] == before["session_id"]
        line.signal(signal.SIGINT)
        assert line.ended() == 0, line.log
    (session,) = books(plate_line.path.parent / "store.sqlite")
    assert session.ending == "closed"
    assert session.account.gaps.total == 0


def is_telemetry(pid: int) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return b"telemetry" in words
