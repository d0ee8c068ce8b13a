"""The sender as a child of the telemetry process: a backlog slows neither page nor receipts."""

import logging
import subprocess
import sys
from typing import Final

from calibration.clock import Clock
from calibration.units import NS_PER_S, MonotonicNs
from telemetry.config import TelemetryConfig

_log = logging.getLogger(__name__)

RESTART_S: Final = 10.0
"""A sender that ended is started again after this, however often: it has the outages to itself."""
STOP_S: Final = 5.0


class SenderChild:
    """Keeps one sender alive. One thread uses it; it blocks only in `stop`, five seconds at most.

    Args:
        config: with a `database` section.
        clock: for the pause before a restart.
    """

    def __init__(self, config: TelemetryConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._restart_ns: MonotonicNs | None = None

    def keep(self) -> None:
        """Start the sender, or start it again some time after it ended. Call it regularly."""
        if self._child is not None and self._child.poll() is not None:
            _log.error(
                "the sender to the plant ended with exit code %d; starting it again in %.0f s",
                self._child.returncode,
                RESTART_S,
            )
            self._child = None
            self._restart_ns = MonotonicNs(self._clock.now_ns() + int(RESTART_S * NS_PER_S))
        due = self._restart_ns is None or self._clock.now_ns() >= self._restart_ns
        if self._child is None and due:
            self._child = self._launch()

    def stop(self) -> None:
        """End the sender in good order; what it has not sent stays in the line's store."""
        if self._child is None:
            return
        if self._child.stdin is not None:
            self._child.stdin.close()
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    def _launch(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen((sys.executable, "-m", "telemetry.plant"), stdin=subprocess.PIPE)
        if child.stdin is not None:
            try:
                child.stdin.write(self._config.model_dump_json().encode() + b"\n")
                child.stdin.flush()
            except BrokenPipeError:
                _log.warning("the sender to the plant ended before it read its configuration")
        return child
