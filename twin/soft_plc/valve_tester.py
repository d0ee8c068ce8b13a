"""The soft PLC's manual valve test: one valve at a time, only in maintenance, with its pressure."""

from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from plc.codec import TICK_MASK, WORD_MASK
from plc.register_flags import ValveTestReason, ValveTestState
from plc.service_codec import NEVER_TENTH_MS, ServiceMailbox, ValveTestEntry
from twin.soft_plc.config import SoftPlcConfig
from twin.soft_plc.valve_bank import ValveBank

_MOST_PULSES = 100
_WATCH_NS = 500 * NS_PER_MS
"""The manifold has recovered by then."""
_RESPONSE_SHARE = 0.02
_NS_PER_TENTH_MS = 100_000


class ValveTester:
    """Runs one test command at a time."""

    def __init__(self, config: SoftPlcConfig, valves: ValveBank) -> None:
        """Begin without a test."""
        self._config, self._valves = config, valves
        self._state, self._reason = ValveTestState.IDLE, ValveTestReason.NONE
        self._command = ServiceMailbox()
        self._sequence = 0
        self._done = 0
        self._is_open = False
        self._opened_ns = MonotonicNs(0)
        self._open_tick = BeltTick(0)
        self._before = self._min = 0
        self._response = self._minimum = NEVER_TENTH_MS

    @property
    def watching(self) -> bool:
        """Whether a test runs, so that every scan counts."""
        return self._state is ValveTestState.RUNNING

    def entry(self) -> ValveTestEntry:
        """Return the block `valve_test`."""
        return ValveTestEntry(
            sequence=self._sequence,
            state=self._state,
            reason=self._reason,
            station=self._command.station,
            valve=self._command.valve,
            pulses_done=self._done,
            open_tick=self._open_tick & TICK_MASK,
            pressure_before=self._before,
            pressure_min=self._min,
            response_tenth_ms=self._response,
            minimum_tenth_ms=self._minimum,
        )

    def look(self, command: ServiceMailbox, *, maintenance: bool, owner: int) -> None:
        """Take a test command if its number is new, or say why not."""
        if command.command_sequence in (0, self._sequence):
            return
        self._sequence = command.command_sequence
        if self.watching:
            # The running test keeps its result; the number alone says that this one was seen.
            self._reason = ValveTestReason.BUSY
            return
        self._command, self._done = command, 0
        self._before = self._min = 0
        self._response = self._minimum = NEVER_TENTH_MS
        self._reason = self._objection(command, maintenance=maintenance, owner=owner)
        refused = self._reason is not ValveTestReason.NONE
        self._state = ValveTestState.REFUSED if refused else ValveTestState.RUNNING

    def _objection(
        self, command: ServiceMailbox, *, maintenance: bool, owner: int
    ) -> ValveTestReason:
        if not maintenance:
            return ValveTestReason.NOT_IN_MAINTENANCE
        if not owner or command.owner_id != owner:
            return ValveTestReason.NOT_THE_OWNER
        if not self._config.valves_of(command.station):
            return ValveTestReason.STATION_UNKNOWN
        if command.valve >= self._config.valves_of(command.station):
            return ValveTestReason.VALVE_UNKNOWN
        output = self._valves.output(command.station, command.valve)
        shortest, longest = self._valves.min_open_ms[output], self._valves.max_open_ms[output]
        if not max(1, shortest) <= command.open_ms <= longest:
            return ValveTestReason.DURATION_OUT_OF_LIMITS
        if not 1 <= command.count <= _MOST_PULSES or command.pause_ms < command.open_ms:
            return ValveTestReason.COUNT_OUT_OF_LIMITS
        return ValveTestReason.NONE

    def abort(self) -> None:
        """End a running test; its valve is closed by whoever ended maintenance."""
        if self.watching:
            self._state, self._is_open = ValveTestState.ABORTED, False

    def scan(self, tick: BeltTick, now_ns: MonotonicNs, pressure_kpa: float) -> None:
        """Open, watch and close, while a test runs."""
        command = self._command
        since_ns = now_ns - self._opened_ns
        if self._is_open and since_ns >= command.open_ms * NS_PER_MS:
            self._valves.release(command.station, command.valve, command.valve, tick, now_ns)
            self._is_open = False
            self._done += 1
        period_ns = (command.open_ms + command.pause_ms) * NS_PER_MS
        due = not self._done or since_ns >= period_ns
        if due and self._done < command.count and not self._is_open:
            self._open(tick, now_ns, round(pressure_kpa * 10))
        elif self._done or self._is_open:
            self._watch(since_ns, round(pressure_kpa * 10))

    @property
    def station(self) -> int:
        """Station under test."""
        return self._command.station

    def _open(self, tick: BeltTick, now_ns: MonotonicNs, pressure: int) -> None:
        command = self._command
        self._valves.want(command.station, command.valve, command.valve, tick, now_ns)
        self._is_open, self._opened_ns, self._open_tick = True, now_ns, tick
        self._before = self._min = pressure
        self._response = self._minimum = NEVER_TENTH_MS

    def _watch(self, since_ns: int, pressure: int) -> None:
        tenths = min(since_ns // _NS_PER_TENTH_MS, WORD_MASK - 1)
        if pressure < self._min:
            self._min, self._minimum = pressure, tenths
        fallen = (self._before - pressure) * 100 >= self._before * int(_RESPONSE_SHARE * 100)
        if self._response == NEVER_TENTH_MS and self._before and fallen:
            self._response = tenths
        if self._done == self._command.count and since_ns >= _WATCH_NS:
            self._state = ValveTestState.DONE
