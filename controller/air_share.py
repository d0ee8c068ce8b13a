"""How much of each item the air of every window on offer is expected to sweep."""

from typing import Final

import numpy as np
import numpy.typing as npt

from controller.by_catch import expected_overlap_mm
from controller.surroundings import Surroundings
from controller.window_options import WindowOptions
from vision.outline import chords_mm

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_REACH_SIGMA: Final = 2.0


def within_reach(row: int, options: WindowOptions, around: Surroundings) -> IntArray:
    """Return rows of items that the widest window could touch and that are not wanted here."""
    arrival, extent, timing = around.arrival, around.scene.extent_mm, around.timing
    left_mm, right_mm = timing.swept_x_mm(options.first, int(options.valves[-1]))
    first_tick = float(options.open_tick.min()) + timing.open_lag_tick
    last_tick = float(options.close_tick.max()) + timing.close_lag_tick
    reach_x = extent[0] / 2 + _REACH_SIGMA * arrival.x_sd_mm
    reach_tick = (extent[1] / 2 + _REACH_SIGMA * arrival.y_sd_mm) / timing.mm_per_tick
    touched = (
        (around.foreign > 0.0)
        & (arrival.x_mm + reach_x > left_mm)
        & (arrival.x_mm - reach_x < right_mm)
        & (arrival.tick + reach_tick > first_tick)
        & (arrival.tick - reach_tick < last_tick)
    )
    touched[row] = False
    return np.flatnonzero(touched)


def swept_mm2(rows: IntArray, options: WindowOptions, around: Surroundings) -> Float64Array:
    """Return (r, k, m) expected areas, mm², of the items that each window's air sweeps.

    Valve by valve: the length of the item's outline under it times the width of it that is there,
    both expected over where the item may be. Valves that do not blow sweep nothing.

    Args:
        rows: (r,) items.
        options: k spans of valves, m pairs of times.
        around: the belt.
    """
    timing, arrival = around.timing, around.arrival
    bar, support = timing.valve_map, around.scene.support_mm[:, rows]
    centre_x = np.asarray(bar.first_centre_x_mm + options.valves * bar.pitch_mm, np.float64)
    half_pitch = bar.pitch_mm / 2
    width_mm = expected_overlap_mm(
        centre_x[None, :] - half_pitch,
        centre_x[None, :] + half_pitch,
        arrival.x_mm[rows][:, None],
        around.scene.extent_mm[0, rows][:, None] / 2,
        arrival.x_sd_mm[rows][:, None],
    )
    silent = [int(valve) in timing.aim.silent for valve in options.valves]
    width_mm[:, silent] = 0.0
    half = support[len(support) // 2], support[0]
    offset = centre_x[None, :] - arrival.x_mm[rows][:, None]
    inside = np.clip(offset, -0.95 * half[0][:, None], 0.95 * half[1][:, None])
    low_mm, high_mm = chords_mm(support, inside)
    base_mm = arrival.tick[rows][:, None] * timing.mm_per_tick
    sd_mm = np.hypot(arrival.y_sd_mm[rows], timing.jitter_tick * timing.mm_per_tick)
    from_mm = np.asarray((options.open_tick + timing.open_lag_tick) * timing.mm_per_tick)
    until_mm = np.asarray((options.close_tick + timing.close_lag_tick) * timing.mm_per_tick)
    length_mm = expected_overlap_mm(
        from_mm[None],
        until_mm[None],
        (base_mm + (low_mm + high_mm) / 2)[:, :, None],
        ((high_mm - low_mm) / 2)[:, :, None],
        sd_mm[:, None, None],
    )
    swept = np.cumsum(width_mm[:, :, None] * length_mm, axis=1)
    swept = np.concatenate((np.zeros_like(swept[:, :1]), swept), axis=1)
    ends = options.spans - options.first
    return np.asarray(swept[:, ends[:, 1] + 1] - swept[:, ends[:, 0]], dtype=np.float64)
