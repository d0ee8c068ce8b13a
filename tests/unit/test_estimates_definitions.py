"""One name, one formula: contamination and its parts, and the yield of a product."""

import pytest

from telemetry.estimates.definitions import (
    CONTAMINANT_OF,
    Contaminant,
    contamination,
    contamination_split,
    mass_yield,
)
from telemetry.estimates.errors import EstimateError
from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, Evidence, MassFigure, Method, Share
from vision.types import FRACTIONS, Fraction

FOUND_KG = {Fraction.PLASTIC: 90.0, Fraction.PAPER: 5.0, Fraction.OTHER: 4.0, Fraction.WEEE: 1.0}


def test_contamination_is_what_purity_leaves_with_the_interval_mirrored() -> None:
    purity = block_ratio(
        [9.0, 8.0, 9.5], [10.0] * 3, basis=Basis.MASS, evidence=Evidence(n_blocks=3, n_objects=900)
    )
    assert isinstance(purity, Share)
    dirt = contamination(purity)
    assert dirt.value == pytest.approx(1 - purity.value)
    assert (dirt.low, dirt.high) == pytest.approx((1 - purity.high, 1 - purity.low))
    assert (dirt.basis, dirt.evidence, dirt.level) == (Basis.MASS, purity.evidence, purity.level)


def test_the_parts_of_contamination_add_up_to_it() -> None:
    parts = contamination_split(Fraction.PLASTIC, FOUND_KG)
    assert parts == pytest.approx(
        {
            Contaminant.RECYCLABLE: 0.05,
            Contaminant.NOT_RECYCLABLE: 0.04,
            Contaminant.PROHIBITED: 0.01,
        }
    )
    assert sum(parts.values()) == pytest.approx(1 - 0.9)


def test_every_fraction_has_its_place_and_a_target_is_no_contaminant_of_its_own_product() -> None:
    assert set(CONTAMINANT_OF) == set(FRACTIONS)
    parts = contamination_split(Fraction.WEEE, {Fraction.WEEE: 3.0, Fraction.PLASTIC: 1.0})
    assert parts[Contaminant.PROHIBITED] == 0.0


@pytest.mark.parametrize("found", [{}, {Fraction.PAPER: 0.0}, {Fraction.PAPER: -1.0}])
def test_samples_of_nothing_or_less_have_no_contamination(found: dict[Fraction, float]) -> None:
    with pytest.raises(EstimateError):
        contamination_split(Fraction.PAPER, found)


def test_a_yield_is_an_estimate_unless_both_masses_were_weighed() -> None:
    weighed = MassFigure(kg=200.0, sd_kg=3.0, method=Method.SCALE)
    received = MassFigure(kg=1000.0, sd_kg=20.0, method=Method.SCALE)
    told = mass_yield(weighed, received)
    assert (told.value, told.is_estimate) == (0.2, False)
    assert told.sd == pytest.approx((0.003**2 + 0.004**2) ** 0.5)
    seen = MassFigure(kg=1000.0, sd_kg=20.0, method=Method.VISION)
    assert mass_yield(weighed, seen).is_estimate
    with pytest.raises(EstimateError, match="0 kg received"):
        mass_yield(weighed, MassFigure(kg=0.0, sd_kg=0.0, method=Method.SCALE))
