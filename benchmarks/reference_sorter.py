"""A conventional optical sorter on the twin's world, to hold the world against published laws.

It names every item that shows enough of itself, predicts where it passes the bar, and opens the
valves over it for a fixed window. It weighs no by-catch: the laws are of machines that do not.
"""

import dataclasses
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from calibration.units import NS_PER_S, BeltTick, MonotonicNs
from controller.stations import JetBarConfig
from twin.belt_items import BeltItems
from twin.bins import Bins
from twin.config import TwinConfig
from twin.heap import visible_shares
from twin.items import Float64Array, ItemCatalogue
from twin.wiring import ValveEdge
from twin.world import World
from vision.types import FRACTIONS, Fraction

TARGET, REJECT = Fraction.PLASTIC, Fraction.OTHER
"""What the machine blows off, and what else lies on its belt; names of the feed only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A sorter of the kind that the laws were measured on.

    Attributes:
        bar: its jets.
        lead_s: the window opens this long before an item's edge.
        trail_s: and closes this long after its other edge.
        open_s: fixed length of the window around the item's centre; None takes the item's own.
        side_mm: added on both sides of an item.
        min_visible: share of an item that must show for it to be named.
        tracks: it predicts with an item's own velocity, not the belt's.
        step_s: time between two looks.
    """

    bar: JetBarConfig
    lead_s: float
    trail_s: float
    open_s: float | None
    side_mm: float
    min_visible: float
    tracks: bool
    step_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """What a trial came to, by mass.

    Attributes:
        target_yield: share of the targets that was blown off (true positive rate).
        kept_share: share of everything else that stayed (true negative rate).
        purity: share of targets in what was blown off.
        product_kg_per_s: targets blown off.
        throughput_kg_per_s: everything.
        occupancy: share of the belt that was asked to be covered.
    """

    target_yield: float
    kept_share: float
    purity: float
    product_kg_per_s: float
    throughput_kg_per_s: float
    occupancy: float


class _Steady:
    def __init__(self, speed_mm_per_s: float) -> None:
        self._speed = speed_mm_per_s

    def travel_mm(self, at_ns: MonotonicNs) -> float:
        """Return the belt travel."""
        return self._speed * at_ns / NS_PER_S

    def speed_mm_per_s(self, at_ns: MonotonicNs) -> float:
        """Return the belt speed."""
        del at_ns
        return self._speed


@dataclass(slots=True)
class _Window:
    open_ns: int
    close_ns: int
    opened: bool = False


