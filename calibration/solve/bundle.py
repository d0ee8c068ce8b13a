"""Bundle adjustment: lens, hand-held poses, belt plane, layings, direction and scale of travel.

All corners of all photographs are explained at once. What the board shows of the lens when held by
hand and what it shows of the belt when it rides through the view hold each other: belt views alone
cannot tell focal length from height, hand-held views alone say nothing of the belt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.board.spec import Float64Array
from calibration.solve.views import BeltView, BoardView, project, rotations

LENS: Final = 9
_POSE: Final = 6
_LAYING: Final = 3
_HUBER_PX: Final = 0.3
_EXPECTED_PX: Final = 0.1
"""Usual scatter of a corner, which weighs corners against the priors."""
_PRIOR_SD: Final = np.array([1.0, 1.0, 0.02, 0.02, 0.5])
"""Wide normal priors on distortion: machine-vision lenses bend by less (k1 of a 90 degree lens is
about -0.3). They only keep what a set of views does not show from running away."""
_STEP: Final = 1e-6
_FIRST_DAMPING: Final = 1e-4
_LARGEST_DAMPING: Final = 1e8
_MOST_STEPS: Final = 30
_SMALL_GAIN: Final = 1e-6
_SLACK_TICK: Final = 1 / 12**0.5
"""Standard deviation of where within its tick a standing belt is."""
_CORNER_FLOOR_PX: Final = 0.02
"""No corner is known better, however well the views agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleStart:
    """First guesses of all parameters.

    Attributes:
        lens: (9,) parameters.
        held_poses: (h, 6).
        belt_pose: (6,) of the board in the reference laying at the reference tick.
        layings: (l, 3) turn (rad), x and y (mm) of each laying in the frame of the reference one,
            taken back to the reference tick; row 0 is zero and stays so.
        turn_rad: of the belt's direction from the board's y axis, positive to the right.
        mm_per_tick: belt travel per tick.
        slack_mm: (v,) how much farther than its whole ticks say the belt stood at each belt view.
    """

    lens: Float64Array
    held_poses: Float64Array
    belt_pose: Float64Array
    layings: Float64Array
    turn_rad: float
    mm_per_tick: float
    slack_mm: Float64Array


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleResult:
    """All parameters with their covariance.

    Attributes:
        values: as in `BundleStart`.
        covariance: (18, 18) of lens, belt pose, turn, mm per tick and the first view's slack.
        belt_residuals: (n, 2) px of the belt views' corners, in the order of the views.
        corner_sd_px: how well a corner is found, one axis.
    """

    values: BundleStart
    covariance: Float64Array
    belt_residuals: Float64Array
    corner_sd_px: float


def adjust(held: Sequence[BoardView], belt: Sequence[BeltView], start: BundleStart) -> BundleResult:
    """Find the parameters that explain all corners best; outliers weigh less (Huber)."""
    problem = _Problem(held, belt, len(start.layings), belt[0].tick)
    vector = _minimise(problem, problem.pack(start))
    jacobian = problem.jacobian(vector)
    residuals = problem.residuals(vector)
    pixels = residuals[: 2 * problem.points]
    spare = max(1, len(pixels) - len(vector))
    # Huber's point of view of the spread, from the middle half of the residuals.
    sd = 1.4826 * float(np.median(np.abs(pixels))) * (len(pixels) / spare) ** 0.5
    sd = max(sd, _CORNER_FLOOR_PX)
    scaled = jacobian.copy()
    scaled[: 2 * problem.points] /= sd
    covariance = np.asarray(np.linalg.pinv(scaled.T @ scaled, hermitian=True), dtype=np.float64)
    keep = problem.belt_columns()
    return BundleResult(
        values=problem.unpack(vector),
        covariance=covariance[np.ix_(keep, keep)],
        belt_residuals=pixels.reshape(-1, 2)[problem.held_points :],
        corner_sd_px=sd,
    )


def _minimise(problem: "_Problem", vector: Float64Array) -> Float64Array:
    """Levenberg and Marquardt's method on the normal equations, corners weighted by Huber's law."""
    damping = _FIRST_DAMPING
    residuals = problem.residuals(vector)
    for _ in range(_MOST_STEPS):
        weights = problem.weights(residuals)
        jacobian = problem.jacobian(vector)
        weighted = jacobian * weights[:, None]
        normal, gradient = weighted.T @ jacobian, weighted.T @ residuals
        cost = float(weights @ residuals**2)
        gain = -1.0
        while gain < 0 and damping < _LARGEST_DAMPING:
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -gradient)
            tried = problem.residuals(vector + step)
            gain = cost - float(weights @ tried**2)
            if gain >= 0:
                vector, residuals = vector + step, tried
            damping *= 0.1 if gain >= 0 else 10.0
        if gain < _SMALL_GAIN * cost:
            break
    return vector


