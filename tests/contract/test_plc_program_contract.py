"""One contract for every PLC: the Structured Text program and the twin's soft PLC pass it alike."""

import pytest

from calibration.clock import MonotonicClock
from plc.contract import suite
from plc.contract.__main__ import main
from plc.contract.words import RUN, Wrong
from plc.modbus_link import open_transport
from plc.register_flags import StationKind
from plc.st.assemble import PROGRAM
from plc.types import PlcState
from tests.support.plc_wire import UNIT_ID, WIRE_PLC, free_port, setup, tcp_config
from tests.support.st_process import openplc
from twin.soft_plc.launch import launch
from twin.soft_plc.setup import TcpEndpoint

pytestmark = pytest.mark.wire

_JETS, _FLAP, _GATE = StationKind.JET_BAR, StationKind.DIVERTER, StationKind.REJECT_GATE
TWIN = WIRE_PLC.model_copy(
    update={
        "station_valves": (80, 80, 1, 1),
        "station_kinds": (_JETS, _JETS, _FLAP, _GATE),
        "min_open_ms": 6,
        "heartbeat_timeout_ms": 300,
    }
)


def verdicts(capsys, port, *options):
    code = main([f"127.0.0.1:{port}", *options])
    return code, capsys.readouterr().out


def test_the_structured_text_program_keeps_the_contract(capsys):
    with openplc() as port:
        code, told = verdicts(capsys, port)
    assert code == 0, told
    assert "26 checks" in told
    assert "0 wrong, 0 not applicable" in told, told


def test_the_twins_soft_plc_keeps_the_contract(capsys):
    with launch(setup(TcpEndpoint(port=0)).model_copy(update={"plc": TWIN})) as plc:
        code, told = verdicts(capsys, plc.port, "--unit", str(UNIT_ID))
    assert code == 0, told
    assert "26 checks" in told
    # Its encoder begins at 0 and cannot be set; the wrap is the next test's.
    assert "0 wrong, 1 not applicable" in told, told


def test_the_twins_soft_plc_keeps_the_contract_across_the_encoders_wrap(capsys):
    near = {"plc": TWIN, "first_tick": 2**32 - 30_000}
    with launch(setup(TcpEndpoint(port=0)).model_copy(update=near)) as plc:
        code, told = verdicts(capsys, plc.port, "--unit", str(UNIT_ID), "--only", "wrap")
    assert code == 0, told
    assert "0 wrong, 0 not applicable" in told, told


@pytest.mark.parametrize(
    ("good", "bad", "check", "words"),
    [
        (
            "ELSIF delta >= UDINT#2147483648 THEN",
            "ELSIF FALSE THEN",
            "late",
            "a pulse 300 ticks in the past is reported",
        ),
        (
            "IF mail[5] <> NextNumber(accepted_batch) THEN",
            "IF FALSE THEN",
            "repeated_batch",
            "is not counted in stale_batches",
        ),
        (
            "IF LowWord(sum) = mail[4] THEN",
            "IF TRUE THEN",
            "bad_checksum",
            "wrong checksum is not counted in bad_writes",
        ),
        (
            "IF (writer = owner) AND (writer <> UDINT#0) THEN",
            "IF TRUE THEN",
            "second_master",
            "second master's write is not counted",
        ),
        (
            "(silent > UINT_TO_UDINT(timeout_ms) * UDINT#10)",
            "(silent > UDINT#4000000000)",
            "silence",
            "the PLC still takes the PC for alive",
        ),
        ("ELSIF used[station] >= 256 THEN", "ELSIF used[station] >= 200 THEN", "queue", "256"),
        (
            "IF (age >= UINT_TO_UDINT(max_time[one]) * UDINT#10) AND (NOT held[one]) THEN",
            "IF FALSE THEN",
            "max_open",
            "stays open for longer than max_open_ms",
        ),
        (
            "ELSIF run_armed AND (state = 0) THEN",
            "ELSIF state <> 1 THEN",
            "run_needs_edge",
            "a run request that was never off starts the line",
        ),
        (
            "IF NOT in_maintenance THEN\n        reason := 1;",
            "IF FALSE THEN\n        reason := 1;",
            "maintenance",
            "not NOT_IN_MAINTENANCE",
        ),
    ],
)
def test_a_program_that_is_wrong_is_told_so_in_plain_words(
    capsys, tmp_path, good, bad, check, words
):
    text = PROGRAM.read_text()
    assert good in text
    broken = tmp_path / "broken.st"
    broken.write_text(text.replace(good, bad, 1))
    with openplc(broken) as port:
        code, told = verdicts(capsys, port, "--only", check)
    assert code == 1
    assert "WRONG" in told
    assert words in told


class StallingClock(MonotonicClock):
    """Keeps whoever waits from going on, once, for longer than the PLC bears silence."""

    stalled = False

    def wait(self, event, timeout_s):
        if not self.stalled and self.is_time():
            self.stalled = True
            super().wait(event, 0.5)
        return super().wait(event, timeout_s)

    def is_time(self):
        return False


def test_a_stall_of_the_pc_that_checks_is_not_held_against_the_plc(monkeypatch):
    clock = StallingClock()

    def check_stalled(bench):
        """A PLC that runs goes on running."""
        bench.run()
        monkeypatch.setattr(clock, "is_time", lambda: True)
        for _ in range(20):
            if bench.cycle(RUN).state != PlcState.RUNNING:
                raise Wrong("it stopped by itself")

    monkeypatch.setattr(suite, "CHECKS", (*suite.CHECKS[:2], check_stalled))
    with openplc() as port:
        config = tcp_config(port)
        transport = open_transport(config, clock)
        transport.open()
        told = list(suite.findings(transport, clock, line_id=1, may_simulate=True))
        transport.close()
    assert clock.stalled
    assert [finding.verdict for finding in told] == [suite.Verdict.GOOD] * 4, told


def test_a_plc_of_another_line_is_named_and_not_checked_further(capsys):
    with openplc() as port:
        code, told = verdicts(capsys, port, "--line-id", "7")
    assert code == 1
    assert "it belongs to line 1, line 7 was asked for" in told
    assert "1 checks" in told


def test_without_a_belt_or_a_simulation_the_checks_that_need_one_say_so(capsys):
    with openplc() as port:
        code, told = verdicts(capsys, port, "--no-simulation", "--only", "late")
    assert code == 0
    assert "close the safety circuit, run the belt" in told


def test_nobody_there_is_an_error_that_names_the_address(capsys):
    port = free_port()
    assert main([f"127.0.0.1:{port}"]) == 2
    assert f"no connection to the PLC at 127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["localhost", "plc:0", "plc:99999", ":502", "plc:port"])
def test_an_address_that_is_none_is_explained(capsys, address):
    with pytest.raises(SystemExit) as ended:
        main([address])
    assert ended.value.code == 2
    assert "is no HOST:PORT, as in 192.168.1.10:502" in capsys.readouterr().err
