"""Items by minute from the line's store, counted on from where the last count ended."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from controller.types import DecisionReason, ItemOutcome

ROWS_AT_ONCE: Final = 20_000
"""Bounds the time that a count keeps the store's thread from writing, to some tens of ms."""
_S_PER_MINUTE: Final = 60
_QUERY: Final = """
SELECT substr(at_utc, 1, 16), max(record_seq), count(*), total(mass_g),
    total(outcome IN (:ejected, :removed) OR outcome = :passed AND reason = :not_target),
    total(mass_g * (outcome IN (:ejected, :removed) OR outcome = :passed AND reason = :not_target))
FROM items WHERE session = :session AND record_seq > :mark AND record_seq <= :mark + :rows
GROUP BY 1
"""
_GOOD: Final = {
    "ejected": ItemOutcome.EJECTED.value,
    "removed": ItemOutcome.REMOVED.value,
    "passed": ItemOutcome.PASSED.value,
    "not_target": DecisionReason.NOT_TARGET.value,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteSum:
    """Items of one minute of one session.

    Attributes:
        minute: since 1970, UTC.
        items: finished.
        mass_g: of them.
        good_items: that ended as the recipe wanted: ejected, taken off by hand, or left on the
            belt as no target.
        good_mass_g: of those.
    """

    minute: int
    items: int
    mass_g: float
    good_items: int
    good_mass_g: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionProduction:
    """What one session's further records came to.

    Attributes:
        session_id: of the line run.
        last_seq: counted up to this record, included.
        minutes: by minute.
    """

    session_id: str
    last_seq: int
    minutes: tuple[MinuteSum, ...]


def read_production(
    database: sqlite3.Connection, marks: Mapping[str, int]
) -> tuple[SessionProduction, ...]:
    """Return what is new since the marks; sessions without anything new are left out."""
    sessions = database.execute("SELECT session, session_id, account ->> 'last_seq' FROM sessions")
    found = []
    for session, session_id, last_seq in sessions.fetchall():
        mark = marks.get(session_id, 0)
        if last_seq > mark:
            facts = _GOOD | {"session": session, "mark": mark, "rows": ROWS_AT_ONCE}
            rows = database.execute(_QUERY, facts).fetchall()
            # Rows may be missing where records were lost: the mark moves over the gap.
            reached = min(last_seq, mark + ROWS_AT_ONCE)
            minutes = tuple(_sum(row) for row in rows)
            found.append(
                SessionProduction(session_id=session_id, last_seq=reached, minutes=minutes)
            )
    return tuple(found)


def _sum(row: tuple[str, int, int, float, float, float]) -> MinuteSum:
    minute, _, items, mass_g, good_items, good_mass_g = row
    instant = datetime.fromisoformat(f"{minute}:00+00:00")
    return MinuteSum(
        minute=round(instant.timestamp()) // _S_PER_MINUTE,
        items=items,
        mass_g=mass_g,
        good_items=round(good_items),
        good_mass_g=good_mass_g,
    )
