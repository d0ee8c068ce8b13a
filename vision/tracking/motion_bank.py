"""Several motions that an item may follow along one axis, filtered side by side.

Nobody tells the function that predicts arrivals whether an item lies still, slides, rolls or
bounces, nor how noisy its positions are. So every hypothesis gets a Kalman filter of its own, all
of them advanced together, and the probability of what was observed under each of them says how
far to believe it (static multiple-model estimation; Bar-Shalom, Li, Kirubarajan: Estimation with
Applications to Tracking and Navigation, 2001, section 11.6.2).
"""

import itertools
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

_NOISE_LEVELS: Final = (0.7, 1.0, 1.5)
"""Measurement noise of the hypotheses, times the noise estimated from the track."""
_DRIVES: Final = (0.3, 3.0, 30.0, 300.0, 3e3)
"""White-noise acceleration, mm²/s³: an item that glides smoothly up to one that rattles. Published
fits of belt and chute sorters reach 9.4e3 to 9.4e4 for free flight of tumbling grain."""
_ACCELERATIONS: Final = (150.0, 600.0)
"""Spread of a steady acceleration, mm/s²: rolling friction takes some 50 to 150 (0.005 to 0.015
of gravity), sliding friction in its last moments more."""
_RELAXATIONS: Final = ((0.12, 60.0), (0.5, 60.0), (0.5, 15.0))
"""(time constant s, spread of first slip mm/s) of items that friction brings to rest."""
_WOBBLES: Final = (2.0, 5.0)
"""Spread of a wandering centre, times the noise: an item that turns shows another outline, and its
middle sways about the point that moves steadily."""
_WOBBLE_DECAY_S: Final = 0.015
"""How long the centre stays off to one side: a quarter turn of an item of 20 mm at 1 m/s."""
_LOOSE_SPEED_SD: Final = 400.0
"""Spread of the first speed where little is known about it, mm/s."""
_HUBER_SIGMA: Final = 3.0
"""From this many standard deviations an innovation counts no further: a single bad position."""
_GLIDE: Final = 0.3
_SETTLED_SLIP_SD: Final = 4.0
"""Slip, mm/s, of an item that lies still but for the belt's own unevenness."""
_LEAST_VAR: Final = 1e-9
_POSITION, _SPEED, _ACCELERATION, _WOBBLE = range(4)
_STATES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypotheses:
    """The motions tried, struct of arrays over b hypotheses.

    Attributes:
        noise_var: (b,) variance of one position, mm².
        drive: (b,) white-noise acceleration, mm²/s³.
        speed_sd: (b,) spread of the first speed, mm/s.
        acceleration_sd: (b,) spread of a steady acceleration, mm/s²; 0 for none.
        decay_s: (b,) time constant with which speed goes to `rest_speed`; infinite for never.
        rest_speed: (b,) mm/s, speed that friction brings the item to.
        first_speed: (b,) mm/s, mean of the first speed.
        wobble_sd: (b,) mm, spread of the seen centre about the one that moves; 0 for none.
    """

    noise_var: Float64Array
    drive: Float64Array
    speed_sd: Float64Array
    acceleration_sd: Float64Array
    decay_s: Float64Array
    rest_speed: Float64Array
    first_speed: Float64Array
    wobble_sd: Float64Array

    @classmethod
    def along(cls, *, noise_sd: float, rest_speed: float | None, guess: float) -> Self:
        """Return the hypotheses for one axis.

        Args:
            noise_sd: spread of one position, mm, as estimated.
            rest_speed: speed of an item at rest on the belt (belt speed along it, zero across),
                mm/s, or None where the belt speed is not known.
            guess: mean of the first speed where no rest speed is known, mm/s.
        """
        loose = (guess, _LOOSE_SPEED_SD)
        motions = [(q, *loose, 0.0, np.inf, guess) for q in _DRIVES]
        motions += [(_GLIDE, *loose, a, np.inf, guess) for a in _ACCELERATIONS]
        rest = guess if rest_speed is None else rest_speed
        if rest_speed is not None:
            motions += [(_DRIVES[1], rest, sd, 0.0, tau, rest) for tau, sd in _RELAXATIONS]
            motions.append((_GLIDE, rest, _SETTLED_SLIP_SD, 0.0, np.inf, rest))
        swaying = [m for m in motions if m[0] <= _DRIVES[2]]
        rows = [
            (*motion, level * noise_sd, wobble * noise_sd)
            for chosen, levels, wobbles in (
                (motions, _NOISE_LEVELS, (0.0,)),
                (swaying, _NOISE_LEVELS[:2], _WOBBLES),
            )
            for motion, level, wobble in itertools.product(chosen, levels, wobbles)
        ]
        drive, first, speed_sd, acceleration_sd, decay_s, rest_speeds, noise, wobble_sd = np.array(
            rows
        ).T
        return cls(
            noise_var=noise * noise,
            drive=drive,
            speed_sd=speed_sd,
            acceleration_sd=acceleration_sd,
            decay_s=decay_s,
            rest_speed=rest_speeds,
            first_speed=first,
            wobble_sd=wobble_sd,
        )

    def transition(self, dt_s: Float64Array | float) -> tuple[Float64Array, Float64Array]:
        """Return how the state moves on within a time.

        Args:
            dt_s: scalar, or (b,) one for each hypothesis.

        Returns:
            (b, 4, 4) transition of (position, speed over `rest_speed`, acceleration, wobble), and
            (b, 4, 4) covariance of what drives it. The way at rest speed is added by the caller.
        """
        dt = np.broadcast_to(np.asarray(dt_s, dtype=np.float64), self.drive.shape)
        decays = np.isfinite(self.decay_s)
        tau = np.where(decays, self.decay_s, 1.0)
        decay = np.where(decays, np.exp(-dt / tau), 1.0)
        reach = np.where(decays, tau * (1.0 - decay), dt)
        step = np.zeros((len(dt), _STATES, _STATES))
        step[:, 0, 0] = step[:, 2, 2] = 1.0
        sway = np.exp(-dt / _WOBBLE_DECAY_S)
        step[:, 3, 3] = sway
        step[:, 0, 1], step[:, 1, 1] = reach, decay
        step[:, 0, 2], step[:, 1, 2] = dt * dt / 2.0, dt
        noise = np.zeros_like(step)
        # Exact for white-noise acceleration; with decay the first terms of its series, for steps
        # that are short beside the time constant.
        noise[:, 0, 0] = self.drive * reach * reach * dt / 3.0
        noise[:, 0, 1] = noise[:, 1, 0] = self.drive * reach * dt / 2.0
        noise[:, 1, 1] = self.drive * dt * (1.0 + decay * decay) / 2.0
        noise[:, 3, 3] = self.wobble_sd**2 * (1.0 - sway * sway)
        return step, noise


