"""The PLC thread: about every 10 ms one write and one read, heartbeat included; reconnects."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S, MonotonicNs
from plc.errors import EncoderError, PlcError, PlcFaultError, PlcFullError
from plc.ports import PlcLink
from plc.reconnect import ReconnectPolicy
from plc.types import EjectionCommand, EjectionReport, Exchange, PlcRequest, PlcState, PulseOutcome

log = logging.getLogger(__name__)

CORE_SILENT_NS = 1 * NS_PER_S
"""A pipeline that has not asked for anything this long is hung or dead: the PLC is told to stop."""
EVENTS_KEPT = 2000
"""Twenty seconds of exchanges; a pipeline behind by more has been told to stop long before."""
IDLE_REQUEST = PlcRequest(run=False, belt_run=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedCommand:
    """A pulse with the exposure it was decided on, so that its latency can be told."""

    command: EjectionCommand
    exposed_ns: MonotonicNs


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One exchange went well.

    Attributes:
        exchange: what was read.
        handed_ns: when it ended.
        latencies_ns: from exposure to the PLC, one per pulse in it.
    """

    exchange: Exchange
    handed_ns: MonotonicNs
    latencies_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLost:
    """The PLC cannot be reached, does not answer as it should, or its encoder is not trusted.

    Attributes:
        error: what went wrong.
        unsent: pulses that were never handed over and never will be, as blocked.
    """

    error: PlcError
    unsent: tuple[EjectionReport, ...] = ()


PlcEvent = Exchanged | LinkLost


def blocked(command: EjectionCommand) -> EjectionReport:
    """Return the word on a pulse that no PLC will ever give."""
    return EjectionReport(
        pulse_id=command.pulse_id,
        outcome=PulseOutcome.BLOCKED,
        open_tick=command.open_tick,
        close_tick=command.close_tick,
    )


class PlcThread:
    """Owns the link. Other threads hand over requests and pulses and take events."""

    def __init__(self, *, link: PlcLink, clock: Clock, cycle_ms: float) -> None:
        """Prepare; `start` connects.

        Args:
            link: used by this thread alone.
            clock: for the cycle and the latencies.
            cycle_ms: longest time between two exchanges; pulses are handed over at once.
        """
        self._link, self._clock = link, clock
        self._cycle_s = cycle_ms * NS_PER_MS / NS_PER_S
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._request, self._asked_ns = IDLE_REQUEST, MonotonicNs(0)
        self._commands: deque[TimedCommand] = deque()
        self._events: deque[PlcEvent] = deque(maxlen=EVENTS_KEPT)
        self._reconnect = ReconnectPolicy()
        self._connected = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="plc", daemon=True)

    def start(self) -> None:
        """Start the thread. Call once."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the PLC to stop, disconnect and end; waits at most two seconds. Idempotent."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def ask(self, request: PlcRequest) -> None:
        """Set what is asked of the PLC; repeat it, silence means stop."""
        with self._lock:
            self._request, self._asked_ns = request, self._clock.now_ns()

    def submit(self, commands: Sequence[TimedCommand]) -> None:
        """Hand over pulses; the thread sends them at once."""
        if commands:
            with self._lock:
                self._commands.extend(commands)
            self._wake.set()

    def take_events(self) -> tuple[PlcEvent, ...]:
        """Return what happened since the last call, in order."""
        with self._lock:
            events = tuple(self._events)
            self._events.clear()
        return events

    def check(self) -> None:
        """Raise what ended the thread, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._wake.clear()
                self._turn()
                self._clock.wait(self._wake, self._pause_s())
            self._say_goodbye()
        except Exception as error:
            log.exception("the PLC thread failed")
            self._failure = error
        finally:
            self._link.close()

    def _pause_s(self) -> float:
        if self._connected:
            return self._cycle_s
        return max(self._cycle_s, self._reconnect.wait_ms(self._clock.now_ns()) * 1e-3)

    def _turn(self) -> None:
        try:
            if not self._connected:
                if not self._reconnect.due(self._clock.now_ns()):
                    return
                self._link.connect()
                self._connected = True
            self._exchange()
            self._reconnect.succeeded()
        except PlcError as error:
            if not self._connected or not isinstance(error, EncoderError | PlcFaultError):
                # Backs off also from a PLC that lets itself be reached and then breaks off.
                self._reconnect.failed(self._clock.now_ns())
                self._link.close()
                self._connected = False
            self._report(error)

    def _report(self, error: PlcError) -> None:
        """Tell the pipeline, with the pulses that are dropped because they were not sent."""
        with self._lock:
            unsent = tuple(blocked(timed.command) for timed in self._commands)
            self._commands.clear()
            self._events.append(LinkLost(error=error, unsent=unsent))

    def _exchange(self) -> None:
        with self._lock:
            silent = self._clock.now_ns() - self._asked_ns > CORE_SILENT_NS
            request = IDLE_REQUEST if silent else self._request
            timed = tuple(self._commands)
            self._commands.clear()
        try:
            exchange = self._link.exchange(request, tuple(t.command for t in timed))
        except PlcFullError:
            with self._lock:
                self._commands.extendleft(reversed(timed))
            raise
        handed_ns = self._clock.now_ns()
        event = Exchanged(
            exchange=exchange,
            handed_ns=handed_ns,
            latencies_ns=tuple(handed_ns - t.exposed_ns for t in timed),
        )
        with self._lock:
            self._events.append(event)

    def _say_goodbye(self) -> None:
        """Ask for a stop for a few cycles; the PLC's heartbeat watch does the rest."""
        for _ in range(10):
            if not self._connected:
                return
            try:
                exchange = self._link.exchange(IDLE_REQUEST, ())
            except PlcError as error:
                log.warning("could not tell the PLC to stop (%s); its heartbeat watch will", error)
                return
            if exchange.status.state is PlcState.STOPPED:
                return
