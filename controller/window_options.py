"""The jet windows that one item may get: which valves, and when each of them opens and closes.

Air follows the item's outline: every valve has its own ticks, from where the outline begins under
it to where it ends. Each of the window's four sides is tried with the full margin, half of it,
none, and moved into the item; the first valve, the last one and the times combine freely.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.config import LimitsConfig, RecipeConfig
from controller.surroundings import Surroundings
from controller.types import DecisionReason
from vision.outline import chords_mm

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_LEVELS: Final = ((1.0, 0.0), (0.5, 0.0), (0.0, 0.0), (0.0, 0.15), (0.0, 0.3), (0.0, 0.4))
"""How far a side of the window may go: share of its margin outwards, or share of the item's
extent inwards."""
_MARGINS: Final = np.array([margin for margin, _ in _LEVELS])
_INSETS: Final = np.array([inset for _, inset in _LEVELS])
_CELL_PLACES: Final = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
"""Cuts across one valve's cell, in pitches, of which the widest counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowOptions:
    """Windows to choose from: k spans of valves, m pairs of times, the widest of each first.

    Attributes:
        first: first valve of the v valves considered.
        spans: (k, 2) valves, both included.
        open_tick: (v, m) when each valve opens.
        close_tick: (v, m) when it closes.
    """

    first: int
    spans: IntArray
    open_tick: IntArray
    close_tick: IntArray

    @property
    def valves(self) -> IntArray:
        """(v,) the valves considered."""
        return np.arange(self.first, self.first + len(self.open_tick))


def options_for(
    row: int, around: Surroundings, recipe: RecipeConfig, limits: LimitsConfig
) -> WindowOptions | DecisionReason:
    """Return the windows for one item, or why there is none: OFF_BAR or TOO_LATE."""
    spans = _spans(row, around, recipe)
    if not len(spans):
        return DecisionReason.OFF_BAR
    first, last = int(spans[:, 0].min()), int(spans[:, 1].max())
    times = _times(row, np.arange(first, last + 1), around, recipe, limits)
    if times is None:
        return DecisionReason.TOO_LATE
    return WindowOptions(first=first, spans=spans, open_tick=times[0], close_tick=times[1])


def _spans(row: int, around: Surroundings, recipe: RecipeConfig) -> IntArray:
    """Return spans of valves whose centres lie in the windows; the nearest one if there is none."""
    bar = around.timing.valve_map
    x_mm = float(around.arrival.x_mm[row])
    margin_mm = recipe.side_margin_mm + float(around.arrival.x_sd_mm[row])
    width_mm = float(around.scene.extent_mm[0, row])
    first_mm, pitch_mm = bar.first_centre_x_mm, bar.pitch_mm
    left_edge_mm = first_mm - pitch_mm / 2
    if not left_edge_mm <= x_mm <= left_edge_mm + bar.count * pitch_mm:
        return np.empty((0, 2), dtype=np.int64)
    nearest = min(max(round((x_mm - first_mm) / pitch_mm), 0), bar.count - 1)
    reaches = [width_mm / 2 + m * margin_mm - inset * width_mm for m, inset in _LEVELS]
    firsts = [
        min(max(math.ceil((x_mm - reach - first_mm) / pitch_mm), 0), nearest) for reach in reaches
    ]
    lasts = [
        max(min(math.floor((x_mm + reach - first_mm) / pitch_mm), bar.count - 1), nearest)
        for reach in reaches
    ]
    spans = [(a, b) for a in dict.fromkeys(firsts) for b in dict.fromkeys(lasts)]
    if around.timing.aim.silent:
        # Valves that blow stand in for silent ones beside them where that is worth its by-catch.
        widened = (around.timing.covering(a, b) for a, b in spans)
        spans = list(dict.fromkeys((*widened, *spans)))
    return np.array(spans, dtype=np.int64)


def _times(
    row: int,
    valves: IntArray,
    around: Surroundings,
    recipe: RecipeConfig,
    limits: LimitsConfig,
) -> tuple[IntArray, IntArray] | None:
    """Return (v, m) open and close ticks that can still be met; None if the item comes too soon."""
    timing, status, per_ms = around.timing, around.status, around.timing.ticks_per_ms
    lead_tick, trail_tick = _chord_ticks(row, valves, around)
    earliest = math.ceil(status.now_tick + limits.command_lead_ms * per_ms)
    if earliest > float(lead_tick.min()) - timing.open_lag_tick:
        return None
    spread_tick = math.hypot(
        float(around.arrival.y_sd_mm[row]) / timing.mm_per_tick,
        status.tick_sd,
        timing.jitter_tick,
    )
    margins = (
        recipe.lead_margin_ms * per_ms + spread_tick,
        recipe.trail_margin_ms * per_ms + spread_tick,
    )
    length = (trail_tick - lead_tick)[:, None]
    opens = lead_tick[:, None] - timing.open_lag_tick - _MARGINS * margins[0] + _INSETS * length
    closes = trail_tick[:, None] - timing.close_lag_tick + _MARGINS * margins[1] - _INSETS * length
    opened = np.maximum(np.floor(opens), earliest)[:, :, None]
    closed = np.ceil(closes)[:, None, :]
    opened, closed = np.broadcast_arrays(opened, closed)
    lacking = np.maximum(timing.min_open_tick - (closed - opened), 0.0)
    start = np.where(lacking > 0, np.maximum(opened - np.floor(lacking / 2), earliest), opened)
    end = np.where(lacking > 0, start + timing.min_open_tick, closed)
    shape = (len(valves), -1)
    return start.astype(np.int64).reshape(shape), end.astype(np.int64).reshape(shape)


def _chord_ticks(
    row: int, valves: IntArray, around: Surroundings
) -> tuple[Float64Array, Float64Array]:
    """Return (v,) ticks at which the item's outline begins and ends to pass each valve.

    A valve beside the outline, in the margin, blows as the outermost one over it does.
    """
    bar, arrival = around.timing.valve_map, around.arrival
    centre_mm = bar.first_centre_x_mm + valves * bar.pitch_mm - float(arrival.x_mm[row])
    cuts_mm = (centre_mm[:, None] + _CELL_PLACES * bar.pitch_mm).ravel()
    support = around.scene.support_mm[:, row : row + 1]
    half = support[0, 0], support[len(support) // 2, 0]
    inside = np.clip(cuts_mm, -half[1] * 0.98, half[0] * 0.98)
    low, high = chords_mm(support, inside[None, :])
    low_mm = low.reshape(-1, len(_CELL_PLACES)).min(axis=1)
    high_mm = high.reshape(-1, len(_CELL_PLACES)).max(axis=1)
    tick = float(arrival.tick[row])
    return tick + low_mm / around.timing.mm_per_tick, tick + high_mm / around.timing.mm_per_tick
