"""What a PLC program would do with the pulses: queue, merge, refuse, close in time. Pure."""

import heapq
from dataclasses import dataclass

from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from plc.direct.coil_image import CoilImage
from plc.direct.setup import DirectSetup
from plc.types import EjectionCommand, EjectionReport, PlcState, PulseCounters, PulseOutcome

_QUEUE_SIZE = 1024
"""Pulses that may wait; more than any belt holds between camera and jets."""


@dataclass(slots=True, kw_only=True)
class _Open:
    """A pulse whose valves were switched on."""

    command: EjectionCommand
    open_tick: BeltTick


class ValveProgram:
    """Pulses by belt tick onto a coil image. The caller switches the coils and says when."""

    def __init__(self, setup: DirectSetup) -> None:
        """Begin stopped with nothing queued."""
        self._setup, self._device = setup, setup.device
        self.image = CoilImage(setup.device.coil_count)
        self.state = PlcState.STOPPED
        self._waiting: list[tuple[int, int, EjectionCommand]] = []
        self._closing: list[tuple[int, int]] = []
        self._open: dict[int, _Open] = {}
        self._ending: list[_Open] = []
        self._wanted: dict[int, int] = {}
        self._opened_ns: dict[int, MonotonicNs] = {}
        self._reports: list[EjectionReport] = []
        self._counts = dict.fromkeys(PulseOutcome, 0)
        self._armed = False

    @property
    def queue_used(self) -> int:
        """Pulses waiting or open."""
        return len(self._waiting) + len(self._open)

    @property
    def counters(self) -> PulseCounters:
        """Totals since the start."""
        counts = self._counts
        return PulseCounters(
            fired=counts[PulseOutcome.FIRED],
            late=counts[PulseOutcome.LATE],
            refused=counts[PulseOutcome.REFUSED],
            blocked=counts[PulseOutcome.BLOCKED],
        )

    def follow(self, *, run: bool, may_run: bool, tick: BeltTick) -> None:
        """Advance the state: running needs a request seen off and then on while all is well.

        Args:
            run: the line asks to fire.
            may_run: heartbeat, safety, link and encoder are good.
            tick: now.
        """
        if not may_run:
            self._armed = False
            if self.state is PlcState.RUNNING:
                self.state = PlcState.SAFE
        elif not run:
            self._armed, self.state = True, PlcState.STOPPED
        elif self._armed and self.state is PlcState.STOPPED:
            self.state = PlcState.RUNNING
        if self.state is not PlcState.RUNNING:
            self.flush(tick)

    def trip(self, tick: BeltTick) -> None:
        """Go to SAFE at once, as when the safety circuit opens."""
        self._armed, self.state = False, PlcState.SAFE
        self.flush(tick)

    def take(self, command: EjectionCommand, tick: float, *, too_fast: bool) -> None:
        """Queue a pulse or report why not.

        Args:
            command: the pulse.
            tick: now.
            too_fast: the belt runs faster than the measured precision allows.
        """
        if self._malformed(command) or too_fast:
            self._report(command, PulseOutcome.REFUSED)
        elif self.state is not PlcState.RUNNING:
            self._report(command, PulseOutcome.BLOCKED)
        elif command.open_tick < tick:
            self._report(command, PulseOutcome.LATE)
        elif self.queue_used >= _QUEUE_SIZE:
            self._report(command, PulseOutcome.REFUSED)
        else:
            heapq.heappush(self._waiting, (command.open_tick, command.pulse_id, command))

    def next_tick(self) -> int | None:
        """Return the tick of the next switching, None if none waits."""
        ticks = [queue[0][0] for queue in (self._waiting, self._closing) if queue]
        return min(ticks, default=None)

    def switch(self, tick: float, now_ns: MonotonicNs) -> None:
        """Bring the image to where it should be at a tick; `switched` must follow.

        Args:
            tick: at which the coils will switch.
            now_ns: then.
        """
        while self._closing and self._closing[0][0] <= tick:
            self._release(heapq.heappop(self._closing)[1])
        while self._waiting and self._waiting[0][0] <= tick:
            command = heapq.heappop(self._waiting)[2]
            if tick - command.open_tick > self._setup.half_pitch_tick:
                self._report(command, PulseOutcome.LATE)
                continue
            self._open[command.pulse_id] = _Open(command=command, open_tick=command.open_tick)
            heapq.heappush(self._closing, (command.close_tick, command.pulse_id))
            for coil in self._coils(command):
                self._wanted[coil] = self._wanted.get(coil, 0) + 1
                if self._wanted[coil] == 1:
                    self.image.set(coil, on=True)
                    self._opened_ns[coil] = now_ns

    def switched(self, before: frozenset[int], tick: BeltTick) -> None:
        """Note at which tick the last switching took place.

        Args:
            before: ids of the pulses that were open before it.
            tick: at which the coils switched.
        """
        for pulse_id in self._open.keys() - before:
            self._open[pulse_id].open_tick = tick
        for opened in self._ending:
            self._fired(opened, tick)
        self._ending.clear()

    @property
    def open_pulses(self) -> frozenset[int]:
        """Ids of the pulses whose valves are on."""
        return frozenset(self._open)

    def close_overdue(self, now_ns: MonotonicNs) -> None:
        """Switch off what has been on for too long, as when the belt stops under a pulse."""
        limit_ns = int(self._device.max_open_ms * NS_PER_MS)
        for coil in [c for c, at_ns in self._opened_ns.items() if now_ns - at_ns > limit_ns]:
            self.image.set(coil, on=False)
            del self._opened_ns[coil]

    def flush(self, tick: BeltTick) -> None:
        """Close every valve and give up every pulse."""
        for coil in self._opened_ns:
            self.image.set(coil, on=False)
        self._opened_ns.clear()
        self._wanted.clear()
        for opened in (*self._ending, *self._open.values()):
            self._fired(opened, tick)
        for _, _, command in self._waiting:
            self._report(command, PulseOutcome.BLOCKED)
        self._open.clear()
        self._ending.clear()
        self._waiting.clear()
        self._closing.clear()

    def take_reports(self) -> tuple[EjectionReport, ...]:
        """Return the reports made since the last call, in order."""
        reports, self._reports = tuple(self._reports), []
        return reports

    def _malformed(self, command: EjectionCommand) -> bool:
        setup, station = self._setup, command.station
        length = command.close_tick - command.open_tick
        return (
            not 0 <= station < len(setup.valve_counts)
            or not 0 <= command.valves.first <= command.valves.last < setup.valve_counts[station]
            or not setup.min_open_tick <= length <= setup.max_open_tick
        )

    def _coils(self, command: EjectionCommand) -> range:
        first = self._device.first_coils[command.station]
        return range(first + command.valves.first, first + command.valves.last + 1)

    def _release(self, pulse_id: int) -> None:
        opened = self._open.pop(pulse_id)
        for coil in self._coils(opened.command):
            self._wanted[coil] -= 1
            if not self._wanted[coil] and self._opened_ns.pop(coil, None) is not None:
                self.image.set(coil, on=False)
        self._ending.append(opened)

    def _fired(self, opened: _Open, close_tick: BeltTick) -> None:
        self._counts[PulseOutcome.FIRED] += 1
        self._reports.append(
            EjectionReport(
                pulse_id=opened.command.pulse_id,
                outcome=PulseOutcome.FIRED,
                open_tick=opened.open_tick,
                close_tick=max(close_tick, BeltTick(opened.open_tick + 1)),
            )
        )

    def _report(self, command: EjectionCommand, outcome: PulseOutcome) -> None:
        self._counts[outcome] += 1
        self._reports.append(
            EjectionReport(
                pulse_id=command.pulse_id,
                outcome=outcome,
                open_tick=command.open_tick,
                close_tick=command.close_tick,
            )
        )
