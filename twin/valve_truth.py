"""What the valves of a bar truly are, hidden from the line: dead, slow, each with its own lags."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.config import AirConfig
from twin.items import Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveTruth:
    """Struct of arrays over the valves of a bar.

    Attributes:
        dead: (n,) bool, no air ever comes.
        open_lag_ms: (n,) mean time from switching on to air.
        close_lag_ms: (n,) mean time from switching off to the air gone.
    """

    dead: npt.NDArray[np.bool_]
    open_lag_ms: Float64Array
    close_lag_ms: Float64Array


def valve_seed(world_seed: int, station: int) -> tuple[int, ...]:
    """Return the seed of a station's valves."""
    return (world_seed, 2, station)


def draw_valves(
    config: AirConfig, count: int, seed: tuple[int, ...], rng: np.random.Generator | None = None
) -> ValveTruth:
    """Draw a bar's valves; the same seed gives the same valves, whoever asks.

    Args:
        config: shares of dead and slow valves, lags and their spread.
        count: valves of the bar.
        seed: from `valve_seed`.
        rng: freshly seeded with it, for who goes on drawing from it.
    """
    rng = rng or np.random.default_rng(seed)
    dead = rng.uniform(size=count) < config.dead_valve_share
    slow = rng.uniform(size=count) < config.slow_valve_share
    dead[[valve for valve in config.dead_valves if valve < count]] = True
    slow[[valve for valve in config.slow_valves if valve < count]] = True
    own = np.random.default_rng((*seed, 1)).normal(0.0, config.lag_spread_ms, size=(2, count))
    return ValveTruth(
        dead=dead,
        open_lag_ms=config.open_lag_ms + own[0] + slow * config.slow_valve_lag_ms,
        close_lag_ms=config.close_lag_ms + own[1],
    )
