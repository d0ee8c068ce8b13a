"""Changes that wait for their broker, on disk: store and forward."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telemetry.errors import StoreError, StoreUnavailableError
from telemetry.exchange.tags import TagValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Tags that changed at one instant.

    Attributes:
        number: in the queue; 0 for one that was never kept.
        at_ms: wall time, ms since 1970.
        values: of the tags that changed.
    """

    number: int = 0
    at_ms: int
    values: Mapping[str, TagValue]


class KeptChanges:
    """A bounded queue in a SQLite file, and the count of births. One thread uses it; blocks.

    Args:
        path: of the file, made when absent.
        capacity: changes kept; beyond that the oldest go and are counted.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, path: Path, *, capacity: int) -> None:
        self._path, self._capacity = path, capacity
        self.dropped = 0
        """Changes that went because the queue was full."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.executescript(
                "PRAGMA journal_mode = WAL;"
                "CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT,"
                " at_ms INTEGER NOT NULL, tags TEXT NOT NULL) STRICT;"
                "CREATE TABLE IF NOT EXISTS births (one INTEGER PRIMARY KEY CHECK (one = 1),"
                " count INTEGER NOT NULL) STRICT;"
                "INSERT OR IGNORE INTO births VALUES (1, -1);"
            )
        except (OSError, sqlite3.Error) as error:
            msg = f"{path} cannot keep changes: {error}; move it away to begin anew"
            raise StoreError(msg) from error

    def next_birth(self) -> int:
        """Return the number of the next birth, 0 to 255 and round again (bdSeq)."""
        rows = self._do("UPDATE births SET count = (count + 1) % 256 RETURNING count")
        return int(rows[0][0])

    def keep(self, changes: Sequence[Change]) -> None:
        """Put changes at the end of the queue.

        Raises:
            StoreUnavailableError: they cannot be written.
        """
        for change in changes:
            tags = json.dumps(dict(change.values))
            self._do("INSERT INTO changes (at_ms, tags) VALUES (?, ?)", change.at_ms, tags)
        over = self.waiting - self._capacity
        if over > 0:
            self._do(
                "DELETE FROM changes WHERE number IN"
                " (SELECT number FROM changes ORDER BY number LIMIT ?)",
                over,
            )
            self.dropped += over

    @property
    def waiting(self) -> int:
        """Changes in the queue."""
        return int(self._do("SELECT count(*) FROM changes")[0][0])

    def oldest(self, count: int) -> tuple[Change, ...]:
        """Return the oldest changes; they stay in the queue."""
        rows = self._do(
            "SELECT number, at_ms, tags FROM changes ORDER BY at_ms, number LIMIT ?", count
        )
        return tuple(Change(number=n, at_ms=at, values=json.loads(tags)) for n, at, tags in rows)

    def forget(self, changes: Sequence[Change]) -> None:
        """Drop changes that have been sent."""
        for change in changes:
            self._do("DELETE FROM changes WHERE number = ?", change.number)

    def close(self) -> None:
        """Release the file. Idempotent."""
        self._database.close()

    def _do(self, statement: str, *facts: object) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, facts).fetchall()
        except sqlite3.Error as error:
            msg = f"{self._path}: {error}"
            raise StoreUnavailableError(msg) from error
