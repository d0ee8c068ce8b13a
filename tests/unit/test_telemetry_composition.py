"""Throughput and composition: right sums, a window that slides, items counted once."""

import pytest

from calibration.units import MonotonicNs
from controller.types import ItemOutcome
from telemetry.composition import MinuteWindow, session_flow
from telemetry.tally import SessionTallies
from tests.support.telemetry_line import RecordSource
from vision.types import FRACTIONS

SECOND_NS = 1_000_000_000


def test_the_session_s_flow_is_the_sum_of_its_records() -> None:
    records = list(RecordSource("s1").many(500))
    tallies = SessionTallies()
    for record in records:
        assert tallies.add(record)
    flow = session_flow(tallies.all(), 1800.0)
    assert flow.items == 500
    assert flow.items_per_h == pytest.approx(1000.0)
    assert flow.mass_kg_per_h == pytest.approx(sum(r.track.mass_g for r in records) / 500)
    assert [part.fraction for part in flow.fractions] == list(FRACTIONS)
    assert sum(part.share for part in flow.fractions) == pytest.approx(1.0)
    assert sum(part.mass_share for part in flow.fractions) == pytest.approx(1.0)
    ejected = sum(sum(part.ejected) for part in flow.fractions)
    assert ejected == sum(r.outcome is ItemOutcome.EJECTED for r in records)


def test_a_record_that_comes_twice_is_counted_once() -> None:
    records = list(RecordSource("s1").many(10))
    tallies = SessionTallies()
    assert all(tallies.add(record) for record in records)
    assert not any(tallies.add(record) for record in records)
    assert sum(tally.items for tally in tallies.all()) == 10


def test_tallies_go_on_from_what_the_store_held() -> None:
    records = list(RecordSource("s1").many(40))
    before, after = SessionTallies(), SessionTallies()
    for record in records[:25]:
        before.add(record)
    after.restore(before.all(), 25)
    for record in records[20:]:
        after.add(record)
    assert sum(tally.items for tally in after.all()) == 40


def test_the_minute_forgets_what_is_older() -> None:
    window = MinuteWindow(MonotonicNs(0))
    source = RecordSource("s1")
    for second in range(200):
        window.add(source.next(second * SECOND_NS))
    assert window.flow(MonotonicNs(199 * SECOND_NS)).items == 60
    assert window.flow(MonotonicNs(230 * SECOND_NS)).items == 29
    assert window.flow(MonotonicNs(500 * SECOND_NS)).items == 0


def test_a_young_session_is_rated_over_its_own_age() -> None:
    window = MinuteWindow(MonotonicNs(0))
    source = RecordSource("s1")
    for index in range(20):
        window.add(source.next(index * SECOND_NS // 2))
    flow = window.flow(MonotonicNs(10 * SECOND_NS))
    assert flow.span_s == pytest.approx(10.0)
    assert flow.items_per_h == pytest.approx(20 / 10 * 3600)


def test_nothing_yet_is_zero_and_not_an_error() -> None:
    flow = MinuteWindow(MonotonicNs(0)).flow(MonotonicNs(0))
    assert flow.items == 0
    assert all(part.share == part.mass_share == 0.0 for part in flow.fractions)
