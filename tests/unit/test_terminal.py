import io
import logging

import pytest
from rich.console import Console

from controller.snapshot import AcknowledgeAlarm, AlarmKind
from telemetry.terminal import balance_table, complain, console_on, live_view, log_to, one_line
from tests.support.core_bench import CoreBench

PAGE = "http://127.0.0.1:8080"


@pytest.fixture
def bench():
    made = CoreBench()
    made.start()
    made.lay(300.0, 700.0)
    made.run(1500)
    return made


def drawn(renderable):
    console = Console(file=io.StringIO(), width=120, record=True)
    console.print(renderable)
    return console.export_text()


def test_the_live_view_shows_state_flow_balance_and_the_page(bench):
    text = drawn(live_view(bench.snapshot(), station_names=("plastic",), page=PAGE))
    for words in ("EXECUTE", "belt 2.", "PLC up", "-> plastic", "no frame yet", PAGE):
        assert words in text


def test_the_live_view_shows_alarms_with_their_remedy(bench):
    bench.core.camera_failed("unplugged")
    bench.plug_in = False
    bench.run(100)
    bench.core.operator(AcknowledgeAlarm(kind=AlarmKind.CAMERA_LOST, operator="test"), bench.now_ns)
    text = drawn(live_view(bench.snapshot(), station_names=("plastic",), page=PAGE))
    assert "ALARM camera_lost (acknowledged): unplugged. check that the camera has power" in text
    assert "ALARM plc_link_lost: pulled out." in text
    assert "PLC DOWN" in text


def test_one_line_holds_the_whole_balance(bench):
    line = one_line(bench.snapshot(), page=PAGE)
    assert line.startswith("execute: 2 seen, 2 ejected, 0 passed, 0 late, 0 blocked, 0 removed")
    table = drawn(balance_table(bench.snapshot().totals, ("plastic",)))
    assert table.split()[-7:] == ["2", "2", "0", "0", "0", "0", "0"]


def test_words_into_a_pipe_are_neither_folded_nor_read_as_markup():
    stream = io.StringIO()
    complain(console_on(stream), "error", "stations[0].name: " + "[bold]x[/bold] " * 40)
    assert stream.getvalue().count("\n") == 1
    assert "stations[0].name: [bold]x[/bold]" in stream.getvalue()


@pytest.fixture
def root_log():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers, root.level = handlers, level


@pytest.mark.parametrize("terminal", [False, True])
def test_the_log_goes_to_the_console(root_log, terminal):
    stream = io.StringIO()
    root_log.handlers = []
    log_to(Console(file=stream, force_terminal=terminal, width=100), logging.INFO)
    logging.getLogger("line").info("belt %s", "runs")
    logging.getLogger("pymodbus").error("frames dumped")
    assert "belt runs" in stream.getvalue()
    assert "frames dumped" not in stream.getvalue()
