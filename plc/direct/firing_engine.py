"""The firing process's work: belt count in, coil writes out at their instants, turns answered."""

from threading import Event

from calibration.clock import Clock
from calibration.units import NS_PER_MS, NS_PER_S, BeltTick, MonotonicNs
from plc.clock_fit import ClockEstimate, ClockFit
from plc.direct.io_port import IoPort
from plc.direct.precision import Precision, RunningPrecision
from plc.direct.proof import SPIN_NS, error_ns, wait_until
from plc.direct.setup import Answer, Condition, DirectSetup, Failed, Trouble, Turn
from plc.direct.valve_program import ValveProgram
from plc.errors import EncoderError, PlcError, PlcLinkError
from plc.ports import EncoderSource
from plc.tick_extension import TickExtension
from plc.types import CountReading, PlcRequest, PlcState, PlcStatus

_POLL_NS = 4 * NS_PER_MS
"""Between two readings of the encoder: ten or more within the clock fit's 128."""
_MERGE_NS = 100_000
"""Switchings this close together go in one write: less than a write takes."""
_STANDING_TICK_PER_S = 40.0
"""Slower than this the belt stands; no instant can be told at which a tick comes."""
_CURVED_S = 0.1
"""Further ahead the fitted acceleration says nothing about when a tick comes."""
_TICK_WRAP = 1 << 32


