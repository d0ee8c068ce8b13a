"""How items move over the belt: lying still, plus slip that friction takes away.

Each axis is a Kalman filter on (position, slip). Slip is an Ornstein-Uhlenbeck process: it decays
with `slip_decay_s` and is driven so that its stationary spread is `slip_sd_mm_per_s`; the encoder
carries all motion of the belt itself (Bar-Shalom, Li, Kirubarajan: Estimation with Applications to
Tracking and Navigation, 2001, section 8.2.3, written for velocity instead of acceleration).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.tracker_config import TrackerConfig
from vision.tracking.table import TrackTable

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltStates:
    """Positions and slips with their spreads at one instant, struct of arrays.

    Attributes:
        position_mm: (2, n) x (machine frame) and y (belt frame).
        slip_mm_per_s: (2, n) velocity over the belt.
        position_var: (2, n) mm².
        cross_var: (2, n) covariance of position and slip, mm²/s.
        slip_var: (2, n) mm²/s².
    """

    position_mm: Float64Array
    slip_mm_per_s: Float64Array
    position_var: Float64Array
    cross_var: Float64Array
    slip_var: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Where and when item centres pass a line across the belt, struct of arrays over n items.

    Attributes:
        tick: (n,) belt tick of the passage, fractional.
        x_mm: (n,) lateral position there, machine frame.
        y_mm: (n,) belt coordinate there (slip included).
        x_sd_mm: (n,) standard deviation of x_mm.
        y_sd_mm: (n,) standard deviation of y_mm; divided by mm per tick it is that of the tick.
    """

    tick: Float64Array
    x_mm: Float64Array
    y_mm: Float64Array
    x_sd_mm: Float64Array
    y_sd_mm: Float64Array


def predict(table: TrackTable, dt_s: float, config: TrackerConfig, *, moving: bool) -> None:
    """Move every track of the table `dt_s` ahead, in place.

    Args:
        table: tracks, changed in place.
        dt_s: time passed.
        config: the motion model.
        moving: the belt moved; on a standing belt nothing drives the items.
    """
    decay = math.exp(-dt_s / config.slip_decay_s)
    reach = config.slip_decay_s * (1.0 - decay)
    drive = config.slip_sd_mm_per_s**2 * (1.0 - decay * decay) if moving else 0.0
    settle_var = config.settle_mm_per_sqrt_s**2 * dt_s if moving else 0.0
    slip, cross, slip_var = table.slip_mm_per_s, table.cross_var, table.slip_var
    table.position_mm[...] += reach * slip
    table.position_var[...] += (
        2.0 * reach * cross + reach * reach * slip_var + drive * reach * reach / 3.0 + settle_var
    )
    cross += reach * slip_var
    cross *= decay
    cross += drive * reach / 2.0
    slip_var *= decay * decay
    slip_var += drive
    slip *= decay


def correct(
    table: TrackTable,
    rows: npt.NDArray[np.intp],
    innovation_mm: Float64Array,
    noise_var: Float64Array,
) -> None:
    """Fuse one position measurement per row.

    Args:
        table: tracks, changed in place.
        rows: (m,) columns of the table, each at most once.
        innovation_mm: (2, m) measured minus predicted.
        noise_var: (2, m) variance of the measurement, mm²; infinite where nothing was measured.
    """
    position_var, cross, slip_var = table.position_var, table.cross_var, table.slip_var
    prior, prior_cross = position_var[:, rows], cross[:, rows]
    total = prior + noise_var
    gain, slip_gain = prior / total, prior_cross / total
    table.position_mm[:, rows] += gain * innovation_mm
    table.slip_mm_per_s[:, rows] += slip_gain * innovation_mm
    rest = 1.0 - gain
    position_var[:, rows] = rest * prior
    cross[:, rows] = rest * prior_cross
    slip_var[:, rows] -= slip_gain * prior_cross


def predict_arrival(
    states: BeltStates,
    *,
    tick: float,
    distance_mm: float | Float64Array,
    mm_per_tick: float,
    ticks_per_s: float,
    config: TrackerConfig,
) -> Arrival:
    """Predict when and where items pass s = `distance_mm`.

    Args:
        states: at belt tick `tick`.
        tick: fractional belt tick to which the states belong.
        distance_mm: machine position of the line, downstream of the reference line; (n,) where it
            differs from item to item.
        mm_per_tick: belt scale.
        ticks_per_s: belt speed; at or below zero the belt stands and slip is left out.
        config: the motion model.

    Returns:
        Means and spreads. The tick solves travel(tick) = y(tick) + distance, to first order in
        slip over belt speed (two fixed-point steps; slip is a few per cent of the belt speed).
    """
    y_mm = states.position_mm[1]
    travel_mm = tick * mm_per_tick
    speed_mm_per_s = ticks_per_s * mm_per_tick
    ahead_s = np.zeros_like(y_mm)
    reach = ahead_s
    if speed_mm_per_s > 1.0:
        arrival_y_mm = y_mm
        for _ in range(2):
            ahead_s = np.maximum((arrival_y_mm + distance_mm - travel_mm) / speed_mm_per_s, 0.0)
            reach = config.slip_decay_s * (1.0 - np.exp(-ahead_s / config.slip_decay_s))
            arrival_y_mm = y_mm + reach * states.slip_mm_per_s[1]
    place_mm = states.position_mm + reach * states.slip_mm_per_s
    drive = config.slip_sd_mm_per_s**2 * -np.expm1(-2.0 * ahead_s / config.slip_decay_s)
    spread_mm = np.sqrt(
        np.maximum(states.position_var + 2.0 * reach * states.cross_var, 0.0)
        + reach * reach * states.slip_var
        + drive * reach * reach / 3.0
        + config.settle_mm_per_sqrt_s**2 * ahead_s
    )
    return Arrival(
        tick=(place_mm[1] + distance_mm) / mm_per_tick,
        x_mm=place_mm[0],
        y_mm=place_mm[1],
        x_sd_mm=spread_mm[0],
        y_sd_mm=spread_mm[1],
    )
