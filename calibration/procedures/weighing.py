"""Zero and span of a belt scale: the empty belt, then known weights, against its own totaliser."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from calibration.bench import Task, TaskKind
from calibration.errors import ProcedureError
from calibration.kept.record import CalibrationRecord, Finding
from calibration.procedures.revise import revised
from calibration.procedures.steps import Step, Tell
from calibration.procedures.whole import Signature
from calibration.solve.belt_scale import BeltScale, fit_belt_scale

NAME: Final = "scale"
EMPTY_TURNS: Final = 6
"""Turns of the empty belt: the fewest that tell its spread (`solve.belt_scale`), and one."""
_G_PER_KG: Final = 1000.0


class WeighingBench(Protocol):
    """A belt scale and a person beside it. One thread; every call blocks until it is done."""

    def ask(self, task: Task) -> float:
        """Have the person do something; returns 0."""
        ...

    def total_g(self) -> float:
        """Return what the scale's totaliser shows, g.

        Raises:
            CalibrationError: the scale does not answer.
        """
        ...


def calibrate_scale(bench: WeighingBench, weights_kg: Sequence[float], tell: Tell) -> BeltScale:
    """Read the totaliser over turns of the empty belt, then over known weights.

    Args:
        bench: the scale.
        weights_kg: that are sent over it, one after the other.
        tell: shows the steps.

    Returns:
        The scale, a count of which is a gram that it shows.

    Raises:
        ProcedureError: the scale does not answer to weights, or not in a straight line.
    """
    empty = []
    for turn in range(EMPTY_TURNS):
        words = f"turn {turn + 1} of {EMPTY_TURNS}: let the empty belt run once round"
        empty.append(_rise(bench, Task(kind=TaskKind.CLEAR_BELT, words=words)))
        share = (turn + 1) / (EMPTY_TURNS + len(weights_kg))
        tell(Step(procedure=NAME, words=f"empty belt: {empty[-1]:+.0f} g in a turn", share=share))
    rises = []
    for number, weight in enumerate(weights_kg):
        words = f"send {weight:g} kg over the scale while the belt runs once round"
        task = Task(kind=TaskKind.SEND_WEIGHT, words=words, value=weight * _G_PER_KG)
        rises.append(_rise(bench, task))
        share = (EMPTY_TURNS + number + 1) / (EMPTY_TURNS + len(weights_kg))
        tell(
            Step(
                procedure=NAME,
                words=f"{weight:g} kg: the scale shows {rises[-1]:.0f} g",
                share=share,
            )
        )
    fit = fit_belt_scale(np.array(empty), np.array(weights_kg) * _G_PER_KG, np.array(rises))
    tell(Step(procedure=NAME, words=words_of(fit), share=1.0))
    return fit


def words_of(fit: BeltScale) -> str:
    """Return zero and span, for people."""
    return (
        f"zero {fit.zero_counts:+.0f} g a turn (+- {fit.zero_sd_g:.0f} g), span "
        f"{fit.grams_per_count:.4f} g for each gram shown, off a straight line by "
        f"{fit.linearity_share:.2%}"
    )


def with_scale(
    before: CalibrationRecord, fit: BeltScale, scale_id: str, signature: Signature
) -> CalibrationRecord:
    """Return the record with the scale's figures; the camera's part stays."""
    findings = (
        Finding(procedure=NAME, name="zero_g_per_turn", value=fit.zero_counts, sd=fit.zero_sd_g),
        Finding(procedure=NAME, name="span_factor", value=fit.grams_per_count),
        Finding(procedure=NAME, name="linearity_share", value=fit.linearity_share),
    )
    devices = (("belt scale", scale_id),)
    return revised(before, before.calibration, NAME, findings, signature, devices=devices)


def weights_of(text: str) -> tuple[float, ...]:
    """Return test weights in kg from `10,20,20`.

    Raises:
        ProcedureError: they are no weights.
    """
    try:
        weights = tuple(float(part) for part in text.split(","))
    except ValueError:
        weights = ()
    if not weights or not all(np.isfinite(weight) and weight > 0 for weight in weights):
        msg = f"{text!r} names no weights"
        raise ProcedureError(msg, "give kilograms, as in --weights-kg 10,20,20")
    return weights


def _rise(bench: WeighingBench, task: Task) -> float:
    before = bench.total_g()
    bench.ask(task)
    return bench.total_g() - before
