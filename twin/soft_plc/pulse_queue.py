"""The soft PLC's pulse queue: takes what it may, opens and closes on the encoder's count."""

import heapq
from dataclasses import dataclass

from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from plc.codec import TICK_MASK, Mailbox, MailboxPulse, signed_difference
from plc.register_flags import PulseReason, StationKind
from plc.registers import BATCH_PULSES
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
    opened_ns: int = 0
    shortest_ns: int = 0


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
        self._limits = [config.limits(i) for i in range(len(config.station_valves))]
        self._valves = valves
        self._reports = reports
        self._waiting: list[tuple[BeltTick, int, _Pulse]] = []
        self._open: list[tuple[BeltTick, int, _Pulse]] = []
        self._short: list[tuple[int, int, _Pulse]] = []
        self.held = [0] * len(config.station_valves)
        self._taken = 0

    @property
    def used(self) -> int:
        """Pulses waiting or open."""
        return len(self._waiting) + len(self._open) + len(self._short)

    def next_edge_tick(self) -> BeltTick | None:
        """Return the tick of the next switching, None if none hangs on the encoder."""
        if self._waiting and self._open:
            return min(self._waiting[0][0], self._open[0][0])
        queue = self._waiting or self._open
        return queue[0][0] if queue else None

    def next_edge_ns(self) -> MonotonicNs | None:
        """Return when the next pulse closes that only waits for its shortest time."""
        return MonotonicNs(self._short[0][0]) if self._short else None

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
        ahead = signed_difference(mailbox.base_tick + pulse.open_offset_tick, tick)
        open_tick = BeltTick(tick + ahead)
        close_tick = BeltTick(open_tick + pulse.duration_tick)
        reason = PulseReason.MALFORMED if malformed else self._objection(pulse)
        if reason is None and not running:
            reason = PulseReason.NOT_RUNNING
        elif reason is None and open_tick < tick:
            reason = PulseReason.LATE_ARRIVED
        elif reason is None and self.held[pulse.station] >= self._config.queue_size:
            reason = PulseReason.NO_ROOM
        if reason is not None:
            self._reports.add(pulse_id, reason, open_tick=open_tick, close_tick=close_tick)
            return
        self.held[pulse.station] += 1
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

    def _objection(self, pulse: MailboxPulse) -> PulseReason | None:
        """Return what no PLC could fire in this pulse."""
        if pulse.first_valve > pulse.last_valve:
            return PulseReason.MALFORMED
        present = pulse.station < len(self._limits)
        if not present or self._config.kind(pulse.station) is StationKind.NONE:
            return PulseReason.STATION_UNKNOWN
        if pulse.last_valve >= self._config.valves_of(pulse.station):
            return PulseReason.VALVE_UNKNOWN
        limits = self._limits[pulse.station]
        if pulse.duration_tick < limits.min_open_tick:
            return PulseReason.TOO_SHORT
        return PulseReason.TOO_LONG if pulse.duration_tick > limits.max_open_tick else None

    def fire(self, tick: BeltTick, now_ns: MonotonicNs) -> None:
        """Switch what is due."""
        # Openings first: a pulse that begins as another ends keeps their common valves open.
        while self._waiting and self._waiting[0][0] <= tick:
            _, order, pulse = heapq.heappop(self._waiting)
            if tick - pulse.open_tick > self._config.late_tolerance_tick:
                self._end(pulse, PulseReason.LATE_SCAN, pulse.close_tick)
                continue
            pulse.open_tick, pulse.opened_ns = tick, now_ns
            pulse.shortest_ns = self._valves.shortest_ns(pulse.station, pulse.first, pulse.last)
            self._valves.want(pulse.station, pulse.first, pulse.last, tick, now_ns)
            heapq.heappush(self._open, (pulse.close_tick, order, pulse))
        while self._open and self._open[0][0] <= tick:
            _, order, pulse = heapq.heappop(self._open)
            until_ns = pulse.opened_ns + pulse.shortest_ns
            if until_ns > now_ns:
                heapq.heappush(self._short, (until_ns, order, pulse))
            else:
                self._close(pulse, tick, now_ns)
        while self._short and self._short[0][0] <= now_ns:
            self._close(heapq.heappop(self._short)[2], tick, now_ns)

    def _close(self, pulse: _Pulse, tick: BeltTick, now_ns: MonotonicNs) -> None:
        self._valves.release(pulse.station, pulse.first, pulse.last, tick, now_ns)
        longest_ns = self._limits[pulse.station].max_open_ms * NS_PER_MS
        cut = now_ns - pulse.opened_ns > longest_ns
        self._end(pulse, PulseReason.FIRED_CUT if cut else PulseReason.FIRED, tick)

    def _end(self, pulse: _Pulse, reason: PulseReason, close_tick: BeltTick) -> None:
        self.held[pulse.station] -= 1
        self._reports.add(pulse.pulse_id, reason, open_tick=pulse.open_tick, close_tick=close_tick)

    def flush(self, tick: BeltTick, now_ns: MonotonicNs, reason: PulseReason) -> None:
        """Close every valve; open pulses end fired but cut, waiting pulses end blocked."""
        if not (self.used or self._valves.any_open):
            return
        self._valves.close_all(tick, now_ns)
        for _, _, pulse in (*sorted(self._open), *sorted(self._short)):
            self._end(pulse, PulseReason.FIRED_CUT, tick)
        for _, _, pulse in sorted(self._waiting):
            self._end(pulse, reason, pulse.close_tick)
        self._open, self._waiting, self._short = [], [], []
