"""A belt scale that hides its zero and span, with the person who sends weights over it."""

from dataclasses import dataclass

import numpy as np

from calibration.bench import Task, TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueScale:
    """What a calibration of the scale has to find.

    Attributes:
        shown_share: grams shown for each gram that passes.
        creep_g: shown for each turn of the empty belt.
        noise_g: standard deviation of what a turn shows.
    """

    shown_share: float
    creep_g: float
    noise_g: float

    @classmethod
    def drawn(cls, seed: int) -> "TrueScale":
        """Return a scale as it comes out of its box: some per cent and some grams off."""
        rng = np.random.default_rng([seed, 0x5CA1E])
        return cls(
            shown_share=rng.normal(1.0, 0.03),
            creep_g=rng.normal(0.0, 8.0),
            noise_g=rng.uniform(2.0, 6.0),
        )

    def judged(self, span_factor: float) -> str:
        """Return how far a span is from the truth, in words."""
        off = span_factor * self.shown_share - 1.0
        return f"against the truth: span {abs(off):.3%} off"


class RigScale:
    """Implements `calibration.procedures.weighing.WeighingBench` on a scale of the twin's."""

    def __init__(self, truth: TrueScale, *, seed: int) -> None:
        """Begin with a total of some days."""
        self._truth = truth
        self._rng = np.random.default_rng([seed, 0x707A1])
        self._total_g = float(self._rng.uniform(1e5, 1e6))

    def ask(self, task: Task) -> float:
        """Let the belt run once round, with what is sent over it. See `WeighingBench`."""
        passed_g = task.value if task.kind is TaskKind.SEND_WEIGHT else 0.0
        noise_g = self._rng.normal(0, self._truth.noise_g)
        self._total_g += passed_g * self._truth.shown_share + self._truth.creep_g + noise_g
        return 0.0

    def total_g(self) -> float:
        """Return what the totaliser shows, in whole grams."""
        return float(round(self._total_g))
