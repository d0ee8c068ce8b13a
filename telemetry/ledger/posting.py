"""One transaction's ledger entries: revisions checked, rows chained, then written at once."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from telemetry.ledger.chain import (
    BEFORE_FIRST,
    Anchor,
    Row,
    entry_of,
    make_row,
    recorded_at,
    same_bytes,
)
from telemetry.ledger.entries import Action, Entry
from telemetry.ledger.errors import RevisionError
from telemetry.ledger.tables import ROWS

ROW_COLUMNS = tuple(column for column in ROWS.columns if column.name != "chain")
"""Columns of a row, in any order; the chain is the ledger's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What an append did; on disk when it is returned.

    Attributes:
        rows: that were written.
        repeated: entries that stood there already, byte for byte.
        head: the last row of the ledger.
    """

    rows: tuple[Row, ...]
    repeated: int
    head: Anchor


def row_from(values: Any) -> Row:
    """Return a row as the database gave its ROW_COLUMNS."""
    return Row(**values._mapping)  # noqa: SLF001 - SQLAlchemy's documented name for it


class Posting:
    """Entries on their way into one transaction."""

    def __init__(self, connection: Connection, chain: int, last: Row | None, now: datetime) -> None:
        self._connection = connection
        self._chain = chain
        self._now = now
        self._back_s = max(0.0, (recorded_at(last) - now).total_seconds()) if last else 0.0
        before = Anchor(seq=0, hash=BEFORE_FIRST)
        self._before = Anchor(seq=last.seq, hash=last.hash) if last else before
        self._rows: list[Row] = []
        self._newest: dict[str, Row] = {}
        self._repeated = 0

    def post(self, entry: Entry, day: date) -> None:
        """Take one entry, or see that it is there already."""
        newest = self._newest.get(entry.uid) or self._stored(entry.uid)
        if newest is not None and entry.revision <= newest.revision:
            self._same_or_refuse(entry, newest)
            return
        _refuse_wrong_revision(entry, newest)
        row = make_row(
            entry, before=self._before, recorded_at=self._now, back_s=self._back_s, day=day
        )
        self._back_s = 0.0
        self._rows.append(row)
        self._newest[entry.uid] = row
        self._before = Anchor(seq=row.seq, hash=row.hash)

    def finish(self) -> Appended:
        """Write what was taken."""
        if self._rows:
            values = [
                {"chain": self._chain}
                | {column.name: getattr(row, column.name) for column in ROW_COLUMNS}
                for row in self._rows
            ]
            self._connection.execute(sa.insert(ROWS), values)
        return Appended(rows=tuple(self._rows), repeated=self._repeated, head=self._before)

    def _stored(self, uid: str, revision: int | None = None) -> Row | None:
        query = sa.select(*ROW_COLUMNS).where(ROWS.c.chain == self._chain, ROWS.c.uid == uid)
        if revision is not None:
            query = query.where(ROWS.c.revision == revision)
        found = self._connection.execute(query.order_by(ROWS.c.revision.desc()).limit(1)).first()
        return row_from(found) if found is not None else None

    def _same_or_refuse(self, entry: Entry, newest: Row) -> None:
        same = newest if entry.revision == newest.revision else None
        stored = same or self._stored(entry.uid, entry.revision)
        pending = [
            row for row in self._rows if (row.uid, row.revision) == (entry.uid, entry.revision)
        ]
        row = stored or (pending[0] if pending else None)
        if row is None or not same_bytes(entry_of(row), entry):
            msg = (
                f"{entry.uid} revision {entry.revision} exists with other content; to correct it, "
                f"append revision {newest.revision + 1} as EDIT or CANCEL with a reason"
            )
            raise RevisionError(msg)
        self._repeated += 1


def _refuse_wrong_revision(entry: Entry, newest: Row | None) -> None:
    if newest is None:
        if entry.action is not Action.INSERT:
            msg = f"{entry.uid}: {entry.action.value} names a uid that does not exist"
            raise RevisionError(msg)
        return
    if newest.action == Action.CANCEL.value:
        msg = f"{entry.uid} was cancelled by revision {newest.revision}; enter it under a new uid"
        raise RevisionError(msg)
    if entry.revision != newest.revision + 1:
        msg = f"{entry.uid}: after revision {newest.revision} comes {newest.revision + 1}"
        raise RevisionError(msg)
    if newest.kind != entry.body.kind:
        msg = f"{entry.uid} is a {newest.kind}; a correction cannot make it a {entry.body.kind}"
        raise RevisionError(msg)
