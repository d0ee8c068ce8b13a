"""The world beside the line: items fall onto the belt, ride it, are blown off it, end in bins.

It moves only when it is advanced, and everything in it is a function of belt travel and of the
valves' switching times; who advances it how often does not matter.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration.units import MonotonicNs
from controller.stations import JetBarConfig, StationConfig
from twin.air import FLAT_CATCH, ROUND_CATCH, lift_mm, needed_lift_mm
from twin.belt_items import BeltItems
from twin.bins import Bins, Fate
from twin.config import TwinConfig
from twin.feed import Feed
from twin.items import ItemCatalogue
from twin.jet_bar import JetBar
from twin.wiring import ValveEdge
from vision.types import FRACTIONS, Fraction

SETTLE_MM = 120.0
"""An item's passage of a bar is judged this much belt travel after its end has passed: by then
every valve edge that could matter has been told, even over a pipe from another process."""

TOUCH_N_S = 2e-4
"""An impulse from which an item counts as touched by a jet: a tenth of a millisecond of one jet."""

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
            stations: the line's jet bars; geometry only, lags come from `config.air`.
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
            first_y_mm=-self._entry_s_mm,
            seed=config.seed,
        )
        self._bars = tuple(
            JetBar(
                config=config.air,
                nozzle_mm=station.nozzle_mm,
                valve_map=station.valve_map,
                distance_mm=station.distance_mm,
                seed=(config.seed, 2, index),
            )
            for index, station in enumerate(stations)
            if isinstance(station, JetBarConfig)
        )
        # Behind the last bar comes the belt's end; what gets there falls into the residue.
        self._marks_mm = np.array([b.distance_mm for b in self._bars] + [self._end_mm()])
        self._items = BeltItems.of((), entry_s_mm=self._entry_s_mm)
        self._reach_mm = np.empty(0)
        self._next_mark = np.empty(0, dtype=np.int64)
        self._jetted = np.empty(0, dtype=np.bool_)
        self._now_ns = 0
        self.travel_mm = 0.0
        """Belt travel at the last advance."""
        self.speed_mm_per_s = 0.0
        """Belt speed at the last advance."""
        self.bins = Bins(len(self._bars))

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
        self._bars[edge.station].switch(valve=edge.valve, opened=edge.opened, at_ns=edge.at_ns)

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
        new = BeltItems.of(fed, entry_s_mm=self._entry_s_mm)
        self._items = self._items.joined(new)
        # An item's end passes a mark at the latest when its slip has run its whole way.
        last_y_mm = (
            new.y_mm + np.maximum(new.slip_mm[:, 1], 0.0) + new.outline_mm[:, :, 1].max(axis=1)
        )
        self._reach_mm = np.concatenate((self._reach_mm, last_y_mm + SETTLE_MM))
        self._next_mark = np.concatenate((self._next_mark, np.zeros(len(new), dtype=np.int64)))
        self._jetted = np.concatenate((self._jetted, np.zeros(len(new), dtype=np.bool_)))

    def _settle(self) -> tuple[Fate, ...]:
        """Judge every item that is well past its next mark."""
        fates: list[Fate] = []
        while True:
            due = self._reach_mm + self._marks_mm[self._next_mark] <= self.travel_mm
            if not due.any():
                return tuple(fates)
            gone = np.zeros(len(self._items), dtype=np.bool_)
            for index in np.flatnonzero(due).tolist():
                mark = int(self._next_mark[index])
                self._next_mark[index] += 1
                if mark == len(self._bars):
                    gone[index] = True
                    fates.append(self._end(index, self.bins.residue))
                elif self._blown_off(index, mark):
                    gone[index] = True
                    fates.append(self._end(index, mark))
            self._drop(gone)

    def _blown_off(self, index: int, station: int) -> bool:
        bar, items = self._bars[station], self._items
        passing_mm = float(items.y_mm[index]) + bar.distance_mm
        impulse = bar.impulse_on(
            items.outline_at_mm(index, passing_mm),
            now_ns=self._now_ns,
            now_travel_mm=self.travel_mm,
        ) * (ROUND_CATCH if items.rolls[index] else FLAT_CATCH)
        if impulse <= TOUCH_N_S:
            return False
        self._jetted[index] = True
        air = self.config.air
        flight_s = min(
            air.splitter_distance_mm / max(self.speed_mm_per_s, 1.0), air.longest_flight_ms * 1e-3
        )
        lift = lift_mm(
            impulse,
            mass_g=float(items.mass_g[index]),
            area_mm2=float(items.area_mm2[index]),
            flight_s=flight_s,
        )
        needed = needed_lift_mm(splitter_rise_mm=air.splitter_rise_mm, flight_s=flight_s)
        return bool(lift >= needed)

    def _end(self, index: int, bin_index: int) -> Fate:
        fate = Fate(
            item_id=int(self._items.item_id[index]),
            fraction=FRACTIONS[int(self._items.fraction[index])],
            mass_g=float(self._items.mass_g[index]),
            bin_index=bin_index,
            jetted=bool(self._jetted[index]),
        )
        self.bins.add(fate)
        return fate

    def _drop(self, gone: npt.NDArray[np.bool_]) -> None:
        if gone.any():
            self._items = self._items.chosen(~gone)
            self._reach_mm = self._reach_mm[~gone]
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
