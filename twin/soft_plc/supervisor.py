"""The soft PLC's state: stopped, running, safe, maintenance; heartbeat watch; belt drive output."""

from calibration.units import NS_PER_MS, MonotonicNs
from plc.register_flags import PulseReason, RequestFlag
from plc.types import PlcState


class Supervisor:
    """Decides whether pulses may fire, valves may be tested and the belt may run.

    Running needs a request that was seen to be off and then on while the heartbeat and the safety
    input were good. After silence or a safety stop a request that is still on counts for nothing.
    """

    def __init__(self, *, heartbeat_timeout_ms: float, belt_stops_on_silence: bool) -> None:
        """Boot in STOPPED with the belt at rest."""
        self.state = PlcState.STOPPED
        self.safety_ok = True
        self.heartbeat_ok = False
        self.belt_on = False
        self.belt_slow = False
        self.stop_reason = PulseReason.STOPPED
        self._timeout_ns = int(heartbeat_timeout_ms * NS_PER_MS)
        self._belt_stops_on_silence = belt_stops_on_silence
        self._requests = RequestFlag(0)
        self._heard_ns = MonotonicNs(0)
        self._run_armed = False
        self._belt_armed = False

    def hear(self, requests: RequestFlag, now_ns: MonotonicNs) -> None:
        """Take the owner's write: a sign of life, and what it asks for."""
        self._requests = requests
        self._heard_ns = now_ns
        self.heartbeat_ok = True

    def update(self, now_ns: MonotonicNs, *, released: bool) -> None:
        """Advance the state by one scan.

        Args:
            now_ns: this instant.
            released: the owner gave its lease back, which is as good as silence.
        """
        if self.heartbeat_ok and (released or now_ns - self._heard_ns > self._timeout_ns):
            self.heartbeat_ok = False
            self._disarm(stop_belt=self._belt_stops_on_silence)
            if self.state in (PlcState.RUNNING, PlcState.MAINTENANCE):
                self.state, self.stop_reason = PlcState.SAFE, PulseReason.SILENCE
        if not self.safety_ok:
            self._disarm(stop_belt=True)
            if self.state is not PlcState.SAFE:
                self.state, self.stop_reason = PlcState.SAFE, PulseReason.SAFETY
        elif self.heartbeat_ok:
            self._follow()

    def _disarm(self, *, stop_belt: bool) -> None:
        self._run_armed = False
        if stop_belt:
            self._belt_armed = False
            self.belt_on = self.belt_slow = False

    def _follow(self) -> None:
        run = RequestFlag.RUN in self._requests
        if not run:
            self._run_armed = True
            maintenance = RequestFlag.MAINTENANCE in self._requests
            self.state = PlcState.MAINTENANCE if maintenance else PlcState.STOPPED
            self.stop_reason = PulseReason.STOPPED
        elif self.state is PlcState.MAINTENANCE:
            self.state = PlcState.STOPPED
        elif self._run_armed and self.state is PlcState.STOPPED:
            self.state = PlcState.RUNNING
        belt_run = RequestFlag.BELT_RUN in self._requests
        if not belt_run:
            self._belt_armed = True
        self.belt_on = self._belt_armed and belt_run
        self.belt_slow = self.belt_on and RequestFlag.BELT_SLOW in self._requests
