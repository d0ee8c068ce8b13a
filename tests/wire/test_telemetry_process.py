"""The telemetry process on a real socket, with real HTTP, killed and stopped in every way."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.snapshot import AcknowledgeAlarm, AlarmKind, LampRemoved, PackmlRequest
from controller.states import LineCommand
from telemetry.errors import TelemetryStartError
from telemetry.supervise import SupervisorState
from tests.support.page_user import signed_in
from tests.support.telemetry_line import lamp_alarm
from tests.support.telemetry_rig import CLOCK, Rig, config_in, is_alive, wait_for

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[2]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.stop()


def test_records_are_stored_shown_and_counted(rig: Rig) -> None:
    rig.start()
    rig.publish(300)
    rig.wait_confirmed()
    state = wait_for(lambda: rig.state() if rig.state()["answering"] else None, "a snapshot")
    assert state["line"]["totals"]["seen"] == rig.source.totals.seen
    assert state["whole_session"]["items"] == 300
    assert state["store"]["account"]["last_seq"] == 300
    assert state["balance_closes"]
    assert state["store_closes"]
    items = rig.get("/api/items", limit=5).json()
    assert [item["record"]["record_seq"] for item in items] == [300, 299, 298, 297, 296]
    metrics = rig.get("/metrics").text
    assert "sortline_store_records_total 300.0" in metrics
    assert "sortline_line_up 1.0" in metrics
    assert rig.get("/healthz").status_code == 200


def test_a_session_ends_with_its_closing_mark(rig: Rig) -> None:
    rig.start()
    rig.publish(50)
    rig.stop()
    balance = rig.books()
    assert balance.ending == "closed"
    assert balance.account.stored.total == 50
    assert balance.account.seen == rig.source.totals.seen
    assert not rig.config.socket_path.exists()


def test_operator_requests_reach_the_line(rig: Rig) -> None:
    rig.start()
    rig.headers = signed_in(rig.config.users_path, "Айгүл")
    rig.publish(1)
    alarm = lamp_alarm(CLOCK.now_ns())
    rig.feed.publish_snapshot(rig.source.snapshot(CLOCK.now_ns(), alarms=(alarm,)))
    wait_for(lambda: rig.state()["alarms"], "the alarm")
    assert rig.post("/api/command", command="hold").status_code == 202
    answer = rig.post("/api/acknowledge", kind="lamp_found")
    assert answer.status_code == 202
    assert rig.post("/api/lamp-removed").status_code == 202
    requests = []

    def arrived() -> bool:
        requests.extend(rig.feed.take_requests())
        return len(requests) == 3

    wait_for(arrived, "three requests")
    assert requests == [
        PackmlRequest(command=LineCommand.HOLD, operator="Айгүл"),
        AcknowledgeAlarm(kind=AlarmKind.LAMP_FOUND, operator="Айгүл"),
        LampRemoved(operator="Айгүл"),
    ]


def test_the_live_picture_is_the_newest_one(rig: Rig) -> None:
    rig.start()
    rig.feed.publish_picture(b"\xff\xd8first")
    wait_for(lambda: rig.state()["picture_seq"] == 1, "the first picture")
    rig.feed.publish_picture(b"\xff\xd8second")
    wait_for(lambda: rig.state()["picture_seq"] == 2, "the second picture")
    answer = rig.get("/api/picture")
    assert answer.content == b"\xff\xd8second"
    assert answer.headers["content-type"] == "image/jpeg"


def test_telemetry_killed_again_and_again_loses_nothing(rig: Rig) -> None:
    rig.start()
    for _ in range(3):
        rig.publish(300)
        wait_for(lambda: rig.feed.records_waiting < 300, "the first confirmation")
        rig.publish(300)
        killed = rig.pid
        rig.signal(signal.SIGKILL)
        assert rig.publish(100) == 100
        wait_for(
            lambda killed=killed: (
                rig.supervisor.pid != killed and rig.supervisor.state is SupervisorState.RUNNING
            ),
            "the restart",
        )
    rig.wait_confirmed()
    assert rig.feed.records_dropped == 0
    assert rig.supervisor.restarts == 3
    assert rig.state()["whole_session"]["items"] == 2100
    rig.stop()
    account = rig.books().account
    assert account.stored.total == 2100
    assert account.gaps.total == rig.source.totals.in_flight


def test_a_stopped_telemetry_process_does_not_stop_the_line(tmp_path: Path) -> None:
    """SIGSTOP: it neither answers nor goes away; the queue fills, then records are counted."""
    rig = Rig(tmp_path, record_capacity=3000)
    rig.start()
    rig.publish(100)
    rig.wait_confirmed()
    rig.signal(signal.SIGSTOP)
    assert rig.publish(5000) == 3000
    assert rig.feed.records_dropped == 2000
    rig.signal(signal.SIGCONT)
    rig.wait_confirmed()
    rig.publish(1)
    rig.stop()
    account = rig.books().account
    assert account.stored.total == 3101
    assert account.gaps.total == 2000 + rig.source.totals.in_flight


def test_a_line_without_telemetry_counts_and_ends_in_time(tmp_path: Path) -> None:
    rig = Rig(tmp_path, record_capacity=10)
    rig.open_session()
    assert rig.publish(25) == 10
    rig.stop()
    assert rig.feed.records_waiting == 10
    assert rig.feed.records_dropped == 15


def test_a_session_that_is_closed_takes_no_more_records(tmp_path: Path) -> None:
    first = Rig(tmp_path)
    first.start()
    first.publish(5)
    first.stop()
    again = Rig(tmp_path)
    again.start()
    again.publish(5)
    again.stop()
    assert again.feed.records_waiting == 5
    assert again.books().account.stored.total == 5


def test_foreign_bytes_close_the_connection_and_are_counted(rig: Rig) -> None:
    rig.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as foreign:
        foreign.connect(str(rig.config.socket_path))
        foreign.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert foreign.recv(100) == b""
    assert "sortline_wire_errors_total 1.0" in rig.get("/metrics").text
    rig.publish(10)
    rig.wait_confirmed()


def test_a_full_disk_is_an_alarm_and_passes(rig: Rig) -> None:
    """The kernel's file-size limit stops the store's writes as a full disk does; then it goes."""
    rig.start()
    rig.publish(100)
    rig.wait_confirmed()
    size = (rig.config.store_path.parent / "store.sqlite-wal").stat().st_size
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(rig.pid, resource.RLIMIT_FSIZE, (size, unlimited))
    rig.publish(3000)
    state = wait_for(lambda: rig.state() if rig.state()["alarms"] else None, "the alarm")
    assert state["alarms"][0]["kind"] == "disk_full"
    assert not state["store"]["available"]
    assert rig.get("/healthz").status_code == 503
    assert rig.post("/api/acknowledge", kind="disk_full").status_code == 202
    assert rig.feed.records_waiting > 0
    resource.prlimit(rig.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    rig.wait_confirmed()
    wait_for(lambda: not rig.state()["alarms"], "the end of the alarm")
    assert rig.get("/healthz").status_code == 200
    rig.stop()
    assert rig.books().account.stored.total == 3100


def test_a_port_in_use_is_told_and_ends_the_start_with_code_two(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        line = tmp_path / "line.toml"
        line.write_text(
            f'[telemetry]\nhost = "127.0.0.1"\nport = {port}\n'
            f'store_path = "{tmp_path}/s.sqlite"\nsocket_path = "{tmp_path}/s.sock"\n'
        )
        done = subprocess.run(
            [sys.executable, "-m", "telemetry", str(line)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert f"telemetry.port: 127.0.0.1:{port} cannot be bound" in done.stderr
        assert "Traceback" not in done.stderr
        rig = Rig(tmp_path)
        rig.supervisor._config = config_in(tmp_path, port=port)
        with pytest.raises(TelemetryStartError, match="exit code 2"):
            rig.supervisor.start()


def test_the_supervisor_gives_up_on_a_process_that_cannot_start(tmp_path: Path) -> None:
    rig = Rig(tmp_path, first_retry_s=0.01, max_restarts=2)
    rig.start()
    rig.config.socket_path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as holder:
        holder.bind(str(rig.config.socket_path))
        holder.listen()
        rig.signal(signal.SIGKILL)
        wait_for(lambda: rig.supervisor.state is SupervisorState.GIVEN_UP, "giving up")
    assert rig.supervisor.restarts == 2
    assert rig.publish(10) == 10
    rig.stop()


LINE_PROGRAM = """
import json, sys, threading
from pathlib import Path
from tests.support.telemetry_rig import Rig
rig = Rig(Path(sys.argv[1]), session_id=sys.argv[2])
rig.start()
rig.publish(200)
rig.wait_confirmed()
rig.publish(40)
sys.stdout.write(json.dumps({"pid": rig.pid, "seen": rig.source.totals.seen}) + "\\n")
sys.stdout.flush()
threading.Event().wait()
"""


def test_a_killed_line_takes_telemetry_with_it_and_its_books_are_closed_next_time(
    tmp_path: Path,
) -> None:
    line = subprocess.Popen(
        [sys.executable, "-c", LINE_PROGRAM, str(tmp_path), "killed"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert line.stdout is not None
    told = json.loads(line.stdout.readline())
    line.kill()
    line.wait()
    line.stdout.close()
    wait_for(lambda: not is_alive(told["pid"]), "the end of telemetry")
    rig = Rig(tmp_path, session_id="next")
    rig.start()
    rig.publish(10)
    rig.wait_confirmed()
    rig.stop()
    killed = rig.books("killed")
    assert killed.ending == "interrupted"
    assert killed.account.in_flight == 0
    assert killed.account.seen <= told["seen"]
    assert killed.account.stored.total >= 200


def test_telemetry_imports_neither_vision_libraries_nor_the_pipeline() -> None:
    program = "import sys, telemetry.process; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint({"cv2", "openvino", "onnxruntime", "scipy", "pymodbus", "torch"})
    assert loaded.isdisjoint({"controller.pipeline", "controller.core", "twin"})
