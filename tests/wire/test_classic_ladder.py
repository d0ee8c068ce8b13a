"""ClassicLadder, Debian's soft PLC, as remote I/O of the PC: its ladder moves the outputs."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[2]
APART = ["unshare", "--net", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]
LONGEST_S = 100


def why_not():
    if not all(shutil.which(name) for name in ("classicladder", "halcmd", "Xvfb", "ip")):
        return "ClassicLadder is not installed: apt-get install linuxcnc-uspace xvfb iproute2"
    if os.geteuid() != 0:
        return "ClassicLadder needs namespaces of its own, which only root may make: run as root"
    tried = subprocess.run([*APART, "true"], capture_output=True, text=True, check=False)
    return f"namespaces cannot be made here: {tried.stderr.strip()}" if tried.returncode else None


@pytest.fixture(scope="module")
def seen():
    """What one session saw; killing its first process ends every other."""
    if reason := why_not():
        pytest.skip(reason)
    with tempfile.TemporaryDirectory() as folder:
        # HAL's real-time process runs as nobody and puts its socket here.
        Path(folder).chmod(0o777)
        command = [*APART, sys.executable, "-m", "tests.support.classicladder.session", folder]
        run = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    assert run.returncode == 0, run.stderr
    session = json.loads(run.stdout)
    if "down" in session:
        pytest.skip(f"ClassicLadder does not come up here: {session['down']}")
    return session


def test_each_coil_that_direct_mode_writes_moves_the_output_of_its_rung_and_no_other(seen):
    coils = seen["coils"]
    assert coils["at first"] == []
    assert coils["with coil 0"] == [0]
    assert coils["with coil 1"] == [0, 1]
    assert coils["with coil 7"] == [0, 1, 2]
    assert coils["with coil 8"] == [0, 1, 2, 3]
    assert coils["with coil 15"] == [0, 1, 2, 3, 4]
    assert coils["without coil 7"] == [0, 1, 3, 4]
    assert coils["all off"] == []


def test_coils_and_inputs_are_read_in_the_order_they_were_written(seen):
    assert seen["coils"]["read as coils"] == [0, 1, 8, 15]
    assert seen["coils"]["read as inputs"] == [0, 1, 8, 15]


def test_a_write_of_three_coils_leaves_the_other_five_of_their_byte(seen):
    assert seen["coils"]["after three of eight"] == [1, 3, 4, 5, 6, 7]


def test_registers_come_back_as_written_by_both_read_functions(seen):
    written = [0, 1, 0x1234, 0x7FFF, 0x8000, 0xFFFF]
    assert seen["registers"]["back"] == written
    assert seen["registers"]["back as inputs"] == written


def test_the_ladder_reads_a_count_of_32_bits_high_word_first_as_the_driver_does(seen):
    assert seen["registers"]["in the ladder"] == 0x12345678
    counts = seen["registers"]["counts"]
    assert counts == {"high word first": 0x12345678, "low word first": 0x56781234}


@pytest.mark.parametrize("request_name", ["read beyond", "write beyond", "coils beyond"])
def test_what_it_does_not_have_is_a_named_fault(seen, request_name):
    said = seen["faults"][request_name]
    assert said.startswith("PlcFaultError")
    assert "exception 2" in said
    assert "[illegal_address]" in said


def test_it_answers_every_unit_as_unit_1_and_the_driver_does_not_take_that_for_unit_5(seen):
    assert seen["unit 5"].startswith("PlcLinkError")
    assert "is unit_id right" in seen["unit 5"]


def test_it_serves_one_master_and_a_second_one_is_told_that_it_does_not_answer(seen):
    assert seen["coils"]["second master"].startswith("PlcLinkError")
    assert "does not answer" in seen["coils"]["second master"]
