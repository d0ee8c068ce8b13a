"""A line that was given a plant's mass model weighs by it and says so in every record."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from calibration.mass_model import ClassMassLaw, MassModel, save
from tests.support.lockstep_rig import MM_PER_TICK, shipped_line
from twin.assembly import twin_run
from twin.items import PlainCatalogue
from twin.lockstep import SimulationResult, run_lockstep
from vision.mass_law import BUILT_IN
from vision.types import FRACTIONS

G_PER_MM2 = 0.004
MODEL = MassModel(
    laws=tuple(
        ClassMassLaw(
            name=fraction.value,
            coefficients=(G_PER_MM2, 0.0, 0.0),
            covariance=((0.0,) * 3,) * 3,
            relative_sd=0.25,
            items=100,
            weighings=10,
        )
        for fraction in FRACTIONS
    ),
    fitted_on=date(2026, 11, 25),
    source="test",
    with_height=False,
)


def _run(model: Path | None, *, overlap_share: float) -> SimulationResult:
    line, config = shipped_line("standard")
    feed = config.feed.model_copy(update={"overlap_share": overlap_share})
    setup = twin_run(
        replace(line, tracker=line.tracker.model_copy(update={"mass_model": model})),
        config.model_copy(update={"feed": feed}),
        mm_per_tick=MM_PER_TICK,
        catalogue=PlainCatalogue(),
        items=60,
    )
    return run_lockstep(setup)


def test_masses_and_their_spread_come_from_the_file_and_records_name_it(tmp_path: Path) -> None:
    result = _run(save(MODEL, tmp_path), overlap_share=0.0)
    for record in result.records:
        track = record.track
        assert track.mass_g == pytest.approx(G_PER_MM2 * track.width_mm * track.length_mm)
        assert track.mass_sd_g == pytest.approx(0.25 * track.mass_g)
        assert record.mass_model == MODEL.version
    assert result.snapshot.masses is not None
    assert result.snapshot.masses.model == MODEL.version


def test_without_a_file_the_built_in_law_weighs_and_is_named() -> None:
    result = _run(None, overlap_share=0.0)
    assert {record.mass_model for record in result.records} == {BUILT_IN.version}


def test_a_heaped_feed_is_booked_with_a_higher_overlap_than_a_tidy_one() -> None:
    tidy, heaped = (
        np.mean([record.overlap_index or np.nan for record in _run(None, overlap_share=s).records])
        for s in (0.0, 1.0)
    )
    assert 1.0 <= tidy < heaped
