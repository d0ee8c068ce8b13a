"""The item store: SQLite in WAL mode, one row per record, books that always close.

Everything handed to `write` lands in one transaction, books included, so a process killed at any
moment leaves either all of it or nothing.
"""

import fcntl
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from calibration.clock import Clock
from telemetry.errors import StoreError, StoreUnavailableError
from telemetry.production_reader import SessionProduction, read_production
from telemetry.store_reader import (
    SessionBalance,
    StoredItem,
    StoreFault,
    find_faults,
    read_balances,
    read_items,
    read_tallies,
)
from telemetry.store_schema import open_database
from telemetry.store_writer import BatchPosting, StoreEntry, WriteResult
from telemetry.tally import ItemTally
from telemetry.wall import UtcMapper

_RETRYABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_NOMEM}
_PRIMARY_CODE = 0xFF
"""Low byte of SQLite's extended result codes (sqlite.org/rescode.html)."""


class ItemStore:
    """One store file, held by one process. Blocks on disk; one thread at a time uses it.

    Args:
        path: of the SQLite file, made when absent; `<path>.lock` beside it marks the holder.
        clock: monotonic time of the records.
        utc: maps it to wall time.

    Raises:
        StoreVersionError: the file was written by a newer program.
        StoreError: not a store, not accessible, or held by another process.
    """

    def __init__(self, *, path: Path, clock: Clock, utc: UtcMapper) -> None:
        self._path = path
        self._clock = clock
        self._utc = utc
        self._lock = _hold(path)
        try:
            self._database = open_database(path)
        except StoreError:
            self._lock.close()
            raise

    def write(self, entries: Sequence[StoreEntry]) -> WriteResult:
        """Store all entries in order, or none; when it returns they survive a power cut.

        Records already stored are ignored, so a batch may be repeated.

        Raises:
            StoreUnavailableError: no space or an I/O error; rolled back, worth a retry.
            StoreError: the file is damaged.
        """
        try:
            return self._transact(entries)
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY_CODE
            kind = StoreUnavailableError if code in _RETRYABLE else StoreError
            msg = f"store {self._path} refused a write: {error}"
            raise kind(msg) from error

    def _transact(self, entries: Sequence[StoreEntry]) -> WriteResult:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            posting = BatchPosting(self._database, self._utc, self._clock.now_ns())
            result = posting.post(entries)
            self._database.execute("COMMIT")
        except sqlite3.Error:
            # SQLite rolls back by itself on some errors (full, I/O); then there is nothing to do.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        return result

    def session_is_closed(self, session_id: str) -> bool:
        """Return whether the session is known and closed."""
        row = self._database.execute(
            "SELECT ending FROM sessions WHERE session_id = ?", (session_id,)
        ).fetchone()
        return row is not None and row[0] is not None

    def last_seq(self, session_id: str) -> int:
        """Return up to which record number the session is accounted for, 0 if it is unknown."""
        found = read_balances(self._database, limit=1, session_id=session_id)
        return found[0].account.last_seq if found else 0

    def balances(self, limit: int) -> tuple[SessionBalance, ...]:
        """Return the books of the newest sessions, newest first."""
        return read_balances(self._database, limit=limit)

    def balance(self, session_id: str) -> SessionBalance:
        """Return the books of one session.

        Raises:
            StoreError: no such session.
        """
        found = read_balances(self._database, limit=1, session_id=session_id)
        if not found:
            msg = f"store {self._path} has no session {session_id}"
            raise StoreError(msg)
        return found[0]

    def items(self, *, session_id: str, before_seq: int, limit: int) -> tuple[StoredItem, ...]:
        """Return up to `limit` records numbered below `before_seq`, newest first."""
        return read_items(self._database, session_id=session_id, before_seq=before_seq, limit=limit)

    def tallies(self, session_id: str) -> tuple[ItemTally, ...]:
        """Return items and mass of a session by fraction, decision and outcome."""
        return read_tallies(self._database, session_id)

    def production_after(self, marks: Mapping[str, int]) -> tuple[SessionProduction, ...]:
        """Return items by minute of records beyond each session's mark, some at a time.

        Args:
            marks: up to which record a session has been counted; one not named, from its start.

        Raises:
            StoreUnavailableError: it cannot be read just now.
        """
        try:
            return read_production(self._database, marks)
        except sqlite3.Error as error:
            msg = f"store {self._path} cannot be read: {error}"
            raise StoreUnavailableError(msg) from error

    def verify(self) -> tuple[StoreFault, ...]:
        """Recount every session from its rows and gaps; empty means that all books hold."""
        return find_faults(self._database)

    def close(self) -> None:
        """Release the file. Idempotent."""
        self._database.close()
        self._lock.close()


def _hold(path: Path) -> TextIO:
    """Take the lock that goes away with this process, whatever ends it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        msg = f"store {path} is not accessible: {error}"
        raise StoreError(msg) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        msg = f"store {path} is in use by another telemetry process"
        raise StoreError(msg) from error
    return lock
