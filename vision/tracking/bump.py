"""Notices that the camera was knocked: everything in view jumps at once, and in the same way.

One item may start to roll; that all of them jump together means that the camera moved over the
belt, or the encoder lost its hold of it. The jump must be told and not be taken for motion of the
items, since every later item would be placed wrong by as much without anything to show for it.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

_FEWEST_ITEMS: Final = 3
"""Items that must jump together. Two may touch and be pushed by one edge."""
_JUMP_MM: Final = 5.0
"""Jumps below this are within what the margins of a pulse cover, and within the reach of a box
that flickers by a detector's pixel."""
_LOOK_CLOSER_MM: Final = 2.0
"""Mean jumps below this are not looked at item by item."""
_USUAL_FRAMES: Final = 50
_FEWEST_FRAMES: Final = 15
"""Frames with enough items before what is usual is known, and anything is called unusual."""
_UNUSUAL: Final = 6.0
"""A jump is this many times the usual common error of a frame (four standard deviations of a normal
one). A coarse detector snaps all boxes to its grid together; that is no knock."""
_ALIKE_SHARE: Final = 0.4
"""Items' jumps may differ by this share of the common one (median deviation)."""
_TICK_SLACK_MM: Final = 3.0
"""Added along the belt while its speed changes: the clock fit lags, and with it every position."""
_STEADY_SHARE: Final = 0.01
"""Change of belt speed from frame to frame that still counts as steady."""


class BumpWatch:
    """Compares where items are with where they should be. One thread."""

    def __init__(self) -> None:
        """Start unmoved."""
        self._speed_mm_per_s: float | None = None
        self._usual_mm: deque[float] = deque(maxlen=_USUAL_FRAMES)

    def observe(
        self, innovation_mm: Float64Array, *, speed_mm_per_s: float
    ) -> tuple[float, float] | None:
        """Return how far everything jumped (x, y; mm) at this frame, None if it did not.

        Args:
            innovation_mm: (2, n) seen minus predicted positions of items seen whole several times.
            speed_mm_per_s: belt speed since the last frame.
        """
        before, self._speed_mm_per_s = self._speed_mm_per_s, speed_mm_per_s
        steady = before is not None and abs(speed_mm_per_s - before) <= _STEADY_SHARE * max(
            abs(before), 1.0
        )
        if innovation_mm.shape[1] < _FEWEST_ITEMS:
            return None
        common_mm = float(np.abs(innovation_mm.mean(axis=1)).max())
        known = len(self._usual_mm) >= _FEWEST_FRAMES
        usual_mm = float(np.median(self._usual_mm)) if known else np.inf
        self._usual_mm.append(common_mm)
        if common_mm < max(_LOOK_CLOSER_MM, _UNUSUAL * usual_mm):
            return None
        jump = np.median(innovation_mm, axis=1)
        apart = np.median(np.hypot(*(innovation_mm - jump[:, None])))
        limit = np.array([_JUMP_MM, _JUMP_MM if steady else _JUMP_MM + _TICK_SLACK_MM])
        size = float(np.hypot(*jump))
        if not (np.abs(jump) > limit).any() or float(apart) > _ALIKE_SHARE * size:
            return None
        return float(jump[0]), float(jump[1])
