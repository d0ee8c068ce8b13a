"""The soft PLC's state: stopped, running, safe; heartbeat watch; belt drive output."""

from calibration.units import NS_PER_MS, MonotonicNs
from plc.types import PlcState


class Supervisor:
    """Decides whether pulses may fire and whether the belt may run.

    Running needs a request that was seen to be off and then on while the heartbeat and the safety
    input were good. After silence or a safety stop a request that is still on counts for nothing.
    """

    def __init__(self, *, heartbeat_timeout_ms: float, belt_stops_on_silence: bool) -> None:
        """Boot in STOPPED with the belt at rest."""
        self.state = PlcState.STOPPED
        self.safety_ok = True
        self.heartbeat_ok = False
        self.belt_on = False
        self._timeout_ns = int(heartbeat_timeout_ms * NS_PER_MS)
        self._belt_stops_on_silence = belt_stops_on_silence
        self._heartbeat: int | None = None
        self._heard_ns = MonotonicNs(0)
        self._run_armed = False
        self._belt_armed = False

    def hear(self, heartbeat: int, now_ns: MonotonicNs) -> None:
        """Take the mailbox's heartbeat register; only a change is a sign of life."""
        if heartbeat != self._heartbeat:
            self._heartbeat = heartbeat
            self._heard_ns = now_ns
            self.heartbeat_ok = True

    def update(self, now_ns: MonotonicNs, *, run: bool, belt_run: bool) -> None:
        """Advance the state by one scan, given what the mailbox requests."""
        if self.heartbeat_ok and now_ns - self._heard_ns > self._timeout_ns:
            self.heartbeat_ok = False
            self._disarm(stop_belt=self._belt_stops_on_silence)
            if self.state is PlcState.RUNNING:
                self.state = PlcState.SAFE
        if not self.safety_ok:
            self._disarm(stop_belt=True)
            self.state = PlcState.SAFE
        elif self.heartbeat_ok:
            self._follow(run=run, belt_run=belt_run)

    def _disarm(self, *, stop_belt: bool) -> None:
        self._run_armed = False
        if stop_belt:
            self._belt_armed = False
            self.belt_on = False

    def _follow(self, *, run: bool, belt_run: bool) -> None:
        if not run:
            self._run_armed = True
            self.state = PlcState.STOPPED
        elif self._run_armed and self.state is PlcState.STOPPED:
            self.state = PlcState.RUNNING
        if not belt_run:
            self._belt_armed = True
        self.belt_on = self._belt_armed and belt_run
