import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from telemetry.database.engine import Database
from telemetry.errors import DatabaseError
from telemetry.estimates.types import Basis, NoShare, Share
from telemetry.plant.audits import ProductSample, SamplePart, audited_purity, enter_sample
from vision.types import Fraction

NOW = datetime(2026, 11, 25, 20, tzinfo=UTC)
DAY = {"first": NOW - timedelta(days=1), "last": NOW}


def _sample(place: int, right_g: float, wrong_g: float) -> ProductSample:
    return ProductSample(
        uid=uuid.UUID(int=place + 1),
        line_id="line-1",
        product=Fraction.PLASTIC,
        taken_at=NOW - timedelta(minutes=30 * (place + 1)),
        author="auditor",
        parts=(
            SamplePart(fraction=Fraction.PLASTIC, items=100, mass_g=right_g),
            SamplePart(fraction=Fraction.PAPER, items=int(wrong_g > 0), mass_g=wrong_g),
        ),
    )


def test_purity_comes_from_the_samples_that_were_entered(database: Database) -> None:
    rng = np.random.default_rng(1)
    wrong = rng.uniform(100, 300, 20)
    for place in range(20):
        assert enter_sample(database, _sample(place, 2000.0, float(wrong[place])), now=NOW)
    share = audited_purity(database, "line-1", Fraction.PLASTIC, **DAY)
    assert isinstance(share, Share)
    assert share.value == pytest.approx(40_000 / (40_000 + wrong.sum()), rel=1e-5)
    assert share.basis is Basis.MASS
    assert share.evidence.n_blocks == 20
    assert share.evidence.n_objects == 2020
    assert share.evidence.audited_kg == pytest.approx(40 + wrong.sum() / 1000, rel=1e-5)
    assert share.evidence.audit_date == NOW.date()


def test_a_sample_entered_twice_counts_once(database: Database) -> None:
    sample = _sample(0, 2000.0, 100.0)
    assert enter_sample(database, sample, now=NOW)
    assert not enter_sample(database, sample, now=NOW)
    with pytest.raises(DatabaseError, match="other content"):
        enter_sample(database, replace(sample, parts=sample.parts[:1]), now=NOW)


def test_without_samples_there_is_no_purity_and_it_says_why(database: Database) -> None:
    told = audited_purity(database, "line-1", Fraction.PLASTIC, **DAY)
    assert isinstance(told, NoShare)
    assert "no sample of plastic" in told.reason
    enter_sample(database, _sample(0, 2000.0, 100.0), now=NOW)
    assert isinstance(audited_purity(database, "line-1", Fraction.PLASTIC, **DAY), NoShare)
    assert isinstance(audited_purity(database, "line-2", Fraction.PLASTIC, **DAY), NoShare)


def test_samples_that_make_no_sense_are_refused(database: Database) -> None:
    good = _sample(0, 2000.0, 100.0)
    part = good.parts[0]
    for bad, said in (
        (replace(good, taken_at=NOW + timedelta(hours=1)), "to come"),
        (replace(good, author=" "), "no author"),
        (replace(good, parts=()), "no parts"),
        (replace(good, parts=(part, part)), "twice"),
        (replace(good, parts=(replace(part, mass_g=-5.0),)), "-5 g"),
        (replace(good, parts=(replace(part, mass_g=float("nan")),)), "nan g"),
        (replace(good, parts=(replace(part, mass_g=9e9),)), "9e"),
        (replace(good, parts=(replace(part, items=0),)), "0 items"),
    ):
        with pytest.raises(DatabaseError, match=said):
            enter_sample(database, bad, now=NOW)
