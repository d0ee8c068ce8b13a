"""What the store can be asked: books, items, tallies, and whether everything adds up."""

import sqlite3
from dataclasses import dataclass

from controller.types import ActionPolicy, DecisionReason, ItemOutcome, ItemRecord
from telemetry.balance import Counts, GapKind, SessionAccount, counts_of_outcome
from telemetry.store_writer import ACCOUNT, COUNTS, STATION_NAMES, RecordStory
from telemetry.tally import ItemTally, TallyKey
from vision.types import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBalance:
    """The books of one session.

    Attributes:
        session_id: of the line run.
        line_id: which line.
        station_names: in belt order.
        opened_at_utc: ISO 8601.
        ending: closed, interrupted, or None while open.
        account: seen = stored + gaps + in flight.
    """

    session_id: str
    line_id: str
    station_names: tuple[str, ...]
    opened_at_utc: str
    ending: str | None
    account: SessionAccount

    @property
    def finished(self) -> Counts:
        """Finished items by outcome, with a row or in a gap."""
        return self.account.stored.plus(self.account.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """One row of the store.

    Attributes:
        at_utc: ISO 8601, when the item was finished, as the wall clock stood at receipt.
        record: the whole story.
    """

    at_utc: str
    record: ItemRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFault:
    """Something in the store that does not add up.

    Attributes:
        session_id: where; empty for the file itself.
        detail: what, with figures.
    """

    session_id: str
    detail: str


def read_balances(
    database: sqlite3.Connection, *, limit: int, session_id: str | None = None
) -> tuple[SessionBalance, ...]:
    """Return the books of the newest sessions, or of the one named."""
    rows = database.execute(
        "SELECT session_id, line_id, station_names, opened_at_utc, ending, account FROM sessions"
        " WHERE ? IS NULL OR session_id = ? ORDER BY session DESC LIMIT ?",
        (session_id, session_id, limit),
    )
    return tuple(
        SessionBalance(
            session_id=row[0],
            line_id=row[1],
            station_names=STATION_NAMES.validate_json(row[2]),
            opened_at_utc=row[3],
            ending=row[4],
            account=ACCOUNT.validate_json(row[5]),
        )
        for row in rows
    )


def read_items(
    database: sqlite3.Connection, *, session_id: str, before_seq: int, limit: int
) -> tuple[StoredItem, ...]:
    """Return records of a session numbered below `before_seq`, newest first."""
    rows = database.execute(
        "SELECT at_utc, story FROM items JOIN stories USING (session, record_seq)"
        " JOIN sessions USING (session)"
        " WHERE session_id = ? AND record_seq < ? ORDER BY record_seq DESC LIMIT ?",
        (session_id, before_seq, limit),
    )
    return tuple(
        StoredItem(at_utc=row[0], record=RecordStory.model_validate_json(row[1]).root)
        for row in rows
    )


def read_tallies(database: sqlite3.Connection, session_id: str) -> tuple[ItemTally, ...]:
    """Count a session's rows by fraction, decision and outcome."""
    rows = database.execute(
        "SELECT fraction, action, reason, station, outcome, count(*), total(mass_g)"
        " FROM items JOIN sessions USING (session) WHERE session_id = ?"
        " GROUP BY fraction, action, reason, station, outcome",
        (session_id,),
    )
    return tuple(
        ItemTally(
            key=TallyKey(
                fraction=Fraction(row[0]),
                action=ActionPolicy(row[1]),
                reason=DecisionReason(row[2]),
                station=row[3],
                outcome=ItemOutcome(row[4]),
            ),
            items=row[5],
            mass_g=row[6],
        )
        for row in rows
    )


def find_faults(database: sqlite3.Connection) -> tuple[StoreFault, ...]:
    """Check the file's structure, then recount every session from its rows and gaps."""
    verdict = database.execute("PRAGMA integrity_check").fetchone()[0]
    faults = [] if verdict == "ok" else [StoreFault(session_id="", detail=str(verdict))]
    for row in database.execute("SELECT session, session_id, account, ending FROM sessions"):
        account = ACCOUNT.validate_json(row[2])
        details = [
            *_book_faults(account, ending=row[3]),
            *_row_faults(database, row[0], account),
            *_gap_faults(database, row[0], account),
        ]
        faults.extend(StoreFault(session_id=row[1], detail=detail) for detail in details)
    return tuple(faults)


def _book_faults(account: SessionAccount, *, ending: str | None) -> list[str]:
    faults = []
    if not account.closes:
        parts = account.stored.total + account.gaps.total
        faults.append(
            f"balance: seen {account.seen} is not {parts} finished + {account.in_flight} in flight"
        )
    if ending is not None and account.in_flight:
        faults.append(f"{account.in_flight} items in flight in a session that ended")
    return faults


def _row_faults(database: sqlite3.Connection, session: int, account: SessionAccount) -> list[str]:
    counted = Counts()
    rows = database.execute(
        "SELECT outcome, station, count(*) FROM items WHERE session = ? GROUP BY outcome, station",
        (session,),
    )
    for outcome, station, items in rows:
        counted = counted.plus(counts_of_outcome(ItemOutcome(outcome), station, items))
    tracks = database.execute(
        "SELECT count(DISTINCT track_id) FROM items WHERE session = ?", (session,)
    ).fetchone()[0]
    faults = []
    if counted.trimmed != account.stored.trimmed:
        faults.append(f"rows count {counted.trimmed}, books say {account.stored.trimmed}")
    stories = database.execute(
        "SELECT count(*) FROM items JOIN stories USING (session, record_seq) WHERE session = ?",
        (session,),
    ).fetchone()[0]
    if stories != counted.total:
        faults.append(f"{counted.total} rows have {stories} stories")
    if tracks != counted.total:
        faults.append(f"{counted.total} rows tell of {tracks} items")
    return faults


def _gap_faults(database: sqlite3.Connection, session: int, account: SessionAccount) -> list[str]:
    counted = Counts()
    numbered = 0
    faults = []
    for kind, first_seq, last_seq, counts in database.execute(
        "SELECT kind, first_seq, last_seq, counts FROM gaps WHERE session = ?", (session,)
    ):
        counted = counted.plus(COUNTS.validate_json(counts))
        numbered += last_seq - first_seq + 1 if first_seq else 0
        if kind == GapKind.UNEXPLAINED:
            faults.append(f"records {first_seq} to {last_seq}: totals contradict the numbering")
    if counted.trimmed != account.gaps.trimmed:
        faults.append(f"gaps count {counted.trimmed}, books say {account.gaps.trimmed}")
    if account.stored.total + numbered != account.last_seq:
        faults.append(
            f"{account.stored.total} rows and {numbered} numbers in gaps, last is "
            f"{account.last_seq}"
        )
    return faults
