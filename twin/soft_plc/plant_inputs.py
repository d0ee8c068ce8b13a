"""What the soft PLC's inputs show of the plant: air pressure at each bar, flap limit switches.

Simple by intent: the pressure falls by a share for each valve that blows and recovers
exponentially; a flap takes its travel time. Whoever models more puts another `PlantInputs` in.
"""

import math
from collections.abc import Collection, Sequence
from typing import Protocol

from calibration.units import NS_PER_MS, MonotonicNs
from plc.register_flags import FlapPosition

SUPPLY_KPA = 600.0
"""Air at the bar's manifold with all valves closed; 6 bar is usual for jet sorters."""
_DROP_KPA_PER_VALVE = 60.0
_FALL_MS = 3.0
_RECOVERY_MS = 60.0


class PlantInputs(Protocol):
    """The plant as the PLC's input cards see it. Called from the scan, never blocks."""

    def update(self, open_valves: Sequence[Collection[int]], now_ns: MonotonicNs) -> None:
        """Note which valves are switched on, by station; called once a scan."""
        ...

    def pressure_kpa(self, station: int) -> float:
        """Return the air pressure at a bar, as of the last update."""
        ...

    def flap_position(self, station: int) -> FlapPosition:
        """Return where a flap stands, as of the last update."""
        ...


class SimplePlant:
    """Air and flaps without a world behind them. Implements `PlantInputs`."""

    def __init__(
        self,
        stations: int,
        *,
        flap_travel_ms: float,
        valve_lag_ms: float = 4.0,
        dead_valves: Collection[tuple[int, int]] = (),
    ) -> None:
        """Begin at rest, under full pressure.

        Args:
            stations: how many.
            flap_travel_ms: from one limit switch to the other.
            valve_lag_ms: from switching on until air flows.
            dead_valves: station and valve of those that never open.
        """
        self._pressure_kpa = [SUPPLY_KPA] * stations
        self._since: list[dict[int, MonotonicNs]] = [{} for _ in range(stations)]
        self._flap_on = [False] * stations
        self._flap_ns: list[MonotonicNs | None] = [None] * stations
        self._travel_ns = int(flap_travel_ms * NS_PER_MS)
        self._lag_ns = int(valve_lag_ms * NS_PER_MS)
        self._dead = frozenset(dead_valves)
        self._now_ns: MonotonicNs | None = None

    def update(self, open_valves: Sequence[Collection[int]], now_ns: MonotonicNs) -> None:
        """See `PlantInputs`."""
        step_ms = 0.0 if self._now_ns is None else (now_ns - self._now_ns) / NS_PER_MS
        self._now_ns = now_ns
        for station, valves in enumerate(open_valves):
            since = self._since[station]
            self._since[station] = {valve: since.get(valve, now_ns) for valve in valves}
            if bool(valves) != self._flap_on[station]:
                self._flap_on[station], self._flap_ns[station] = bool(valves), now_ns
            self._breathe(station, now_ns, step_ms)

    def _breathe(self, station: int, now_ns: MonotonicNs, step_ms: float) -> None:
        blowing = sum(
            now_ns - since_ns >= self._lag_ns and (station, valve) not in self._dead
            for valve, since_ns in self._since[station].items()
        )
        goal_kpa = max(0.0, SUPPLY_KPA - _DROP_KPA_PER_VALVE * blowing)
        pressure_kpa = self._pressure_kpa[station]
        time_ms = _FALL_MS if goal_kpa < pressure_kpa else _RECOVERY_MS
        self._pressure_kpa[station] = goal_kpa + (pressure_kpa - goal_kpa) * math.exp(
            -step_ms / time_ms
        )

    def pressure_kpa(self, station: int) -> float:
        """See `PlantInputs`."""
        return self._pressure_kpa[station]

    def flap_position(self, station: int) -> FlapPosition:
        """See `PlantInputs`."""
        since_ns = self._flap_ns[station]
        if since_ns is not None and (self._now_ns or 0) - since_ns < self._travel_ns:
            return FlapPosition.MOVING
        return FlapPosition.WORKING if self._flap_on[station] else FlapPosition.REST
