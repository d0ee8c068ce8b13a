"""Purity and recovery in reports: from samples, from corrected counts, or why there are none."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from telemetry.estimates.recovery import Output, recovery_of
from telemetry.estimates.types import Basis, Evidence, Method, Share
from telemetry.ledger.audits import read_audits
from telemetry.ledger.books import books_of
from telemetry.ledger.entries import Entry
from telemetry.ledger.errors import EntryError
from telemetry.ledger.line_items import NamedItems
from telemetry.ledger.naming import read_naming
from telemetry.ledger.rules import problems_of
from telemetry.ledger.sampling import Naming
from telemetry.measures.food import ShiftFood, food_driver
from telemetry.reports.audit_evidence import with_audits
from telemetry.reports.evidence import Evidence as Beside
from tests.support.plant import ALMATY, accounts
from tests.support.plant_month import END, FIRST, fortnight
from vision.types import FRACTIONS, Fraction

HEAD = "audited_at,stream,material,sample_kg,material_kg,items,by\n"
OF_PRODUCTS = """2026-09-03 10:00,plastic,plastic,20.0,18.0,410,A
2026-09-03 11:00,plastic,plastic,21.0,18.9,433,A
2026-09-03 12:00,paper,paper,20.0,19.0,300,A
2026-09-03 13:00,paper,paper,22.0,20.9,310,A
"""
OF_RESIDUE = """2026-09-04 11:00,residue,plastic,60.0,3.0,300,A
2026-09-04 12:00,residue,plastic,62.0,3.1,310,A
"""
OF_PAPER_S_PLASTIC = """2026-09-03 12:00,paper,plastic,20.0,0.4,300,A
2026-09-03 13:00,paper,plastic,22.0,0.44,310,A
"""


def figures(tmp_path, rows, *, named=(), more=(), before=()):
    path = tmp_path / "audits.csv"
    path.write_text(HEAD + rows)
    entries = [*fortnight(), *read_audits(path, accounts()), *more]
    found = with_audits(Beside(named=named), entries, [*before, *entries], books_of(entries))
    return {(figure.fraction, figure.quantity): figure for figure in found.quality}


def test_recovery_is_what_all_outputs_hold_weighed_with_their_masses(tmp_path):
    rows = OF_PRODUCTS + OF_RESIDUE + OF_PAPER_S_PLASTIC
    recovery = figures(tmp_path, rows)[Fraction.PLASTIC, "recovery"]
    # A shift: 1.2 t plastic of 90 %, 1.8 t paper with 2 %, 6.9 t residue with 5 % plastic.
    by_hand = 1.2 * 0.9 / (1.2 * 0.9 + 1.8 * 0.02 + 6.9 * 0.05)
    assert recovery.value == pytest.approx(by_hand, abs=0.01)
    assert recovery.low < by_hand < recovery.high
    assert (recovery.basis, recovery.method) == ("mass", "output_samples")
    assert (recovery.n_blocks, recovery.audited_kg) == (6, pytest.approx(41 + 42 + 122))


def test_plastic_in_paper_that_nobody_looked_for_widens_the_interval_by_all_it_may_be(tmp_path):
    known = figures(tmp_path, OF_PRODUCTS + OF_RESIDUE + OF_PAPER_S_PLASTIC)
    unknown = figures(tmp_path, OF_PRODUCTS + OF_RESIDUE)
    narrow, wide = known[Fraction.PLASTIC, "recovery"], unknown[Fraction.PLASTIC, "recovery"]
    assert wide.low < narrow.low
    # At worst all that is not paper in the paper is plastic: 5 % of it.
    assert wide.low < 1.08 / (1.08 + 1.8 * 0.05 + 0.345) < wide.high


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("", "no_audit"),
        (OF_PRODUCTS.splitlines(keepends=True)[0], "few_samples"),
        (OF_PRODUCTS, "no_residue_audit"),
        (
            "".join(OF_PRODUCTS.splitlines(keepends=True)[:2]) + OF_RESIDUE,
            "other_products_unaudited",
        ),
    ],
)
def test_recovery_without_its_evidence_says_what_is_missing(tmp_path, rows, reason):
    recovery = figures(tmp_path, rows)[Fraction.PLASTIC, "recovery"]
    assert (recovery.value, recovery.reason) == (None, reason)


def test_shifts_with_samples_tell_how_food_makes_dry_products_dirty(tmp_path):
    rows, seen = "", []
    for day in range(3, 13):
        dirt = 0.02 + 0.1 * (0.3 + 0.02 * day)
        rows += f"2026-09-{day:02} 10:00,plastic,plastic,20,{20 * (1 - dirt):.4f},400,A\n"
        seen.append(ShiftFood(shift_id=f"2026-09-{day:02}/A", food_share=0.3 + 0.02 * day))
    path = tmp_path / "audits.csv"
    path.write_text(HEAD + rows)
    entries = [*fortnight(), *read_audits(path, accounts())]
    # A shift that nobody sampled tells nothing.
    seen.append(ShiftFood(shift_id="2026-09-03/B", food_share=0.9))
    found = with_audits(Beside(food=tuple(seen)), entries, entries, books_of(entries))
    driver = food_driver(found.food_samples)
    assert driver.shifts == 10
    assert driver.slope.value == pytest.approx(0.1, abs=1e-3)


def share(value, half):
    return Share(
        value=value,
        low=value - half,
        high=value + half,
        level=0.95,
        basis=Basis.MASS,
        method=Method.RATIO_BLOCK,
        evidence=Evidence(n_blocks=9, n_objects=900),
    )


def test_intervals_of_recovery_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    truth, hits, runs = 0.9 * 1.0 / (0.9 * 1.0 + 0.05 * 4.0), 0, 400
    for _ in range(runs):
        purity, lost = rng.normal(0.9, 0.02), rng.normal(0.05, 0.008)
        one = Output(mass_g=1e6, low_g=1e6, high_g=1e6, share=share(purity, 0.0392))
        rest = Output(mass_g=4e6, low_g=4e6, high_g=4e6, share=share(lost, 0.01568))
        found = recovery_of(one, [rest], evidence=Evidence(n_blocks=18, n_objects=1800))
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / runs <= 0.98


def test_an_output_that_nobody_sampled_has_no_recovery():
    bare = Output(mass_g=1.0, low_g=1.0, high_g=1.0)
    with pytest.raises(ValueError, match="not sampled"):
        recovery_of(bare, [], evidence=Evidence(n_blocks=0, n_objects=0))


def naming(day, *, model="m1", right=95, wrong=5):
    """Return an audit in which a twentieth of the plastic was named paper, nothing else wrong."""
    at = datetime.combine(day, datetime.min.time(), tzinfo=ALMATY) + timedelta(hours=9)
    pairs = [(one, one, right if one is Fraction.PLASTIC else 100) for one in FRACTIONS]
    pairs.append((Fraction.PAPER, Fraction.PLASTIC, wrong))
    return [
        Entry(
            uid=f"naming:{at.isoformat()}:{model}:{named.value}:{true.value}",
            at=at,
            shift=f"{day.isoformat()}/A",
            body=Naming(named=named, true=true, items=10 * items, model=model, by="A"),
        )
        for named, true, items in pairs
    ]


NAMED = tuple(
    NamedItems(model="m1", fraction=fraction, items=1000, sorted_out=900) for fraction in FRACTIONS
)
AUDITED = [*naming(FIRST), *naming(FIRST + timedelta(days=1))]


def test_without_samples_the_line_s_counts_are_corrected_by_the_audited_confusion(tmp_path):
    found = figures(tmp_path, "", named=NAMED, more=AUDITED)
    purity, recovery = found[Fraction.PAPER, "purity"], found[Fraction.PLASTIC, "recovery"]
    # Of 1000 / 0.95 plastic items a twentieth is named paper.
    stray = 1000 / 0.95 * 0.05
    assert purity.value == pytest.approx(1 - stray / 1000, abs=0.01)
    assert recovery.value == pytest.approx(0.9 * 0.95, abs=0.01)
    for figure in (purity, recovery):
        assert (figure.basis, figure.method) == ("count", "corrected_counts")
        assert 0 < figure.low < figure.value < figure.high < 1
        assert (figure.n_blocks, figure.n_objects) == (2, 12_000)


def test_samples_of_the_product_come_before_corrected_counts(tmp_path):
    found = figures(tmp_path, OF_PRODUCTS, named=NAMED, more=AUDITED)
    assert found[Fraction.PLASTIC, "purity"].method == "ratio_block"
    assert found[Fraction.PLASTIC, "recovery"].method == "corrected_counts"


def test_audits_before_the_period_leave_the_drift_since_in_the_interval(tmp_path):
    days = [FIRST - timedelta(days=number) for number in range(1, 5)]
    drifting = [e for n, day in enumerate(days) for e in naming(day, wrong=2 + 3 * n)]
    inside = figures(tmp_path, "", named=NAMED, more=drifting)[Fraction.PAPER, "purity"]
    earlier = figures(tmp_path, "", named=NAMED, before=drifting)[Fraction.PAPER, "purity"]
    assert earlier.high - earlier.low > inside.high - inside.low


@pytest.mark.parametrize(
    ("named", "more", "reason"),
    [
        (NAMED, naming(FIRST), "few_samples"),
        (NAMED, naming(FIRST, model="m0"), "no_audit"),
        (
            (*NAMED, NamedItems(model="m2", fraction=Fraction.FOOD, items=1, sorted_out=0)),
            AUDITED,
            "several_models",
        ),
    ],
)
def test_counts_that_cannot_be_corrected_say_why(tmp_path, named, more, reason):
    figure = figures(tmp_path, "", named=named, more=more)[Fraction.PAPER, "purity"]
    assert (figure.value, figure.reason) == (None, reason)


def test_naming_is_read_from_csv_and_refused_by_line(tmp_path):
    path = tmp_path / "naming.csv"
    head = "audited_at,named,true,items,model,by\n"
    path.write_text(head + "2026-09-03 10:00,paper,plastic,5,m1,A. Auditor\n")
    (entry,) = read_naming(path, accounts())
    body = Naming(named=Fraction.PAPER, true=Fraction.PLASTIC, items=5, model="m1", by="A. Auditor")
    assert (entry.body, entry.shift) == (body, "2026-09-03/A")
    path.write_text(head + "2026-09-03 10:00,papier,plastic,-5,m1,A\n")
    with pytest.raises(EntryError, match=r"line 2: named 'papier' is none of .*\n.*line 2: .*'-5'"):
        read_naming(path, accounts())


def test_naming_without_a_model_or_of_absurdly_many_items_is_refused():
    first = naming(FIRST, model=" ", right=10**9)[0]
    plant = accounts()
    found = problems_of(first, now=END, codes=plant.codes, calendar=plant.calendar)
    assert len(found) == 2
