"""What MATIEC and OpenPLC's tools would stumble over, and an independent grammar's opinion."""

import hashlib
import re
import shutil
import subprocess

import pytest
from blark.parse import parse_source_code

from plc.registers import FIRST_MEMORY_WORD
from plc.st.assemble import PROGRAM
from tests.support.st_compiler import load
from tests.support.st_lexer import tokens_of

TEXT = PROGRAM.read_text()
_BULK = re.compile(
    r"^ *(?:(?:reg|mem|coil|input|analog)(?!0\b|4\b)\d+ (?:AT|:=)"
    r"|(?:mail|pressures|rest_switch|work_switch)\[(?!0\])\d+\] :=).*\n",
    re.MULTILINE,
)
"""Thousands of lines alike but for their number; the first of each kind stays."""
UNITS = re.split(
    r"(?<=END_FUNCTION\n)|(?<=END_FUNCTION_BLOCK\n)",
    # The grammar is one for TwinCAT and knows no CONFIGURATION, which ends the file.
    _BULK.sub("", TEXT.partition("CONFIGURATION")[0]),
)
NAMES = [re.findall(r"^(?:FUNCTION|FUNCTION_BLOCK|PROGRAM) (\w+)", unit, re.M)[0] for unit in UNITS]
HEADERS = (
    "ctype errno fcntl float limits math pthread signal stdarg stdint stdio stdlib string "
    "termios time unistd netinet/in netinet/tcp sys/ioctl sys/mman sys/socket sys/time sys/types"
)
"""What OpenPLC's runtime and the C that MATIEC writes include."""


@pytest.mark.parametrize("unit", UNITS, ids=NAMES)
def test_an_independent_grammar_reads_every_unit_of_the_program(unit, request):
    """Seconds for the two longest, so a text once read is not read again on the same machine."""
    key = f"sortline/{hashlib.sha256(unit.encode()).hexdigest()}"
    if request.config.cache.get(key, None) is None:
        assert parse_source_code(unit).exception is None
        request.config.cache.set(key, "read")


def test_the_whole_program_stands_in_the_units_that_are_read():
    assert {"SortQueue", "SortBank", "SortSupervisor", "SortLine"} < set(NAMES)
    assert TEXT.count("\nEND_FUNCTION") + TEXT.count("\nEND_PROGRAM") == len(UNITS)


def test_openplcs_optimizer_finds_no_two_ifs_to_join():
    """It joins the bodies of first-level IFs whose lines are alike, across the whole file."""
    depth, seen = 0, []
    for line in TEXT.splitlines():
        word = line.lstrip(" ")
        if word.startswith("IF "):
            if depth == 0:
                seen.append(line)
            depth += 1
        depth -= word.startswith("END_IF;")
    assert depth == 0
    assert len(seen) > 50
    assert {line for line in seen if seen.count(line) > 1} == set()


def test_no_if_opens_or_ends_amid_a_line_where_the_optimizer_would_miss_it():
    for line in TEXT.splitlines():
        assert not re.search(r"\S.*\bEND_IF\b", line), line
        assert not re.search(r"\S.*(?<!_)\bIF\b.*\bTHEN\b", line), line


def test_no_name_is_a_macro_where_matiec_writes_it_in_capitals():
    """MATIEC's C has every name in capitals, amid macros such as termios' ECHO."""
    gcc = shutil.which("gcc")
    if gcc is None:
        pytest.skip("needs gcc (deploy/install-test-packages.sh)")
    source = "".join(f"#include <{header}.h>\n" for header in HEADERS.split())
    told = subprocess.run(
        [gcc, "-E", "-dM", "-D_GNU_SOURCE", "-xc", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    macros = set(re.findall(r"^#define (\w+)", told.stdout, re.M))
    assert {"ECHO", "EOF", "INT_MAX"} < macros
    names = {token.text.upper() for token in tokens_of(TEXT) if token.kind == "name"}
    assert len(names) > 200
    assert names & macros == set()


def test_the_register_that_openplc_loses_holds_nothing():
    _, located, _ = load(TEXT)
    first = min(int(a[3:]) for a in located.values() if a.startswith("%MW"))
    assert first > 0
    assert FIRST_MEMORY_WORD == 1024
