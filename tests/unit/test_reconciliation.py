"""The belt scale beside the pictures in a report: both kept, contradictions told."""

import dataclasses

import pytest

from telemetry.ledger.books import books_of
from telemetry.ledger.entries import Processed, Product, ShiftClosed
from telemetry.reports.reconciliation import reconciliation
from tests.support.plant import seen, weighed
from tests.support.plant_month import fortnight


def one_day(*, plastic_kg=1200.0, spread=0.1):
    entries = []
    for entry in fortnight(days=1):
        body = entry.body
        if isinstance(body, Product) and body.fraction.value == "plastic":
            body = dataclasses.replace(body, mass=seen(plastic_kg, spread))
        entries.append(dataclasses.replace(entry, body=body))
    return entries


def test_scale_pictures_and_both_together_stand_side_by_side():
    books = books_of(one_day())
    found = reconciliation(books)
    # Two shifts: 20 t over the scale; 2.4 t + 3.6 t from pictures and 13.8 t weighed residue.
    assert (found.scale_t, found.vision_t) == (20.0, pytest.approx(19.8))
    assert found.vision_t < found.reconciled_t < found.scale_t
    assert found.agree
    parts = {part.stream: part for part in found.parts}
    assert sum(part.reconciled_t for part in parts.values()) == pytest.approx(
        found.reconciled_t, abs=0.002
    )
    # What a scale weighed does not move; what pictures know worst moves most.
    assert parts["residue"].reconciled_t == parts["residue"].vision_t == 13.8
    moved = {name: part.reconciled_t - part.vision_t for name, part in parts.items()}
    assert moved["paper"] > moved["plastic"] > 0
    assert sum(line.amount.mass_g for line in books.products) == 6_000_000


def test_scale_and_pictures_that_contradict_each_other_are_told_apart():
    found = reconciliation(books_of(one_day(plastic_kg=4000, spread=0.02)))
    assert not found.agree
    assert found.z < -3


def test_without_a_belt_scale_or_an_interval_nothing_is_reconciled():
    entries = [e for e in one_day() if not isinstance(e.body, Processed | ShiftClosed)]
    assert reconciliation(books_of(entries)) is None
    bare = []
    for entry in one_day():
        body = entry.body
        if isinstance(body, Product):
            mass = dataclasses.replace(body.mass, low_g=None, high_g=None, level=None)
            body = dataclasses.replace(body, mass=mass)
        bare.append(dataclasses.replace(entry, body=body))
    assert reconciliation(books_of(bare)) is None


def test_a_plant_that_weighs_everything_has_nothing_to_reconcile():
    entries = []
    for entry in one_day():
        body = entry.body
        if isinstance(body, Product):
            body = dataclasses.replace(body, mass=weighed(body.mass.mass_g / 1000))
        entries.append(dataclasses.replace(entry, body=body))
    assert reconciliation(books_of(entries)) is None
