"""Tags that a technician sticks onto the belt, and a block with one on its top."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.bench import Task, TaskKind
from calibration.board.printing import BELT_TAG_MM, BELT_TAGS
from calibration.board.spec import MARKER_CELLS
from twin.rig.photographs import Photographer, Placed
from twin.rig.prints import tag_print
from twin.rig.truth import RigTruth

_TURN_DEG: Final = 4.0
"""How square a single tag is stuck by eye."""
_BLOCK_X_SHARE, _BLOCK_S_MM = 0.25, -150.0
_HALF_MM: Final = BELT_TAG_MM / 2 + BELT_TAG_MM / MARKER_CELLS


@dataclass(frozen=True, slots=True, kw_only=True)
class _StuckTag:
    number: int
    x_mm: float
    y_mm: float
    turn_rad: float
    z_mm: float


class Props:
    """Lies on the belt and rides with it."""

    def __init__(self, truth: RigTruth, rng: np.random.Generator) -> None:
        """Begin with nothing on the belt."""
        self._truth, self._rng = truth, rng
        self._tags: tuple[_StuckTag, ...] = ()

    def lay(self, task: Task, travel_mm: float) -> None:
        """Stick tags, or lay the block, where a task says; the belt has travelled so far."""
        if task.kind is TaskKind.LAY_MARKERS:
            wanted = [(*place, 0.0) for place in task.places_mm]
        else:
            left, right = self._truth.across_mm
            x = left + _BLOCK_X_SHARE * (right - left)
            wanted = [(BELT_TAGS.start, x, _BLOCK_S_MM, task.value)]
        self._tags = tuple(
            _StuckTag(
                number=number,
                x_mm=x + self._rng.normal(0, self._truth.tape_sd_mm),
                y_mm=travel_mm - s - self._rng.normal(0, self._truth.tape_sd_mm),
                turn_rad=float(np.radians(self._rng.normal(0, _TURN_DEG))),
                z_mm=z,
            )
            for number, x, s, z in wanted
        )

    def clear(self) -> None:
        """Take everything off the belt."""
        self._tags = ()

    def seen_by(self, camera: Photographer, travel_mm: float) -> list[Placed]:
        """Return the tags as they lie before a camera."""
        placed = []
        for tag in self._tags:
            cos, sin = np.cos(tag.turn_rad), np.sin(tag.turn_rad)
            x = tag.x_mm - _HALF_MM * (cos - sin)
            s = travel_mm - tag.y_mm - _HALF_MM * (sin + cos)
            thing = tag_print(tag.number)
            placed.append(camera.on_belt(thing, float(x), float(s), tag.turn_rad, z_mm=tag.z_mm))
        return placed
