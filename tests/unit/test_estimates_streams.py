from datetime import date

import numpy as np
import pytest

from telemetry.estimates.class_mass import ClassMasses, weighed_by_class
from telemetry.estimates.confusion import ConfusionAudit, know
from telemetry.estimates.errors import EstimateError
from telemetry.estimates.streams import FractionEstimate, NamedCounts, estimate_streams
from telemetry.estimates.types import Basis, Evidence, NoShare, Share
from vision.types import FRACTIONS, Fraction

EVIDENCE = Evidence(n_blocks=8, n_objects=4000, audit_date=date(2026, 11, 20), model_version="m")
MATRIX = np.full((6, 6), 0.02) + np.eye(6) * 0.88
MASSES = ClassMasses(
    mean_g=np.array([38.0, 14.0, 58.0, 205.0, 128.0, 125.0]),
    mean_sd_g=np.array([1.0, 0.5, 3.0, 8.0, 3.0, 5.0]),
    item_sd_g=np.array([60.0, 11.0, 80.0, 250.0, 65.0, 150.0]),
)


def _audit(
    per_row: int = 2000, *, version: str = "m", matrix: np.ndarray = MATRIX
) -> ConfusionAudit:
    return ConfusionAudit(
        counts=np.round(matrix * per_row).astype(np.int64),
        audited_on=date(2026, 11, 20),
        model_version=version,
    )


def _of(estimates: tuple[FractionEstimate, ...], fraction: Fraction) -> FractionEstimate:
    return estimates[FRACTIONS.index(fraction)]


def _told(share: Share | NoShare) -> Share:
    assert isinstance(share, Share)
    return share


def test_true_shares_come_out_of_what_a_confused_classifier_named() -> None:
    true = np.array([40_000, 25_000, 15_000, 8_000, 2_000, 10_000])
    named = np.round(true @ MATRIX).astype(np.int64)
    estimates = estimate_streams(
        NamedCounts(named=named, sorted_out=named),
        know([_audit(20_000)], of_the_period=True),
        masses=None,
        evidence=EVIDENCE,
    )
    for index, fraction in enumerate(FRACTIONS):
        told = _of(estimates, fraction)
        assert _told(told.composition).value == pytest.approx(true[index] / true.sum(), abs=0.004)
        purity = true[index] * MATRIX[index, index] / (true @ MATRIX)[index]
        assert _told(told.purity).value == pytest.approx(purity, abs=0.01)
        assert _told(told.recovery).value == pytest.approx(0.90, abs=0.01)
        assert _told(told.purity).basis is Basis.COUNT
        assert _told(told.purity).evidence == EVIDENCE


def test_by_mass_heavy_fractions_weigh_more() -> None:
    named = np.array([1000, 1000, 1000, 1000, 1000, 1000])
    estimates = estimate_streams(
        NamedCounts(named=named, sorted_out=named),
        know([_audit()], of_the_period=True),
        masses=MASSES,
        evidence=EVIDENCE,
    )
    weee = _told(_of(estimates, Fraction.WEEE).composition)
    assert weee.basis is Basis.MASS
    assert weee.value == pytest.approx(205 / MASSES.mean_g.sum(), abs=0.03)
    paper = _told(_of(estimates, Fraction.PAPER).purity)
    assert paper.value < 0.65


def test_what_was_named_and_not_sorted_out_is_not_recovered() -> None:
    named = np.full(6, 1000)
    sorted_out = named // np.array([1, 2, 1, 1, 1, 1])
    estimates = estimate_streams(
        NamedCounts(named=named, sorted_out=sorted_out),
        know([_audit()], of_the_period=True),
        masses=None,
        evidence=EVIDENCE,
    )
    plastic, paper = _of(estimates, Fraction.PLASTIC), _of(estimates, Fraction.PAPER)
    assert _told(paper.recovery).value == pytest.approx(_told(plastic.recovery).value / 2, abs=0.02)
    assert _told(paper.purity).value == pytest.approx(_told(plastic.purity).value, abs=0.02)


def test_fewer_audited_items_are_less_sure() -> None:
    named = np.full(6, 10_000)
    counts = NamedCounts(named=named, sorted_out=named)
    widths = [
        _told(
            estimate_streams(
                counts, know([_audit(n)], of_the_period=True), masses=None, evidence=EVIDENCE
            )[0].purity
        ).half_width
        for n in (50, 500, 5000)
    ]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_an_audit_without_any_error_still_admits_some() -> None:
    perfect = know([_audit(200, matrix=np.eye(6))], of_the_period=True)
    named = np.full(6, 5000)
    told = estimate_streams(
        NamedCounts(named=named, sorted_out=named), perfect, masses=None, evidence=EVIDENCE
    )
    purity = _told(told[0].purity)
    assert 0.96 < purity.low < 0.99
    assert purity.high > 0.998


