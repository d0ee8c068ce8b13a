"""Everything on the belt as the tracker knows it after one frame."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.tracking.motion import BeltStates
from vision.types import Track

Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltScene:
    """Items and candidates between the camera and the last jet bar, struct of arrays over n.

    Attributes:
        tick: belt tick of the frame, fractional.
        travel_mm: belt travel at that tick.
        states: positions and slips, x in the machine frame, y in the belt frame.
        extent_mm: (2, n) width and length; lower bound of the length where `open_ended`.
        support_mm: (16, n) reach of the outline from the centre, see `vision/outline.py`.
        posterior: (6, n) class probabilities in the order of FRACTIONS.
        mass_g: (n,) estimated mass.
        mass_sd_g: (n,) its standard deviation.
        track_id: (n,) identity; 0 for a candidate that is not yet an item.
        views: (n,) detections fused.
        first_seq: (n,) frame of the first view.
        last_seq: (n,) frame of the last view.
        decided: (n,) the item has had its decision.
        open_ended: (n,) the upstream end has not come into view yet.
        bump_mm: how far everything in view jumped at this frame, x and y; None if it did not.
    """

    tick: float
    travel_mm: float
    states: BeltStates
    extent_mm: Float64Array
    support_mm: Float64Array
    posterior: Float64Array
    mass_g: Float64Array
    mass_sd_g: Float64Array
    track_id: Int64Array
    views: Int64Array
    first_seq: Int64Array
    last_seq: Int64Array
    decided: BoolArray
    open_ended: BoolArray
    bump_mm: tuple[float, float] | None = None

    def __len__(self) -> int:
        """Return the number of items and candidates."""
        return len(self.track_id)

    @property
    def lead_s_mm(self) -> Float64Array:
        """(n,) machine position of each item's downstream edge at `tick`."""
        ahead_mm = self.extent_mm[1] / 2 - self.states.position_mm[1]
        return np.asarray(self.travel_mm + ahead_mm, dtype=np.float64)

    def track(self, row: int) -> Track:
        """Return one item as a record of its own."""
        states = self.states
        x_mm, y_mm = states.position_mm[:, row].tolist()
        x_sd_mm, y_sd_mm = np.sqrt(states.position_var[:, row]).tolist()
        slip_x, slip_y = states.slip_mm_per_s[:, row].tolist()
        width_mm, length_mm = self.extent_mm[:, row].tolist()
        return Track(
            track_id=int(self.track_id[row]),
            x_mm=x_mm,
            y_mm=y_mm,
            x_sd_mm=x_sd_mm,
            y_sd_mm=y_sd_mm,
            slip_x_mm_per_s=slip_x,
            slip_y_mm_per_s=slip_y,
            width_mm=width_mm,
            length_mm=length_mm,
            posterior=tuple(self.posterior[:, row].tolist()),
            views=int(self.views[row]),
            tick=self.tick,
            first_seq=int(self.first_seq[row]),
            last_seq=int(self.last_seq[row]),
            mass_g=float(self.mass_g[row]),
            mass_sd_g=float(self.mass_sd_g[row]),
        )
