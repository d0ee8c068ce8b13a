"""What calibration procedures need of the world: a camera over a belt, valves, and a person.

The twin, a plant and a folder of photographs each implement it; command line and HMI show the
tasks and drive the same procedures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from calibration.errors import CalibrationError
from calibration.units import MonotonicNs


class NoMorePhotographsError(CalibrationError):
    """A bench of photographs has shown all it has for a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photograph:
    """One exposure with where the encoder stood.

    Attributes:
        image: (height, width, 3) uint8 BGR, raw image frame.
        exposed_ns: middle of the exposure as the camera stamps it.
        tick: encoder count at that instant, fractional where it was interpolated.
        ticks_per_s: belt speed then.
    """

    image: npt.NDArray[np.uint8]
    exposed_ns: MonotonicNs
    tick: float
    ticks_per_s: float


class TaskKind(StrEnum):
    """What a person beside the belt is asked to do."""

    HOLD_BOARD = "hold_board"
    LAY_BOARD = "lay_board"
    LAY_STRIP = "lay_strip"
    RETURN_STRIP = "return_strip"
    CLEAR_BELT = "clear_belt"
    SET_SPEED = "set_speed"
    MARK_TRAVEL = "mark_travel"
    MEASURE_TRAVEL = "measure_travel"
    GREY_CARD = "grey_card"
    LAY_MARKERS = "lay_markers"
    LAY_BLOCK = "lay_block"
    SEND_WEIGHT = "send_weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing asked of the person.

    Attributes:
        kind: what, for programs.
        words: what, for people.
        cell: part of the image meant, (row, column) of a grid of 3 by 4; for HOLD_BOARD.
        side: edge of the board to bring nearer: 0 left, 1 right, 2 upper, 3 lower, None flat.
        lane: share of the belt's width, 0 left to 1 right, where to lay the thing.
        value: speed wanted in mm/s (SET_SPEED), height of the block in mm (LAY_BLOCK), mass in g
            (SEND_WEIGHT); zero otherwise.
        places_mm: where exactly to lay things, (number, x, s) in the machine frame: the middles of
            tags (LAY_MARKERS), or the pattern's lower left corner (LAY_BOARD, in place of lane).
    """

    kind: TaskKind
    words: str
    cell: tuple[int, int] = (1, 1)
    side: int | None = None
    lane: float = 0.0
    value: float = 0.0
    places_mm: tuple[tuple[int, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One valve to be fired while the belt runs.

    Attributes:
        station: index of the bar.
        valve: index on it.
        open_tick: switched on.
        close_tick: switched off.
    """

    station: int
    valve: int
    open_tick: int
    close_tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredShot:
    """What the PLC said of a shot.

    Attributes:
        shot: as asked for.
        open_tick: at which the valve was switched on.
        close_tick: at which it was switched off.
        ticks_per_s: belt speed between them.
    """

    shot: Shot
    open_tick: int
    close_tick: int
    ticks_per_s: float


class Bench(Protocol):
    """A line being calibrated. One thread; every call blocks until it is done.

    Every method raises `CalibrationError` where the device behind it fails.
    """

    @property
    def image_size_px(self) -> tuple[int, int]:
        """Width and height of the camera's images."""
        ...

    def ask(self, task: Task) -> float:
        """Have the person do something; returns the number they read off, 0 where none is asked."""
        ...

    def photograph(self) -> Photograph:
        """Expose once.

        Raises:
            NoMorePhotographsError: a bench of photographs has shown all it has for the task.
        """
        ...

    def jog(self, travel_mm: float) -> None:
        """Let the belt run for about `travel_mm` and stop."""
        ...

    def film(self, seconds: float) -> tuple[Photograph, ...]:
        """Photograph the belt standing, starting and running for `seconds`, then stop it."""
        ...

    def fire(self, shots: Sequence[Shot]) -> tuple[FiredShot, ...]:
        """Run the belt past the last shot and stop; returns the shots that were fired."""
        ...