def test_audits_that_differ_say_that_the_classifier_drifts() -> None:
    worse = np.full((6, 6), 0.05) + np.eye(6) * 0.70
    steady = [_audit(500) for _ in range(8)]
    drifting = [_audit(500, matrix=MATRIX if i % 2 else worse) for i in range(8)]
    named = np.full(6, 10_000)
    counts = NamedCounts(named=named, sorted_out=named)

    def width(audits: list[ConfusionAudit], *, own: bool) -> float:
        told = estimate_streams(
            counts, know(audits, of_the_period=own), masses=None, evidence=EVIDENCE
        )
        return _told(told[0].purity).half_width

    assert width(drifting, own=False) > 3 * width(steady, own=False)
    assert width(drifting, own=False) > 2 * width(drifting, own=True)


def test_one_audit_shows_no_drift_so_it_must_be_assumed() -> None:
    named = np.full(6, 10_000)
    counts = NamedCounts(named=named, sorted_out=named)
    widths = [
        _told(
            estimate_streams(
                counts,
                know([_audit(5000)], of_the_period=False, assumed_variance=variance),
                masses=None,
                evidence=EVIDENCE,
            )[0].purity
        ).half_width
        for variance in (0.0, 0.1)
    ]
    assert widths[1] > 2 * widths[0]


def test_the_same_figures_give_the_same_interval() -> None:
    named = np.full(6, 100)
    counts = NamedCounts(named=named, sorted_out=named)
    knowledge = know([_audit(100)], of_the_period=True)
    first, second = (
        estimate_streams(counts, knowledge, masses=MASSES, evidence=EVIDENCE) for _ in range(2)
    )
    assert first == second


def test_nothing_on_the_belt_has_no_purity() -> None:
    none = np.zeros(6, np.int64)
    told = estimate_streams(
        NamedCounts(named=none, sorted_out=none),
        know([_audit()], of_the_period=True),
        masses=None,
        evidence=EVIDENCE,
    )
    assert all(isinstance(t.purity, NoShare) and t.purity.reason for t in told)
    named = np.array([10, 10, 10, 10, 0, 10])
    told = estimate_streams(
        NamedCounts(named=named, sorted_out=named * 0),
        know([_audit()], of_the_period=True),
        masses=None,
        evidence=EVIDENCE,
    )
    assert isinstance(told[0].purity, NoShare)
    assert isinstance(told[4].recovery, NoShare)


def test_audits_of_two_models_are_not_mixed() -> None:
    with pytest.raises(EstimateError, match="m, n"):
        know([_audit(), _audit(version="n")], of_the_period=True)
    with pytest.raises(EstimateError, match="no audit"):
        know([], of_the_period=True)


def test_counts_that_make_no_sense_are_refused() -> None:
    with pytest.raises(EstimateError, match="more items sorted out"):
        NamedCounts(named=np.full(6, 1), sorted_out=np.full(6, 2))
    with pytest.raises(EstimateError, match="none negative"):
        ConfusionAudit(
            counts=-np.eye(6, dtype=np.int64), audited_on=date(2026, 1, 1), model_version="m"
        )


def test_mean_masses_carry_what_changes_from_day_to_day() -> None:
    rng = np.random.default_rng(4)
    day = np.repeat(np.arange(20), 6 * 40)
    fraction = np.tile(np.repeat(np.arange(6), 40), 20)
    level = np.exp(rng.normal(0, 0.2, (20, 6)))
    mass = 50 * level[day, fraction] * rng.lognormal(0, 0.3, len(day))
    masses = weighed_by_class(fraction, mass, day)
    steady = weighed_by_class(fraction, 50 * rng.lognormal(0, 0.3, len(day)), day)
    assert masses.mean_sd_g == pytest.approx(np.full(6, 50 * 0.2), rel=0.6)
    assert (steady.mean_sd_g < 0.25 * masses.mean_sd_g).all()


def test_masses_that_no_item_has_are_refused() -> None:
    fraction, day = np.repeat(np.arange(6), 3), np.zeros(18, np.int64)
    with pytest.raises(EstimateError, match="not positive"):
        weighed_by_class(fraction, np.full(18, -1.0), day)
    with pytest.raises(EstimateError, match="0 items of plastic"):
        weighed_by_class(fraction[3:], np.full(15, 1.0), day[3:])
