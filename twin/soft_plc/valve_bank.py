"""The soft PLC's valve outputs: open while any pulse wants them, never longer than allowed."""

from collections.abc import Collection
from heapq import heappop, heappush

from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from plc.registers import COIL_COUNT
from twin.soft_plc.config import SoftPlcConfig
from twin.wiring import ValveEdge


class ValveBank:
    """All outputs of all stations, by output number. Work is done only for outputs that switch.

    Attributes:
        coils: as Modbus shows them, coil n in bit n % 8 of byte n // 8.
        cycles: openings since boot, by output.
        last_open_tick: encoder count at the last opening, by output.
        min_open_ms: shortest opening, by output.
        max_open_ms: longest opening, by output.
    """

    def __init__(self, config: SoftPlcConfig) -> None:
        """Begin with every valve closed."""
        self.coils = bytearray(COIL_COUNT // 8)
        self._first = config.first_outputs
        self._place = [
            (station, valve)
            for station, count in enumerate(config.station_valves)
            for valve in range(count)
        ]
        limits = [config.limits(station) for station, _ in self._place]
        self.min_open_ms = [limit.min_open_ms for limit in limits]
        self.max_open_ms = [limit.max_open_ms for limit in limits]
        for own in config.valve_limits:
            output = self._first[own.station] + own.valve
            self.min_open_ms[output], self.max_open_ms[output] = own.min_open_ms, own.max_open_ms
        outputs = len(self._place)
        self.cycles = [0] * outputs
        self.last_open_tick = [BeltTick(0)] * outputs
        self._wanted = [0] * outputs
        self._none_open = (frozenset[int](),) * len(self._first)
        self._held: Collection[int] = frozenset()
        self._opened_ns: dict[int, MonotonicNs] = {}
        self._deadlines: list[tuple[MonotonicNs, int]] = []
        self._edges: list[ValveEdge] = []

    @property
    def count(self) -> int:
        """Outputs present."""
        return len(self._place)

    @property
    def any_open(self) -> bool:
        """Whether any output is switched on for a pulse."""
        return len(self._opened_ns) > len(self._held)

    def open_by_station(self) -> tuple[frozenset[int], ...]:
        """Return which valves are switched on, by station."""
        if not self._opened_ns:
            return self._none_open
        opened: list[set[int]] = [set() for _ in self._first]
        for output in self._opened_ns:
            station, valve = self._place[output]
            opened[station].add(valve)
        return tuple(frozenset(valves) for valves in opened)

    def output(self, station: int, valve: int) -> int:
        """Return the output number of a valve."""
        return self._first[station] + valve

    def shortest_ns(self, station: int, first: int, last: int) -> int:
        """Return how long a pulse over these valves stays open at least."""
        base = self._first[station]
        return max(self.min_open_ms[base + first : base + last + 1]) * NS_PER_MS

    def take_edges(self) -> tuple[ValveEdge, ...]:
        """Return the switchings since the last call."""
        edges, self._edges = tuple(self._edges), []
        return edges

    def want(self, station: int, first: int, last: int, tick: BeltTick, now: MonotonicNs) -> None:
        """A pulse begins: switch on those of its valves that are off."""
        base = self._first[station]
        for output in range(base + first, base + last + 1):
            self._wanted[output] += 1
            if self._wanted[output] == 1 and output not in self._opened_ns:
                self._open(output, tick, now)

    def release(
        self, station: int, first: int, last: int, tick: BeltTick, now: MonotonicNs
    ) -> None:
        """A pulse ends: switch off those of its valves that no other pulse wants."""
        base = self._first[station]
        for output in range(base + first, base + last + 1):
            self._wanted[output] -= 1
            if not self._wanted[output]:
                self._close(output, tick, now)

    def hold(self, outputs: Collection[int], tick: BeltTick, now: MonotonicNs) -> None:
        """Keep exactly these outputs on, whatever pulses want; for flaps and gates."""
        if outputs == self._held:
            return
        before, self._held = self._held, outputs
        for output in sorted(outputs):
            if output not in self._opened_ns:
                self._open(output, tick, now)
        for output in sorted(before):
            if not self._wanted[output]:
                self._close(output, tick, now)

    def close_overdue(self, tick: BeltTick, now: MonotonicNs) -> None:
        """Switch off valves open for too long, as when the belt stops under a pulse.

        Such a valve stays off until all pulses that want it have ended.
        """
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline_ns, output = heappop(self._deadlines)
            opened_ns = self._opened_ns.get(output)
            if opened_ns is not None and self._deadline_ns(output, opened_ns) == deadline_ns:
                self._close(output, tick, now)

    def close_all(self, tick: BeltTick, now: MonotonicNs) -> None:
        """Switch off everything that is not held and forget what any pulse wanted."""
        for output in sorted(self._opened_ns):
            self._close(output, tick, now)
        self._wanted = [0] * len(self._wanted)
        self._deadlines.clear()

    def _deadline_ns(self, output: int, opened_ns: MonotonicNs) -> MonotonicNs:
        return MonotonicNs(opened_ns + self.max_open_ms[output] * NS_PER_MS)

    def _open(self, output: int, tick: BeltTick, now: MonotonicNs) -> None:
        self.coils[output >> 3] |= 1 << (output & 7)
        self._opened_ns[output] = now
        self.cycles[output] += 1
        self.last_open_tick[output] = tick
        heappush(self._deadlines, (self._deadline_ns(output, now), output))
        self._note(output, tick, now, opened=True)

    def _close(self, output: int, tick: BeltTick, now: MonotonicNs) -> None:
        if output in self._held or output not in self._opened_ns:
            return
        self.coils[output >> 3] &= ~(1 << (output & 7))
        del self._opened_ns[output]
        self._note(output, tick, now, opened=False)

    def _note(self, output: int, tick: BeltTick, now: MonotonicNs, *, opened: bool) -> None:
        station, valve = self._place[output]
        self._edges.append(
            ValveEdge(station=station, valve=valve, opened=opened, tick=tick, at_ns=now)
        )
