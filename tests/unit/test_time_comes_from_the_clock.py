"""A wall clock that steps cannot hurt the line: nothing below telemetry ever reads it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLOCK = ROOT / "calibration" / "clock.py"
CLOCKS = {"time", "datetime"}
DATED = {
    "calibration/board/printing.py",
    "calibration/kept/record.py",
    "calibration/kept/store.py",
    "calibration/mass_model.py",
    "calibration/procedures/whole.py",
    "controller/doctor/host.py",
    "controller/doctor/standing.py",
    "plc/certificates.py",
    "plc/tls.py",
}
"""What carries a date for people: calibrations that are kept, certificates that expire, and the
examination of this computer's clock. None of it runs with the line's frames and pulses."""
ON_THE_LINE = [
    path
    for package in ("calibration", "controller", "plc", "vision")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path != CLOCK and str(path.relative_to(ROOT)) not in DATED
]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_the_packages_of_the_line_were_found():
    assert len(ON_THE_LINE) > 60


@pytest.mark.parametrize("path", ON_THE_LINE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_the_line_reads_a_clock_of_its_own(path):
    assert CLOCKS.isdisjoint(imported(path))


def test_the_one_clock_is_monotonic():
    names = {
        node.attr
        for node in ast.walk(ast.parse(CLOCK.read_text()))
        if isinstance(node, ast.Attribute)
    }
    assert "monotonic_ns" in names
    assert names.isdisjoint({"time", "time_ns", "now", "utcnow", "perf_counter"})