class _Problem:
    def __init__(
        self,
        held: Sequence[BoardView],
        belt: Sequence[BeltView],
        layings: int,
        reference_tick: float,
    ) -> None:
        self._held, self._layings = len(held), layings
        self._held_mm = np.concatenate([v.board_mm for v in held])
        self._held_of = np.repeat(np.arange(len(held)), [len(v) for v in held])
        self._belt_mm = np.concatenate([v.view.board_mm for v in belt])
        counts = [len(v.view) for v in belt]
        self._laying_of = np.repeat([v.laying for v in belt], counts)
        self._ticks = np.repeat([v.tick - reference_tick for v in belt], counts)
        self._view_of, self._views = np.repeat(np.arange(len(belt)), counts), len(belt)
        self._seen = np.concatenate(
            [v.corners_px for v in held] + [v.view.corners_px for v in belt]
        )
        self.held_points, self.points = len(self._held_mm), len(self._seen)
        self._belt_at = LENS + _POSE * self._held
        self._layings_at = self._belt_at + _POSE
        self._turn_at = self._layings_at + _LAYING * (layings - 1)
        self._slack_at = self._turn_at + 2
        self._size = self._slack_at + len(belt)
        self._scale = max(1.0, float(np.abs(self._ticks).max()))

    def pack(self, start: BundleStart) -> Float64Array:
        return np.concatenate(
            (
                start.lens,
                start.held_poses.ravel(),
                start.belt_pose,
                start.layings[1:].ravel(),
                [start.turn_rad, start.mm_per_tick],
                start.slack_mm,
            )
        )

    def unpack(self, vector: Float64Array) -> BundleStart:
        moved = vector[self._layings_at : self._turn_at].reshape(-1, _LAYING)
        return BundleStart(
            lens=vector[:LENS],
            held_poses=vector[LENS : self._belt_at].reshape(-1, _POSE),
            belt_pose=vector[self._belt_at : self._layings_at],
            layings=np.concatenate((np.zeros((1, _LAYING)), moved)),
            turn_rad=float(vector[self._turn_at]),
            mm_per_tick=float(vector[self._turn_at + 1]),
            slack_mm=vector[self._slack_at :],
        )

    def belt_columns(self) -> npt.NDArray[np.intp]:
        return np.concatenate(
            (
                np.arange(LENS),
                np.arange(self._belt_at, self._layings_at),
                [self._turn_at, self._turn_at + 1, self._slack_at],
            )
        )

    def residuals(self, vector: Float64Array) -> Float64Array:
        values = self.unpack(vector)
        bends = values.lens[4:] / _PRIOR_SD
        slack = values.slack_mm / (_SLACK_TICK * abs(values.mm_per_tick))
        return np.concatenate(((self._projected(values) - self._seen).ravel(), bends, slack))

    def weights(self, residuals: Float64Array) -> Float64Array:
        """Return each residual's weight; a corner's two go together."""
        sizes = np.hypot(*residuals[: 2 * self.points].reshape(-1, 2).T)
        corner = np.minimum(1.0, _HUBER_PX / np.maximum(sizes, 1e-12))
        weights = np.ones(len(residuals))
        weights[: 2 * self.points] = np.repeat(corner, 2) / _EXPECTED_PX**2
        return weights

    def _projected(self, values: BundleStart) -> Float64Array:
        turns = rotations(values.held_poses[:, :3])[self._held_of]
        held = np.einsum("nij,nj->ni", turns[:, :, :2], self._held_mm)
        held += values.held_poses[self._held_of, 3:]
        turn = rotations(values.belt_pose[None, :3])[0]
        belt = self._on_belt(values) @ turn[:, :2].T + values.belt_pose[3:]
        return project(values.lens, np.concatenate((held, belt)))

    def _on_belt(self, values: BundleStart) -> Float64Array:
        """Return the belt corners in the frame of the reference laying, mm."""
        angle, x, y = values.layings[self._laying_of].T
        travel = values.mm_per_tick * self._ticks + values.slack_mm[self._view_of]
        across, along = self._belt_mm.T
        return np.column_stack(
            (
                np.cos(angle) * across
                - np.sin(angle) * along
                + x
                + np.sin(values.turn_rad) * travel,
                np.sin(angle) * across
                + np.cos(angle) * along
                + y
                + np.cos(values.turn_rad) * travel,
            )
        )

    def jacobian(self, vector: Float64Array) -> Float64Array:
        """Differentiate; hand-held poses touch their own corners only and are stepped together."""
        base = self.residuals(vector)
        matrix = np.zeros((len(base), self._size))
        for axis in range(_POSE):
            columns = LENS + axis + _POSE * np.arange(self._held)
            steps = _STEP * np.maximum(1.0, np.abs(vector[columns]))
            moved = vector.copy()
            moved[columns] += steps
            change = (self.residuals(moved) - base)[: 2 * self.held_points].reshape(-1, 2)
            rows = 2 * np.arange(self.held_points)
            own = columns[self._held_of]
            matrix[rows, own] = change[:, 0] / steps[self._held_of]
            matrix[rows + 1, own] = change[:, 1] / steps[self._held_of]
        self._step_slack(matrix, vector, base)
        for column in (*range(LENS), *range(self._belt_at, self._slack_at)):
            step = _STEP * max(1.0, abs(vector[column]))
            if column == self._turn_at + 1:
                step = _STEP / self._scale * 100.0
            moved = vector.copy()
            moved[column] += step
            matrix[:, column] = (self.residuals(moved) - base) / step
        return matrix

    def _step_slack(self, matrix: Float64Array, vector: Float64Array, base: Float64Array) -> None:
        """Differentiate by every view's slack at once: each moves its own corners only."""
        moved = vector.copy()
        moved[self._slack_at :] += _STEP
        change = (self.residuals(moved) - base) / _STEP
        rows = 2 * np.arange(self.held_points, self.points)
        own = self._slack_at + self._view_of
        matrix[rows, own] = change[rows]
        matrix[rows + 1, own] = change[rows + 1]
        priors = len(base) - self._views + np.arange(self._views)
        matrix[priors, self._slack_at + np.arange(self._views)] = change[priors]
