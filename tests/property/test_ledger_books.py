"""Books close under any interleaving of entries, retries, corrections and crashes."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from telemetry.database.address import sqlite_url
from telemetry.database.engine import Database
from telemetry.database.migration import open_database
from telemetry.ledger.books import books_of
from telemetry.ledger.chain import entry_of
from telemetry.ledger.errors import RevisionError
from telemetry.ledger.stock import stock_flows
from telemetry.ledger.store import Ledger
from tests.support.plant import NOON, WallClock, accounts, bale, correction, ticket

PLANT = accounts()
DAY = NOON.date()
KG = st.integers(1, 40_000)
NAMES = st.sampled_from([str(number) for number in range(6)])
MAKERS = st.sampled_from([ticket, bale])


class CrashError(Exception):
    """The process ends before its transaction commits."""


class PlantBooks(RuleBasedStateMachine):
    """A ledger beside a dictionary that says what must stand."""

    @initialize()
    def begin(self):
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "plant.sqlite"
        open_database(sqlite_url(self.path)).close()
        self.newest = {}
        self.voided = set()
        self.connect()

    def connect(self):
        self.database = Database(sqlite_url(self.path))
        self.ledger = Ledger(self.database, PLANT, now=WallClock())

    def teardown(self):
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

    @rule(make=MAKERS, name=NAMES, kg=KG)
    def enter(self, make, name, kg):
        entry = make(name, kg)
        if entry.uid in self.newest:
            first = self.ledger.history(entry.uid)[0]
            if entry_of(first) == entry:
                self.ledger.append([entry])
            else:
                with suppress(RevisionError):
                    self.ledger.append([entry])
                    raise AssertionError
            return
        self.ledger.append([entry])
        self.newest[entry.uid] = entry

    @rule(make=MAKERS, name=NAMES, kg=KG, void=st.booleans(), crash=st.booleans())
    def correct(self, make, name, kg, void, crash):
        old = self.newest.get(make(name, kg).uid)
        if old is None or old.uid in self.voided:
            return
        body = None if void else make(name, kg).body
        revised = correction(old, body, revision=old.revision + 1)
        if crash:
            self.crash_during([revised])
            return
        self.ledger.append([revised])
        self.newest[old.uid] = revised
        if void:
            self.voided.add(old.uid)

    @rule(make=MAKERS, name=NAMES, kg=KG)
    def crash_while_entering(self, make, name, kg):
        entry = make(name, kg)
        if entry.uid not in self.newest:
            self.crash_during([entry])

    def crash_during(self, entries):
        with suppress(CrashError), self.database.write() as connection:
            self.ledger.append_within(connection, entries)
            raise CrashError
        self.database.close()
        self.connect()

    @rule()
    def retry_everything(self):
        head = self.ledger.head()
        again = [entry_of(row) for row in self.ledger.rows(after=1)]
        if again:
            assert self.ledger.append(again).repeated == len(again)
        assert self.ledger.head() == head

    @invariant()
    def books_are_what_was_entered(self):
        if not hasattr(self, "ledger"):
            return
        assert self.ledger.verify().faults == ()
        rows = self.ledger.standing(DAY, DAY)
        entries = [entry_of(row) for row in rows]
        books = books_of(entries)
        stands = [e for uid, e in self.newest.items() if uid not in self.voided]
        for kind, found in (("received", books.received_g), ("product", books.products_g)):
            assert found == sum(e.body.mass.mass_g for e in stands if e.body.kind == kind)
        flows = stock_flows(entries, {row.uid: row.day for row in rows}, DAY)
        assert all(flow.closes for flow in flows)


PlantBooks.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestPlantBooks = PlantBooks.TestCase
