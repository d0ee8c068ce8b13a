"""Masses and composition from pictures on the twin: learned from some runs, checked on the others.

Each half of the runs teaches a mass model (every fraction of a run is one weighed bin) that is
then tried on the other half: boxes as the line tracked them, neighbours, by-catch and film
included. No scale takes part. A run has some hundred items, so chance alone moves its mass by a
per cent or two; the halves as a whole have tens of thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.twin_shifts import TwinRun
from telemetry.estimates.mass_learning import MIN_WEIGHINGS, Weighings, fit_mass_model
from vision.types import FRACTIONS

Float64Array = npt.NDArray[np.float64]
DAY: Final = date(2026, 11, 25)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwinMasses:
    """Errors of the pictures' masses.

    Attributes:
        throughput_pct: of each run's whole mass, per cent.
        halves_pct: (2,) of each half's whole mass, per cent.
        composition_pts: of each fraction's share by mass in each run, per cent points.
    """

    throughput_pct: Float64Array
    halves_pct: Float64Array
    composition_pts: Float64Array


def twin_masses(runs: Sequence[TwinRun]) -> TwinMasses:
    """Learn from one half, check on the other, and the other way round."""
    pairs = [(runs[0::2], runs[1::2]), (runs[1::2], runs[0::2])]
    told = [_told(_law(taught), tried) for taught, tried in pairs]
    true = [np.array([run.mass_g for run in tried]) for _, tried in pairs]
    errors = [
        100.0 * (t.sum(axis=1) / m.sum(axis=1) - 1.0) for t, m in zip(told, true, strict=True)
    ]
    return TwinMasses(
        throughput_pct=np.concatenate(errors),
        halves_pct=np.array(
            [100.0 * (t.sum() / m.sum() - 1.0) for t, m in zip(told, true, strict=True)]
        ),
        composition_pts=np.concatenate(
            [100.0 * (_shares(t) - _shares(m)).ravel() for t, m in zip(told, true, strict=True)]
        ),
    )


def _law(runs: Sequence[TwinRun]) -> Float64Array:
    """(6, 3) coefficients of each fraction's law, learned with every run's fractions as bins.

    Where a rare fraction came in too few runs for a law, every fraction weighs by its area alone.
    """
    if np.min(sum((run.named > 0).astype(int) for run in runs)) < MIN_WEIGHINGS:
        area = sum(run.terms[:, 0] for run in runs)
        mass = sum(run.mass_g for run in runs)
        return np.outer(mass / np.maximum(area, 1.0), (1.0, 0.0, 0.0))
    bins = [(run, place) for run in runs for place in range(len(FRACTIONS)) if run.named[place]]
    model = fit_mass_model(
        Weighings(
            fraction=np.array([place for _, place in bins]),
            terms=np.array([run.terms[place] for run, place in bins]),
            square=np.array([run.square[place] for run, place in bins]),
            mass_g=np.array([run.mass_g[place] for run, place in bins]),
            items=np.array([run.named[place] for run, place in bins]),
            with_height=False,
        ),
        fitted_on=DAY,
        source="lockstep runs",
    )
    return np.array([law.coefficients for law in model.laws])


def _told(law: Float64Array, runs: Sequence[TwinRun]) -> Float64Array:
    """(runs, 6) masses from pictures, g."""
    return np.array([(run.terms * law).sum(axis=1) for run in runs])


def _shares(mass: Float64Array) -> Float64Array:
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))
