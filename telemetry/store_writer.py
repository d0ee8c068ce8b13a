"""Posts one batch of entries into an open transaction: rows, gaps, and the books beside them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ConfigDict, RootModel, TypeAdapter

from calibration.units import MonotonicNs
from controller.types import ItemRecord, Totals
from telemetry.balance import Counts, Gap, SessionAccount, newest
from telemetry.messages import SessionAnnounced, SessionClosing
from telemetry.wall import UtcMapper

ACCOUNT = TypeAdapter(SessionAccount)
COUNTS = TypeAdapter(Counts)
STATION_NAMES = TypeAdapter(tuple[str, ...])
TOTALS = TypeAdapter(Totals)

CLOSED = "closed"
INTERRUPTED = "interrupted"

_INSERT_ITEM = "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_STORY = "INSERT INTO stories VALUES (?, ?, ?)"
_ItemRow = tuple[int | float | str | None, ...]
_StoryRow = tuple[int, int, str]


class RecordStory(RootModel[ItemRecord]):
    """A record as the store keeps it: exact JSON, infinities included."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsReported:
    """The line told of these totals in a snapshot.

    Attributes:
        session_id: of the line run.
        totals: running totals, possibly ahead of the records that have arrived.
    """

    session_id: str
    totals: Totals


StoreEntry = SessionAnnounced | ItemRecord | TotalsReported | SessionClosing


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What one transaction did; on disk when it is returned.

    Attributes:
        session_id: the last session written to, empty if none.
        account: its books as they now stand; None if there is no such session.
        closed: whether it is closed.
        rows: records stored.
        duplicates: records that were stored before and are ignored.
        refused: entries for sessions unknown or already closed.
        gap_items: items booked as gaps.
    """

    session_id: str
    account: SessionAccount | None
    closed: bool
    rows: int
    duplicates: int
    refused: int
    gap_items: int


class _Book:
    """One session while a batch is posted."""

    def __init__(
        self, session: int, account: SessionAccount, reported: Totals | None, ending: str | None
    ) -> None:
        self.session = session
        self.account = account
        self.reported = reported
        self.ending = ending
        self.changed = False


class BatchPosting:
    """Applies entries in order; the caller owns the transaction and rolls back on any error."""

    def __init__(self, database: sqlite3.Connection, utc: UtcMapper, now_ns: MonotonicNs) -> None:
        self._database = database
        self._utc = utc
        self._now_text = _text(utc, now_ns)
        self._books: dict[str, _Book] = {}
        self._rows: list[_ItemRow] = []
        self._stories: list[_StoryRow] = []
        self._stored = 0
        self._duplicates = 0
        self._refused = 0
        self._gap_items = 0

    def post(self, entries: Sequence[StoreEntry]) -> WriteResult:
        """Write all entries and the books.

        Raises:
            sqlite3.Error: nothing of the batch may be committed.
        """
        last_id = ""
        for entry in entries:
            last_id = entry.session_id
            match entry:
                case SessionAnnounced():
                    self._open(entry)
                case ItemRecord():
                    self._add(entry)
                case TotalsReported():
                    self._report(entry)
                case SessionClosing():
                    self._close(entry)
        self._database.executemany(_INSERT_ITEM, self._rows)
        self._database.executemany(_INSERT_STORY, self._stories)
        for book in self._books.values():
            self._save(book)
        return self._result(last_id)

    def _result(self, session_id: str) -> WriteResult:
        book = self._find(session_id)
        return WriteResult(
            session_id=session_id,
            account=book.account if book else None,
            closed=book is not None and book.ending is not None,
            rows=self._stored,
            duplicates=self._duplicates,
            refused=self._refused,
            gap_items=self._gap_items,
        )

    def _find(self, session_id: str) -> _Book | None:
        if session_id not in self._books:
            row = self._database.execute(
                "SELECT session, account, reported, ending FROM sessions WHERE session_id = ?",
                (session_id,),
            ).fetchone()
            if row is None:
                return None
            self._books[session_id] = _Book(
                row[0],
                ACCOUNT.validate_json(row[1]),
                None if row[2] is None else TOTALS.validate_json(row[2]),
                row[3],
            )
        return self._books[session_id]

    def _find_open(self, session_id: str) -> _Book | None:
        book = self._find(session_id)
        if book is None or book.ending is not None:
            self._refused += 1
            return None
        return book

    def _open(self, announced: SessionAnnounced) -> None:
        if self._find(announced.session_id) is not None:
            return
        self._interrupt_others(announced.line_id)
        self._database.execute(
            "INSERT INTO sessions (session_id, line_id, station_names, opened_ns, opened_at_utc,"
            " account) VALUES (?, ?, ?, ?, ?, ?)",
            (
                announced.session_id,
                announced.line_id,
                STATION_NAMES.dump_json(announced.station_names).decode(),
                announced.opened_ns,
                _text(self._utc, announced.opened_ns),
                ACCOUNT.dump_json(SessionAccount()).decode(),
            ),
        )

    def _interrupt_others(self, line_id: str) -> None:
        """A line has one session at a time: what is open of it was killed."""
        rows = self._database.execute(
            "SELECT session_id FROM sessions WHERE line_id = ? AND ending IS NULL", (line_id,)
        ).fetchall()
        for (session_id,) in rows:
            book = self._find(session_id)
            if book is not None and book.ending is None:
                self._end(book, INTERRUPTED)

    def _add(self, record: ItemRecord) -> None:
        book = self._find_open(record.session_id)
        if book is None:
            return
        if record.record_seq <= book.account.last_seq:
            self._duplicates += 1
            return
        book.account, gap = book.account.with_record(record)
        book.changed = True
        if gap is not None:
            self._add_gap(book, gap)
        self._rows.append(self._item_row(book.session, record))
        story = RecordStory(record).model_dump_json()
        self._stories.append((book.session, record.record_seq, story))
        self._stored += 1

    def _item_row(self, session: int, record: ItemRecord) -> _ItemRow:
        return (
            session,
            record.record_seq,
            record.closed_ns,
            _text(self._utc, record.closed_ns),
            record.track.track_id,
            record.decision.fraction.value,
            record.decision.confidence,
            record.track.mass_g,
            record.decision.action.value,
            record.decision.reason.value,
            record.decision.station,
            record.outcome.value,
        )

    def _add_gap(self, book: _Book, gap: Gap) -> None:
        self._gap_items += gap.counts.total
        self._database.execute(
            "INSERT INTO gaps VALUES (?, ?, ?, ?, ?, ?)",
            (
                book.session,
                gap.kind.value,
                gap.first_seq,
                gap.last_seq,
                COUNTS.dump_json(gap.counts).decode(),
                self._now_text,
            ),
        )

    def _report(self, entry: TotalsReported) -> None:
        book = self._find_open(entry.session_id)
        if book is not None:
            book.reported = newest(book.reported, entry.totals)
            book.changed = True

    def _close(self, entry: SessionClosing) -> None:
        book = self._find_open(entry.session_id)
        if book is not None:
            book.reported = newest(book.reported, entry.totals)
            self._end(book, CLOSED)

    def _end(self, book: _Book, ending: str) -> None:
        book.account, gaps = book.account.closed(book.reported)
        for gap in gaps:
            self._add_gap(book, gap)
        book.ending = ending
        book.changed = True

    def _save(self, book: _Book) -> None:
        if not book.changed:
            return
        self._database.execute(
            "UPDATE sessions SET account = ?, reported = ?, ending = ?,"
            " ended_at_utc = CASE WHEN ? IS NULL THEN NULL ELSE ? END WHERE session = ?",
            (
                ACCOUNT.dump_json(book.account).decode(),
                None if book.reported is None else TOTALS.dump_json(book.reported).decode(),
                book.ending,
                book.ending,
                self._now_text,
                book.session,
            ),
        )


def _text(utc: UtcMapper, instant_ns: MonotonicNs) -> str:
    return utc.at_utc(instant_ns).isoformat(timespec="milliseconds")
