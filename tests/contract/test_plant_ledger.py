"""The plant's ledger on both databases: appending, correcting, refusing, and finding tampering."""

import dataclasses
from datetime import date, timedelta

import pytest

from telemetry.database.engine import Backend
from telemetry.errors import DatabaseError
from telemetry.ledger.chain import Anchor, entry_of
from telemetry.ledger.entries import Genesis, Product, Received
from telemetry.ledger.errors import EntryError, ForeignLedgerError, RevisionError
from telemetry.ledger.store import Ledger, opening
from tests.support.plant import (
    NOON,
    OTHER_BIN,
    SHIFT,
    WallClock,
    accounts,
    bale,
    correction,
    ticket,
    weighed,
)

DAY = date(2026, 10, 5)


@pytest.fixture
def clock():
    return WallClock()


@pytest.fixture
def ledger(database, clock):
    return Ledger(database, accounts(), now=clock)


def tamper(database, *statements):
    """Change rows as somebody with the database's password and patience would."""
    with database.engine.begin() as connection:
        if database.backend is Backend.SQLITE:
            query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.exec_driver_sql(query).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("ALTER TABLE ledger_rows DISABLE TRIGGER USER")
        for statement in statements:
            connection.exec_driver_sql(statement)


def filled(ledger):
    ledger.open_shift(NOON)
    ledger.append([ticket("1", 8000), ticket("2", 9500), bale("1", 420), bale("2", 380)])
    return ledger


def test_a_new_ledger_begins_with_whose_it_is_and_verifies(ledger):
    rows = list(ledger.rows())
    assert isinstance(entry_of(rows[0]).body, Genesis)
    assert ledger.verify().faults == ()
    assert ledger.head() == Anchor(seq=1, hash=rows[0].hash)


def test_entries_come_back_as_they_were_appended(ledger):
    filled(ledger)
    stored = [entry_of(row) for row in ledger.rows(after=2)]
    assert stored == [ticket("1", 8000), ticket("2", 9500), bale("1", 420), bale("2", 380)]
    assert not stored[0].body.mass.is_estimate
    assert stored[2].body.mass.is_estimate


def test_the_same_entries_again_change_nothing(ledger):
    filled(ledger)
    head = ledger.head()
    again = ledger.append([ticket("1", 8000), bale("1", 420)])
    assert (again.rows, again.repeated, again.head) == ((), 2, head)
    assert ledger.head() == head


def test_the_same_revision_with_other_content_is_an_error_that_says_how_to_correct(ledger):
    filled(ledger)
    with pytest.raises(RevisionError, match="append revision 2 as EDIT or CANCEL"):
        ledger.append([ticket("1", 8001)])


def test_within_one_batch_a_repeat_is_a_repeat_and_a_difference_an_error(ledger):
    assert ledger.append([ticket("1", 10), ticket("1", 10)]).repeated == 1
    with pytest.raises(RevisionError):
        ledger.append([ticket("2", 10), ticket("2", 11)])


def test_an_edit_replaces_a_cancel_voids_and_both_keep_what_was(ledger):
    filled(ledger)
    edit = correction(ticket("1", 8000), Received(code="200301", mass=weighed(8100)))
    ledger.append([edit, correction(ticket("2", 9500))])
    standing = {row.uid: entry_of(row) for row in ledger.standing(DAY, DAY)}
    assert standing["weighbridge:1"].body.mass.mass_g == 8_100_000
    assert "weighbridge:2" not in standing
    assert [row.action for row in ledger.history("weighbridge:2")] == ["INSERT", "CANCEL"]
    assert ledger.verify().faults == ()


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (correction(ticket("9", 1), Received(code="200301", mass=weighed(1))), "does not exist"),
        (correction(ticket("9", 1)), "does not exist"),
        (correction(ticket("1", 8000), revision=3), "after revision 1 comes 2"),
        (correction(ticket("1", 8000), reason=" "), "needs a reason"),
        (dataclasses.replace(ticket("1", 8000), revision=2), "revision 1 inserts"),
        (correction(ticket("1", 8000), bale("1", 1).body), "cannot make it a product"),
    ],
)
def test_a_correction_that_corrects_nothing_is_refused(ledger, later, words):
    filled(ledger)
    head = ledger.head()
    with pytest.raises(EntryError, match=words):
        ledger.append([later])
    assert ledger.head() == head


def test_one_bad_entry_among_good_ones_stops_them_all_before_anything_is_written(ledger):
    filled(ledger)
    head = ledger.head()
    with pytest.raises(EntryError, match="-1 kg is negative"):
        ledger.append([ticket("3", 10), ticket("4", -1)])
    assert ledger.head() == head


def test_a_correction_of_what_was_cancelled_is_refused(ledger):
    filled(ledger)
    ledger.append([correction(ticket("1", 8000))])
    again = correction(ticket("1", 8000), Received(code="200301", mass=weighed(5)), revision=3)
    with pytest.raises(RevisionError, match="was cancelled by revision 2; enter it under a new"):
        ledger.append([again])


