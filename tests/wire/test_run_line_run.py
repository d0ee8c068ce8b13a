"""Starting and ending `run`, `simulate` and `replay` as processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.filmed_belt import FilmedLine, film, film_plc, write_filmed_line
from tests.support.line_process import ROOT, LineProcess, books, is_free, run_line, wait_for
from tests.support.plc_wire import free_port
from tests.support.stream_servers import MjpegServer

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def short_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("films") / "film", distinct=10, frames=20)


@pytest.fixture
def short_line(tmp_path: Path, short_film: Path) -> FilmedLine:
    return write_filmed_line(
        tmp_path / "l", short_film, plc_port=free_port(), page_port=free_port()
    )


def test_a_page_port_in_use_is_told_in_clear_words(short_line: FilmedLine) -> None:
    with socket.create_server(("127.0.0.1", short_line.page_port)):
        done = run_line("run", short_line.path)
    assert done.returncode == 2
    assert f"127.0.0.1:{short_line.page_port} cannot be bound" in done.stderr
    assert "choose another port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_film_runs_to_its_end_without_a_plc_and_ends_by_itself(short_line: FilmedLine) -> None:
    done = run_line("run", short_line.path)
    assert done.returncode == 0, done.stderr
    assert "valves closed, line stopped" in done.stderr
    (session,) = books(short_line.path.parent / "store.sqlite")
    assert session.ending == "closed"
    assert is_free(short_line.page_port)


def test_an_interrupted_simulation_ends_without_a_result_and_without_a_traceback(
    tmp_path: Path,
) -> None:
    arguments = ("simulate", "--items", "100000", "--detector", "perfect", "--json")
    with LineProcess(*arguments, page_port=1, folder=tmp_path) as process:
        wait_for(lambda: uses_the_processor(process.pid), "the simulation")
        process.press_ctrl_c()
        assert process.ended() == 130
        assert "Traceback" not in process.log
    assert (tmp_path / "stdout").read_text() == ""


def uses_the_processor(pid: int) -> bool:
    """Return whether a process has computed for longer than it takes to start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / 100 > 2.0


def test_in_a_terminal_the_figures_are_redrawn_in_a_frame(short_line: FilmedLine) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "run_line.py", "run", str(short_line.path)],
            cwd=ROOT,
            stdout=terminal,
            stderr=terminal,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "120"},
        )
    screen = b""
    with contextlib.suppress(OSError):  # the end of a terminal reads as an error
        while chunk := os.read(ours, 65536):
            screen += chunk
    os.close(ours)
    assert process.wait(60) == 0
    text = screen.decode()
    assert "sorting line" in text
    assert f"http://127.0.0.1:{short_line.page_port}" in text
    assert "stop: Ctrl-C" in text
    assert "valves closed, line stopped" in text


def test_a_network_camera_that_falls_silent_holds_the_line_until_an_operator_lets_it_go_on(
    tmp_path: Path, short_film: Path
) -> None:
    nominal = {
        'kind = "twin"\nmm_per_tick = 0.5': 'kind = "nominal"\nbelt_width_mm = 1000\n'
        "mm_per_tick = 0.5",
        "stall_after_ms = 2000": "stall_after_ms = 1200",
    }
    made = write_filmed_line(
        tmp_path / "l", short_film, plc_port=free_port(), page_port=free_port(), changes=nominal
    )
    folder = made.path.parent
    with (
        MjpegServer() as server,
        film_plc(made.plc_port),
        LineProcess(
            "run", made.path, "--source", server.url, page_port=made.page_port, folder=folder
        ) as line,
    ):
        line.start_sorting()
        server.pause()
        line.wait_state("held")
        assert line.alarms() & {"camera_stalled", "camera_lost"}
        server.resume()
        seen = line.wait(lambda now: not now["alarms"], "no alarm")
        assert seen["state"] == "held"
        line.command("unhold")
        line.wait_state("execute")
        line.signal(signal.SIGINT)
        assert line.ended() == 0, line.log