class FiringEngine:
    """Everything between pipe and remote I/O. One thread; `step` returns when there is time."""

    def __init__(
        self,
        setup: DirectSetup,
        *,
        port: IoPort,
        encoder: EncoderSource,
        clock: Clock,
        precision: Precision,
    ) -> None:
        """Begin stopped.

        Args:
            setup: device and limits.
            port: connected.
            encoder: open.
            clock: real time.
            precision: as measured at start.
        """
        device = setup.device
        self._setup, self._device, self._port = setup, device, port
        self._encoder, self._clock = encoder, clock
        self.program = ValveProgram(setup)
        self._fit = ClockFit()
        self._ticks = TickExtension(
            max_ticks_per_s=device.max_ticks_per_s, stall_ms=device.encoder_stall_ms
        )
        self._latency_ns = int(precision.latency_ms * NS_PER_MS)
        self._precision = RunningPrecision(precision)
        self._request = PlcRequest(run=False, belt_run=False)
        self._belt_armed = False
        self._heard_ns: MonotonicNs | None = None
        self._polled_ns = self._fed_ns = MonotonicNs(0)
        self._tick = BeltTick(0)
        self._reading: CountReading | None = None
        self._told_ns = MonotonicNs(0)
        self._safety_ok = True
        self._never = Event()
        self._trouble: Failed | None = None
        self._feed_ns = int(min(device.cycle_ms, device.watchdog_ms / 3) * NS_PER_MS)

    @property
    def heartbeat_ok(self) -> bool:
        """Whether the line gave a sign of life in time."""
        if self._heard_ns is None:
            return False
        silent_ns = self._clock.now_ns() - self._heard_ns
        return silent_ns <= self._device.heartbeat_timeout_ms * NS_PER_MS

    def hear(self, turn: Turn) -> None:
        """Take what the line asks; `answer` says how it stands."""
        self._heard_ns = self._clock.now_ns()
        self._request = turn.request
        self._follow()
        tick = self._tick_now()
        for command in turn.commands:
            self.program.take(command, tick, too_fast=self._too_fast())

    def answer(self) -> Answer | None:
        """Return the answer to the last turn, None until there is a fresh belt count."""
        if self._trouble is not None:
            trouble = self._trouble
            self._trouble = None
            return Failed(
                trouble=trouble.trouble,
                words=trouble.words,
                encoder_fault=trouble.encoder_fault,
                reports=self.program.take_reports(),
            )
        reading = self._reading
        if reading is None or reading.read_ns <= self._told_ns:
            return None
        self._told_ns = reading.read_ns
        return Condition(status=self._status(reading), reports=self.program.take_reports())

    def step(self) -> float:
        """Do what is due; returns for how many seconds the caller may sleep.

        Raises:
            PlcLinkError: the link to the remote I/O broke; valves are left to its watchdog.
        """
        try:
            return self._step()
        except PlcLinkError as error:
            self.lose(Trouble.LINK, str(error))
            self._port.close()
            raise
        except EncoderError as error:
            self._fit.reset(str(error))
            self.lose(Trouble.ENCODER, str(error), error.fault.value)
        except PlcError as error:
            self.lose(Trouble.FAULT, str(error))
        return 0.0

    def lose(self, trouble: Trouble, words: str, encoder_fault: str = "") -> None:
        """Give up every pulse and remember why, for the next answer."""
        self.program.trip(self._tick)
        self._trouble = Failed(trouble=trouble, words=words, encoder_fault=encoder_fault)

    def shut(self) -> None:
        """Close every valve and stop the belt; what is written last."""
        self.program.trip(self._tick)
        if self._device.belt_coil is not None:
            self.program.image.set(self._device.belt_coil, on=False)
        self._port.write(*self.program.image.whole())

    def _step(self) -> float:
        self._follow()
        due_ns = self._next_due_ns()
        now_ns = self._clock.now_ns()
        if due_ns is not None and due_ns - now_ns <= SPIN_NS:
            self._fire(MonotonicNs(due_ns + self._latency_ns))
            return 0.0
        # A reading takes a round trip; one that could delay a switching waits until after it.
        room = due_ns is None or due_ns - now_ns > SPIN_NS + 4 * self._latency_ns
        if room and now_ns - self._polled_ns >= _POLL_NS:
            self._read(now_ns)
        self._write_changes(now_ns)
        later_ns = self._polled_ns + _POLL_NS if due_ns is None else due_ns - SPIN_NS
        return max(0.0, min(later_ns - self._clock.now_ns(), _POLL_NS)) / NS_PER_S

    def _follow(self) -> None:
        alive = self.heartbeat_ok
        if not self._safety_ok:
            self.program.trip(self._tick)
        else:
            self.program.follow(run=self._request.run, may_run=alive, tick=self._tick)
        belt, may = self._device.belt_coil, alive and self._safety_ok
        if not may:
            self._belt_armed = False
        elif not self._request.belt_run:
            self._belt_armed = True
        if belt is not None:
            on = may and self._belt_armed and self._request.belt_run
            self.program.image.set(belt, on=on)

    def _fire(self, planned_ns: MonotonicNs) -> None:
        """Switch everything due at an instant, compensating the link's latency."""
        estimate = self._fit.estimate
        if not isinstance(estimate, ClockEstimate):
            return
        # Overslept: what is due is judged by when it can happen now.
        at_ns = MonotonicNs(max(planned_ns, self._clock.now_ns() + self._latency_ns))
        before = self.program.open_pulses
        tick = estimate.tick_at(MonotonicNs(at_ns + _MERGE_NS))
        self.program.switch(tick, at_ns)
        changes = self.program.image.take_changes()
        if changes is None:
            self.program.switched(before, BeltTick(round(tick)))
            return
        wait_until(self._clock, at_ns - self._latency_ns, self._never)
        self._port.write(*changes)
        self._fed_ns = self._port.answered_ns
        self._precision.add(error_ns(self._port, planned_ns))
        self.program.switched(before, BeltTick(round(estimate.tick_at(self._port.acted_ns))))

    def _write_changes(self, now_ns: MonotonicNs) -> None:
        """Write what changed without an instant, and feed the remote I/O's watchdog."""
        self.program.close_overdue(now_ns)
        changes = self.program.image.take_changes()
        if changes is None and now_ns - self._fed_ns >= self._feed_ns:
            changes = self.program.image.whole()
        if changes is not None:
            self._port.write(*changes)
            self._fed_ns = self._port.answered_ns

    def _read(self, now_ns: MonotonicNs) -> None:
        self._polled_ns = now_ns
        self._safety_ok = self._port.safety_ok()
        reading = self._encoder.poll()
        if reading is None:
            return
        last = self._reading
        if last is not None and reading.read_ns <= last.read_ns:
            return
        self._reading = reading
        self._tick = self._ticks.extend(
            reading.total % _TICK_WRAP,
            read_ns=reading.read_ns,
            belt_driven=self._driven(),
            uncertain_ns=reading.uncertain_ns,
        )
        self._fit.add(
            read_ns=reading.read_ns, round_trip_ns=2 * reading.uncertain_ns, tick=self._tick
        )

    def _driven(self) -> bool:
        belt = self._device.belt_coil
        return belt is not None and self.program.image.is_on(belt)

    def _tick_now(self) -> float:
        estimate = self._fit.estimate
        if isinstance(estimate, ClockEstimate):
            return estimate.tick_at(self._clock.now_ns())
        return float(self._tick)

    def _next_due_ns(self) -> int | None:
        """Return when the next write must be sent, None if no instant can be told."""
        tick, estimate = self.program.next_tick(), self._fit.estimate
        if tick is None or not isinstance(estimate, ClockEstimate):
            return None
        if estimate.ticks_per_s < _STANDING_TICK_PER_S:
            return None
        ahead_s = (tick - estimate.tick) / estimate.ticks_per_s
        if abs(ahead_s) < _CURVED_S:
            at_ns = MonotonicNs(estimate.newest_ns + int(ahead_s * NS_PER_S))
            ahead_s += (tick - estimate.tick_at(at_ns)) / estimate.ticks_per_s
        return estimate.newest_ns + int(ahead_s * NS_PER_S) - self._latency_ns

    def _too_fast(self) -> bool:
        estimate = self._fit.estimate
        if not isinstance(estimate, ClockEstimate):
            return True
        speed_mm_per_s = estimate.ticks_per_s * self._setup.mm_per_tick
        return speed_mm_per_s > self._precision.fastest_mm_per_s(self._setup.pitch_mm)

    def _status(self, reading: CountReading) -> PlcStatus:
        estimate = self._fit.estimate
        moving = isinstance(estimate, ClockEstimate) and (
            estimate.ticks_per_s > _STANDING_TICK_PER_S
        )
        return PlcStatus(
            state=PlcState(self.program.state),
            tick=self._tick,
            read_ns=reading.read_ns,
            round_trip_ns=2 * reading.uncertain_ns,
            safety_ok=self._safety_ok,
            belt_running=self._driven() if self._device.belt_coil is not None else moving,
            heartbeat_ok=self.heartbeat_ok,
            queue_used=self.program.queue_used,
            counters=self.program.counters,
        )
