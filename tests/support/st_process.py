"""The Structured Text program as a PLC on a port of its own, for wire tests."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def openplc(program: Path | None = None) -> Iterator[int]:
    """Run a program, the shipped one if none is given, and yield its Modbus TCP port."""
    command = [sys.executable, "-m", "tests.support.openplc"]
    if program is not None:
        command += ["--program", str(program)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("ready "), line
        yield int(line.split()[1])
        assert process.poll() is None, "the program has ended by an error"
    finally:
        process.terminate()
        process.communicate()