def test_a_shift_opens_once_and_one_that_overlaps_it_is_refused(ledger, database, clock):
    assert ledger.open_shift(NOON).shift_id == SHIFT
    assert ledger.open_shift(NOON).shift_id == SHIFT
    assert [row.uid for row in ledger.rows() if row.kind == "shift_opened"] == [f"shift:{SHIFT}"]
    shifts = [{"name": "L", "start": "11:00", "hours": 4}]
    other = Ledger(database, accounts(calendar={"shifts": shifts}), now=clock)
    with pytest.raises(EntryError, match="overlaps shift 2026-10-05/A"):
        other.append([opening_of(other, "2026-10-05/L")])


def opening_of(ledger, shift_id):
    return opening(ledger.accounts.calendar.find(shift_id))


def test_a_clock_set_back_over_a_shift_change_and_midnight_is_noted_and_moves_no_entry(
    ledger, clock
):
    for change in (timedelta(hours=8, minutes=5), timedelta(hours=4)):
        clock.now = NOON + change
        before = ledger.open_shift(clock.now)
        number = f"{change}"
        ledger.append([ticket(f"{number}-before", 10, at=clock.now, shift=before.shift_id)])
        clock.step(hours=-1)
        after = ledger.open_shift(clock.now)
        assert after == before
        ledger.append([ticket(f"{number}-after", 10, at=clock.now, shift=after.shift_id)])
    rows = list(ledger.rows())
    assert {row.day for row in rows if row.kind == "received"} == {DAY}
    assert sum('"clock_back_s":3600' in row.content for row in rows) == 2
    assert ledger.verify().faults == ()


def test_another_plant_s_ledger_is_refused_in_a_file_and_kept_apart_in_a_shared_database(
    ledger, database, clock
):
    filled(ledger)
    facility = accounts().facility.model_copy(update={"bin": OTHER_BIN})
    theirs = accounts(facility=facility)
    if database.backend is Backend.SQLITE:
        with pytest.raises(ForeignLedgerError, match="is the ledger of BIN 000140000012"):
            Ledger(database, theirs, now=clock)
        return
    other = Ledger(database, theirs, now=clock)
    assert [row.seq for row in other.rows()] == [1]
    assert ledger.verify().faults == other.verify().faults == ()


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_rows SET day = day", "DELETE FROM ledger_rows"]
)
def test_the_database_itself_refuses_to_change_or_delete_a_row(ledger, database, statement):
    filled(ledger)
    with pytest.raises(DatabaseError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(statement)


def test_postgresql_refuses_to_truncate_as_well(ledger, database):
    if database.backend is Backend.SQLITE:
        return
    with pytest.raises(DatabaseError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql("TRUNCATE ledger_rows")


CHANGES = {
    "a mass in the content": (
        "UPDATE ledger_rows SET content = replace(content, '9500000', '9600000') WHERE seq = 4",
        4,
        "row was changed",
    ),
    "a column beside the content": (
        "UPDATE ledger_rows SET day = '2026-10-06' WHERE seq = 5",
        5,
        "columns day differ",
    ),
    "a row deleted": ("DELETE FROM ledger_rows WHERE seq = 4", 4, "row 4 is missing"),
    "two rows deleted and the rest moved up": (
        (
            "DELETE FROM ledger_rows WHERE seq IN (3, 4); "
            "UPDATE ledger_rows SET seq = seq - 2 WHERE seq > 4"
        ),
        3,
        "was written as row 5",
    ),
    "two rows exchanged": (
        (
            "UPDATE ledger_rows SET seq = -3 WHERE seq = 3; UPDATE ledger_rows SET seq = 3 "
            "WHERE seq = 4; UPDATE ledger_rows SET seq = 4 WHERE seq = -3"
        ),
        3,
        "was written as row 4",
    ),
    "not JSON any more": (
        (
            "UPDATE ledger_rows SET content = 'x', hash = "
            "'2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881' WHERE seq = 4"
        ),
        4,
        "not a ledger row",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_verify_names_the_row_that_was_tampered_with(ledger, database, name):
    filled(ledger)
    statements, seq, words = CHANGES[name]
    tamper(database, *statements.split("; "))
    faults = ledger.verify().faults
    assert (faults[0].seq, words in faults[0].what) == (seq, True), faults


def test_a_cut_tail_is_found_by_an_anchor_only(ledger, database):
    head = dataclasses.replace(filled(ledger).head(), source="report 7")
    tamper(database, "DELETE FROM ledger_rows WHERE seq > 4")
    assert ledger.verify().faults == ()
    (fault,) = ledger.verify([head]).faults
    assert fault.what == "the anchor of report 7 knows row 6, the ledger ends at 4: rows were cut"


def test_a_chain_rewritten_from_a_row_on_is_found_by_an_anchor_behind_it(ledger, database):
    head = filled(ledger).head()
    tamper(database, "DELETE FROM ledger_rows WHERE seq > 3")
    ledger.append([ticket("2", 1), bale("1", 420), bale("2", 380)])
    assert ledger.verify().faults == ()
    assert [fault.seq for fault in ledger.verify([head]).faults] == [6]


def test_products_and_deliveries_of_a_shift_are_those_that_stand(ledger):
    filled(ledger)
    bodies = [entry_of(row).body for row in ledger.standing(DAY, DAY, shift=SHIFT)]
    assert sum(isinstance(body, Product) for body in bodies) == 2
    assert ledger.standing(DAY + timedelta(1), DAY + timedelta(9)) == ()
