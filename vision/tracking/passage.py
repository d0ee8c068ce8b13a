"""Where and when one item passes a line, from nothing but where it was seen and when.

The same filter as the tracker's, as one pure function, so that recorded tracks can be scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vision.tracker_config import TrackerConfig
from vision.tracking.motion import BeltStates, correct, predict, predict_arrival
from vision.tracking.table import TrackTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """An item's predicted passage of a line across the belt.

    Attributes:
        at_s: time of the passage, on the clock of the observations.
        at_sd_s: its standard deviation.
        x_mm: lateral position there, machine frame.
        x_sd_mm: its standard deviation.
    """

    at_s: float
    at_sd_s: float
    x_mm: float
    x_sd_mm: float


def predict_passage(
    times_s: Sequence[float],
    x_mm: Sequence[float],
    s_mm: Sequence[float],
    *,
    distance_mm: float,
    speed_mm_per_s: float,
    config: TrackerConfig,
) -> Passage:
    """Predict the passage of a line from an item's observed positions.

    Args:
        times_s: (n,) times of the observations, ascending, at least one.
        x_mm: (n,) lateral positions of the item's centre, machine frame.
        s_mm: (n,) positions of its centre along the belt, machine frame.
        distance_mm: machine position of the line.
        speed_mm_per_s: belt speed, constant over the observations and the flight.
        config: noise and motion model.

    Raises:
        ValueError: there is no observation, the lengths differ, or the belt stands.
    """
    if not times_s or not len(times_s) == len(x_mm) == len(s_mm) or speed_mm_per_s <= 0:
        msg = "a passage needs observations of equal number and a belt that moves"
        raise ValueError(msg)
    table = TrackTable.empty()
    table.append(1)
    table.position_mm[:, 0] = x_mm[0], speed_mm_per_s * times_s[0] - s_mm[0]
    table.position_var[:, 0] = config.edge_sd_mm**2 / 2.0
    table.slip_var[:, 0] = config.slip_sd_mm_per_s**2
    row, noise_var = np.zeros(1, dtype=np.intp), np.full((2, 1), config.edge_sd_mm**2 / 2.0)
    for before_s, now_s, x, s in zip(times_s, times_s[1:], x_mm[1:], s_mm[1:], strict=False):
        predict(table, now_s - before_s, config, moving=True)
        seen = np.array([[x], [speed_mm_per_s * now_s - s]])
        correct(table, row, seen - table.position_mm, noise_var)
    arrival = predict_arrival(
        BeltStates(
            position_mm=table.position_mm,
            slip_mm_per_s=table.slip_mm_per_s,
            position_var=table.position_var,
            cross_var=table.cross_var,
            slip_var=table.slip_var,
        ),
        tick=speed_mm_per_s * times_s[-1],
        distance_mm=distance_mm,
        mm_per_tick=1.0,
        ticks_per_s=speed_mm_per_s,
        config=config,
    )
    return Passage(
        at_s=float(arrival.tick[0]) / speed_mm_per_s,
        at_sd_s=float(arrival.y_sd_mm[0]) / speed_mm_per_s,
        x_mm=float(arrival.x_mm[0]),
        x_sd_mm=float(arrival.x_sd_mm[0]),
    )
