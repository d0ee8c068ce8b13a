"""What the doctor says of the wall clock, whichever program keeps it right."""

from datetime import UTC, datetime

import pytest

from controller.doctor.host import check_wall_clock
from controller.doctor.time_source import time_source
from controller.doctor.verdict import Verdict

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
FOLLOWING = {
    "chronyc": "C0A80001,192.168.0.1,3,1764043200.1,0.0,0.0,0.0,0.1,0.0,0.1,0.0,0.0,64.2,Normal",
    "ntpq": "leap=00, stratum=3",
    "timedatectl": "yes",
}
ADRIFT = {
    "chronyc": "00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised",
    "ntpq": "leap=11, stratum=16",
    "timedatectl": "no",
}


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put a program on an otherwise empty path that prints words and ends with a status."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def install(name, words, status=0):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho '{words}'\nexit {status}\n")
        program.chmod(0o755)

    return install


@pytest.mark.parametrize("name", FOLLOWING)
def test_each_of_the_three_programs_is_believed_when_it_follows_a_source(installed, name):
    installed(name, FOLLOWING[name])
    assert time_source() == name
    check = check_wall_clock(NOW)
    assert check.verdict is Verdict.PASS
    assert f"synchronised by {name}" in check.found


def test_a_program_that_follows_nothing_is_not_believed(installed, tmp_path):
    for name, words in ADRIFT.items():
        installed(name, words)
    # What is left is the kernel of the computer that the test runs on.
    assert time_source(tmp_path / "absent") in (None, "the kernel's word")


def test_timesyncd_is_believed_by_the_file_that_it_touches(installed, tmp_path):
    (tmp_path / "synchronized").touch()
    assert time_source(tmp_path / "synchronized") == "systemd-timesyncd"


def test_a_program_that_fails_says_nothing_and_the_next_one_is_asked(installed):
    installed("chronyc", "506 Cannot talk to daemon", status=1)
    installed("timedatectl", "yes")
    assert time_source() == "timedatectl"


def test_a_clock_from_before_the_program_was_made_fails():
    check = check_wall_clock(datetime(1970, 1, 1, tzinfo=UTC))
    assert check.verdict is Verdict.FAIL
    assert "set the computer's clock" in check.remedy
