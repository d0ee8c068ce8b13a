"""Chooses jet windows for the items of one step together: as wide as worth it, as narrow as can be.

A window is worth the target mass it is expected to bring, less what the items blown off with it
cost, less its air. Windows of neighbouring targets meet over the same items: what one of them blows
off anyway costs the other nothing more. So windows are chosen in turn, each given the others, until
none changes; where two targets share a neighbour, choosing one by one would skip both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.air_share import swept_mm2, within_reach
from controller.by_catch import (
    catch_probability,
    median_mass_g,
    need_log_sd,
    neighbour_share,
    target_share,
)
from controller.config import LimitsConfig, RecipeConfig
from controller.hazard import PLANNING_SIGMA, near
from controller.jet_window import JetWindow
from controller.policy import SMALLEST_RATIO
from controller.staircase import staircase
from controller.surroundings import Surroundings
from controller.types import DecisionReason
from controller.window_options import WindowOptions, options_for
from vision.outline import area_mm2

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

_SMALLEST_AREA_MM2: Final = 1.0
_SAME_SHARE: Final = 1e-9
_STEP_MS: Final = 4.0
"""Valve-milliseconds of air for which no pulse of its own is worth it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An item that a window is sought for.

    Attributes:
        row: in the scene.
        exempt: it may be hazardous itself (soft diverter).
    """

    row: int
    exempt: bool


@dataclass(slots=True, kw_only=True)
class _Choice:
    """One target's windows with what each of them does; `best` is the one chosen, -1 for none."""

    options: WindowOptions
    allowed: BoolArray
    neighbours: IntArray
    needed: Float64Array
    """(r,) share of air with which each neighbour leaves as likely as not."""
    caught: Float64Array
    """(k, m) expected target mass less the price of air, g."""
    shares: Float64Array
    """(r, k, m) of the neighbours."""
    best: int = -1
    given: Float64Array | None = None
    """(r,) what the others swept when `best` was chosen; None before the first time."""


