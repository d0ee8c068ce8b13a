"""Starts and stops the soft PLC: scan process and Modbus server process."""

import logging
import os
import select
import socket
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from calibration.units import MonotonicNs
from twin.soft_plc.scan_process import SAFETY_LOST, SAFETY_OK, STOP, TRIGGER
from twin.soft_plc.setup import SoftPlcSetup, TcpEndpoint, TlsEndpoint
from twin.soft_plc.shared_registers import create_memory

_log = logging.getLogger(__name__)
_READY_S = 30.0
"""Two interpreters on a machine busy with something else may take this long to start."""
_STOP_S = 5.0
_MESSAGE_BYTES = 256
_WRITE_BUFFER_BYTES = 1 << 18


class SoftPlcError(Exception):
    """The soft PLC did not start, or one of its processes ended by itself."""


class SoftPlcProcesses:
    """A running soft PLC. Its processes end, valves closed, when this or the owner ends.

    Attributes:
        events: reading end of the PLC's outputs, lists of `ValveEdge` and `BeltCommand`.
        port: TCP port it serves on, 0 for a serial port.
    """

    def __init__(self, setup: SoftPlcSetup) -> None:
        """Start both processes and wait until a master can connect.

        Raises:
            SoftPlcError: a port in use, or a process that does not come up.
        """
        self.events, outputs = Pipe(duplex=False)
        self.port = 0
        self._controls: list[socket.socket] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            with outputs:
                self._start(setup, outputs.fileno())
        except BaseException:
            self.stop()
            raise

    @property
    def scan_pid(self) -> int:
        """Process id of the scan process."""
        return self._processes[0].pid

    @property
    def server_pid(self) -> int:
        """Process id of the Modbus server process."""
        return self._processes[1].pid

    def set_safety(self, *, ok: bool) -> None:
        """Drive the PLC's safety input."""
        self._controls[0].send(SAFETY_OK if ok else SAFETY_LOST)

    def trigger(self, at_ns: MonotonicNs) -> None:
        """Let the camera's trigger input rise at an instant: the PLC latches its encoder there."""
        self._controls[0].send(TRIGGER + str(at_ns).encode())

    def check(self) -> None:
        """Do nothing while both processes live.

        Raises:
            SoftPlcError: one has ended.
        """
        for process, name in zip(self._processes, ("scan", "Modbus server"), strict=True):
            if process.poll() is not None:
                msg = f"the soft PLC's {name} process ended with status {process.returncode}"
                raise SoftPlcError(msg)

    def stop(self) -> None:
        """Close the valves and end both processes. Idempotent."""
        for control in self._controls:
            try:
                control.send(STOP)
            except OSError as error:
                _log.debug("the process is gone already: %s", error)
        for process in self._processes:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        # Not earlier: a process that is still starting up reports to its control.
        for control in self._controls:
            control.close()
        self._controls.clear()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _start(self, setup: SoftPlcSetup, events: int) -> None:
        memory = create_memory()
        scan_writes, server_writes = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        server_writes.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _WRITE_BUFFER_BYTES)
        try:
            scan = {"memory": memory, "writes": scan_writes.fileno(), "events": events}
            self._spawn("twin.soft_plc.scan_process", setup, scan)
            server = {"memory": memory, "writes": server_writes.fileno()}
            self._spawn("twin.soft_plc.modbus_server", setup, server)
        finally:
            os.close(memory)
            for end in (scan_writes, server_writes):
                end.close()
        priority = self._ready(0, setup)
        if setup.fifo_priority and not priority.startswith("real-time"):
            _log.warning("soft PLC has no real-time priority (needs root or an rtprio limit)")
        self.port = int(self._ready(1, setup))

    def _spawn(self, module: str, setup: SoftPlcSetup, descriptors: dict[str, int]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._controls.append(ours)
        with theirs:
            passed = {**descriptors, "control": theirs.fileno()}
            arguments = [f"--{name}={descriptor}" for name, descriptor in passed.items()]
            self._processes.append(
                subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [
                        sys.executable,
                        "-m",
                        module,
                        f"--setup={setup.model_dump_json()}",
                        *arguments,
                    ],
                    pass_fds=tuple(passed.values()),
                    stdin=subprocess.DEVNULL,
                    cwd=Path(__file__).parents[2],
                    # Ctrl-C in the terminal reaches the owner, which ends them in order.
                    start_new_session=True,
                )
            )

    def _ready(self, index: int, setup: SoftPlcSetup) -> str:
        """Return what a process says when it is ready."""
        control = self._controls[index]
        heard = select.select([control], [], [], _READY_S)[0]
        words = control.recv(_MESSAGE_BYTES).decode() if heard else ""
        if words.startswith("ready "):
            return words.removeprefix("ready ")
        endpoint = setup.endpoint
        if words == "failed" and isinstance(endpoint, TcpEndpoint | TlsEndpoint):
            msg = (
                f"cannot listen on {endpoint.host}:{endpoint.port}, another program holds the port;"
                " end it or choose another port"
            )
        elif words == "failed":
            msg = f"cannot open the serial port of {endpoint}"
        else:
            msg = f"process {self._processes[index].args!r} did not come up"
        raise SoftPlcError(msg)


def launch(setup: SoftPlcSetup) -> SoftPlcProcesses:
    """Start a soft PLC; see `SoftPlcProcesses`."""
    return SoftPlcProcesses(setup)
