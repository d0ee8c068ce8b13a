"""The signal store: what alarms, states and production came to, over every restart.

A SQLite file beside the line's item store. Blocks on disk; one thread at a time uses it.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from controller.snapshot import AlarmKind
from controller.states import LineMode, LineState
from telemetry.alarms.types import AlarmAct, AlarmEntry, AlarmEvent, DeskChange
from telemetry.effectiveness.types import Production, Stretch, StretchKind
from telemetry.errors import StoreUnavailableError
from telemetry.production_reader import SessionProduction
from telemetry.signal_schema import open_signals

_ENTRY: Final = TypeAdapter(AlarmEntry)
_US: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_G_PER_KG: Final = 1000.0
_S_PER_MINUTE: Final = 60
_COLUMNS: Final = (
    "stretch_id, kind, started_us, ended_us, duration_s, state, mode, cause, alarm,"
    " reason, reason_by, reason_us, note"
)


class SignalStore:
    """One signal store.

    Args:
        path: of the SQLite file, made when absent.

    Raises:
        StoreVersionError: written by a newer program.
        StoreError: not a signal store, damaged or not accessible.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = open_signals(path)

    def write(self, change: DeskChange | None, stretches: Sequence[Stretch]) -> None:
        """Keep what happened; all of it or nothing.

        Raises:
            StoreUnavailableError: it cannot be written just now.
        """
        with self._transaction():
            if change is not None:
                self._write_alarms(change)
            self._database.executemany(
                f"INSERT INTO stretches ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
                " ON CONFLICT (stretch_id) DO UPDATE SET ended_us = excluded.ended_us,"
                " duration_s = excluded.duration_s, alarm = excluded.alarm",
                [_row(stretch) for stretch in stretches],
            )

    def alarm_entries(self) -> tuple[AlarmEntry, ...]:
        """Return the alarms that were not normal when they were last written."""
        rows = self._database.execute("SELECT entry FROM alarm_entries")
        return tuple(_ENTRY.validate_json(row[0]) for row in rows)

    def rises_since(self, start: datetime) -> tuple[tuple[datetime, AlarmKind], ...]:
        """Return when which alarms rose, oldest first."""
        rows = self._database.execute(
            "SELECT at_us, kind FROM alarm_events WHERE act = ? AND at_us >= ? ORDER BY at_us",
            (AlarmAct.RAISED, _us(start)),
        )
        return tuple((_instant(at_us), AlarmKind(kind)) for at_us, kind in rows)

    def alarm_events(self, *, start: datetime, end: datetime, limit: int) -> tuple[AlarmEvent, ...]:
        """Return the journal of a period, newest first."""
        rows = self._database.execute(
            "SELECT at_us, kind, act, operator, detail FROM alarm_events"
            " WHERE at_us >= ? AND at_us < ? ORDER BY event DESC LIMIT ?",
            (_us(start), _us(end), limit),
        )
        return tuple(
            AlarmEvent(
                at=_instant(at_us),
                kind=AlarmKind(kind),
                act=AlarmAct(act),
                operator=operator,
                detail=detail,
            )
            for at_us, kind, act, operator, detail in rows
        )

    def close_open_stretches(self) -> None:
        """End what a killed process left open, where it was last written."""
        with self._transaction():
            self._database.execute(
                "UPDATE stretches SET ended_us = started_us + CAST(duration_s * 1e6 AS INTEGER)"
                " WHERE ended_us IS NULL"
            )

    def stretches(self, *, start: datetime, end: datetime) -> tuple[Stretch, ...]:
        """Return what overlaps a period, oldest first."""
        rows = self._database.execute(
            f"SELECT {_COLUMNS} FROM stretches WHERE started_us < ?"  # noqa: S608
            " AND coalesce(ended_us, 9e18) > ? ORDER BY stretch_id",
            (_us(end), _us(start)),
        )
        return tuple(_stretch(row) for row in rows)

    def enter_reason(
        self, stretch_id: int, *, reason: str, operator: str, at: datetime, note: str
    ) -> Stretch | None:
        """Give a stretch its reason; returns it as it stands, None if there is no such stretch.

        Raises:
            StoreUnavailableError: it cannot be written just now.
        """
        with self._transaction():
            self._database.execute(
                "UPDATE stretches SET reason = ?, reason_by = ?, reason_us = ?, note = ?"
                " WHERE stretch_id = ? AND kind <> ?",
                (reason, operator, _us(at), note, stretch_id, StretchKind.PRODUCING),
            )
        row = self._database.execute(
            f"SELECT {_COLUMNS} FROM stretches WHERE stretch_id = ? AND kind <> ?",  # noqa: S608
            (stretch_id, StretchKind.PRODUCING),
        ).fetchone()
        return None if row is None else _stretch(row)

    def production_marks(self) -> Mapping[str, int]:
        """Return up to which record each session has been counted."""
        return dict(self._database.execute("SELECT session_id, record_seq FROM production_marks"))

    def add_production(self, counted: SessionProduction) -> None:
        """Count more records of a session and move its mark, both or neither.

        Raises:
            StoreUnavailableError: it cannot be written just now.
        """
        with self._transaction():
            self._database.executemany(
                "INSERT INTO production_minutes VALUES (?,?,?,?,?) ON CONFLICT (minute) DO UPDATE"
                " SET items = items + excluded.items, mass_g = mass_g + excluded.mass_g,"
                " good_items = good_items + excluded.good_items,"
                " good_mass_g = good_mass_g + excluded.good_mass_g",
                [
                    (s.minute, s.items, s.mass_g, s.good_items, s.good_mass_g)
                    for s in counted.minutes
                ],
            )
            self._database.execute(
                "INSERT INTO production_marks VALUES (?,?) ON CONFLICT (session_id) DO UPDATE"
                " SET record_seq = excluded.record_seq",
                (counted.session_id, counted.last_seq),
            )

    def production(self, *, start: datetime, end: datetime) -> Production:
        """Return what was sorted in the minutes that begin within a period."""
        row = self._database.execute(
            "SELECT coalesce(sum(items), 0), total(mass_g), coalesce(sum(good_items), 0),"
            " total(good_mass_g) FROM production_minutes WHERE minute >= ? AND minute < ?",
            (_minute(start), _minute(end)),
        ).fetchone()
        return Production(
            items=row[0],
            mass_kg=row[1] / _G_PER_KG,
            good_items=row[2],
            good_mass_kg=row[3] / _G_PER_KG,
        )

    def close(self) -> None:
        """Release the file. Idempotent."""
        self._database.close()

    def _write_alarms(self, change: DeskChange) -> None:
        self._database.executemany(
            "INSERT INTO alarm_events (at_us, kind, act, operator, detail) VALUES (?,?,?,?,?)",
            [(_us(e.at), e.kind, e.act, e.operator, e.detail) for e in change.events],
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO alarm_entries VALUES (?,?)",
            [(entry.kind, _ENTRY.dump_json(entry).decode()) for entry in change.entries],
        )
        self._database.executemany(
            "DELETE FROM alarm_entries WHERE kind = ?", [(kind,) for kind in change.normal]
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            msg = f"signal store {self._path} refused a write: {error}"
            raise StoreUnavailableError(msg) from error


def _us(at: datetime) -> int:
    return (at - _EPOCH) // _US


def _instant(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _minute(at: datetime) -> int:
    return -int(-at.timestamp() // _S_PER_MINUTE)


def _row(stretch: Stretch) -> tuple[Any, ...]:
    return (
        stretch.stretch_id,
        stretch.kind,
        _us(stretch.started_at),
        None if stretch.ended_at is None else _us(stretch.ended_at),
        stretch.duration_s,
        stretch.state,
        stretch.mode,
        stretch.cause,
        stretch.alarm,
        stretch.reason,
        stretch.reason_by,
        None if stretch.reason_at is None else _us(stretch.reason_at),
        stretch.note,
    )


def _stretch(row: Sequence[Any]) -> Stretch:
    return Stretch(
        stretch_id=row[0],
        kind=StretchKind(row[1]),
        started_at=_instant(row[2]),
        ended_at=None if row[3] is None else _instant(row[3]),
        duration_s=row[4],
        state=LineState(row[5]),
        mode=LineMode(row[6]),
        cause=row[7],
        alarm=None if row[8] is None else AlarmKind(row[8]),
        reason=row[9],
        reason_by=row[10],
        reason_at=None if row[11] is None else _instant(row[11]),
        note=row[12],
    )
