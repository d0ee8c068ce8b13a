"""Chooses the jet window for one item: as wide as its neighbours and the hazards allow.

Each of the window's four sides is tried with the full margin, half of it, none, and moved into the
item. The sides are independent, so the expected overlap with a neighbour is a product of one term
in x and one in y, and all combinations are weighed at once.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.by_catch import (
    catch_probability,
    expected_overlap_mm,
    neighbour_share,
    target_share,
)
from controller.config import LimitsConfig, RecipeConfig
from controller.hazard import PLANNING_SIGMA, near
from controller.jet_window import JetWindow, StationTiming
from controller.step import LineStatus
from controller.types import DecisionReason
from vision.tracking.motion import Arrival
from vision.tracking.scene import BeltScene

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_LEVELS: Final = ((1.0, 0.0), (0.5, 0.0), (0.0, 0.0), (0.0, 0.15), (0.0, 0.3), (0.0, 0.4))
"""How far a side of the window may go: share of its margin outwards, or share of the item's
extent inwards."""
_SMALLEST_RATIO: Final = 1e-3
"""By-catch ratio that a recipe's zero means: expectations are never exactly zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one station has to consider in one step.

    Attributes:
        timing: the station at the present belt speed.
        scene: the belt.
        arrival: of the scene's items at the station.
        foreign: (n,) probability that an item passes the station and is not wanted there.
        suspects: rows that no jet may come near.
        status: the line now.
    """

    timing: StationTiming
    scene: BeltScene
    arrival: Arrival
    foreign: Float64Array
    suspects: IntArray
    status: LineStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    """Windows to choose from: k combinations in x, m in time, the widest of each first."""

    valves: tuple[tuple[int, int], ...]
    ticks: tuple[tuple[int, int], ...]
    x_mm: Float64Array
    y_mm: Float64Array
    """(k, 2) and (m, 2) bounds of the air on the belt: x machine frame, y belt frame."""


def fit_window(
    row: int,
    around: Surroundings,
    recipe: RecipeConfig,
    limits: LimitsConfig,
    *,
    may_be_hazardous: bool,
) -> JetWindow | DecisionReason:
    """Choose the window for one item.

    Args:
        row: the item, in the scene.
        around: its neighbours and the station.
        recipe: margins, keep-out and by-catch limit.
        limits: command lead.
        may_be_hazardous: the item itself is exempt from the keep-out (soft diverter).

    Returns:
        The window, or why there is none: OFF_BAR, TOO_LATE, NEAR_HAZARD or BY_CATCH.
    """
    options = _options(row, around, recipe, limits)
    if isinstance(options, DecisionReason):
        return options
    suspects = around.suspects
    if may_be_hazardous:
        suspects = suspects[suspects != row]
    allowed = _clear_of_hazards(options, around, suspects, recipe)
    if not allowed.any():
        return DecisionReason.NEAR_HAZARD
    neighbours = _within_reach(row, options, around)
    if not len(neighbours):
        return _window(options, int(allowed.argmax()))
    value = _expected_value(row, neighbours, options, around, recipe)
    value[~allowed] = -math.inf
    best = int(value.argmax())
    return _window(options, best) if value.flat[best] > 0.0 else DecisionReason.BY_CATCH


def _window(options: _Options, flat: int) -> JetWindow:
    at_x, at_y = divmod(flat, len(options.ticks))
    (first, last), (open_tick, close_tick) = options.valves[at_x], options.ticks[at_y]
    return JetWindow(first=first, last=last, open_tick=open_tick, close_tick=close_tick)


def _options(
    row: int, around: Surroundings, recipe: RecipeConfig, limits: LimitsConfig
) -> _Options | DecisionReason:
    valves = _valve_options(row, around, recipe)
    if not valves:
        return DecisionReason.OFF_BAR
    ticks = _tick_options(row, around, recipe, limits)
    if not ticks:
        return DecisionReason.TOO_LATE
    timing = around.timing
    return _Options(
        valves=valves,
        ticks=ticks,
        x_mm=np.array([timing.swept_x_mm(first, last) for first, last in valves]),
        y_mm=np.array([timing.swept_y_mm(start, end) for start, end in ticks]),
    )


def _valve_options(
    row: int, around: Surroundings, recipe: RecipeConfig
) -> tuple[tuple[int, int], ...]:
    """Return spans of valves whose centres lie in the windows; the nearest one if there is none."""
    bar = around.timing.valve_map
    x_mm = float(around.arrival.x_mm[row])
    width_mm = float(around.scene.extent_mm[0, row])
    margin_mm = recipe.side_margin_mm + float(around.arrival.x_sd_mm[row])
    first_mm, pitch_mm = bar.first_centre_x_mm, bar.pitch_mm
    left_edge_mm = first_mm - pitch_mm / 2
    if not left_edge_mm <= x_mm <= left_edge_mm + bar.count * pitch_mm:
        return ()
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
    if not around.timing.aim.silent:
        return tuple(spans)
    # Valves that blow stand in for silent ones beside them where that is worth its by-catch.
    widened = (around.timing.covering(a, b) for a, b in spans)
    return tuple(dict.fromkeys((*widened, *spans)))


def _tick_options(
    row: int, around: Surroundings, recipe: RecipeConfig, limits: LimitsConfig
) -> tuple[tuple[int, int], ...]:
    """Return open and close ticks that can still be met; none if the item's edge comes too soon."""
    timing, status, per_ms = around.timing, around.status, around.timing.ticks_per_ms
    centre_tick = float(around.arrival.tick[row])
    half_tick = float(around.scene.extent_mm[1, row]) / 2 / timing.mm_per_tick
    spread_tick = math.hypot(
        float(around.arrival.y_sd_mm[row]) / timing.mm_per_tick,
        status.tick_sd,
        timing.jitter_tick,
    )
    lead_tick = centre_tick - half_tick - timing.open_lag_tick
    trail_tick = centre_tick + half_tick - timing.close_lag_tick
    earliest = math.ceil(status.now_tick + limits.command_lead_ms * per_ms)
    lead_margin = recipe.lead_margin_ms * per_ms + spread_tick
    trail_margin = recipe.trail_margin_ms * per_ms + spread_tick
    insets = [(m, 2.0 * half_tick * inset) for m, inset in _LEVELS]
    opens = [max(math.floor(lead_tick - m * lead_margin + i), earliest) for m, i in insets]
    closes = [math.ceil(trail_tick + m * trail_margin - i) for m, i in insets]
    if earliest > lead_tick:
        return ()
    pairs = ((a, b) for a in dict.fromkeys(opens) for b in dict.fromkeys(closes))
    return tuple(
        dict.fromkeys(_long_enough(a, b, earliest, timing.min_open_tick) for a, b in pairs)
    )


