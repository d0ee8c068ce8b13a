"""What a procedure tells whoever watches it: words, how far it is, and what it sees."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.errors import ProcedureError


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something to draw over a photograph.

    Attributes:
        points_px: (n, 2) image frame.
        label: words beside it, may be empty.
        good: drawn as found (True) or as wanted (False).
        joined: as a closed outline instead of single points.
    """

    points_px: npt.NDArray[np.float64]
    label: str = ""
    good: bool = True
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a procedure as it is shown.

    Attributes:
        procedure: name of the procedure, as on the command line.
        words: what happens or what was found.
        share: how far the procedure is, 0 to 1.
        image: what the camera shows, None where nothing was photographed.
        marks: to draw over it.
        trouble: what has to be mended before it goes on, empty where all is well.
    """

    procedure: str
    words: str
    share: float
    image: npt.NDArray[np.uint8] | None = None
    marks: tuple[Mark, ...] = ()
    trouble: str = ""


Tell = Callable[[Step], None]
"""Shows a step; returns at once."""


def say_nothing(_: Step) -> None:
    """Show nobody anything."""


def comes_first(asking: str, needed: str) -> ProcedureError:
    """Return the error of a procedure that needs another's result."""
    return ProcedureError(
        f"{asking} cannot be calibrated before {needed}",
        f"calibrate {needed} first, or everything with the action all",
    )


def must_have_run(first_tick: float, last_tick: float) -> None:
    """Refuse a belt that was told to run and did not, by its encoder.

    Raises:
        ProcedureError: the encoder stood still or counted backwards.
    """
    counted = last_tick - first_tick
    if counted < -1:
        msg = f"the encoder counted {counted:+.0f} ticks while the belt ran downstream"
        raise ProcedureError(msg, "swap the encoder's channels A and B, or its sign in the PLC")
    if counted <= 1:
        msg = "the belt did not move, or the encoder counted nothing"
        raise ProcedureError(msg, "start the belt; check its drive and the encoder's coupling")
