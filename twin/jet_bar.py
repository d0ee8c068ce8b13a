"""One bar of air jets: valves follow their outputs with lag and jitter, and blow at what passes."""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from calibration.nozzle import AMBIENT_KPA, jet_thrust_n
from calibration.units import NS_PER_MS, NS_PER_S
from calibration.valve_map import ValveMap
from twin.air import (
    TAIL,
    impulse_n_s,
    jet_sd_mm,
    pressure_share,
    settle_s,
)
from twin.config import AirConfig
from twin.items import Float64Array
from twin.valve_truth import draw_valves

_MIN_LAG_MS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Blast:
    """Air from one valve, from coming to going.

    Attributes:
        valve: which.
        open_mm: belt travel when it came.
        close_mm: belt travel when it went.
        over_mm: belt travel when the last of it was spent.
        open_s: time between coming and going.
        thrust_n: at full pressure, with what the other valves left of it.
    """

    valve: int
    open_mm: float
    close_mm: float
    over_mm: float
    open_s: float
    thrust_n: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    at_ns: int
    travel_mm: float
    pressure_ns: float


class JetBar:
    """The valves and nozzles of one station."""

    def __init__(
        self,
        *,
        config: AirConfig,
        index: int,
        nozzle_mm: float,
        valve_map: ValveMap,
        distance_mm: float,
        seed: tuple[int, ...],
    ) -> None:
        """Draw which valves are dead or slow.

        Args:
            config: air, lags and faults.
            index: of the station, whose bin takes what it blows off.
            nozzle_mm: diameter of its nozzles.
            valve_map: where the nozzles are.
            distance_mm: the bar's position along the belt, machine frame.
            seed: of lags, jitter and faults.
        """
        self.distance_mm, self.index = distance_mm, index
        self._config, self._map = config, valve_map
        self._rng = np.random.default_rng(seed)
        self._valves = draw_valves(config, valve_map.count, seed, self._rng)
        self.thrust_n = jet_thrust_n(nozzle_mm=nozzle_mm, nozzle_kpa=config.nozzle_kpa)
        """Of one jet alone at full pressure."""
        # Thrust is linear in absolute pressure; what is lost at no absolute pressure is known.
        self._loss_n = jet_thrust_n(nozzle_mm=nozzle_mm, nozzle_kpa=-AMBIENT_KPA)
        self._settle_s = settle_s(nozzle_mm=nozzle_mm, passage_mm3=config.nozzle_passage_mm3)
        self._sd_mm = jet_sd_mm(nozzle_mm=nozzle_mm, nozzle_distance_mm=config.nozzle_distance_mm)
        self._pending: list[tuple[int, int, int, bool]] = []
        self._edges = 0
        self._opens_ns: dict[int, int] = {}
        self._open: dict[int, _Opening] = {}
        self._blasts: deque[Blast] = deque()
        self._pressure_ns, self._pressed_ns = 0.0, 0
        self.air_open_s = 0.0
        """Valve-seconds of air blown so far."""

    def switch(self, *, valve: int, opened: bool, at_ns: int) -> None:
        """Note that a valve's output switched; the air follows after the valve's lag."""
        valves = self._valves
        lag_ms = float((valves.open_lag_ms if opened else valves.close_lag_ms)[valve])
        lag_ms += self._config.jitter_ms * float(self._rng.normal())
        effect_ns = at_ns + int(max(lag_ms, _MIN_LAG_MS) * NS_PER_MS)
        if opened:
            self._opens_ns[valve] = effect_ns
        else:
            # A pulse too short for its valve lets no air out; it never leaves the valve open.
            effect_ns = max(effect_ns, self._opens_ns.get(valve, effect_ns))
        self._edges += 1
        if not self._valves.dead[valve]:
            heapq.heappush(self._pending, (effect_ns, self._edges, valve, opened))

    def advance(self, now_ns: int, travel_mm: Callable[[int], float]) -> None:
        """Let the air follow all outputs that were due by `now_ns`."""
        while self._pending and self._pending[0][0] <= now_ns:
            at_ns, _, valve, opened = heapq.heappop(self._pending)
            pressure_ns = self._press(at_ns)
            if opened:
                self._open.setdefault(
                    valve,
                    _Opening(at_ns=at_ns, travel_mm=travel_mm(at_ns), pressure_ns=pressure_ns),
                )
            elif valve in self._open:
                self._close(valve, at_ns, travel_mm(at_ns))

    def _press(self, at_ns: int) -> float:
        """Return the bar's share of pressure integrated until an instant, and remember it."""
        self._pressure_ns, self._pressed_ns = self._pressed(at_ns), max(at_ns, self._pressed_ns)
        return self._pressure_ns

    def _pressed(self, at_ns: int) -> float:
        share = pressure_share(len(self._open), supply_nozzles=self._config.supply_nozzles)
        return self._pressure_ns + share * max(at_ns - self._pressed_ns, 0)

    def _close(self, valve: int, at_ns: int, travel_mm: float) -> None:
        blast = self._blast(valve, at_ns, travel_mm)
        del self._open[valve]
        self._blasts.append(blast)
        self.air_open_s += blast.open_s

    def _blast(self, valve: int, at_ns: int, travel_mm: float) -> Blast:
        opening = self._open[valve]
        open_ns = at_ns - opening.at_ns
        share = (self._pressed(at_ns) - opening.pressure_ns) / open_ns if open_ns else 1.0
        speed_mm_per_ns = (travel_mm - opening.travel_mm) / open_ns if open_ns else 0.0
        return Blast(
            valve=valve,
            open_mm=opening.travel_mm,
            close_mm=travel_mm,
            over_mm=travel_mm + TAIL * self._settle_s * NS_PER_S * speed_mm_per_ns,
            open_s=open_ns / NS_PER_S,
            thrust_n=self._loss_n + share * (self.thrust_n - self._loss_n),
        )

    def impulse_on(
        self,
        outline_mm: Float64Array,
        *,
        now_ns: int,
        now_travel_mm: float,
        shades_mm: Sequence[Float64Array] = (),
    ) -> float:
        """Return the impulse on an item that has passed the bar, newton seconds.

        Args:
            outline_mm: (k, 2) x in the machine frame, y in the belt frame where it passed the bar.
            now_ns: present time, for valves still open.
            now_travel_mm: present belt travel.
            shades_mm: outlines of items that lie between the jets and this one, like `outline_mm`.
        """
        passing = outline_mm + np.array((0.0, self.distance_mm))
        low, high = passing.min(axis=0), passing.max(axis=0)
        span = self._map.span(low[0] - 3 * self._sd_mm, high[0] + 3 * self._sd_mm)
        if span is None:
            return 0.0
        spread_mm = 3 * self._sd_mm

        def reached(blast: Blast) -> bool:
            meets = blast.over_mm >= low[1] - spread_mm and blast.open_mm <= high[1] + spread_mm
            return bool(meets)

        blasts = [
            b
            for b in (*self._blasts, *(self._blast(v, now_ns, now_travel_mm) for v in self._open))
            if span.first <= b.valve <= span.last and reached(b)
        ]
        if not blasts:
            return 0.0
        return impulse_n_s(
            passing,
            jet_x_mm=np.array([self._map.centre_x_mm(b.valve) for b in blasts]),
            open_mm=np.array([b.open_mm for b in blasts]),
            close_mm=np.array([b.close_mm for b in blasts]),
            open_s=np.array([b.open_s for b in blasts]),
            thrust_n=np.array([b.thrust_n for b in blasts]),
            sd_mm=self._sd_mm,
            settle_s=self._settle_s,
            shades_mm=[shade + np.array((0.0, self.distance_mm)) for shade in shades_mm],
        )

    def forget_before(self, travel_mm: float) -> None:
        """Drop the memory of air that went before a belt travel."""
        while self._blasts and self._blasts[0].over_mm < travel_mm:
            self._blasts.popleft()
