"""Filed reports: revisions of a uid, their signatures, and the anchors they give the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from telemetry.database.engine import Database
from telemetry.errors import DatabaseConflictError
from telemetry.ledger.canonical import digest
from telemetry.ledger.chain import Anchor
from telemetry.reports.document import ReportDocument
from telemetry.reports.errors import ReportRevisionError
from telemetry.reports.schema import REPORTS, SIGNATURES
from telemetry.reports.seal import as_bytes, from_bytes
from telemetry.reports.signature import CheckedSignature
from telemetry.wall import WallClock

CANCELLED: Final = "CANCEL"
Beside = Callable[[Connection, ReportDocument, bytes], None]
"""Called within the filing's transaction, e.g. to queue the report for delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledReport:
    """One revision as it is kept.

    Attributes:
        document: read back.
        content: its bytes.
        filed_at: when.
    """

    document: ReportDocument
    content: bytes
    filed_at: datetime


class ReportStore:
    """Reports of any plant in one database. Blocks on the database.

    Args:
        database: opened, with this program's schema.
        now: the wall clock.
    """

    def __init__(self, database: Database, *, now: WallClock) -> None:
        self._database = database
        self._now = now

    def newest(self, uid: str) -> FiledReport | None:
        """Return the newest revision of a uid, None if it was never filed."""
        with self._database.read() as connection:
            return self._newest(connection, uid)

    def revisions(self, uid: str) -> tuple[FiledReport, ...]:
        """Return every revision of a uid, oldest first."""
        query = sa.select(REPORTS.c.content, REPORTS.c.filed_at).where(REPORTS.c.uid == uid)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(REPORTS.c.revision)).all()
        return tuple(_filed(content, filed_at) for content, filed_at in rows)

    def file(self, document: ReportDocument, *, beside: Beside | None = None) -> bool:
        """Keep a revision; the same bytes again do nothing.

        Args:
            document: sealed.
            beside: done in the same transaction, only where something is kept.

        Returns:
            True if it was new.

        Raises:
            ReportRevisionError: the revision exists with other bytes, or corrects nothing.
        """
        content = as_bytes(document)
        try:
            with self._database.write() as connection:
                if not self._is_new(connection, document, content):
                    return False
                self._insert(connection, document, content)
                if beside is not None:
                    beside(connection, document, content)
        except DatabaseConflictError as error:
            msg = f"report {document.report_uid} was filed by another process at this moment; retry"
            raise ReportRevisionError(msg) from error
        return True

    def _is_new(self, connection: Connection, document: ReportDocument, content: bytes) -> bool:
        uid, number = document.report_uid, document.revision
        query = sa.select(REPORTS.c.content).where(
            REPORTS.c.uid == uid, REPORTS.c.revision == number
        )
        stored = connection.execute(query).scalar()
        if stored is not None:
            if stored.encode() == content:
                return False
            msg = (
                f"report {document.period.label} ({uid}) revision {number} is filed with other "
                "content; file a correction with --edit REASON"
            )
            raise ReportRevisionError(msg)
        self._refuse_wrong_revision(self._newest(connection, uid), document)
        return True

    def _refuse_wrong_revision(self, newest: FiledReport | None, document: ReportDocument) -> None:
        name = f"report {document.period.label} ({document.report_uid})"
        if newest is None:
            if document.action != "INSERT" or document.revision != 1:
                msg = f"{name}: {document.action} names a report that was never filed"
                raise ReportRevisionError(msg)
            return
        if newest.document.action == CANCELLED:
            msg = f"{name} was cancelled by revision {newest.document.revision}; it stays cancelled"
            raise ReportRevisionError(msg)
        if document.action == "INSERT" or document.revision != newest.document.revision + 1:
            number = newest.document.revision
            msg = f"{name}: after revision {number} comes the next, as EDIT or CANCEL"
            raise ReportRevisionError(msg)
        if document.supersedes != newest.document.sha256 or not document.reason:
            msg = f"{name}: a correction names the hash it supersedes and a reason"
            raise ReportRevisionError(msg)

    def _insert(self, connection: Connection, document: ReportDocument, content: bytes) -> None:
        connection.execute(
            sa.insert(REPORTS).values(
                uid=document.report_uid,
                revision=document.revision,
                action=document.action,
                bin=document.facility.bin,
                facility_id=document.facility.facility_id,
                kind=document.kind,
                label=document.period.label,
                ledger_seq=document.ledger.last_seq,
                ledger_hash=document.ledger.last_hash,
                content=content.decode(),
                filed_at=self._now(),
            )
        )

    def anchors(self, bin_: str, facility_id: str) -> tuple[Anchor, ...]:
        """Return the ledger rows that filed reports of a plant know."""
        query = sa.select(
            REPORTS.c.label, REPORTS.c.revision, REPORTS.c.ledger_seq, REPORTS.c.ledger_hash
        ).where(
            REPORTS.c.bin == bin_,
            REPORTS.c.facility_id == facility_id,
            REPORTS.c.ledger_seq > 0,
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Anchor(seq=seq, hash=hash_, source=f"report {label} revision {revision}")
            for label, revision, seq, hash_ in rows
        )

    def add_signature(self, document: ReportDocument, checked: CheckedSignature) -> bool:
        """Keep a signature of a filed revision; the same one again does nothing."""
        name = digest(checked.signature)
        there = sa.select(SIGNATURES.c.digest).where(
            SIGNATURES.c.uid == document.report_uid,
            SIGNATURES.c.revision == document.revision,
            SIGNATURES.c.digest == name,
        )
        with self._database.write() as connection:
            if connection.execute(there).first() is not None:
                return False
            connection.execute(
                sa.insert(SIGNATURES).values(
                    uid=document.report_uid,
                    revision=document.revision,
                    digest=name,
                    signature=checked.signature,
                    signer=checked.signer,
                    standing=checked.standing.value,
                    stored_at=self._now(),
                )
            )
        return True

    def signatures(self, uid: str, revision: int) -> tuple[tuple[str, str], ...]:
        """Return signer and standing of every signature of a revision."""
        query = sa.select(SIGNATURES.c.signer, SIGNATURES.c.standing).where(
            SIGNATURES.c.uid == uid, SIGNATURES.c.revision == revision
        )
        with self._database.read() as connection:
            return tuple((signer, how) for signer, how in connection.execute(query))

    def _newest(self, connection: Connection, uid: str) -> FiledReport | None:
        query = (
            sa.select(REPORTS.c.content, REPORTS.c.filed_at)
            .where(REPORTS.c.uid == uid)
            .order_by(REPORTS.c.revision.desc())
            .limit(1)
        )
        row = connection.execute(query).first()
        return None if row is None else _filed(row.content, row.filed_at)


def _filed(content: str, filed_at: datetime) -> FiledReport:
    raw = content.encode()
    return FiledReport(document=from_bytes(raw), content=raw, filed_at=filed_at)
