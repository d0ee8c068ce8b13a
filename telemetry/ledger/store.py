"""The ledger of one plant in the plant's database: append, read, verify."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from telemetry.database.engine import Backend, Database
from telemetry.errors import DatabaseConflictError
from telemetry.ledger.chain import (
    BEFORE_FIRST,
    Anchor,
    Row,
    Verification,
    entry_of,
    verify_rows,
)
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Action, Entry, Genesis, ShiftOpened
from telemetry.ledger.errors import EntryError, ForeignLedgerError
from telemetry.ledger.posting import ROW_COLUMNS, Appended, Posting, row_from
from telemetry.ledger.rules import check, day_of
from telemetry.ledger.shifts import Shift
from telemetry.ledger.tables import CHAINS, ROWS
from telemetry.wall import WallClock

_READ_AT_ONCE: Final = 2000
_LOCK_KEY: Final = 0x4C454447
"""Advisory lock of PostgreSQL under which one process at a time appends (`LEDG`)."""
GENESIS_UID: Final = "genesis"
_ONE_DAY: Final = timedelta(days=1)


class Ledger:
    """One plant's chain. Blocks on the database; any number of processes may append at once.

    Args:
        database: opened, with this program's schema.
        accounts: whose chain it is, its codes and shifts.
        now: the wall clock.

    Raises:
        ForeignLedgerError: the database holds another plant's chain and not this one's.
    """

    def __init__(self, database: Database, accounts: AccountsConfig, *, now: WallClock) -> None:
        self._database = database
        self.accounts = accounts
        self._now = now
        self._chain = self._find_or_begin()

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Write entries in order, all or none. Repeating what was written before does nothing.

        Raises:
            EntryError: one of them cannot be right; nothing is written.
            RevisionError: its revision exists with other content, or it corrects nothing.
            DatabaseUnavailableError: full or unreachable; nothing is written, worth a retry.
        """
        with self._database.write() as connection:
            return self.append_within(connection, entries)

    def append_within(self, connection: Connection, entries: Sequence[Entry]) -> Appended:
        """Do the same inside the caller's transaction.

        Raises:
            EntryError: see `append`; the caller's transaction must be rolled back.
        """
        self._lock(connection)
        now = self._now()
        posting = Posting(connection, self._chain, self._last_row(connection), now)
        for entry in entries:
            check(entry, now=now, codes=self.accounts.codes, calendar=self.accounts.calendar)
            if isinstance(entry.body, Genesis):
                msg = f"{entry.uid}: a ledger has one genesis row, its first"
                raise EntryError(msg)
            if isinstance(entry.body, ShiftOpened) and entry.action is not Action.CANCEL:
                self._refuse_overlap(connection, entry)
            posting.post(entry, day_of(entry, self.accounts.calendar))
        return posting.finish()

    def open_shift(self, at: datetime) -> Shift:
        """Return the shift to book to at an instant, opening it if it is not open yet.

        Never one that starts before the newest open one: the wall clock may have been set back.
        """
        calendar = self.accounts.calendar
        newest = self._newest_shift()
        shift = calendar.running(newest, at)
        if newest is None or shift.shift_id != newest.shift_id:
            self.append([opening(shift)])
        return shift

    def shift_known(self, shift_id: str) -> bool:
        """Return whether a shift has been opened."""
        query = self._of(ROWS.c.seq).where(ROWS.c.uid == f"shift:{shift_id}").limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def head(self) -> Anchor:
        """Return number and hash of the last row."""
        with self._database.read() as connection:
            row = self._last_row(connection)
        return Anchor(seq=row.seq, hash=row.hash) if row else Anchor(seq=0, hash=BEFORE_FIRST)

    def rows(self, *, after: int = 0) -> Iterator[Row]:
        """Yield rows in order, beginning after a row number."""
        query = self._of(*ROW_COLUMNS).where(ROWS.c.seq > after).order_by(ROWS.c.seq)
        with self._database.read() as connection:
            result = connection.execution_options(yield_per=_READ_AT_ONCE).execute(query)
            for values in result:
                yield row_from(values)

    def standing(
        self, first: date, last: date, *, shift: str = "", kinds: tuple[str, ...] = ()
    ) -> tuple[Row, ...]:
        """Return the rows that stand for days `first` to `last`: newest revisions, none cancelled.

        Args:
            first: local day.
            last: local day, included.
            shift: only rows of this shift.
            kinds: only rows of these kinds; empty for all.
        """
        later = ROWS.alias("later")
        superseded = (
            sa.select(later.c.seq)
            .where(later.c.chain == ROWS.c.chain)
            .where(later.c.uid == ROWS.c.uid)
            .where(later.c.revision > ROWS.c.revision)
            .exists()
        )
        query = (
            self._of(*ROW_COLUMNS)
            .where(ROWS.c.day.between(first, last), ROWS.c.action != Action.CANCEL.value)
            .where(~superseded)
            .order_by(ROWS.c.seq)
        )
        if shift:
            query = query.where(ROWS.c.shift == shift)
        if kinds:
            query = query.where(ROWS.c.kind.in_(kinds))
        with self._database.read() as connection:
            return tuple(row_from(values) for values in connection.execute(query))

    def history(self, uid: str) -> tuple[Row, ...]:
        """Return every revision of a uid, oldest first; empty if there is none."""
        query = self._of(*ROW_COLUMNS).where(ROWS.c.uid == uid).order_by(ROWS.c.revision)
        with self._database.read() as connection:
            return tuple(row_from(values) for values in connection.execute(query))

    def newest_of(self, prefix: str) -> Row | None:
        """Return the newest row whose uid begins so, None if there is none."""
        query = self._of(*ROW_COLUMNS).where(ROWS.c.uid.startswith(prefix, autoescape=True))
        with self._database.read() as connection:
            values = connection.execute(query.order_by(ROWS.c.seq.desc()).limit(1)).first()
        return row_from(values) if values is not None else None

    def verify(self, anchors: Iterable[Anchor] = ()) -> Verification:
        """Check every row against its hash, its neighbours and what is known from elsewhere."""
        return verify_rows(self.rows(), anchors)

    def _of(self, *columns: Any) -> sa.Select[Any]:
        return sa.select(*columns).where(ROWS.c.chain == self._chain)

    def _last_row(self, connection: Connection) -> Row | None:
        query = self._of(*ROW_COLUMNS).order_by(ROWS.c.seq.desc()).limit(1)
        values = connection.execute(query).first()
        return row_from(values) if values is not None else None

    def _newest_shift(self) -> Shift | None:
        query = (
            self._of(ROWS.c.shift)
            .where(ROWS.c.kind == "shift_opened", ROWS.c.action != Action.CANCEL.value)
            .order_by(ROWS.c.day.desc(), ROWS.c.seq.desc())
            .limit(8)
        )
        with self._database.read() as connection:
            names = [name for (name,) in connection.execute(query)]
        found = [self.accounts.calendar.find(name) for name in names]
        return max(found, key=lambda shift: shift.start, default=None)

    def _refuse_overlap(self, connection: Connection, entry: Entry) -> None:
        """A shift's calendar may have been changed in the line file: compare with what stands."""
        body = entry.body
        if not isinstance(body, ShiftOpened):
            return
        query = self._of(*ROW_COLUMNS).where(
            ROWS.c.kind == "shift_opened", ROWS.c.uid != entry.uid, ROWS.c.action != "CANCEL"
        )
        day = day_of(entry, self.accounts.calendar)
        near = query.where(ROWS.c.day.between(day - _ONE_DAY, day + _ONE_DAY))
        for values in connection.execute(near):
            other = entry_of(row_from(values))
            there = other.body
            if isinstance(there, ShiftOpened) and body.start < there.end and there.start < body.end:
                msg = (
                    f"{entry.uid}: shift {entry.shift} overlaps shift {other.shift}, which runs "
                    f"{there.start.isoformat()} to {there.end.isoformat()}"
                )
                raise EntryError(msg)

    def _lock(self, connection: Connection) -> None:
        """One writer at a time: SQLite's transaction has the write lock, PostgreSQL takes one."""
        if self._database.backend is Backend.POSTGRESQL:
            lock = sa.text("SELECT pg_advisory_xact_lock(:key, :chain)")
            connection.execute(lock, {"key": _LOCK_KEY, "chain": self._chain})

    def _find_or_begin(self) -> int:
        found = self._find()
        if found is not None:
            return found
        # A conflict: another process began the same chain meanwhile; it is found now.
        with contextlib.suppress(DatabaseConflictError):
            self._begin()
        found = self._find()
        if found is None:
            msg = f"{self._database.name}: the plant's chain could not be begun"
            raise EntryError(msg)
        return found

    def _find(self) -> int | None:
        facility = self.accounts.facility
        with self._database.read() as connection:
            chains = connection.execute(sa.select(CHAINS)).all()
            for chain in chains:
                if (chain.bin, chain.facility_id) == (facility.bin, facility.facility_id):
                    return self._checked(connection, chain.chain)
        if chains and self._database.backend is Backend.SQLITE:
            others = ", ".join(f"BIN {c.bin} site {c.facility_id}" for c in chains)
            msg = (
                f"{self._database.name} is the ledger of {others}, not of BIN {facility.bin} site "
                f"{facility.facility_id}; name this plant's own file, or correct accounts.facility"
            )
            raise ForeignLedgerError(msg)
        return None

    def _checked(self, connection: Connection, chain: int) -> int:
        """The chain's first row must say the same as the table of chains."""
        query = sa.select(*ROW_COLUMNS).where(ROWS.c.chain == chain, ROWS.c.seq == 1)
        values = connection.execute(query).first()
        body = entry_of(row_from(values)).body if values is not None else None
        facility = self.accounts.facility
        mine = (facility.bin, facility.facility_id)
        if not isinstance(body, Genesis) or (body.bin, body.facility_id) != mine:
            msg = f"{self._database.name}: the chain's first row is not of BIN {facility.bin}"
            raise ForeignLedgerError(msg)
        return chain

    def _begin(self) -> None:
        facility = self.accounts.facility
        now = self._now()
        name = facility.name_kk
        body = Genesis(bin=facility.bin, facility_id=facility.facility_id, name=name)
        entry = Entry(uid=GENESIS_UID, at=now, body=body)
        with self._database.write() as connection:
            inserted = connection.execute(
                sa.insert(CHAINS).values(bin=facility.bin, facility_id=facility.facility_id)
            )
            key = inserted.inserted_primary_key
            posting = Posting(connection, int(key[0]) if key else 0, None, now)
            posting.post(entry, day_of(entry, self.accounts.calendar))
            posting.finish()


def opening(shift: Shift) -> Entry:
    """Return the entry that opens a shift."""
    return Entry(
        uid=f"shift:{shift.shift_id}",
        at=shift.start,
        shift=shift.shift_id,
        body=ShiftOpened(start=shift.start, end=shift.end),
    )
