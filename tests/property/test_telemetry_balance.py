"""The books of a session close whatever records are lost and wherever the line is cut off."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.types import ItemOutcome
from telemetry.balance import (
    Counts,
    GapKind,
    SessionAccount,
    counts_of_outcome,
    counts_of_totals,
    newest,
)
from telemetry.outbox import RecordOutbox
from tests.support.telemetry_line import NO_TOTALS, RecordSource


@given(
    st.integers(0, 2**32),
    st.lists(st.booleans(), max_size=60),
    st.sampled_from(["nothing", "closing", "killed"]),
)
def test_the_books_close_whatever_is_lost(seed: int, kept: list[bool], ending: str) -> None:
    source = RecordSource("s", seed=seed)
    records = list(source.many(len(kept)))
    account = SessionAccount()
    gaps = []
    for record, keep in zip(records, kept, strict=True):
        if keep:
            account, gap = account.with_record(record)
            gaps += [gap] if gap else []
            assert account.closes
            assert counts_of_totals(record.totals).trimmed == (
                account.stored.plus(account.gaps).trimmed
            )
    if ending != "nothing":
        account, made = account.closed(source.totals if ending == "closing" else None)
        gaps += made
        assert account.closes
        assert account.in_flight == 0
    if ending == "closing":
        assert account.seen == source.totals.seen
        assert account.stored.total + sum(
            gap.counts.total for gap in gaps if gap.kind is not GapKind.INTERRUPTED
        ) == len(records)
    assert all(gap.kind is not GapKind.UNEXPLAINED for gap in gaps)
    assert account.stored.total == sum(kept)
    numbered = sum(gap.last_seq - gap.first_seq + 1 for gap in gaps if gap.first_seq)
    assert account.last_seq == account.stored.total + numbered


def test_a_killed_line_has_its_items_in_flight_counted_as_blocked() -> None:
    source = RecordSource("s", seed=3)
    account = SessionAccount()
    for record in source.many(20):
        account, _ = account.with_record(record)
    in_flight = account.in_flight
    assert in_flight > 0
    closed, gaps = account.closed(None)
    assert [gap.kind for gap in gaps] == [GapKind.INTERRUPTED]
    assert gaps[0].counts == Counts(blocked=in_flight)
    assert closed.seen == account.seen


def test_totals_that_contradict_the_numbering_are_booked_as_unexplained() -> None:
    source = RecordSource("s", seed=3)
    records = list(source.many(10))
    account, _ = SessionAccount().with_record(records[0])
    shrunk = replace(records[5], totals=NO_TOTALS)
    account, gap = account.with_record(shrunk)
    assert gap is not None
    assert gap.kind is GapKind.UNEXPLAINED
    assert gap.counts == Counts(blocked=4)


def test_a_record_already_booked_is_refused() -> None:
    record = RecordSource("s").next(1)
    account, _ = SessionAccount().with_record(record)
    with pytest.raises(ValueError, match="record 1 comes after 1"):
        account.with_record(record)


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 30))
def test_the_newest_of_two_totals_is_the_later_one(seed: int, first: int, second: int) -> None:
    source = RecordSource("s", seed=seed)
    totals = [record.totals for record in source.many(31)]
    assert newest(totals[first], totals[second]) == totals[max(first, second)]
    assert newest(None, totals[first]) == newest(totals[first], None) == totals[first]


def test_an_outcome_counts_once_in_its_own_place() -> None:
    for outcome in ItemOutcome:
        counts = counts_of_outcome(outcome, 2, 5)
        assert counts.total == 5
        assert counts.ejected == ((0, 0, 5) if outcome is ItemOutcome.EJECTED else ())


@given(
    st.integers(1, 20),
    st.integers(1, 12),
    st.lists(st.sampled_from(["offer", "take", "acknowledge", "lost"]), max_size=120),
)
def test_the_outbox_delivers_in_order_without_holes_of_its_own(
    capacity: int, window: int, steps: list[str]
) -> None:
    """What was accepted reaches a receiver that ignores repetitions, once each and in order."""
    source = RecordSource("s")
    outbox = RecordOutbox(capacity=capacity, window=window)
    accepted: list[int] = []
    stored: list[int] = []
    for step in steps:
        if step == "offer":
            record = source.next(1)
            if outbox.offer(record):
                accepted.append(record.record_seq)
        elif step == "take":
            batch = outbox.take(3)
            assert len(batch) <= window
            stored += [r.record_seq for r in batch if r.record_seq > max(stored, default=0)]
        elif step == "acknowledge":
            outbox.acknowledge(max(stored, default=0))
        else:
            outbox.rewind()
        assert outbox.waiting <= capacity
    outbox.rewind()
    while batch := outbox.take(3):
        stored += [r.record_seq for r in batch if r.record_seq > max(stored, default=0)]
        outbox.acknowledge(stored[-1])
    assert stored == accepted
    assert len(accepted) + outbox.dropped == source.totals.seen - source.totals.in_flight
    assert outbox.waiting == 0
