"""Ledger entries that cannot be right, and rows that do not hold together."""

import dataclasses
from datetime import timedelta

import pytest

from telemetry.ledger.canonical import digest
from telemetry.ledger.chain import BEFORE_FIRST, Anchor, make_row, verify_rows
from telemetry.ledger.entries import Audit, ShiftClosed
from telemetry.ledger.errors import EntryError
from telemetry.ledger.rules import check
from tests.support.plant import NOON, accounts, bale, entry, seen, ticket, weighed


def audit(**changes):
    values = {
        "stream": "plastic",
        "material": "plastic",
        "sample_g": 20_000,
        "material_g": 19_000,
        "items": 400,
        "by": "A. Auditor",
    }
    return Audit(**(values | changes))


def received(**changes):
    return dataclasses.replace(ticket("1", 10).body, **changes)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (entry("x", received(mass=weighed(-1))), "-1 kg is negative"),
        (entry("x", received(mass=weighed(100_001))), "is absurd"),
        (entry("x", received(mass=dataclasses.replace(seen(5), low_g=6000))), "does not hold"),
        (entry("x", received(mass=dataclasses.replace(seen(5), level=None))), "low_g, high_g and"),
        (entry("x", received(code="123456")), "is not in the KZ table"),
        (entry("x", received(code="20 03 01")), "stored as six digits, 200301"),
        (entry("x", received(), at=NOON + timedelta(hours=1)), "lies in the future"),
        (entry("x", received(), at=NOON.replace(year=2006)), "correct the year"),
        (entry("x", received(), at=NOON.replace(tzinfo=None)), "has no offset"),
        (entry("x", received(), shift="2026-10-05/Z"), "shift '2026-10-05/Z' is unknown"),
        (entry("x", bale("1", 1).body, shift=""), "needs the shift"),
        (
            entry(
                "x",
                ShiftClosed(rated_kg_per_h=5000, hours_planned=12, hours_run=30, processed=seen(1)),
            ),
            "30 h run",
        ),
        (entry("", received()), "a uid has 1 to 200"),
        (entry("x", audit(stream="gold")), "stream 'gold' is none of residue, plastic"),
        (entry("x", audit(material_g=30_000)), "30 kg of plastic in a sample of 20 kg"),
        (entry("x", audit(items=0)), "an audit names how many pieces"),
        (entry("x", dataclasses.replace(bale("1", 1).body, items=-4)), "-4 items"),
    ],
)
def test_an_entry_that_cannot_be_right_is_refused_in_words(bad, words):
    plant = accounts()
    with pytest.raises(EntryError, match=words):
        check(bad, now=NOON, codes=plant.codes, calendar=plant.calendar)


def chained():
    """Return six rows that follow one another."""
    rows, before = [], Anchor(seq=0, hash=BEFORE_FIRST)
    for number in range(6):
        delivery = ticket(str(number), 8000 + number)
        row = make_row(delivery, before=before, recorded_at=NOON, back_s=0.0, day=NOON.date())
        rows.append(row)
        before = Anchor(seq=row.seq, hash=row.hash)
    return rows


def test_rows_as_they_were_made_hold():
    rows = chained()
    assert verify_rows(rows).faults == ()
    assert verify_rows(rows).head == Anchor(seq=6, hash=rows[-1].hash)
    assert verify_rows([]).head is None


def test_a_row_changed_with_its_hash_is_found_by_the_row_after_it():
    rows = chained()
    content = rows[3].content.replace("8003000", "9003000")
    assert content != rows[3].content
    rows[3] = dataclasses.replace(rows[3], content=content, hash=digest(content.encode()))
    (fault,) = verify_rows(rows).faults
    assert (fault.seq, "does not follow row 4" in fault.what) == (5, True)


def test_a_row_inserted_between_two_is_found():
    rows = chained()
    moved = [dataclasses.replace(row, seq=row.seq + 1) for row in rows[3:]]
    faults = verify_rows([*rows[:3], rows[3], *moved]).faults
    assert (faults[0].seq, faults[0].uid) == (5, "weighbridge:3")
    assert faults[0].what == "it was written as row 4: the row was moved or inserted"


def test_every_character_of_a_row_is_covered():
    rows = chained()
    content = rows[2].content
    for place in range(len(content)):
        changed = content[:place] + chr(ord(content[place]) ^ 1) + content[place + 1 :]
        rows[2] = dataclasses.replace(rows[2], content=changed)
        assert verify_rows(rows).faults[0].seq == 3