def _long_enough(open_tick: int, close_tick: int, earliest: int, min_tick: int) -> tuple[int, int]:
    lacking = min_tick - (close_tick - open_tick)
    if lacking <= 0:
        return open_tick, close_tick
    start = max(open_tick - lacking // 2, earliest)
    return start, start + min_tick


def _clear_of_hazards(
    options: _Options, around: Surroundings, suspects: IntArray, recipe: RecipeConfig
) -> BoolArray:
    """Return (k, m) bool: windows that keep clear of every suspect."""
    shape = (len(options.valves), len(options.ticks))
    if not len(suspects):
        return np.ones(shape, dtype=np.bool_)
    timing = around.timing
    # Half the pause between pulses is added: two windows united over a shorter pause blow there.
    slack_mm = timing.mm_per_tick * (
        PLANNING_SIGMA * timing.jitter_tick + timing.rest_tick / 2 + 1.0
    )
    clear_mm = recipe.hazard_keep_out_mm
    near_x, near_y = near(
        options.x_mm,
        options.y_mm + np.array([-slack_mm, slack_mm]),
        around.arrival,
        around.scene.extent_mm,
        suspects,
        keep_out_mm=clear_mm,
        sigma=PLANNING_SIGMA,
    )
    return np.asarray(~np.any(near_x[:, None, :] & near_y[None, :, :], axis=2))


def _within_reach(row: int, options: _Options, around: Surroundings) -> IntArray:
    """Return rows of items that the widest window could touch and that are not wanted here."""
    arrival, extent = around.arrival, around.scene.extent_mm
    reach_x = extent[0] / 2 + 2.0 * arrival.x_sd_mm
    reach_y = extent[1] / 2 + 2.0 * arrival.y_sd_mm
    touched = (
        (around.foreign > 0.0)
        & (arrival.x_mm + reach_x > options.x_mm[:, 0].min())
        & (arrival.x_mm - reach_x < options.x_mm[:, 1].max())
        & (arrival.y_mm + reach_y > options.y_mm[:, 0].min())
        & (arrival.y_mm - reach_y < options.y_mm[:, 1].max())
    )
    touched[row] = False
    return np.flatnonzero(touched)


def _expected_value(
    row: int,
    neighbours: IntArray,
    options: _Options,
    around: Surroundings,
    recipe: RecipeConfig,
) -> Float64Array:
    """Return (k, m) expected target mass minus what the expected by-catch costs, g.

    By-catch weighs 1 / max_by_catch_ratio, so that the value is negative exactly where expected
    by-catch over expected target mass exceeds the recipe's limit.
    """
    rows = np.concatenate(([row], neighbours))
    arrival, scene, timing = around.arrival, around.scene, around.timing
    half = scene.extent_mm[:, rows] / 2
    jitter_mm = timing.jitter_tick * timing.mm_per_tick
    y_sd = np.hypot(arrival.y_sd_mm[rows], jitter_mm)
    x_low, x_high = options.x_mm[:, :1], options.x_mm[:, 1:]
    y_low, y_high = options.y_mm[:, :1], options.y_mm[:, 1:]
    in_x = expected_overlap_mm(x_low, x_high, arrival.x_mm[rows], half[0], arrival.x_sd_mm[rows])
    in_y = expected_overlap_mm(y_low, y_high, arrival.y_mm[rows], half[1], y_sd)
    in_x -= _without_air_mm(options, timing, arrival, rows, half[0])
    share_x, share_y = in_x / (2.0 * half[0]), in_y / (2.0 * half[1])
    mass_g, area_mm2 = scene.mass_g[rows], 4.0 * half[0] * half[1]
    speed_mm_per_s = timing.ticks_per_ms * 1000.0 * timing.mm_per_tick
    lifted = timing.aim.lifted_g_per_cm_s
    needed = neighbour_share(mass_g, area_mm2, speed_mm_per_s, lifted)
    needed[0] = target_share(mass_g[:1], area_mm2[:1], speed_mm_per_s, lifted)[0]
    caught_g = catch_probability(share_x[:, None, :] * share_y[None, :, :], needed) * mass_g
    cost = around.foreign[neighbours] / max(recipe.max_by_catch_ratio, _SMALLEST_RATIO)
    return np.asarray(caught_g[..., 0] - caught_g[..., 1:] @ cost, dtype=np.float64)


def _without_air_mm(
    options: _Options,
    timing: StationTiming,
    arrival: Arrival,
    rows: IntArray,
    half_mm: Float64Array,
) -> Float64Array:
    """Return (k, r) expected lengths of the items under the silent valves of each span."""
    lengths = np.zeros((len(options.valves), len(rows)))
    if timing.aim.silent:
        for at, (first, last) in enumerate(options.valves):
            for low_mm, high_mm in timing.silent_cells_mm(first, last):
                bounds = np.array([[low_mm], [high_mm]])
                lengths[at] += expected_overlap_mm(
                    bounds[:1], bounds[1:], arrival.x_mm[rows], half_mm, arrival.x_sd_mm[rows]
                )[0]
    return lengths
