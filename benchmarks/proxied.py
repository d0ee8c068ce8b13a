"""Starts the fault proxy in a process of its own and tells what it did."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STOP_S = 5.0


@contextmanager
def fault_proxy(to_port: int, *, seed: int, counts: Counter[str]) -> Iterator[int]:
    """Yield the port of a proxy before a PLC; on leaving, add up what it did to the link.

    Args:
        to_port: the PLC's port on this machine.
        seed: of the faults.
        counts: faults by name are added here.
    """
    command = [sys.executable, "-m", "benchmarks.fault_proxy", "--to", str(to_port)]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, "--seed", str(seed)],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out = process.stdout
    if out is None:
        msg = "the proxy has no output"
        raise RuntimeError(msg)
    try:
        yield int(out.readline())
    finally:
        process.terminate()
        try:
            counts.update(json.loads(out.readline() or "{}"))
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        out.close()
