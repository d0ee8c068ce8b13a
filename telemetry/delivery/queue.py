"""The delivery queue: filed in the report's own transaction, in order per facility and receiver.

A parcel that waits for another try holds back those of its facility behind it. A dead one does not,
except for later revisions of the same report: those wait until a person has decided.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from telemetry.database.engine import Backend, Database
from telemetry.delivery.ports import DeliveryError, Parcel
from telemetry.delivery.schema import PARCELS, RECEIPTS
from telemetry.reports.document import ReportDocument

LEASE: Final = timedelta(minutes=15)
"""Longer than any transport's timeout: a parcel taken by a process that died is free after it."""
LONGEST_WAIT: Final = timedelta(hours=1)
"""Waits further ahead come from a clock that was set back since; they count as over."""
_LOCK_KEY: Final = 0x44454C56
"""Advisory lock of PostgreSQL under which parcels are taken (`DELV`)."""


class ParcelState(StrEnum):
    """What has become of a parcel."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelStanding:
    """One parcel for the page.

    Attributes:
        held: a pending one that waits behind a dead revision of the same report.
        receipt: newest, empty without one.
    """

    parcel_id: int
    destination: str
    facility: str
    key: str
    state: ParcelState
    attempts: int
    queued_at: datetime
    due_at: datetime
    last_error: str
    held: bool
    receipt: str


class DeliveryQueue:
    """Parcels in the plant's database. Any number of processes may work on them.

    Args:
        database: opened, with this program's schema.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(
        self,
        connection: Connection,
        document: ReportDocument,
        content: bytes,
        *,
        destinations: tuple[str, ...],
        now: datetime,
    ) -> None:
        """Queue a filed report for its receivers, within the filing's transaction."""
        facility = f"{document.facility.bin}/{document.facility.facility_id}"
        for destination in destinations:
            connection.execute(
                sa.insert(PARCELS).values(
                    destination=destination,
                    facility=facility,
                    subject=document.report_uid,
                    key=f"{document.report_uid}:{document.revision}",
                    sha256=document.sha256,
                    content=content,
                    state=ParcelState.PENDING.value,
                    attempts=0,
                    queued_at=now,
                    due_at=now,
                    last_error="",
                )
            )

    def take(self, destinations: tuple[str, ...], now: datetime) -> Parcel | None:
        """Lease the next parcel that is due; None if nothing is."""
        with self._database.write() as connection:
            self._lock(connection)
            row = connection.execute(self._next(destinations, now)).first()
            if row is None:
                return None
            connection.execute(
                sa.update(PARCELS)
                .where(PARCELS.c.parcel_id == row.parcel_id)
                .values(leased_until=now + LEASE, attempts=row.attempts + 1)
            )
            return Parcel(
                parcel_id=row.parcel_id,
                destination=row.destination,
                facility=row.facility,
                key=row.key,
                content=bytes(row.content),
                sha256=row.sha256,
                attempts=row.attempts,
            )

    def delivered(self, parcel: Parcel, receipt: str, now: datetime) -> None:
        """Keep the receipt; the parcel is done."""
        with self._database.write() as connection:
            self._lock(connection)
            count = sa.select(sa.func.count()).where(RECEIPTS.c.parcel_id == parcel.parcel_id)
            number = int(connection.execute(count).scalar_one()) + 1
            connection.execute(
                sa.insert(RECEIPTS).values(
                    parcel_id=parcel.parcel_id, number=number, received_at=now, content=receipt
                )
            )
            self._set(connection, parcel.parcel_id, ParcelState.DELIVERED, last_error="")

    def retry(self, parcel: Parcel, error: str, *, due_at: datetime) -> None:
        """Try again later; what is behind it waits."""
        with self._database.write() as connection:
            self._set(
                connection, parcel.parcel_id, ParcelState.PENDING, last_error=error, due_at=due_at
            )

    def bury(self, parcel: Parcel, error: str) -> None:
        """Give up until a person has looked at it."""
        with self._database.write() as connection:
            self._set(connection, parcel.parcel_id, ParcelState.DEAD, last_error=error)

    def revive(self, parcel_id: int, now: datetime) -> None:
        """Try a dead parcel again.

        Raises:
            DeliveryError: no such dead parcel.
        """
        with self._database.write() as connection:
            self.dead_within(connection, parcel_id)
            self.revive_within(connection, parcel_id, now)

    def dead_within(self, connection: Connection, parcel_id: int) -> str:
        """Return destination and key of a dead parcel, locked for the caller's transaction.

        Raises:
            DeliveryError: no such dead parcel.
        """
        self._lock(connection)
        row = connection.execute(sa.select(PARCELS).where(PARCELS.c.parcel_id == parcel_id)).first()
        if row is None or row.state != ParcelState.DEAD.value:
            command = "run_line.py delivery show LINE.toml"
            msg = f"parcel {parcel_id} is not dead; `{command}` lists parcels"
            raise DeliveryError(msg)
        return f"{row.destination} {row.key}"

    def revive_within(self, connection: Connection, parcel_id: int, now: datetime) -> None:
        """Try a dead parcel again, within the caller's transaction."""
        self._set(connection, parcel_id, ParcelState.PENDING, due_at=now)

    def drop_within(self, connection: Connection, parcel_id: int, why: str) -> None:
        """Give a dead parcel up, within the caller's transaction; what waits behind it goes on."""
        self._set(connection, parcel_id, ParcelState.DROPPED, last_error=why)

    def standing(
        self, *, limit: int = 200, only: ParcelState | None = None
    ) -> tuple[ParcelStanding, ...]:
        """Return parcels, newest first; dead and pending ones before delivered ones."""
        receipt = (
            sa.select(RECEIPTS.c.content)
            .where(RECEIPTS.c.parcel_id == PARCELS.c.parcel_id)
            .order_by(RECEIPTS.c.number.desc())
            .limit(1)
            .scalar_subquery()
        )
        ended = (ParcelState.DELIVERED.value, ParcelState.DROPPED.value)
        done = PARCELS.c.state.in_(ended)
        names = ("parcel_id", "destination", "facility", "key", "state", "attempts")
        more = ("queued_at", "due_at", "last_error")
        query = (
            sa.select(
                *(PARCELS.c[name] for name in (*names, *more)),
                _dead_before().label("held"),
                receipt.label("receipt"),
            )
            .order_by(done, PARCELS.c.parcel_id.desc())
            .limit(limit)
        )
        if only is not None:
            query = query.where(PARCELS.c.state == only.value)
        with self._database.read() as connection:
            return tuple(_standing(row) for row in connection.execute(query))

    def dead(self) -> int:
        """Return how many parcels are dead."""
        query = sa.select(sa.func.count()).where(PARCELS.c.state == ParcelState.DEAD.value)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _next(self, destinations: tuple[str, ...], now: datetime) -> sa.Select[Any]:
        ahead = PARCELS.alias("ahead")
        waiting = (
            sa.select(ahead.c.parcel_id)
            .where(
                ahead.c.destination == PARCELS.c.destination,
                ahead.c.facility == PARCELS.c.facility,
                ahead.c.parcel_id < PARCELS.c.parcel_id,
                ahead.c.state == ParcelState.PENDING.value,
                ~_dead_before(ahead, "older"),
            )
            .exists()
        )
        return (
            sa.select(PARCELS)
            .where(
                PARCELS.c.destination.in_(destinations),
                PARCELS.c.state == ParcelState.PENDING.value,
                _over(PARCELS.c.due_at, now, LONGEST_WAIT),
                sa.or_(PARCELS.c.leased_until.is_(None), _over(PARCELS.c.leased_until, now, LEASE)),
                ~waiting,
                ~_dead_before(),
            )
            .order_by(PARCELS.c.parcel_id)
            .limit(1)
        )

    def _set(
        self, connection: Connection, parcel_id: int, state: ParcelState, **values: Any
    ) -> None:
        connection.execute(
            sa.update(PARCELS)
            .where(PARCELS.c.parcel_id == parcel_id)
            .values(state=state.value, leased_until=None, **values)
        )

    def _lock(self, connection: Connection) -> None:
        if self._database.backend is Backend.POSTGRESQL:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})


def _over(column: Any, now: datetime, longest: timedelta) -> Any:
    return sa.or_(column <= now, column > now + longest)


def _dead_before(parcels: Any = PARCELS, name: str = "dead") -> Any:
    """An earlier revision of the same report for the same receiver is dead."""
    dead = PARCELS.alias(name)
    return (
        sa.select(dead.c.parcel_id)
        .where(
            dead.c.destination == parcels.c.destination,
            dead.c.subject == parcels.c.subject,
            dead.c.parcel_id < parcels.c.parcel_id,
            dead.c.state == ParcelState.DEAD.value,
        )
        .exists()
    )


def _standing(row: Any) -> ParcelStanding:
    state = ParcelState(row.state)
    return ParcelStanding(
        parcel_id=row.parcel_id,
        destination=row.destination,
        facility=row.facility,
        key=row.key,
        state=state,
        attempts=row.attempts,
        queued_at=row.queued_at,
        due_at=row.due_at,
        last_error=row.last_error,
        held=bool(row.held) and state is ParcelState.PENDING,
        receipt=row.receipt or "",
    )
