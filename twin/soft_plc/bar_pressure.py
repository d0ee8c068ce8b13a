"""The air pressure at the twin's bars, as valves with hidden lags and faults draw it down.

For the valve test a bar hangs on its throttled test supply, so that one valve alone draws the
manifold down by a tenth. Between switchings the pressure follows exponentially, worked out exactly
at every instant at which air comes or goes, however rarely the PLC looks. Implements `PlantInputs`.
"""

import heapq
import math
from collections.abc import Collection, Sequence

import numpy as np

from calibration.units import NS_PER_MS, MonotonicNs
from plc.register_flags import FlapPosition
from twin.config import AirConfig
from twin.soft_plc.plant_inputs import SimplePlant
from twin.valve_truth import ValveTruth, draw_valves, valve_seed

SUPPLY_KPA = 600.0
"""At the manifold with all valves closed; 6 bar is usual for jet sorters."""
_DROP_KPA = 60.0
"""Drawn down in the end by one nozzle of 1.5 mm, through the throttle of the test supply."""
_USUAL_NOZZLE_MM = 1.5
_FALL_MS, _RECOVERY_MS = 3.0, 60.0
_NOISE_KPA = 0.5
"""Of the sensor: a tenth of a per cent of its range."""
_LEAST_SHOWN_KPA = 0.1
"""A sensor that is there never reads nothing at all."""
_MIN_LAG_MS = 0.2


class _Bar:
    """One manifold."""

    def __init__(
        self, truth: ValveTruth, air: AirConfig, drop_kpa: float, rng: np.random.Generator
    ) -> None:
        self._truth, self._air, self._drop_kpa, self._rng = truth, air, drop_kpa, rng
        self._on: frozenset[int] = frozenset()
        self._events: list[tuple[int, int, int]] = []
        self._opens_ns: dict[int, int] = {}
        self._order = 0
        self._blowing = 0
        self._at_ns: int | None = None
        self._kpa = SUPPLY_KPA
        self.shown_kpa = SUPPLY_KPA

    def update(self, valves: Collection[int], now_ns: int) -> None:
        """Note which valves are switched on now, and let the air follow until now."""
        on = frozenset(valves)
        for valve in on ^ self._on:
            if not self._truth.dead[valve]:
                lags = self._truth.open_lag_ms if valve in on else self._truth.close_lag_ms
                lag_ms = float(lags[valve]) + self._air.jitter_ms * float(self._rng.normal())
                effect_ns = now_ns + int(max(lag_ms, _MIN_LAG_MS) * NS_PER_MS)
                if valve in on:
                    self._opens_ns[valve] = effect_ns
                else:
                    # A pulse too short for its valve lets no air out; it never leaves it open.
                    effect_ns = max(effect_ns, self._opens_ns[valve])
                self._order += 1
                heapq.heappush(self._events, (effect_ns, self._order, 1 if valve in on else -1))
        self._on = on
        while self._events and self._events[0][0] <= now_ns:
            at_ns, _, change = heapq.heappop(self._events)
            self._follow(at_ns)
            self._blowing += change
        self._follow(now_ns)
        noise_kpa = _NOISE_KPA * float(self._rng.normal())
        self.shown_kpa = max(self._kpa + noise_kpa, _LEAST_SHOWN_KPA)

    def _follow(self, at_ns: int) -> None:
        step_ms = 0.0 if self._at_ns is None else (at_ns - self._at_ns) / NS_PER_MS
        self._at_ns = at_ns
        # Through one throttle: each further nozzle draws less from what is left.
        goal_kpa = SUPPLY_KPA / (1.0 + self._blowing * self._drop_kpa / SUPPLY_KPA)
        time_ms = _FALL_MS if goal_kpa < self._kpa else _RECOVERY_MS
        self._kpa = goal_kpa + (self._kpa - goal_kpa) * math.exp(-step_ms / time_ms)


class BarPressure:
    """Pressure sensors at the bars, limit switches at the flaps. Used from the scan alone."""

    def __init__(
        self,
        *,
        air: AirConfig,
        valve_counts: Sequence[int],
        nozzles_mm: Sequence[float],
        seed: int,
        flap_travel_ms: float,
    ) -> None:
        """Begin at rest, under full pressure.

        Args:
            air: true lags and faults.
            valve_counts: of every station.
            nozzles_mm: of every station, 0 where there is no jet bar.
            seed: of the world, so that its valves and these are the same.
            flap_travel_ms: from one limit switch to the other.
        """
        self._flaps = SimplePlant(len(valve_counts), flap_travel_ms=flap_travel_ms)
        self._bars = {
            station: _Bar(
                draw_valves(air, valve_counts[station], valve_seed(seed, station)),
                air,
                _DROP_KPA * (nozzle_mm / _USUAL_NOZZLE_MM) ** 2,
                np.random.default_rng((seed, 6, station)),
            )
            for station, nozzle_mm in enumerate(nozzles_mm)
            if nozzle_mm > 0.0
        }

    def update(self, open_valves: Sequence[Collection[int]], now_ns: MonotonicNs) -> None:
        """See `PlantInputs`."""
        self._flaps.update(open_valves, now_ns)
        for station, bar in self._bars.items():
            bar.update(open_valves[station], now_ns)

    def pressure_kpa(self, station: int) -> float:
        """See `PlantInputs`."""
        bar = self._bars.get(station)
        return 0.0 if bar is None else bar.shown_kpa

    def flap_position(self, station: int) -> FlapPosition:
        """See `PlantInputs`."""
        return self._flaps.flap_position(station)
