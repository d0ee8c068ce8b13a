"""What one station has to consider when it plans: the belt, and where everything will pass."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controller.jet_window import StationTiming
from controller.step import LineStatus
from vision.tracking.motion import Arrival
from vision.tracking.scene import BeltScene

Float64Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one station has to consider in one step.

    Attributes:
        timing: the station at the present belt speed.
        scene: the belt.
        arrival: of the scene's items at the station.
        foreign: (n,) what a gram of an item costs when it leaves here without being wanted here:
            its probability to be unwanted times the recipe's cost; 0 for items on their way here.
        suspects: rows that no jet may come near.
        status: the line now.
    """

    timing: StationTiming
    scene: BeltScene
    arrival: Arrival
    foreign: Float64Array
    suspects: IntArray
    status: LineStatus