class _Trial:
    def __init__(
        self, machine: Machine, config: TwinConfig, catalogue: ItemCatalogue, items: int
    ) -> None:
        self._machine, self._config = machine, config
        self._speed = config.belt.speed_mm_per_s
        self.world = World(
            config=config,
            stations=(machine.bar,),
            catalogue=catalogue,
            drive=_Steady(self._speed),
            item_limit=items,
        )
        self._seen: set[int] = set()
        self._windows: dict[int, list[_Window]] = defaultdict(list)
        self._step_ns = round(machine.step_s * NS_PER_S)
        self._now_ns = 0

    def run(self) -> Sorted:
        while not self.world.exhausted:
            self._now_ns += self._step_ns
            self.world.advance(MonotonicNs(self._now_ns))
            self._look()
            self._switch()
        return self._score(self.world.bins)

    def _look(self) -> None:
        """Name what has come past the line of sight since the last look."""
        world = self.world
        reach_mm = 2.0 * self._speed * self._machine.step_s
        view = world.items_between(-400.0, reach_mm)
        if not len(view):
            return
        lead_mm = world.travel_mm - (
            view.origins_mm(world.travel_mm)[:, 1] + view.outline_mm[:, :, 1].min(axis=1)
        )
        fresh = (lead_mm >= 0.0) & ~np.isin(view.item_id, list(self._seen))
        if not fresh.any():
            return
        named = visible_shares(view, world.travel_mm) >= self._machine.min_visible
        target = view.fraction == FRACTIONS.index(TARGET)
        self._seen.update(view.item_id[fresh].tolist())
        self._seen.intersection_update(view.item_id.tolist())
        for index in np.flatnonzero(fresh & named & target).tolist():
            self._aim(view, index)

    def _aim(self, view: BeltItems, index: int) -> None:
        machine, bar = self._machine, self._machine.bar
        low, high = self._predicted_mm(view, index)
        span = bar.valve_map.span(low[0] - machine.side_mm, high[0] + machine.side_mm)
        if span is None:
            return
        enters_s, leaves_s = (low[1] / self._speed, high[1] / self._speed)
        if machine.open_s is not None:
            middle_s = (enters_s + leaves_s) / 2
            enters_s, leaves_s = middle_s - machine.open_s / 2, middle_s + machine.open_s / 2
        opens_s = enters_s - machine.lead_s - bar.valve_open_lag_ms * 1e-3
        closes_s = leaves_s + machine.trail_s - bar.valve_close_lag_ms * 1e-3
        for valve in range(span.first, span.last + 1):
            self._want(valve, round(opens_s * NS_PER_S), round(closes_s * NS_PER_S))

    def _predicted_mm(self, view: BeltItems, index: int) -> tuple[Float64Array, Float64Array]:
        """Return the lowest and highest (x, travel) at which the item passes the bar."""
        travel_mm = self.world.travel_mm
        outline = view.outline_at_mm(index, travel_mm)
        outline[:, 1] += self._machine.bar.distance_mm
        if self._machine.tracks:
            left = view.slip_left_mm(travel_mm)[index] / view.slip_decay_mm[index]
            outline += left * (outline[:, 1].mean() - travel_mm)
        return outline.min(axis=0), outline.max(axis=0)

    def _want(self, valve: int, open_ns: int, close_ns: int) -> None:
        for window in self._windows[valve]:
            if window.open_ns <= close_ns and open_ns <= window.close_ns:
                window.open_ns = min(window.open_ns, open_ns)
                window.close_ns = max(window.close_ns, close_ns)
                return
        self._windows[valve].append(_Window(open_ns, close_ns))

    def _switch(self) -> None:
        due_ns = self._now_ns + self._step_ns
        for valve, windows in self._windows.items():
            for window in windows:
                if not window.opened and window.open_ns <= due_ns:
                    self._edge(valve, window.open_ns, opened=True)
                    window.opened = True
                if window.opened and window.close_ns <= due_ns:
                    self._edge(valve, window.close_ns, opened=False)
            windows[:] = [w for w in windows if not (w.opened and w.close_ns <= due_ns)]

    def _edge(self, valve: int, at_ns: int, *, opened: bool) -> None:
        edge = ValveEdge(
            station=0, valve=valve, opened=opened, tick=BeltTick(0), at_ns=MonotonicNs(at_ns)
        )
        self.world.switch(edge)

    def _score(self, bins: Bins) -> Sorted:
        blown = {f: bins.mass_g(0, f) for f in FRACTIONS}
        kept = {f: bins.mass_g(bins.residue, f) for f in FRACTIONS}
        caught, strays = blown[TARGET], sum(blown.values()) - blown[TARGET]
        stayed = sum(kept.values()) - kept[TARGET]
        belt_s = self.world.travel_mm / self._speed
        return Sorted(
            target_yield=caught / (caught + kept[TARGET]),
            kept_share=stayed / (stayed + strays) if stayed + strays else 1.0,
            purity=caught / (caught + strays),
            product_kg_per_s=caught * 1e-3 / belt_s,
            throughput_kg_per_s=(sum(blown.values()) + sum(kept.values())) * 1e-3 / belt_s,
            occupancy=self._config.feed.occupancy,
        )


def sort(machine: Machine, config: TwinConfig, catalogue: ItemCatalogue, items: int) -> Sorted:
    """Feed some items past a machine and weigh what ended where."""
    return _Trial(machine, config, catalogue, items).run()


def with_dead_valves(config: TwinConfig, share: float) -> TwinConfig:
    """Return the world with a share of its valves dead."""
    air = config.air.model_copy(update={"dead_valve_share": share})
    return config.model_copy(update={"air": air})


def mean_of(trials: list[Sorted]) -> Sorted:
    """Return the mean of trials of one setting."""
    fields = [f.name for f in dataclasses.fields(Sorted)]
    return Sorted(**{name: float(np.mean([getattr(t, name) for t in trials])) for name in fields})
