"""The demonstration as a newcomer meets it: started, looked at, stopped, started again, killed."""

import signal
import socket
from pathlib import Path

import pytest

from tests.support.filmed_belt import line_text
from tests.support.line_process import (
    ROOT,
    LineProcess,
    books,
    is_free,
    run_line,
    shared_memory,
    wait_for,
)
from tests.support.modbus_bytes import RawClient
from tests.support.plc_bench import AT
from tests.support.plc_wire import free_port

pytestmark = pytest.mark.wire


class DemoFolder:
    """A demonstration line file of its own: own ports, own store, patient with a busy machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plc_port, self.page_port = folder, free_port(), free_port()
        folder.mkdir(exist_ok=True)
        self.line = folder / "demo.toml"
        changes = {
            "../../models": str(ROOT / "models"),
            "../../var/demo/": "",
            "port = 5502": f"port = {self.plc_port}",
            "port = 8080": f"port = {self.page_port}",
            "stall_after_ms = 500": "stall_after_ms = 2000",
            "heartbeat_timeout_ms = 300": "heartbeat_timeout_ms = 1000",
            "mercury_lamp = 0.002": "mercury_lamp = 0.0",
            'mercury_lamp = { action = "stop_and_alarm"': 'mercury_lamp = { action = "pass"',
        }
        self.line.write_text(line_text(changes))

    def start(self, *arguments: str | Path) -> LineProcess:
        return LineProcess(
            "demo", self.line, *arguments, page_port=self.page_port, folder=self.folder
        )

    @property
    def store(self) -> Path:
        return self.folder / "items.sqlite"


@pytest.fixture
def demo_folder(tmp_path: Path) -> DemoFolder:
    return DemoFolder(tmp_path / "d")


def test_demo_sorts_shows_its_page_records_and_ends_on_ctrl_c_leaving_nothing_behind(
    demo_folder: DemoFolder,
) -> None:
    before = shared_memory()
    session = demo_folder.folder / "session"
    with demo_folder.start("--record", session) as demo:
        demo.wait(lambda seen: sum(seen["totals"]["ejected"]) >= 2, "items ejected")
        picture = wait_for(lambda: demo.get("/api/picture"), "an answer")
        assert picture.headers["content-type"] == "image/jpeg"
        metrics = demo.get("/metrics")
        assert metrics is not None
        assert "sortline_line_up 1.0" in metrics.text
        wait_for(lambda: demo.get("/api/items").json(), "stored items")

        assert demo.line()["state"] == "execute"
        demo.press_ctrl_c()
        assert demo.ended() == 0, demo.log
        demo.wait_childless()
        assert "valves closed, line stopped" in demo.log
        assert "what the bins truly hold" in demo.log
        assert "Traceback" not in demo.log
        assert ">>>>>" not in demo.log
    assert is_free(demo_folder.plc_port)
    assert is_free(demo_folder.page_port)
    assert shared_memory() == before
    (books_closed,) = books(demo_folder.store)
    assert books_closed.ending == "closed"
    assert books_closed.account.in_flight == 0
    assert books_closed.account.seen >= 2
    left = {entry.name for entry in demo_folder.folder.iterdir()}
    assert left == {
        "demo.toml",
        "items.sqlite",
        "items.signals.sqlite",
        "items.users.sqlite",
        "items.sqlite.lock",
        "plant.sqlite",
        "session",
        "stdout",
        "stderr",
        "valves",
    }

    replayed = run_line("replay", session)
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert "identical" in replayed.stdout


def test_a_demo_with_a_camera_behind_the_bar_judges_its_shots_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    plc_port, page_port = free_port(), free_port()
    changes = {
        "../../models": str(ROOT / "models"),
        "../../var/downstream/": "",
        "port = 5502": f"port = {plc_port}",
        "port = 8080": f"port = {page_port}",
        "stall_after_ms = 500": "stall_after_ms = 2000",
        "heartbeat_timeout_ms = 300": "heartbeat_timeout_ms = 1000",
        'mercury_lamp = { action = "stop_and_alarm"': 'mercury_lamp = { action = "pass"',
    }
    line = tmp_path / "line.toml"
    line.write_text(line_text(changes, "downstream"))
    with LineProcess("demo", line, page_port=page_port, folder=tmp_path) as demo:
        seen = demo.wait(
            lambda now: (
                now["downstream"]["seen"] >= 3
                and now["downstream"]["judged"] + now["downstream"]["unseen"] >= 1
            ),
            "shots judged from behind",
        )
        assert seen["state"] == "execute"
        assert seen["downstream"]["frames"] > 0
        metrics = demo.get("/metrics")
        assert metrics is not None
        assert "sortline_shots_judged_total" in metrics.text
        demo.press_ctrl_c()
        assert demo.ended() == 0, demo.log
        demo.wait_childless()
        assert "Traceback" not in demo.log
        assert "leaked" not in demo.log


def test_demo_killed_outright_takes_its_children_along_and_starts_again(
    demo_folder: DemoFolder,
) -> None:
    before = shared_memory()
    with demo_folder.start() as demo:
        demo.wait(lambda seen: seen["totals"]["seen"] >= 2, "items seen")
        demo.family()
        demo.signal(signal.SIGKILL)
        assert demo.ended() == -signal.SIGKILL
        demo.wait_childless()
    wait_for(lambda: shared_memory() == before, "shared memory given back")
    (killed,) = books(demo_folder.store)
    assert killed.ending != "closed"
    with demo_folder.start("--no-operator") as demo:
        seen = demo.wait(lambda now: now["link_ok"] and now["frames"] > 3, "the line again")
        assert seen["state"] == "stopped"
        master = RawClient(demo_folder.plc_port, unit=1)
        assert master.read(AT["state"], 1) == [0]
        master.close()
        demo.signal(signal.SIGTERM)
        assert demo.ended() == 0, demo.log
    again, first = books(demo_folder.store)
    assert (again.ending, first.ending) == ("closed", "interrupted")


def test_ctrl_c_while_the_demo_is_still_starting_leaves_nothing_behind(
    demo_folder: DemoFolder,
) -> None:
    before = shared_memory()
    with demo_folder.start() as demo:
        wait_for(lambda: len(demo.family()) >= 2, "the first children")
        demo.press_ctrl_c()
        assert demo.ended() in (0, 130), demo.log
        demo.wait_childless()
        assert "Traceback" not in demo.log
    wait_for(lambda: shared_memory() == before, "shared memory given back")
    assert is_free(demo_folder.plc_port)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--items", "/nowhere"], "/nowhere"), ([], "cannot listen on 127.0.0.1")],
)
def test_demo_that_cannot_start_says_why(
    demo_folder: DemoFolder, arguments: list[str], words: str
) -> None:
    with socket.create_server(("127.0.0.1", demo_folder.plc_port)):
        done = run_line("demo", demo_folder.line, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
