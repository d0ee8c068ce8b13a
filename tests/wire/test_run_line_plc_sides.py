"""`run_line.py` on two PLCs, on plain remote I/O, and with a certificate that has expired."""

import os
import signal

import pytest

from calibration.clock import MonotonicClock
from plc.errors import SecurityProblem
from tests.support.filmed_belt import film, film_plc, write_filmed_line
from tests.support.line_process import LineProcess, run_line, wait_for
from tests.support.plc_wire import free_port
from tests.support.tls_plc import TestPlant
from twin.config import BeltConfig
from twin.remote_io.launch import RemoteIoProcess
from twin.remote_io.setup import RemoteIoSetup

pytestmark = pytest.mark.wire

TCP = 'transport = {{ kind = "tcp", host = "127.0.0.1", port = {port} }}'
REST = """
unit_id = 1
timeout_ms = 200
cycle_ms = 10
heartbeat_timeout_ms = 700
max_ticks_per_s = 12000
encoder_stall_ms = 1500
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    return film(tmp_path_factory.mktemp("films") / "film", distinct=4, frames=2500)


def line_with(tmp_path, films, section):
    """Write a line file whose [plc] section is another; returns it with its page's port."""
    filmed = write_filmed_line(tmp_path / "l", films, plc_port=free_port(), page_port=free_port())
    text = filmed.path.read_text()
    begin, end = text.index("[plc]"), text.index("[limits]")
    filmed.path.write_text(text[:begin] + section + "\n" + text[end:])
    return filmed


def two(ports):
    names = (("north", '["plastic", "weee"]'), ("south", '["paper", "food"]'))
    return "\n".join(
        f'[[plc]]\nname = "{name}"\nstations = {stations}\n{TCP.format(port=port)}{REST}'
        for (name, stations), port in zip(names, ports, strict=True)
    )


def test_a_line_on_two_plcs_is_checked_runs_and_names_the_one_it_loses(tmp_path, films):
    with film_plc(0) as north, film_plc(0) as south:
        filmed = line_with(tmp_path, films, two((north.port, south.port)))
        assert run_line("check", filmed.path).returncode == 0
        with LineProcess(
            "run", filmed.path, page_port=filmed.page_port, folder=tmp_path
        ) as process:
            wait_for(lambda: "PLC link is up" in process.log, lambda: process.log)
            os.kill(south.server_pid, signal.SIGSTOP)
            wait_for(lambda: "PLC link lost: south: " in process.log, lambda: process.log)
            os.kill(south.server_pid, signal.SIGCONT)
            wait_for(lambda: process.log.count("PLC link is up") == 2, lambda: process.log)
            process.press_ctrl_c()
            assert process.ended() == 0


DIRECT = """
mode = "direct"
coil_count = 328
first_coils = [0, 80, 160, 240]
belt_coil = 320
watchdog_ms = 1000
max_open_ms = 300
proof_writes = 300

[encoder]
kind = "register"
address = 0
"""


def test_a_line_on_plain_remote_io_is_checked_measures_and_says_what_it_can(tmp_path, films):
    """Whether this machine is quick enough today or not, the figures are shown."""
    setup = RemoteIoSetup(
        first_coils=(0, 80, 160, 240),
        valve_counts=(80, 80, 80, 80),
        coil_count=328,
        belt_coil=320,
        belt=BeltConfig(speed_mm_per_s=1500.0),
        mm_per_tick=0.5,
        belt_seed=1,
        start_ns=MonotonicClock().now_ns(),
        watchdog_ms=1000,
        fifo_priority=50,
    )
    with RemoteIoProcess(setup) as remote:
        section = f"[plc]\n{TCP.format(port=remote.port)}{REST}{DIRECT}"
        filmed = line_with(tmp_path, films, section)
        assert run_line("check", filmed.path).returncode == 0
        with LineProcess(
            "run", filmed.path, page_port=filmed.page_port, folder=tmp_path
        ) as process:
            wait_for(lambda: "coil writes land within" in process.log, lambda: process.log)
            assert "half a nozzle pitch of 12.5 mm allows" in process.log
            process.press_ctrl_c()
            assert process.ended() == 0
        remote.check()


def test_an_expired_certificate_is_found_by_check(tmp_path, films):
    plant = TestPlant(tmp_path)
    section = (
        '[plc]\ntransport = { kind = "tls", host = "127.0.0.1", ca = "../ca.pem", '
        f'certificate = "../expired.pem", key = "../expired.key" }}{REST}'
    )
    filmed = line_with(tmp_path, films, section)
    done = run_line("check", filmed.path)
    assert done.returncode == 2
    assert f"plc.transport: {SecurityProblem.OWN_CERTIFICATE_EXPIRED.value}: " in done.stderr
    assert str(plant.folder / "l" / ".." / "expired.pem") in done.stderr
