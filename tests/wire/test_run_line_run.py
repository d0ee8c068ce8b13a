"""Starting and ending `run`, `simulate` and `replay` as processes."""

import signal
import socket
from pathlib import Path

import pytest

from tests.support.filmed_belt import FilmedLine, film, write_filmed_line
from tests.support.line_process import LineProcess, books, is_free, run_line, wait_for
from tests.support.plc_wire import free_port

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_simulation_ends_without_a_result_and_without_a_traceback(
    tmp_path: Path, number: int
) -> None:
    arguments = ("simulate", "--items", "100000", "--detector", "perfect", "--json")
    with LineProcess(*arguments, page_port=1, folder=tmp_path) as process:
        wait_for(lambda: uses_the_processor(process.pid), "the simulation")
        process.signal(number)
        code = process.ended()
        assert code in (130, -signal.SIGTERM)
        assert "Traceback" not in process.log
    assert (tmp_path / "stdout").read_text() == ""


def uses_the_processor(pid: int) -> bool:
    """Return whether a process has computed for longer than it takes to start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) / 100 > 2.0