class WindowFit:
    """The windows of one station in one step. Used once."""

    def __init__(
        self,
        around: Surroundings,
        recipe: RecipeConfig,
        limits: LimitsConfig,
        swept: Float64Array,
    ) -> None:
        """Take the belt as the station sees it.

        Args:
            around: items and the station.
            recipe: margins, keep-out, by-catch limit and price of air.
            limits: command lead.
            swept: (n,) shares of the scene's items that pulses already sent will sweep.
        """
        self._around, self._recipe, self._limits = around, recipe, limits
        self._swept = swept.copy()
        scene = around.scene
        self._median_g = median_mass_g(scene.mass_g, scene.mass_sd_g)
        self._log_sd = need_log_sd(scene.mass_g, scene.mass_sd_g)
        ratio = max(recipe.max_by_catch_ratio, SMALLEST_RATIO)
        self._cost_g = around.foreign * scene.mass_g / ratio

    @property
    def swept(self) -> Float64Array:
        """(n,) shares of the items that pulses sent and windows chosen will sweep."""
        return self._swept

    def choose(
        self, wanted: Sequence[Wanted]
    ) -> tuple[tuple[JetWindow, ...] | DecisionReason, ...]:
        """Return for each item its windows, or why it gets none.

        Reasons are OFF_BAR, TOO_LATE, VALVE_DEAD, NEAR_HAZARD and BY_CATCH.
        """
        found = [self._prepare(item) for item in wanted]
        choices = [choice for choice in found if isinstance(choice, _Choice)]
        for _ in range(self._limits.planning_rounds if len(choices) > 1 else 1):
            changed = sum(self._improve(choice) for choice in choices)
            if not changed:
                break
        return tuple(self._answer(choice) for choice in found)

    def _prepare(self, wanted: Wanted) -> "_Choice | DecisionReason":
        around, row = self._around, wanted.row
        options = options_for(row, around, self._recipe, self._limits)
        if isinstance(options, DecisionReason):
            return options
        if around.timing.aim.silent.issuperset(options.valves.tolist()):
            return DecisionReason.VALVE_DEAD
        suspects = around.suspects
        if wanted.exempt:
            suspects = suspects[suspects != row]
        allowed = _clear_of_hazards(options, around, suspects, self._recipe)
        if not allowed.any():
            return DecisionReason.NEAR_HAZARD
        neighbours = within_reach(row, options, around)
        rows = np.concatenate(([row], neighbours))
        area = np.maximum(area_mm2(around.scene.support_mm[:, rows]), _SMALLEST_AREA_MM2)
        shares = np.minimum(swept_mm2(rows, options, around) / area[:, None, None], 1.0)
        for_target, for_others = self._needed(rows, area)
        caught = float(around.scene.mass_g[row]) * catch_probability(
            shares[0], for_target, self._log_sd[row]
        )
        air = _air_valve_s(options, around) * self._recipe.air_price_g_per_valve_s
        return _Choice(
            options=options,
            allowed=allowed,
            neighbours=neighbours,
            needed=for_others,
            caught=caught - air,
            shares=shares[1:],
        )

    def _needed(self, rows: IntArray, area: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return what share of air the first of some rows needs as target, the others to go too."""
        timing = self._around.timing
        speed_mm_per_s = timing.ticks_per_ms * 1000.0 * timing.mm_per_tick
        lifted, mass_g = timing.aim.lifted_g_per_cm_s, self._median_g[rows]
        return (
            target_share(mass_g[:1], area[:1], speed_mm_per_s, lifted),
            neighbour_share(mass_g[1:], area[1:], speed_mm_per_s, lifted),
        )

    def _improve(self, choice: _Choice) -> bool:
        """Choose the best window given all others; returns whether it is another one."""
        rows, before = choice.neighbours, choice.best
        others = self._swept[rows]
        if before >= 0:
            others = np.maximum(others - _flat(choice.shares, before), 0.0)
        if (
            choice.given is not None
            and np.abs(others - choice.given).max(initial=0.0) < _SAME_SHARE
        ):
            return False
        choice.given = self._swept[rows] = others
        if not len(rows):
            return self._take(choice, choice.caught.copy())
        needed = choice.needed[:, None, None]
        log_sd, swept = (a[rows][:, None, None] for a in (self._log_sd, self._swept))
        more = catch_probability(swept + choice.shares, needed, log_sd) - catch_probability(
            swept, needed, log_sd
        )
        value = choice.caught - np.tensordot(self._cost_g[rows], more, axes=1)
        return self._take(choice, np.asarray(value, dtype=np.float64))

    def _take(self, choice: _Choice, value: Float64Array) -> bool:
        """Take the best window if it is worth anything; returns whether it is another one."""
        before = choice.best
        value[~choice.allowed] = -math.inf
        best = int(value.argmax())
        choice.best = best if value.flat[best] > 0.0 else -1
        if choice.best >= 0:
            self._swept[choice.neighbours] += _flat(choice.shares, choice.best)
        return choice.best != before

    def _answer(self, choice: "_Choice | DecisionReason") -> tuple[JetWindow, ...] | DecisionReason:
        if isinstance(choice, DecisionReason):
            return choice
        if choice.best < 0:
            return DecisionReason.BY_CATCH
        options = choice.options
        span, times = divmod(choice.best, options.open_tick.shape[1])
        first, last = (int(valve) for valve in options.spans[span])
        rows = slice(first - options.first, last - options.first + 1)
        return staircase(
            first,
            options.open_tick[rows, times],
            options.close_tick[rows, times],
            slack_tick=_STEP_MS * self._around.timing.ticks_per_ms,
        )


def _flat(shares: Float64Array, best: int) -> Float64Array:
    span, times = divmod(best, shares.shape[2])
    return np.asarray(shares[:, span, times], dtype=np.float64)


def _air_valve_s(options: WindowOptions, around: Surroundings) -> Float64Array:
    """Return (k, m) valve-seconds that each window keeps valves open."""
    per_s = max(around.timing.ticks_per_ms * 1000.0, 1.0)
    total = np.cumsum(options.close_tick - options.open_tick, axis=0) / per_s
    total = np.concatenate((np.zeros_like(total[:1]), total))
    ends = options.spans - options.first
    return np.asarray(total[ends[:, 1] + 1] - total[ends[:, 0]], dtype=np.float64)


def _clear_of_hazards(
    options: WindowOptions, around: Surroundings, suspects: IntArray, recipe: RecipeConfig
) -> BoolArray:
    """Return (k, m) bool: windows that keep clear of every suspect, as if they were rectangles."""
    if not len(suspects):
        return np.ones((len(options.spans), options.open_tick.shape[1]), dtype=np.bool_)
    timing = around.timing
    # Half the pause between pulses is added: two windows united over a shorter pause blow there.
    slack_mm = timing.mm_per_tick * (
        PLANNING_SIGMA * timing.jitter_tick + timing.rest_tick / 2 + 1.0
    )
    opens, closes = options.open_tick.min(axis=0), options.close_tick.max(axis=0)
    y_mm = np.array([timing.swept_y_mm(int(a), int(b)) for a, b in zip(opens, closes, strict=True)])
    near_x, near_y = near(
        np.array([timing.swept_x_mm(int(a), int(b)) for a, b in options.spans]),
        y_mm + np.array([-slack_mm, slack_mm]),
        around.arrival,
        around.scene.extent_mm,
        suspects,
        keep_out_mm=recipe.hazard_keep_out_mm,
        sigma=PLANNING_SIGMA,
    )
    return np.asarray(~np.any(near_x[:, None, :] & near_y[None, :, :], axis=2))
