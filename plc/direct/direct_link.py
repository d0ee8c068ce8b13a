"""The line's end of direct mode: implements PlcLink over the firing process's pipe."""

import logging
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from plc.direct.setup import Answer, Condition, DirectSetup, Failed, Ready, Trouble, Turn
from plc.errors import (
    DirectModeError,
    EncoderError,
    EncoderFault,
    PlcError,
    PlcFaultError,
    PlcLinkError,
)
from plc.types import EjectionCommand, EjectionReport, Exchange, PlcRequest

if TYPE_CHECKING:
    from plc.direct.precision import Precision

_log = logging.getLogger(__name__)
_MS_PER_PROOF_WRITE = 6.0
"""A write of the proof takes about 2.5 ms; a busy machine may take twice as long."""
_START_S = 20.0
"""A Python interpreter on a busy machine may take this long to come up."""
_STOP_S = 3.0


class DirectLink:
    """Remote I/O timed by a process of its own. Used from one thread.

    `connect` starts the process and waits until it has measured its precision; it blocks for as
    long as that takes, some seconds. `close` leaves the process to its own devices: hearing nothing
    it closes the valves after the heartbeat timeout. It ends when this process does.
    """

    def __init__(self, setup: DirectSetup) -> None:
        """Prepare without starting anything."""
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._connected = False
        self._kept: tuple[EjectionReport, ...] = ()
        self.precision: Precision | None = None
        """As measured at start; None before."""

    @property
    def pid(self) -> int:
        """Process id of the firing process, 0 before the first connection."""
        return 0 if self._process is None else self._process.pid

    def connect(self) -> None:
        """Start the firing process unless it runs. See `PlcLink`."""
        if self._connected:
            return
        if self._process is None or self._process.poll() is not None or self._pipe is None:
            self.shut_down()
            self._start()
        self._connected = True

    def exchange(self, request: PlcRequest, commands: Sequence[EjectionCommand]) -> Exchange:
        """Give a sign of life with pulses; take status and reports. See `PlcLink`."""
        pipe = self._pipe
        if not self._connected or pipe is None:
            msg = "not connected to the firing process; connect first"
            raise PlcLinkError(msg)
        try:
            self._drop_stale(pipe)
            pipe.send(Turn(request=request, commands=tuple(commands)))
        except (OSError, EOFError) as error:
            raise self._gone() from error
        answer = self._hear(2 * self._setup.device.timeout_ms / 1e3)
        if isinstance(answer, Failed):
            self._kept += answer.reports
            raise _error(answer)
        if not isinstance(answer, Condition):
            msg = "the firing process spoke out of turn; it is started anew"
            self.shut_down()
            raise PlcLinkError(msg)
        reports, self._kept = self._kept + answer.reports, ()
        return Exchange(status=answer.status, reports=reports, reports_lost=0)

    def close(self) -> None:
        """Stop talking; the process closes its valves. Idempotent, never raises."""
        self._connected = False

    def shut_down(self) -> None:
        """End the firing process, valves closed, and wait for it. Idempotent."""
        self._connected = False
        pipe, self._pipe = self._pipe, None
        process, self._process = self._process, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self) -> None:
        ours, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [
                    sys.executable,
                    "-m",
                    "plc.direct.firing_process",
                    f"--setup={self._setup.model_dump_json()}",
                    f"--pipe={theirs.fileno()}",
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
                # Ctrl-C in the terminal reaches the line, whose end ends this process in order.
                start_new_session=True,
            )
        self._pipe = ours
        proof_s = self._setup.device.proof_writes * _MS_PER_PROOF_WRITE / 1e3
        answer = self._hear(_START_S + proof_s)
        if not isinstance(answer, Ready):
            self.shut_down()
            raise _error(answer) if isinstance(answer, Failed) else self._gone()
        self.precision = answer.precision
        _log.info("direct mode: %s", answer.precision.words(self._setup.pitch_mm))
        if not answer.real_time:
            _log.warning("the firing process has no real-time priority (needs an rtprio limit)")

    def _drop_stale(self, pipe: Connection) -> None:
        """Keep the reports of an answer that came after its exchange had given up."""
        while pipe.poll(0):
            late = pipe.recv()
            if isinstance(late, Condition | Failed):
                self._kept += late.reports

    def _hear(self, timeout_s: float) -> Answer:
        pipe = self._pipe
        try:
            if pipe is not None and pipe.poll(timeout_s):
                answer: Answer = pipe.recv()
                return answer
        except (OSError, EOFError) as error:
            raise self._gone() from error
        self._connected = False
        msg = f"the firing process does not answer within {timeout_s * 1e3:.0f} ms"
        raise PlcLinkError(msg)

    def _gone(self) -> PlcError:
        self.shut_down()
        return DirectModeError("the firing process has ended; it is started anew")


def _error(failed: Failed) -> PlcError:
    match failed.trouble:
        case Trouble.ENCODER:
            return EncoderError(failed.words, fault=EncoderFault(failed.encoder_fault))
        case Trouble.LINK:
            return PlcLinkError(failed.words)
        case Trouble.TOO_SLOW:
            return DirectModeError(failed.words)
        case Trouble.FAULT:
            return PlcFaultError(failed.words)
