"""A line's items in the plant's ledger: booked once, corrected by late records, evidence beside."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from calibration.mass_model import ClassMassLaw, MassModel, save
from telemetry.database.address import sqlite_url
from telemetry.database.migration import open_database
from telemetry.ledger.books import books_of
from telemetry.ledger.chain import entry_of
from telemetry.ledger.entries import Action
from telemetry.ledger.line_items import LineItems
from telemetry.ledger.line_posting import LATE_RECORDS, LinePosting, estimate
from telemetry.ledger.mass_spread import BUILT_IN, MassSpreads
from telemetry.ledger.store import Ledger
from telemetry.messages import SessionAnnounced, SessionClosing
from telemetry.store import ItemStore
from telemetry.wall import UtcMapper
from tests.support.plant import NOON, WallClock, accounts, correction
from tests.support.playback_clock import PlaybackClock
from tests.support.telemetry_line import STATIONS, RecordSource
from vision.mass import relative_sd
from vision.types import FRACTIONS, Fraction

PLANT = accounts(weighbridge=False)
DAY = NOON.date()


class Rig:
    def __init__(self, folder, plant=PLANT):
        self.clock = WallClock(NOON)
        self.mono = PlaybackClock()
        self.store = ItemStore(
            path=folder / "items.sqlite",
            clock=self.mono,
            utc=UtcMapper(clock=self.mono, now=self.clock),
        )
        self.database = open_database(sqlite_url(folder / "plant.sqlite"))
        self.ledger = Ledger(self.database, plant, now=self.clock)
        self.items = LineItems(folder / "items.sqlite", "line", plant.calendar)
        self.posting = LinePosting(
            self.ledger, self.items, line_id="line", weighs_input=plant.weighbridge
        )

    def session(self, name, count, *, close=True, **changes):
        source = RecordSource(name, seed=count)
        self.store.write(
            [
                SessionAnnounced(
                    session_id=name,
                    line_id="line",
                    station_names=STATIONS,
                    opened_ns=self.mono.now_ns(),
                )
            ]
        )
        records = [dataclasses.replace(one, **changes) for one in source.many(count)]
        self.store.write(records)
        if close:
            self.store.write([SessionClosing(session_id=name, totals=source.totals)])
        return records

    def books(self):
        return books_of(entry_of(row) for row in self.ledger.standing(DAY, DAY))

    def close(self):
        self.store.close()
        self.database.close()


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path)
    yield rig
    rig.close()


def later(rig):
    rig.clock.step(seconds=61)
    return rig.clock()


def test_a_session_that_is_over_is_booked_once_and_everything_in_it_is_somewhere(rig):
    records = rig.session("one", 200)
    assert rig.posting.post(later(rig)) > 3
    books = rig.books()
    assert sum(line.items for line in (*books.products, *books.residue)) + sum(
        line.count for line in books.removals
    ) == len(records)
    whole_g = sum(record.track.mass_g for record in records)
    assert books.received_g == pytest.approx(whole_g, abs=1)
    assert books.received[0].amount.is_estimate
    assert rig.posting.post(later(rig)) == 0
    assert rig.ledger.verify().faults == ()


def test_removed_items_are_booked_one_by_one_with_the_line_s_own_name_for_them(rig):
    records = rig.session("one", 300)
    rig.posting.post(later(rig))
    removed = [r for r in records if r.outcome.value == "removed"]
    bodies = [entry_of(row).body for row in rig.ledger.standing(DAY, DAY)]
    names = {body.item for body in bodies if body.kind == "removal"}
    assert names == {f"one:{record.track.track_id}" for record in removed}
    assert removed


def test_an_open_session_waits_for_its_end_or_the_shift_s_but_removals_do_not(rig):
    rig.session("one", 50, close=False)
    rig.posting.post(later(rig))
    at_once = {row.kind for row in rig.ledger.rows()}
    assert at_once == {"genesis", "shift_opened", "removal"}
    rig.clock.now = NOON.replace(hour=20) + timedelta(minutes=11)
    assert rig.posting.post(rig.clock()) > 3
    (closed,) = [row for row in rig.ledger.rows() if row.kind == "shift_closed"]
    body = entry_of(closed).body
    assert (body.hours_planned, body.hours_run) == (12.0, pytest.approx(1 / 60, abs=1e-6))
    assert rig.posting.post(rig.clock()) == 0


def test_records_that_came_later_are_a_new_revision_and_a_person_s_correction_stands(rig):
    rig.session("one", 50, close=False)
    rig.clock.now = NOON.replace(hour=20) + timedelta(minutes=11)
    rig.posting.post(rig.clock())
    rows = {row.uid: entry_of(row) for row in rig.ledger.standing(DAY, DAY)}
    residue = next(entry for uid, entry in rows.items() if uid.endswith(":residue"))
    rig.ledger.append([correction(residue, reason="emptied by hand, see note 4")])
    back = rig.clock.now
    rig.clock.now = NOON + timedelta(minutes=2)
    rig.store.write(list(RecordSource("one", seed=50).many(90))[50:])
    rig.clock.now = back
    rig.posting.post(rig.clock())
    received = rig.ledger.history("line:one:2026-10-05/A:received")
    assert [row.action for row in received] == ["INSERT", "EDIT"]
    assert entry_of(received[-1]).reason == LATE_RECORDS
    kept = [Action(row.action) for row in rig.ledger.history(residue.uid)]
    assert kept == [Action.INSERT, Action.CANCEL]


def test_where_a_scale_weighs_the_input_the_line_books_none(tmp_path):
    rig = Rig(tmp_path, accounts())
    rig.session("one", 40)
    rig.posting.post(later(rig))
    assert rig.books().received == ()
    rig.close()


def test_a_line_without_a_store_yet_books_nothing(tmp_path):
    items = LineItems(tmp_path / "nothing.sqlite", "line", PLANT.calendar)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert items.composition(start, NOON) == ()
    assert items.bundles(start, NOON) == ()


def test_evidence_says_what_was_seen_and_by_which_model(rig):
    records = rig.session("one", 120)
    seen = rig.items.composition(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert sum(part.items for part in seen) == len(records)
    assert rig.items.bundles(NOON - timedelta(hours=1), NOON + timedelta(hours=1)) == (
        records[0].bundle_id,
    )
    weee = [r for r in records if r.decision.fraction.value in ("weee", "mercury_lamp")]
    counted = rig.items.equipment(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert sum(part.items for part in counted) == len(weee)


def test_masses_that_a_line_books_carry_an_interval_that_many_items_do_not_wear_away(rig):
    rig.session("one", 400)
    rig.posting.post(later(rig))
    masses = [line.amount for line in (*rig.books().products, *rig.books().residue)]
    for amount in masses:
        assert 0 <= amount.low_g < amount.mass_g < amount.high_g
    parts = [p for p in rig.items.minutes(NOON, rig.clock()) if p.fraction is Fraction.PLASTIC]
    few, many = (estimate(p, "x", lambda _: BUILT_IN) for p in (parts, parts * 10_000))
    common = 1.96 * relative_sd(Fraction.PLASTIC)[1]
    assert (many.high_g - many.mass_g) / many.mass_g == pytest.approx(common, rel=0.01)
    assert (few.high_g - few.mass_g) / few.mass_g > common


def test_masses_of_items_on_one_another_are_booked_and_marked_invalid(rig):
    rig.session("apart", 60, overlap_index=1.01)
    rig.session("heaped", 60, overlap_index=1.2)
    rig.posting.post(later(rig))
    books = rig.books()
    assert 0 < books.invalid_g < books.products_g + books.residue_g
    marked = {
        entry.batch: entry.body.mass.invalid_g
        for entry in (entry_of(row) for row in rig.ledger.standing(DAY, DAY))
        if entry.uid.endswith(":residue")
    }
    assert marked["apart"] == 0
    heaped = next(line for line in books.residue)
    assert marked["heaped"] == heaped.amount.invalid_g < heaped.amount.mass_g


def learned(folder, *, relative_sd):
    laws = tuple(
        ClassMassLaw(
            name=fraction.value,
            coefficients=(0.003, 0.0, 0.0),
            covariance=((0.0003**2, 0.0, 0.0), (0.0,) * 3, (0.0,) * 3),
            relative_sd=relative_sd,
            items=40,
            weighings=40,
        )
        for fraction in FRACTIONS
    )
    return save(
        MassModel(laws=laws, fitted_on=DAY, source="plant", with_height=False), folder / "masses"
    )


def test_the_interval_is_that_of_the_model_which_weighed_the_items(rig, tmp_path):
    path = learned(tmp_path, relative_sd=0.3)
    rig.session("learned", 400, mass_model=path.stem)
    rig.session("before", 400)
    rig.posting.post(later(rig))
    spreads = MassSpreads(rig.items, path)
    assert spreads.of("before") == BUILT_IN
    plastic = spreads.of("learned")[Fraction.PLASTIC]
    assert (plastic.item, plastic.law) == pytest.approx((0.3, 0.1))
    parts = [p for p in rig.items.minutes(NOON, rig.clock()) if p.session_id == "learned"]
    mine = [p for p in parts if p.fraction is Fraction.PLASTIC]
    many = estimate(mine * 10_000, "x", spreads.of)
    assert (many.high_g - many.mass_g) / many.mass_g == pytest.approx(1.96 * 0.1, rel=0.01)


def test_the_ledger_s_interval_is_narrower_with_a_learned_model(rig, tmp_path):
    path = learned(tmp_path, relative_sd=0.05)
    rig.session("one", 400, mass_model=path.stem)
    rig.posting.post(later(rig))
    wide = rig.books().residue[0].amount
    rig.posting = LinePosting(
        rig.ledger, rig.items, line_id="line", weighs_input=False, mass_model=path
    )
    rig.posting.post(rig.clock())
    narrow = rig.books().residue[0].amount
    assert narrow.mass_g == wide.mass_g
    assert narrow.high_g - narrow.low_g < (wide.high_g - wide.low_g) / 2
