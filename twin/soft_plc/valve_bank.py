"""The soft PLC's valve outputs: open while any pulse wants them, never longer than allowed."""

from collections import deque
from collections.abc import Sequence

from calibration.units import NS_PER_MS, BeltTick, MonotonicNs
from plc.registers import MAX_STATIONS, VALVES_PER_STATION
from twin.wiring import ValveEdge


class ValveBank:
    """All valves of all stations. Work is done only for valves that switch."""

    def __init__(self, station_valves: Sequence[int], *, max_open_ms: float) -> None:
        """Begin with every valve closed."""
        self.station_valves = tuple(station_valves)
        self.coils = bytearray(MAX_STATIONS * VALVES_PER_STATION // 8)
        self._max_open_ns = int(max_open_ms * NS_PER_MS)
        self._wanted = [0] * (len(self.station_valves) * VALVES_PER_STATION)
        self._opened_ns: dict[int, MonotonicNs] = {}
        self._deadlines: deque[tuple[MonotonicNs, int]] = deque()
        self._edges: list[ValveEdge] = []

    @property
    def any_open(self) -> bool:
        """Whether any valve is switched on."""
        return bool(self._opened_ns)

    def take_edges(self) -> tuple[ValveEdge, ...]:
        """Return the switchings since the last call."""
        edges, self._edges = tuple(self._edges), []
        return edges

    def want(self, station: int, first: int, last: int, tick: BeltTick, now: MonotonicNs) -> None:
        """A pulse begins: switch on those of its valves that are off."""
        base = station * VALVES_PER_STATION
        for index in range(base + first, base + last + 1):
            self._wanted[index] += 1
            if self._wanted[index] == 1:
                self._switch(index, tick, now, opened=True)

    def release(
        self, station: int, first: int, last: int, tick: BeltTick, now: MonotonicNs
    ) -> None:
        """A pulse ends: switch off those of its valves that no other pulse wants."""
        base = station * VALVES_PER_STATION
        for index in range(base + first, base + last + 1):
            self._wanted[index] -= 1
            if not self._wanted[index] and index in self._opened_ns:
                self._switch(index, tick, now, opened=False)

    def close_overdue(self, tick: BeltTick, now: MonotonicNs) -> None:
        """Switch off valves open for too long, as when the belt stops under a pulse.

        Such a valve stays off until all pulses that want it have ended.
        """
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline_ns, index = self._deadlines.popleft()
            opened_ns = self._opened_ns.get(index)
            if opened_ns is not None and opened_ns + self._max_open_ns == deadline_ns:
                self._switch(index, tick, now, opened=False)

    def close_all(self, tick: BeltTick, now: MonotonicNs) -> None:
        """Switch everything off and forget what any pulse wanted."""
        for index in sorted(self._opened_ns):
            self._switch(index, tick, now, opened=False)
        self._wanted = [0] * len(self._wanted)
        self._deadlines.clear()

    def _switch(self, index: int, tick: BeltTick, now: MonotonicNs, *, opened: bool) -> None:
        station, valve = divmod(index, VALVES_PER_STATION)
        if opened:
            self.coils[index >> 3] |= 1 << (index & 7)
            self._opened_ns[index] = now
            self._deadlines.append((MonotonicNs(now + self._max_open_ns), index))
        else:
            self.coils[index >> 3] &= ~(1 << (index & 7))
            del self._opened_ns[index]
        self._edges.append(
            ValveEdge(station=station, valve=valve, opened=opened, tick=tick, at_ns=now)
        )
