"""Whether something keeps the computer's clock right: chrony, systemd-timesyncd or ntpd.

Each is asked in its own words; where none of their commands is installed, as in a container, the
kernel is: all three tell it that its clock is disciplined.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 2.0
_TIMESYNCD: Final = Path("/run/systemd/timesync/synchronized")
"""Touched by systemd-timesyncd whenever it has set the clock (systemd-timesyncd.service(8))."""
_STATUS_OFFSET: Final = 40
"""Of `status` in struct timex on 64-bit Linux: int modes (padded), four longs (adjtimex(2))."""
_TIMEX_BYTES: Final = 208
_STA_UNSYNC: Final = 0x40
_TIME_ERROR: Final = 5
"""adjtimex(2): returned while the clock is not synchronised."""


def time_source(timesyncd: Path = _TIMESYNCD) -> str | None:
    """Return what keeps the clock right, in words; None where nothing says that it is.

    Args:
        timesyncd: file that systemd-timesyncd keeps.
    """
    for command, right in _ASKED.items():
        answer = _answer(command)
        if answer is not None and right(answer):
            return command[0]
    if timesyncd.exists():
        return "systemd-timesyncd"
    return "the kernel's word" if _kernel_synchronised() else None


_ASKED: Final[dict[tuple[str, ...], Callable[[str], bool]]] = {
    ("chronyc", "-n", "-c", "tracking"): lambda said: said.strip().endswith(",Normal"),
    ("ntpq", "-c", "rv 0 leap,stratum"): lambda said: "leap=00" in said or "leap_none" in said,
    ("timedatectl", "show", "--property=NTPSynchronized", "--value"): lambda said: (
        said.strip() == "yes"
    ),
}
"""What each answers while it follows a source: chronyc its leap status as the last of its values
(anything but `Not synchronised` follows one), ntpq a leap indicator other than 11."""


def _answer(command: tuple[str, ...]) -> str | None:
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, found on the path of the line's user
            (program, *command[1:]),
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        # A daemon that does not answer keeps no clock right.
        return None
    return done.stdout if done.returncode == 0 else None


def _kernel_synchronised() -> bool:
    """Ask the kernel without changing anything (modes 0)."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = int(ctypes.CDLL(None, use_errno=True).adjtimex(timex))
    status = int.from_bytes(timex.raw[_STATUS_OFFSET : _STATUS_OFFSET + 4], "little")
    return 0 <= state < _TIME_ERROR and not status & _STA_UNSYNC
