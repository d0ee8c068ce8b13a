"""A batch arrives at the plant's database: rows, roll-ups and the mark of how far, all at once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection, Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from telemetry.database.engine import Backend, Database
from telemetry.errors import DatabaseError
from telemetry.plant.batch import ItemBatch, Rows, SessionFacts
from telemetry.plant.codes import code_names
from telemetry.plant.copying import copy_rows
from telemetry.plant.parts import ensure_months, split_by_month, table_of
from telemetry.plant.rollups import add_sums, sums_of
from telemetry.plant.tables import BUNDLES, CODE_NAMES, LINES, SESSIONS, SETTINGS

DEFAULT_ZONE = "Asia/Almaty"
_TIME_ZONE = "time_zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What one batch came to; on disk when it is returned.

    Attributes:
        taken: rows stored.
        known: rows that had arrived before, ignored.
        arrived_seq: up to which record number the session has now arrived.
    """

    taken: int
    known: int
    arrived_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far one session has arrived.

    Attributes:
        arrived_seq: highest record number that is there.
        ending: closed or interrupted, None while open.
    """

    arrived_seq: int = 0
    ending: str | None = None


class PlantDatabase:
    """The items' side of a plant's database. One thread at a time uses an instance.

    Args:
        database: open, with this program's schema; the caller closes it.
        zone_name: the plant's time zone, which says where a day begins.

    Raises:
        DatabaseError: the database was begun with another time zone, or cannot be reached.
    """

    def __init__(self, database: Database, *, zone_name: str = DEFAULT_ZONE) -> None:
        self.database = database
        self.zone = ZoneInfo(zone_name)
        self._months: set[str] = set()
        self._agree(zone_name)

    def deliver(self, batch: ItemBatch) -> Arrival:
        """Store a batch; what arrived before is ignored, so it may be sent any number of times.

        Batches of one session must come in order of their record numbers.

        Raises:
            DatabaseUnavailableError: rolled back, worth a retry.
            DatabaseError: the database refused; nothing of it is stored.
        """
        months = {month for month, _ in split_by_month(batch.rows)}
        if not months <= self._months:
            ensure_months(self.database, tuple(months))
            self._months |= months
        with self.database.write() as connection:
            return self._arrive(connection, batch)

    def standings(self) -> dict[tuple[str, str], Standing]:
        """Return how far every session has arrived, by line id and session id.

        Raises:
            DatabaseError: the database cannot be reached.
        """
        query = select(
            LINES.c.line_id, SESSIONS.c.session_id, SESSIONS.c.arrived_seq, SESSIONS.c.ending
        ).join_from(SESSIONS, LINES)
        with self.database.read() as connection:
            return {
                (line_id, session_id): Standing(arrived_seq=arrived, ending=ending)
                for line_id, session_id, arrived, ending in connection.execute(query)
            }

    def _arrive(self, connection: Connection, batch: ItemBatch) -> Arrival:
        line_no = number_of(connection, LINES, batch.session.line_id)
        session_no, before = _locked_session(connection, line_no, batch.session)
        fresh = batch.rows[batch.rows["record_seq"] > before]
        if len(fresh):
            bundle_no = number_of(connection, BUNDLES, batch.bundle_id)
            fresh = np.array(fresh)
            fresh["bundle_no"] = bundle_no
            self._store(connection, line_no, session_no, fresh)
        arrived = int(fresh["record_seq"][-1]) if len(fresh) else before
        if not len(batch.rows) or len(fresh):
            _note(connection, session_no, arrived, batch.session)
        return Arrival(taken=len(fresh), known=len(batch.rows) - len(fresh), arrived_seq=arrived)

    def _store(self, connection: Connection, line_no: int, session_no: int, rows: Rows) -> None:
        for month, part in split_by_month(rows):
            copy_rows(connection, table_of(month), session_no, part)
        add_sums(connection, line_no, sums_of(rows), self.zone)

    def _agree(self, zone_name: str) -> None:
        with self.database.write() as connection:
            for kind, code, word in code_names():
                _insert_if_absent(
                    connection, CODE_NAMES, {"kind": kind, "code": code, "word": word}
                )
            _insert_if_absent(connection, SETTINGS, {"name": _TIME_ZONE, "value": zone_name})
            query = select(SETTINGS.c.value).where(SETTINGS.c.name == _TIME_ZONE)
            agreed = connection.scalar(query)
        if agreed != zone_name:
            msg = (
                f"database {self.database.name} counts its days in {agreed}, not {zone_name}: "
                f"set telemetry.database.time_zone to {agreed}"
            )
            raise DatabaseError(msg)


def number_of(connection: Connection, named: Table, name: str) -> int:
    """Return the number that stands for a name, giving it one if it is new."""
    number, label = named.c[0], named.c[1]
    query = select(number).where(label == name)
    found = connection.scalar(query)
    if found is None:
        _insert_if_absent(connection, named, {label.name: name})
        found = connection.scalar(query)
    return int(found or 0)


def _locked_session(connection: Connection, line_no: int, facts: SessionFacts) -> tuple[int, int]:
    """Return a session's number and how far it has arrived, locked until the transaction ends."""
    query = (
        select(SESSIONS.c.session_no, SESSIONS.c.arrived_seq)
        .where(SESSIONS.c.line_no == line_no, SESSIONS.c.session_id == facts.session_id)
        .with_for_update()
    )
    found = connection.execute(query).first()
    if found is None:
        values = {
            "line_no": line_no,
            "session_id": facts.session_id,
            "station_names": "\n".join(facts.station_names),
            "opened_at": facts.opened_at,
            "arrived_seq": 0,
            "arrived_at": datetime.now(UTC),
            "account": facts.account,
            "ending": facts.ending,
        }
        _insert_if_absent(connection, SESSIONS, values)
        found = connection.execute(query).one()
    return int(found[0]), int(found[1])


def _note(connection: Connection, session_no: int, arrived: int, facts: SessionFacts) -> None:
    values: dict[str, Any] = {
        "arrived_seq": arrived,
        "arrived_at": datetime.now(UTC),
        "account": facts.account,
    }
    if facts.ending is not None:
        values["ending"] = facts.ending
    connection.execute(update(SESSIONS).where(SESSIONS.c.session_no == session_no).values(**values))


def _insert_if_absent(connection: Connection, table: Table, values: dict[str, Any]) -> None:
    dialect = postgresql if connection.dialect.name == Backend.POSTGRESQL else sqlite
    connection.execute(dialect.insert(table).values(**values).on_conflict_do_nothing())
