"""How a camera's view is lit, as it is kept with a calibration: evenness and colour."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from calibration.belt_plane import Float64Array

GRID: Final = (12, 24)
"""Rows and columns of the image that each have a gain."""
LARGEST_GAIN: Final = 3.0
"""A view that is darker somewhere than a third of its brightest is a lamp to mend, not a gain."""


@dataclass(frozen=True, kw_only=True)
class LightField:
    """Gains that make a grey card look grey all over.

    Attributes:
        gain: (12, 24) of each part of the image, 1 at the brightest.
        white_balance: of blue, green and red; green is 1.
    """

    gain: Float64Array
    white_balance: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Check and make read-only.

        Raises:
            ValueError: another shape, or gains that no lamp and lens make.
        """
        gain = np.array(self.gain, dtype=np.float64)
        if gain.shape != GRID or len(self.white_balance) != len("BGR"):
            msg = f"light gains must have shape {GRID} and three colours, got {gain.shape}"
            raise ValueError(msg)
        every = np.array([*gain.ravel(), *self.white_balance])
        if not (np.isfinite(every).all() and (every > 1 / LARGEST_GAIN).all()):
            msg = "light gains must be positive numbers"
            raise ValueError(msg)
        if float(every.max()) > LARGEST_GAIN:
            msg = f"a light gain of {every.max():.1f}, {LARGEST_GAIN:g} may be"
            raise ValueError(msg)
        gain.setflags(write=False)
        object.__setattr__(self, "gain", gain)

    def to_json(self) -> dict[str, Any]:
        """Return the field as JSON values."""
        return {"gain": self.gain.tolist(), "white_balance": list(self.white_balance)}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "LightField":
        """Return the field that JSON values hold.

        Raises:
            KeyError: incomplete.
            ValueError: makes no sense.
        """
        blue, green, red = (float(value) for value in body["white_balance"])
        return cls(gain=np.array(body["gain"]), white_balance=(blue, green, red))