@dataclass(slots=True, kw_only=True)
class Filtered:
    """The filters after the last observation.

    Attributes:
        state: (b, 4) position mm, speed over the rest speed mm/s, acceleration mm/s², wobble mm.
        covariance: (b, 4, 4).
        weight: (b,) probability of each hypothesis, summing to one.
    """

    state: Float64Array
    covariance: Float64Array
    weight: Float64Array

    def at(self, motions: Hypotheses, ahead_s: Float64Array) -> tuple[Float64Array, ...]:
        """Return positions (b,), speeds (b,) and variances of the positions (b,) a time later.

        Args:
            motions: that were filtered.
            ahead_s: (b,) time after the last observation.
        """
        step, noise = motions.transition(ahead_s)
        place = np.einsum("bij,bj->bi", step, self.state)
        spread = np.einsum("bj,bjk,bk->b", step[:, 0], self.covariance, step[:, 0])
        return (
            place[:, 0] + motions.rest_speed * ahead_s,
            place[:, 1] + motions.rest_speed,
            spread + noise[:, 0, 0],
        )


def run_bank(times_s: Float64Array, place_mm: Float64Array, motions: Hypotheses) -> Filtered:
    """Filter one axis of a track under every hypothesis.

    Args:
        times_s: (n,) ascending, at least one.
        place_mm: (n,) observed positions.
        motions: hypotheses.
    """
    state, covariance = _start(float(place_mm[0]), motions)
    log_weight = np.zeros(len(state))
    for dt_s, place in zip(np.diff(times_s), place_mm[1:], strict=True):
        step, noise = motions.transition(float(dt_s))
        state = np.einsum("bij,bj->bi", step, state)
        state[:, _POSITION] += motions.rest_speed * dt_s
        covariance = step @ covariance @ step.transpose(0, 2, 1) + noise
        # What is seen is the position and the wobble together.
        seen = covariance[:, :, _POSITION] + covariance[:, :, _WOBBLE]
        total = np.maximum(seen[:, _POSITION] + seen[:, _WOBBLE], _LEAST_VAR) + motions.noise_var
        innovation = place - state[:, _POSITION] - state[:, _WOBBLE]
        sigma = np.abs(innovation) / np.sqrt(total)
        # Huber: beyond the limit the measurement is taken for as noisy as it then must be.
        excess = np.maximum(sigma / _HUBER_SIGMA, 1.0)
        gain = seen / (total * excess)[:, None]
        state = state + gain * innovation[:, None]
        covariance = covariance - gain[:, :, None] * seen[:, None, :]
        surprise = np.where(
            excess > 1.0, _HUBER_SIGMA * (2.0 * sigma - _HUBER_SIGMA), sigma * sigma
        )
        log_weight -= 0.5 * (surprise + np.log(total))
    weight = np.exp(log_weight - log_weight.max())
    return Filtered(state=state, covariance=covariance, weight=weight / weight.sum())


def _start(place_mm: float, motions: Hypotheses) -> tuple[Float64Array, Float64Array]:
    """Return state (b, 4) and covariance (b, 4, 4) after the first observation."""
    count = len(motions.drive)
    state = np.zeros((count, _STATES))
    state[:, _POSITION] = place_mm
    state[:, _SPEED] = motions.first_speed - motions.rest_speed
    covariance = np.zeros((count, _STATES, _STATES))
    wobble_var = motions.wobble_sd**2
    covariance[:, _POSITION, _POSITION] = motions.noise_var + wobble_var
    covariance[:, _SPEED, _SPEED] = motions.speed_sd**2
    covariance[:, _ACCELERATION, _ACCELERATION] = motions.acceleration_sd**2
    covariance[:, _WOBBLE, _WOBBLE] = wobble_var
    # The first position was read with the wobble in it: the two errors are opposite.
    covariance[:, _POSITION, _WOBBLE] = covariance[:, _WOBBLE, _POSITION] = -wobble_var
    return state, covariance
