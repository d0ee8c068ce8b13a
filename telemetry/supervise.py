"""Runs the telemetry process as a child of the line and restarts it with back-off."""

import enum
import logging
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from calibration.clock import Clock
from calibration.units import NS_PER_S
from telemetry.config import TelemetryConfig
from telemetry.errors import TelemetryStartError

_log = logging.getLogger(__name__)

MAX_RESTARTS = 5
RESTART_WINDOW_S = 60.0
RETRY_MIN_S = 0.2
RETRY_MAX_S = 5.0
READY_S = 20.0
STOP_S = 5.0
WATCH_S = 0.1


class SupervisorState(enum.StrEnum):
    """What has become of the telemetry process."""

    STOPPED = "stopped"
    RUNNING = "running"
    RESTARTING = "restarting"
    GIVEN_UP = "given_up"
    """It ended too often; the line goes on without it."""


class TelemetrySupervisor:
    """Keeps one telemetry process alive. It dies with the line, the line never with it."""

    def __init__(
        self,
        *,
        config: TelemetryConfig,
        clock: Clock,
        first_retry_s: float = RETRY_MIN_S,
        max_restarts: int = MAX_RESTARTS,
    ) -> None:
        """Prepare; `first_retry_s` doubles with each of `max_restarts` restarts in a minute."""
        self._config = config
        self._first_retry_s = first_retry_s
        self._max_restarts = max_restarts
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._restarts: deque[int] = deque()
        self._restart_count = 0
        self._state = SupervisorState.STOPPED
        self._port = 0

    @property
    def state(self) -> SupervisorState:
        """What has become of the process."""
        return self._state

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return self._restart_count

    @property
    def port(self) -> int:
        """TCP port of the page, 0 before the first start."""
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id of the present child."""
        return self._child.pid if self._child is not None else None

    def start(self) -> None:
        """Start the process and wait until it listens, for at most 20 s; then watch it.

        Raises:
            TelemetryStartError: it ended instead (port in use, store not usable: its message is on
                standard error) or did not get ready in time.
        """
        self._child = self._launch()
        try:
            self._port = self._await_ready(self._child)
        except TelemetryStartError:
            _end(self._child)
            raise
        self._state = SupervisorState.RUNNING
        self._thread = threading.Thread(
            target=self._watch, name="telemetry-supervisor", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the process in good order, within five seconds. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        if self._child is not None:
            _end(self._child)
        self._state = SupervisorState.STOPPED

    def _launch(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parent.parent)
        paths = (root, os.environ.get("PYTHONPATH", ""))
        child = subprocess.Popen(
            (sys.executable, "-m", "telemetry", "--supervised"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
            # Its own session: Ctrl-C in the terminal reaches the line, which ends it in order.
            start_new_session=True,
        )
        stdin = child.stdin
        if stdin is not None:
            try:
                # Standard input stays open: its end tells the child that the line is gone.
                stdin.write(self._config.model_dump_json().encode() + b"\n")
                stdin.flush()
            except BrokenPipeError:
                _log.warning("telemetry process ended before it read its configuration")
        return child

    def _await_ready(self, child: subprocess.Popen[bytes]) -> int:
        deadline_ns = self._clock.now_ns() + int(READY_S * NS_PER_S)
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            while self._clock.now_ns() < deadline_ns and not self._stopping.is_set():
                if selector.select(WATCH_S):
                    return self._read_ready(child)
        msg = f"the telemetry process did not get ready within {READY_S:.0f} s"
        raise TelemetryStartError(msg)

    def _read_ready(self, child: subprocess.Popen[bytes]) -> int:
        line = child.stdout.readline().split() if child.stdout is not None else []
        match line:
            case [b"ready", port]:
                return int(port)
        code = child.wait()
        msg = f"the telemetry process ended with exit code {code} before it was ready"
        raise TelemetryStartError(msg)

    def _watch(self) -> None:
        while not self._clock.wait(self._stopping, WATCH_S):
            if self._child is None or self._child.poll() is None:
                continue
            _log.error("telemetry process ended with code %d", self._child.returncode)
            self._state = SupervisorState.RESTARTING
            recent = self._recent_restarts()
            if recent >= self._max_restarts:
                self._state = SupervisorState.GIVEN_UP
                _log.error("telemetry ended %d times in a minute, giving up", recent + 1)
                return
            if self._clock.wait(self._stopping, min(RETRY_MAX_S, self._first_retry_s * 2**recent)):
                return
            self._restart(self._child)

    def _recent_restarts(self) -> int:
        window_start_ns = self._clock.now_ns() - int(RESTART_WINDOW_S * NS_PER_S)
        while self._restarts and self._restarts[0] < window_start_ns:
            self._restarts.popleft()
        return len(self._restarts)

    def _restart(self, ended: subprocess.Popen[bytes]) -> None:
        self._restarts.append(self._clock.now_ns())
        self._restart_count += 1
        _end(ended)
        self._child = self._launch()
        try:
            self._port = self._await_ready(self._child)
        except TelemetryStartError as error:
            _log.warning("telemetry restart failed: %s", error)
            _end(self._child)
            return
        self._state = SupervisorState.RUNNING
        _log.info("telemetry process runs again")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
