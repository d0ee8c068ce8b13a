"""The soft PLC's pulse queue: takes what it may, opens and closes on the encoder's count."""

import heapq
from dataclasses import dataclass

from calibration.units import BeltTick, MonotonicNs
from plc.codec import TICK_MASK, Mailbox, MailboxPulse, signed_difference
from plc.registers import BATCH_PULSES
from plc.types import PulseOutcome
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.report_log import ReportLog
from twin.soft_plc.valve_bank import ValveBank


@dataclass(slots=True, kw_only=True)
class _Pulse:
    pulse_id: int
    station: int
    first: int
    last: int
    open_tick: BeltTick
    close_tick: BeltTick


class PulseQueue:
    """Pulses waiting and pulses open, of all stations, each ordered by its next switching."""

    def __init__(self, config: SoftPlcConfig, *, valves: ValveBank, reports: ReportLog) -> None:
        """Begin empty.

        Args:
            config: limits.
            valves: outputs to switch.
            reports: where the end of each pulse is told.
        """
        self._config = config
        self._valves = valves
        self._reports = reports
        self._waiting: list[tuple[BeltTick, int, _Pulse]] = []
        self._open: list[tuple[BeltTick, int, _Pulse]] = []
        self._held = [0] * len(config.station_valves)
        self._taken = 0

    @property
    def used(self) -> int:
        """Pulses waiting or open."""
        return len(self._waiting) + len(self._open)

    def next_edge_tick(self) -> BeltTick | None:
        """Return the tick of the next switching, None if the queue is empty."""
        if self._waiting and self._open:
            return min(self._waiting[0][0], self._open[0][0])
        queue = self._waiting or self._open
        return queue[0][0] if queue else None

    def take(self, mailbox: Mailbox, tick: BeltTick, *, running: bool) -> None:
        """Queue a batch, or report at once why a pulse is not queued."""
        malformed = mailbox.pulse_count > BATCH_PULSES
        for index, pulse in enumerate(mailbox.pulses):
            if pulse.duration_tick:
                self._take_pulse(mailbox, index, tick, malformed=malformed, running=running)

    def _take_pulse(
        self, mailbox: Mailbox, index: int, tick: BeltTick, *, malformed: bool, running: bool
    ) -> None:
        pulse = mailbox.pulses[index]
        pulse_id = (mailbox.base_pulse_id + index) & TICK_MASK
        ahead = signed_difference(mailbox.base_tick, tick & TICK_MASK)
        open_tick = BeltTick(tick + ahead + pulse.open_offset_tick)
        close_tick = BeltTick(open_tick + pulse.duration_tick)
        if malformed or not self._within_limits(pulse):
            outcome: PulseOutcome | None = PulseOutcome.REFUSED
        elif not running:
            outcome = PulseOutcome.BLOCKED
        elif open_tick < tick:
            outcome = PulseOutcome.LATE
        else:
            full = self._held[pulse.station] >= self._config.queue_size
            outcome = PulseOutcome.REFUSED if full else None
        if outcome is not None:
            self._reports.add(pulse_id, outcome, open_tick=open_tick, close_tick=close_tick)
            return
        self._held[pulse.station] += 1
        self._taken += 1
        entry = _Pulse(
            pulse_id=pulse_id,
            station=pulse.station,
            first=pulse.first_valve,
            last=pulse.last_valve,
            open_tick=open_tick,
            close_tick=close_tick,
        )
        heapq.heappush(self._waiting, (open_tick, self._taken, entry))

    def _within_limits(self, pulse: MailboxPulse) -> bool:
        valves, config = self._config.station_valves, self._config
        return (
            pulse.station < len(valves)
            and pulse.first_valve <= pulse.last_valve < valves[pulse.station]
            and config.min_open_tick <= pulse.duration_tick <= config.max_open_tick
        )

    def fire(self, tick: BeltTick, now_ns: MonotonicNs) -> None:
        """Switch what is due."""
        # Openings first: a pulse that begins as another ends keeps their common valves open.
        while self._waiting and self._waiting[0][0] <= tick:
            _, order, pulse = heapq.heappop(self._waiting)
            if tick - pulse.open_tick > self._config.late_tolerance_tick:
                self._end(pulse, PulseOutcome.LATE, pulse.close_tick)
                continue
            pulse.open_tick = tick
            self._valves.want(pulse.station, pulse.first, pulse.last, tick, now_ns)
            heapq.heappush(self._open, (pulse.close_tick, order, pulse))
        while self._open and self._open[0][0] <= tick:
            _, _, pulse = heapq.heappop(self._open)
            self._valves.release(pulse.station, pulse.first, pulse.last, tick, now_ns)
            self._end(pulse, PulseOutcome.FIRED, tick)

    def _end(self, pulse: _Pulse, outcome: PulseOutcome, close_tick: BeltTick) -> None:
        self._held[pulse.station] -= 1
        self._reports.add(pulse.pulse_id, outcome, open_tick=pulse.open_tick, close_tick=close_tick)

    def flush(self, tick: BeltTick, now_ns: MonotonicNs) -> None:
        """Close every valve; open pulses end fired, waiting pulses end blocked."""
        if not (self._open or self._waiting or self._valves.any_open):
            return
        self._valves.close_all(tick, now_ns)
        for _, _, pulse in sorted(self._open):
            self._end(pulse, PulseOutcome.FIRED, tick)
        for _, _, pulse in sorted(self._waiting):
            self._end(pulse, PulseOutcome.BLOCKED, pulse.close_tick)
        self._open, self._waiting = [], []
