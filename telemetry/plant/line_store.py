"""Reads a line's own store beside the telemetry process that writes it: the outbox's source."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from telemetry.errors import StoreError
from telemetry.plant.batch import (
    ITEM_TYPE,
    MASS_MAX_MG,
    US_PER_S,
    ItemBatch,
    Rows,
    SessionFacts,
)
from telemetry.plant.codes import (
    ACTION_CODES,
    FRACTION_CODES,
    NO_STATION,
    OUTCOME_CODES,
    REASON_CODES,
)
from telemetry.store_schema import APPLICATION_ID, SCHEMA_VERSION

_MG_PER_G: Final = 1000.0
_SESSIONS: Final = (
    "SELECT session, session_id, line_id, station_names, opened_at_utc, account, ending,"
    " (SELECT max(record_seq) FROM items WHERE items.session = sessions.session)"
    " FROM sessions ORDER BY session"
)
_ITEMS: Final = (
    "SELECT record_seq, at_utc, fraction, confidence, mass_g, action, reason, station, outcome,"
    " CASE WHEN json_valid(story) THEN json_extract(story, '$.bundle_id') END,"
    " CASE WHEN json_valid(story) THEN json_extract(story, '$.track.mass_sd_g') END,"
    " CASE WHEN json_valid(story) THEN json_extract(story, '$.track.width_mm') END,"
    " CASE WHEN json_valid(story) THEN json_extract(story, '$.track.length_mm') END,"
    " CASE WHEN json_valid(story) THEN NULL ELSE story END"
    " FROM items JOIN stories USING (session, record_seq)"
    " WHERE session = ? AND record_seq > ? ORDER BY record_seq LIMIT ?"
)
"""SQLite takes the four figures out of the story ten times faster than Python would; it knows no
infinity before 3.42, and gives such a story back whole."""
_BUNDLE, _STORY = 9, 13
"""Places in such a row."""
_Row = tuple[Any, ...]


class LineSession:
    """One session in a line's store.

    Attributes:
        facts: what the plant is told of it.
        last_seq: number of its newest record, 0 if it has none.
    """

    def __init__(self, row: tuple[Any, ...]) -> None:
        number, session_id, line_id, stations, opened, account, ending, last = row
        self.number = int(number)
        self.last_seq = int(last or 0)
        self.facts = SessionFacts(
            line_id=line_id,
            session_id=session_id,
            station_names=tuple(json.loads(stations)),
            opened_at=datetime.fromisoformat(opened),
            account=account,
            ending=ending,
        )


class LineStoreReader:
    """A read-only view of one store file. Opened for each look, so the file may come and go.

    Args:
        path: of the store; `[telemetry] store_path`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def sessions(self) -> tuple[LineSession, ...]:
        """Return all sessions, oldest first.

        Raises:
            StoreError: there is no such store, or it is of another version.
        """
        with self._opened() as database:
            return tuple(LineSession(row) for row in database.execute(_SESSIONS))

    def batches(self, session: LineSession, *, after_seq: int, limit: int) -> Iterator[ItemBatch]:
        """Yield the session's records above a number, at most `limit` in a batch.

        Raises:
            StoreError: the store cannot be read.
        """
        while True:
            with self._opened() as database:
                rows = database.execute(_ITEMS, (session.number, after_seq, limit)).fetchall()
            if not rows:
                return
            after_seq = int(rows[-1][0])
            for bundle_id, part in groupby(map(_whole, rows), key=itemgetter(_BUNDLE)):
                yield ItemBatch(
                    session=session.facts, bundle_id=str(bundle_id), rows=_rows(list(part))
                )

    def _opened(self) -> "closing[sqlite3.Connection]":
        try:
            # immutable=0, mode=ro: the write-ahead log of the running telemetry process is read.
            database = sqlite3.connect(f"file:{quote(str(self._path))}?mode=ro", uri=True)
            database.execute("PRAGMA busy_timeout = 5000")
            known = database.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            version = database.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.Error as error:
            msg = f"store {self._path} cannot be read: {error}"
            raise StoreError(msg) from error
        if not known or not 1 <= version <= SCHEMA_VERSION:
            database.close()
            msg = f"{self._path} is no store of a line with schema 1 to {SCHEMA_VERSION}"
            raise StoreError(msg)
        return closing(database)


def _whole(row: _Row) -> _Row:
    """Fill in what SQLite could not take out of the story."""
    if row[_STORY] is None:
        return row
    story = json.loads(row[_STORY])
    track = story["track"]
    told = (story["bundle_id"], track["mass_sd_g"], track["width_mm"], track["length_mm"])
    return (*row[:_BUNDLE], *told, None)


def _rows(told: list[_Row]) -> Rows:
    seq, at_utc, fraction, confidence, mass_g, action, reason, station, outcome, *rest = zip(
        *told, strict=True
    )
    _, mass_sd_g, width_mm, length_mm, _ = rest
    rows = np.zeros(len(told), ITEM_TYPE)
    rows["record_seq"] = seq
    rows["at_us"] = [round(datetime.fromisoformat(text).timestamp() * US_PER_S) for text in at_utc]
    rows["mass_mg"] = np.minimum(np.array(mass_g) * _MG_PER_G, MASS_MAX_MG)
    rows["mass_sd_mg"] = np.minimum(np.array(mass_sd_g) * _MG_PER_G, MASS_MAX_MG)
    rows["width_mm"], rows["length_mm"] = width_mm, length_mm
    rows["confidence"] = confidence
    rows["fraction"] = [FRACTION_CODES[word] for word in fraction]
    rows["action"] = [ACTION_CODES[word] for word in action]
    rows["reason"] = [REASON_CODES[word] for word in reason]
    rows["station"] = [NO_STATION if place is None else place for place in station]
    rows["outcome"] = [OUTCOME_CODES[word] for word in outcome]
    return rows
