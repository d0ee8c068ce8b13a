"""How a technician lays and holds things: near enough to what was asked, never exactly."""

from typing import Final

import numpy as np

from calibration.bench import Task
from calibration.board.spec import BoardSpec
from calibration.procedures.places import reference_place
from calibration.solve.coverage import GRID
from calibration.solve.views import rotations
from twin.rig.photographs import Placed
from twin.rig.prints import STRIP_MM, board_print, board_rim_mm
from twin.rig.truth import RigTruth

_NEAREST_SHARE, _FARTHEST_SHARE = 0.45, 0.8
"""Of the image's width that the board spans when it is held up."""
_ROUGHLY_MM: Final = 8.0
"""Where nothing has to be measured."""
_LAY_TURN_DEG: Final = 0.6
"""How well a board's edge is laid along a belt's edge by eye."""


def held_board(truth: RigTruth, spec: BoardSpec, task: Task, rng: np.random.Generator) -> Placed:
    """Hold the board where the guide says, tilted as it says."""
    width, height = truth.image_size_px
    row, column = task.cell
    share = rng.uniform(_NEAREST_SHARE, _FARTHEST_SHARE)
    depth = truth.lens.focal_px[0] * spec.size_mm[0] / (share * width)
    # Far enough inside that most of the board stays in view.
    u = np.clip((column + 0.5) / GRID[1], 0.22, 0.78) + rng.normal(0, 0.03)
    v = np.clip((row + 0.5) / GRID[0], 0.3, 0.7) + rng.normal(0, 0.03)
    (fx, fy), (cx, cy) = truth.lens.focal_px, truth.lens.centre_px
    centre = depth * np.array([(u * width - cx) / fx, (v * height - cy) / fy, 1.0])
    tilt = np.radians(rng.normal(0, 4, 3))
    if task.side is not None:
        angle = np.radians(rng.uniform(20, 38))
        tilt[:2] += angle * np.array(((0, -1), (0, 1), (1, 0), (-1, 0))[task.side])
    # Camera axes are x right, y down; a print's y points up and its face towards the camera.
    turn = rotations(tilt[None])[0] @ np.diag((1.0, -1.0, -1.0))
    thing = board_print(spec, truth.print_scale)
    corner = centre - turn @ np.array([*thing.size_mm, 0.0]) / 2
    return Placed(thing=thing, turn=turn, shift_mm=corner)


def laid_board(
    truth: RigTruth, spec: BoardSpec, task: Task, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Lay the board; returns x, s and turn of its sheet's lower left corner."""
    left_mm, right_mm = truth.across_mm
    place = reference_place(spec, left_mm)
    free_mm = right_mm - left_mm - 2 * (place.x_mm - left_mm) - spec.size_mm[0]
    sd = truth.place_sd_mm if task.lane == 0 and not task.places_mm else _ROUGHLY_MM
    x, s = place.x_mm + task.lane * free_mm, place.s_mm
    if task.places_mm:
        ((_, x, s),) = task.places_mm
    x, s = x + rng.normal(0, sd), s + rng.normal(0, sd)
    turn = float(np.radians(rng.normal(0, _LAY_TURN_DEG)))
    rim = board_rim_mm(spec) * truth.print_scale
    cos, sin = np.cos(turn), np.sin(turn)
    return x - rim * (cos - sin), s - rim * (sin + cos), turn


def laid_strip(truth: RigTruth, rng: np.random.Generator) -> tuple[float, float, float]:
    """Lay the test strip across the belt in the middle of the view."""
    x = (sum(truth.across_mm) - STRIP_MM[0]) / 2 + rng.normal(0, 10)
    s = -STRIP_MM[1] / 2 + rng.normal(0, 15)
    return float(x), float(s), float(np.radians(rng.normal(0, 1.0)))
