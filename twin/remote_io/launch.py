"""Starts and stops the remote I/O's process."""

import select
import socket
import subprocess
import sys
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Self

from twin.remote_io.setup import RemoteIoSetup
from twin.soft_plc.launch import SoftPlcError
from twin.soft_plc.scan_process import SAFETY_LOST, SAFETY_OK, STOP

_READY_S = 30.0
_STOP_S = 5.0
_MESSAGE_BYTES = 256


class RemoteIoProcess:
    """A running remote I/O. It ends, outputs off, when this or the owner ends.

    Attributes:
        events: reading end of its outputs, lists of `ValveEdge` and `BeltCommand`.
        port: TCP port it serves on.
    """

    def __init__(self, setup: RemoteIoSetup) -> None:
        """Start it and wait until a master can connect.

        Raises:
            SoftPlcError: the port is in use, or the process does not come up.
        """
        self.events, outputs = Pipe(duplex=False)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with outputs, theirs:
            passed = {"control": theirs.fileno(), "events": outputs.fileno()}
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    sys.executable,
                    "-m",
                    "twin.remote_io.server",
                    f"--setup={setup.model_dump_json()}",
                    *(f"--{name}={descriptor}" for name, descriptor in passed.items()),
                ],
                pass_fds=tuple(passed.values()),
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
                start_new_session=True,
            )
        heard = select.select([self._control], [], [], _READY_S)[0]
        words = self._control.recv(_MESSAGE_BYTES).decode() if heard else ""
        if not words.startswith("ready "):
            self.stop()
            msg = f"the remote I/O did not come up on port {setup.port}: {words or 'no answer'}"
            raise SoftPlcError(msg)
        self.port = int(words.removeprefix("ready "))

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def set_safety(self, *, ok: bool) -> None:
        """Drive the safety input."""
        self._control.send(SAFETY_OK if ok else SAFETY_LOST)

    def check(self) -> None:
        """Do nothing while the process lives.

        Raises:
            SoftPlcError: it has ended.
        """
        if self._process.poll() is not None:
            msg = f"the remote I/O's process ended with status {self._process.returncode}"
            raise SoftPlcError(msg)

    def stop(self) -> None:
        """Switch the outputs off and end the process. Idempotent."""
        if self._process.poll() is None:
            try:
                self._control.send(STOP)
                self._process.wait(_STOP_S)
            except (OSError, subprocess.TimeoutExpired):
                self._process.kill()
                self._process.wait()
        self._control.close()

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
