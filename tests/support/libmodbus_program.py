"""Builds the slave that links libmodbus, for wire tests."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("libmodbus_slave.c")
HAS_LIBMODBUS = Path("/usr/include/modbus/modbus.h").exists() and shutil.which("gcc")
WHY_NOT = "libmodbus is not installed: apt-get install libmodbus-dev gcc"


def build_slave(folder: Path) -> Path:
    """Compile `libmodbus_slave.c`; returns the program."""
    program = folder / "slave"
    flags = ["-Wall", "-Werror", "-I/usr/include/modbus", "-lmodbus"]
    subprocess.run(["gcc", "-o", program, SOURCE, *flags], check=True)
    return program
