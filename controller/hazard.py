"""No jet near a hazardous item: the keep-out test, first sightings, and pulses sent too early.

Pulses go to the PLC at the decision and cannot be recalled, so safety rests on deciding with
everything known: an item is decided when its leading edge leaves the view, while all that its
pulse can sweep is in view behind it, and every item or candidate there that might be hazardous
counts, with a lower probability than the alarm needs. What still turns up later is reported.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from controller.jet_window import StationTiming
from controller.policy import NO_STATION, Wishes
from controller.step import HazardConflict
from plc.types import EjectionCommand
from vision.tracking.motion import Arrival
from vision.tracking.scene import BeltScene

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

PLANNING_SIGMA = 2.0
"""Spreads of position and valve lag added to the keep-out when a pulse is planned."""


def near(
    x_bounds_mm: Float64Array,
    y_bounds_mm: Float64Array,
    arrival: Arrival,
    extent_mm: Float64Array,
    rows: IntArray,
    *,
    keep_out_mm: float,
    sigma: float,
) -> tuple[BoolArray, BoolArray]:
    """Return which intervals come nearer than the keep-out to which items, axis by axis.

    A rectangle is too near an item where both its intervals are.

    Args:
        x_bounds_mm: (k, 2) lateral intervals, machine frame.
        y_bounds_mm: (m, 2) intervals along the belt, belt frame.
        arrival: predicted arrival of the scene's items at the station.
        extent_mm: (2, n) extents of the scene's items.
        rows: (r,) items to keep clear of.
        keep_out_mm: distance to keep, along each axis.
        sigma: spreads of the items' positions to add to it.

    Returns:
        (k, r) and (m, r) bool.
    """
    clear_x = extent_mm[0, rows] / 2 + keep_out_mm + sigma * arrival.x_sd_mm[rows]
    clear_y = extent_mm[1, rows] / 2 + keep_out_mm + sigma * arrival.y_sd_mm[rows]
    x, y = arrival.x_mm[rows], arrival.y_mm[rows]
    return (
        (x_bounds_mm[:, :1] < x + clear_x) & (x_bounds_mm[:, 1:] > x - clear_x),
        (y_bounds_mm[:, :1] < y + clear_y) & (y_bounds_mm[:, 1:] > y - clear_y),
    )


class HazardWatch:
    """Remembers which hazardous items were reported and which pulses met one. One thread."""

    def __init__(self, *, keep_out_mm: float) -> None:
        """Start with nothing seen."""
        self._keep_out_mm = keep_out_mm
        self._believed: set[int] = set()
        self._reported: set[HazardConflict] = set()

    @property
    def believed(self) -> frozenset[int]:
        """Items believed hazardous that are still on the belt."""
        return frozenset(self._believed)

    def latch(self, scene: BeltScene, wishes: Wishes) -> tuple[Wishes, tuple[int, ...]]:
        """Hold on to hazards once believed, whatever later views say.

        Returns:
            The wishes with every item ever believed hazardous kept off the jets, and the rows of
            those believed for the first time.
        """
        if not self._believed and not wishes.believed.any():
            return wishes, ()
        self._believed.intersection_update(scene.track_id.tolist())
        latched = np.isin(scene.track_id, np.fromiter(self._believed, dtype=np.int64))
        believed = wishes.believed | latched
        new = np.flatnonzero(believed & ~latched & (scene.track_id > 0))
        self._believed.update(scene.track_id[new].tolist())
        held = dataclasses.replace(
            wishes,
            station=np.where(believed, NO_STATION, wishes.station),
            believed=believed,
            suspect=wishes.suspect | believed,
        )
        return held, tuple(new.tolist())

    def believe(self, scene: BeltScene, wishes: Wishes, rows: Sequence[int]) -> Wishes:
        """Hold on to hazards that were to be diverted and could not be.

        Args:
            scene: the belt.
            wishes: what the recipe wants.
            rows: the items.

        Returns:
            The wishes with those items believed hazardous and left to nobody.
        """
        if not rows:
            return wishes
        chosen = np.zeros(len(scene), dtype=np.bool_)
        chosen[list(rows)] = True
        self._believed.update(scene.track_id[chosen].tolist())
        return dataclasses.replace(
            wishes,
            station=np.where(chosen, NO_STATION, wishes.station),
            believed=wishes.believed | chosen,
            suspect=wishes.suspect | chosen,
        )

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop items that were taken off the line."""
        self._believed.difference_update(track_ids)

    def conflicts(
        self,
        pulses: Sequence[EjectionCommand],
        timing: StationTiming,
        arrival: Arrival,
        scene: BeltScene,
        suspects: IntArray,
    ) -> tuple[HazardConflict, ...]:
        """Return pulses already sent, at one station, that come too near a suspect, once each.

        Args:
            pulses: sent and not yet closed, at least one.
            timing: of their station.
            arrival: of the scene's items at that station.
            scene: the belt.
            suspects: rows that jets must keep clear of.
        """
        near_x, near_y = near(
            np.array([timing.swept_x_mm(p.valves.first, p.valves.last) for p in pulses]),
            np.array(
                [
                    timing.swept_y_mm(p.open_tick, p.close_tick, timing.shift_tick(p.valves.first))
                    for p in pulses
                ]
            ),
            arrival,
            scene.extent_mm,
            suspects,
            keep_out_mm=self._keep_out_mm,
            sigma=0.0,
        )
        found = [
            HazardConflict(pulse_id=pulses[at].pulse_id, track_id=int(scene.track_id[suspects[m]]))
            for at, m in np.argwhere(near_x & near_y).tolist()
        ]
        new = [c for c in dict.fromkeys(found) if c.track_id > 0 and c not in self._reported]
        self._reported.update(new)
        return tuple(new)
