"""The world beside the line: items fall onto the belt, ride it, are blown off it, end in bins.

It moves only when it is advanced, and everything in it is a function of belt travel and of the
valves' switching times; who advances it how often does not matter.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration.units import MonotonicNs
from controller.stations import BeltRequestConfig, JetBarConfig, StationConfig
from twin.belt_items import BeltItems
from twin.bins import Bins, Fate
from twin.config import TwinConfig
from twin.feed import Feed
from twin.heap import heap_of
from twin.items import HAZARDS, Float64Array, ItemCatalogue
from twin.jet_bar import JetBar
from twin.knocks import Knocks
from twin.passage import Passage, Verdict, judge
from twin.swing_plate import SwingPlate
from twin.valve_truth import valve_seed
from twin.wiring import ValveEdge
from vision.types import FRACTIONS, Fraction

SETTLE_MM = 120.0
"""An item's passage of a bar is judged this much belt travel after its end has passed: by then
every valve edge that could matter has been told, even over a pipe from another process."""

_LAMP = FRACTIONS.index(Fraction.MERCURY_LAMP)


class Drive(Protocol):
    """What the world needs of the belt drive."""

    def travel_mm(self, at_ns: MonotonicNs) -> float:
        """Return the belt travel at an instant not before the last command."""
        ...

    def speed_mm_per_s(self, at_ns: MonotonicNs) -> float:
        """Return the belt speed at an instant."""
        ...


class World:
    """Belt, items, jets and bins. Used from one thread."""

    def __init__(
        self,
        *,
        config: TwinConfig,
        stations: Sequence[StationConfig],
        catalogue: ItemCatalogue,
        drive: Drive,
        item_limit: int | None = None,
    ) -> None:
        """Set up an empty belt.

        Args:
            config: of the world.
            stations: of the line; a bar's geometry and nozzles, its lags come from `config.air`.
            catalogue: what falls onto the belt.
            drive: of the belt; whoever wires the world commands it.
            item_limit: the feed ends after this many items; None never ends it.

        Raises:
            ValueError: the feed's mix names no fraction that the catalogue has.
        """
        self.config, self.catalogue, self._drive = config, catalogue, drive
        self._limit = item_limit
        self._entry_s_mm = -config.camera.view_length_mm / 2 - config.feed.entry_margin_mm
        self._feed = Feed(
            config=config.feed,
            slip=config.slip,
            catalogue=catalogue,
            belt_width_mm=config.belt.width_mm,
            belt_speed_mm_per_s=config.belt.speed_mm_per_s,
            first_y_mm=-self._entry_s_mm,
            seed=config.seed,
        )
        self._bars = tuple(
            JetBar(
                config=config.air,
                index=index,
                nozzle_mm=station.nozzle_mm,
                valve_map=station.valve_map,
                distance_mm=station.distance_mm,
                seed=valve_seed(config.seed, index),
            )
            if isinstance(station, JetBarConfig)
            else SwingPlate(station, index=index)
            for index, station in enumerate(stations)
            if not isinstance(station, BeltRequestConfig)
        )
        self._by_station = {bar.index: bar for bar in self._bars}
        # Behind the last bar comes the belt's end; what gets there falls into the residue.
        self._marks_mm = np.array([b.distance_mm for b in self._bars] + [self._end_mm()])
        self._items = BeltItems.of((), entry_s_mm=self._entry_s_mm)
        self._knocks = Knocks()
        self._due_mm = np.empty(0)
        self._next_mark = np.empty(0, dtype=np.int64)
        self._jetted = np.empty(0, dtype=np.bool_)
        self._now_ns = 0
        self.travel_mm = 0.0
        """Belt travel at the last advance."""
        self.speed_mm_per_s = 0.0
        """Belt speed at the last advance."""
        self.bins = Bins(len(stations))

    def _end_mm(self) -> float:
        last_mm = max((b.distance_mm for b in self._bars), default=0.0)
        return last_mm + self.config.belt.run_out_mm

    @property
    def fed(self) -> int:
        """Number of items that have fallen onto the belt."""
        return self._feed.fed

    @property
    def exhausted(self) -> bool:
        """Whether the feed has ended and every item has reached a bin."""
        return self._limit is not None and self.bins.items >= self._limit

    @property
    def air_open_s(self) -> float:
        """Valve-seconds of air blown so far, all bars."""
        return sum(bar.air_open_s for bar in self._bars)

    def switch(self, edge: ValveEdge) -> None:
        """A valve output of the PLC switched. Edges may come late by less than SETTLE_MM."""
        self._by_station[edge.station].switch(
            valve=edge.valve, opened=edge.opened, at_ns=edge.at_ns
        )

    def advance(self, now_ns: MonotonicNs) -> tuple[Fate, ...]:
        """Move the world to an instant and return what reached a bin since the last call.

        Raises:
            ValueError: time would run backwards.
        """
        if now_ns < self._now_ns:
            msg = f"the world is at {self._now_ns} ns, it cannot go back to {now_ns} ns"
            raise ValueError(msg)
        self._now_ns = now_ns
        self.travel_mm = self._drive.travel_mm(now_ns)
        self.speed_mm_per_s = self._drive.speed_mm_per_s(now_ns)
        for bar in self._bars:
            bar.advance(now_ns, lambda at_ns: self._drive.travel_mm(MonotonicNs(at_ns)))
        self._take_fed()
        return self._settle()

    def _take_fed(self) -> None:
        fed = self._feed.items_until(self.travel_mm - self._entry_s_mm, self._limit)
        if not fed:
            return
        old, new = len(self._items), BeltItems.of(fed, entry_s_mm=self._entry_s_mm)
        self._items = self._items.joined(new)
        self._next_mark = np.concatenate((self._next_mark, np.zeros(len(new), dtype=np.int64)))
        self._jetted = np.concatenate((self._jetted, np.zeros(len(new), dtype=np.bool_)))
        self._due_mm = np.concatenate((self._due_mm, np.zeros(len(new))))
        rows = list(range(old, len(self._items)))
        self._set_due(rows)
        for row in rows:
            # What fell together meets as it would have, had the world looked after each fall.
            self._knocks.foresee(
                self._items,
                [row],
                from_mm=float(self._items.fed_travel_mm[row]),
                until_mm=self._past_bars_mm(),
            )

    def _past_bars_mm(self) -> Float64Array:
        """(n,) belt travel at which each item has passed the last bar, slip apart."""
        return self._items.y_mm + float(self._marks_mm[:-1].max(initial=0.0))

    def _set_due(self, rows: Sequence[int]) -> None:
        """Work out at which belt travel items are well past their next mark."""
        chosen = self._items.chosen(np.array(rows, dtype=np.int64))
        passing_mm = chosen.passing_mm(self._marks_mm[self._next_mark[rows]])
        self._due_mm[rows] = passing_mm + chosen.outline_mm[:, :, 1].max(axis=1) + SETTLE_MM

    def _settle(self) -> tuple[Fate, ...]:
        """Let happen, in order of belt travel, what the belt has come past: knocks and marks."""
        fates: list[Fate] = []
        while len(self._items):
            index = int(self._due_mm.argmin())
            due_mm, knock_mm = float(self._due_mm[index]), self._knocks.next_mm
            if min(due_mm, knock_mm) > self.travel_mm:
                break
            if knock_mm <= due_mm:
                self._items, moved = self._knocks.carry_out(self._items, self._past_bars_mm())
                if moved:
                    self._set_due(moved)
            else:
                fates += self._pass(index)
        return tuple(fates)

    def _pass(self, index: int) -> list[Fate]:
        """Judge an item at its next mark, and with it those that lie on or under it."""
        mark = int(self._next_mark[index])
        if mark == len(self._bars):
            fates = [self._end(index, self.bins.residue)]
            self._drop(np.arange(len(self._items)) == index)
            return fates
        bar = self._bars[mark]
        passing_mm = self._items.passing_mm(np.full(len(self._items), bar.distance_mm))
        heap = heap_of(self._items, index, float(passing_mm[index]))
        heap = [row for row in heap if self._next_mark[row] == mark]
        last_mm = float(self._due_mm[heap].max())
        if last_mm > self._due_mm[index]:
            # Every valve edge that could matter to the heap's last item has not been told yet.
            self._due_mm[index] = last_mm
            return []
        verdicts = self._verdicts(bar, heap, passing_mm)
        gone = np.zeros(len(self._items), dtype=np.bool_)
        fates = []
        for row, verdict in zip(heap, verdicts, strict=True):
            self._next_mark[row] += 1
            self._jetted[row] |= verdict.touched
            if verdict.cleared:
                gone[row] = True
                fates.append(self._end(row, bar.index))
        self._set_due(heap)
        self._drop(gone)
        return fates

    def _verdicts(
        self, bar: JetBar | SwingPlate, heap: Sequence[int], passing_mm: Float64Array
    ) -> tuple[Verdict, ...]:
        if isinstance(bar, SwingPlate):
            return bar.judge(
                self._items, heap, passing_mm=passing_mm, speed_mm_per_s=self.speed_mm_per_s
            )
        passage = Passage(
            passing_mm=passing_mm,
            now_ns=self._now_ns,
            now_travel_mm=self.travel_mm,
            speed_mm_per_s=self.speed_mm_per_s,
        )
        return judge(self._items, heap, bar, passage, self.config)

    def _end(self, index: int, bin_index: int) -> Fate:
        fate = Fate(
            item_id=int(self._items.item_id[index]),
            fraction=FRACTIONS[int(self._items.fraction[index])],
            mass_g=float(self._items.mass_g[index]),
            bin_index=bin_index,
            jetted=bool(self._jetted[index]),
            hazard=HAZARDS[int(self._items.hazard[index])]
            if self._items.hazard[index] >= 0
            else None,
        )
        self.bins.add(fate)
        return fate

    def _drop(self, gone: npt.NDArray[np.bool_]) -> None:
        if gone.any():
            self._knocks.forget(self._items.item_id[gone])
            self._items = self._items.chosen(~gone)
            self._due_mm = self._due_mm[~gone]
            self._next_mark, self._jetted = self._next_mark[~gone], self._jetted[~gone]
        oldest_y_mm = float(self._items.y_mm.min()) - 1000.0 if len(self._items) else self.travel_mm
        for bar in self._bars:
            bar.forget_before(oldest_y_mm + bar.distance_mm - 2000.0)

    def items_between(self, s_min_mm: float, s_max_mm: float) -> BeltItems:
        """Return the items of which any part may lie in a stretch beside the belt, now."""
        s_mm = self.travel_mm - self._items.origins_mm(self.travel_mm)[:, 1]
        reach_mm = self._items.radius_mm
        return self._items.chosen((s_mm + reach_mm >= s_min_mm) & (s_mm - reach_mm <= s_max_mm))

    def pick_lamps(self, s_min_mm: float) -> tuple[Fate, ...]:
        """An operator takes every lamp downstream of a position off the standing belt."""
        s_mm = self.travel_mm - self._items.origins_mm(self.travel_mm)[:, 1]
        gone = (self._items.fraction == _LAMP) & (s_mm >= s_min_mm)
        fates = tuple(self._end(int(i), self.bins.removed) for i in np.flatnonzero(gone))
        self._drop(gone)
        return fates
