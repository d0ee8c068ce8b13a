"""A plant's reports from asking to keeping: made, filed once, corrected, cancelled, signed."""

from pathlib import Path

from sqlalchemy import Connection

from telemetry.database.engine import Database
from telemetry.delivery.queue import DeliveryQueue
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Action
from telemetry.ledger.rules import EARLIEST
from telemetry.ledger.store import Ledger
from telemetry.reports.build import ReportKind, Revision, Source, build, report_uid
from telemetry.reports.document import ReportDocument
from telemetry.reports.errors import ReportError, ReportRevisionError
from telemetry.reports.evidence import Evidence
from telemetry.reports.period import Period
from telemetry.reports.seal import as_bytes, as_version_of, sealed
from telemetry.reports.signature import check_signature
from telemetry.reports.store import ReportStore
from telemetry.wall import WallClock


class ReportDesk:
    """Makes, files, corrects and signs one plant's reports.

    Args:
        database: the plant's.
        accounts: the plant's section.
        now: the wall clock.
        evidence: what stands beside the ledger.
    """

    def __init__(
        self,
        database: Database,
        accounts: AccountsConfig,
        *,
        now: WallClock,
        evidence: Evidence | None = None,
    ) -> None:
        self._accounts = accounts
        self._now = now
        self._ledger = Ledger(database, accounts, now=now)
        self._store = ReportStore(database, now=now)
        self._queue = DeliveryQueue(database)
        self._evidence = evidence or Evidence()

    def make(
        self, kind: ReportKind, period: Period, *, edit: str | None, draft: bool
    ) -> tuple[ReportDocument, str]:
        """Return the report and what became of it, in words.

        Raises:
            ReportError: it cannot be made, or is filed with other figures.
        """
        newest = self._store.newest(report_uid(self._accounts, kind, period))
        source = self._source(period)
        if newest is None:
            if edit is not None:
                msg = f"{period.label}: --edit corrects a filed report, and none is filed"
                raise ReportRevisionError(msg)
            document = build(source, kind, period, Revision())
            return self._kept(document, draft=draft)
        filed = newest.document
        if filed.action == Action.CANCEL.value:
            msg = f"{period.label} was cancelled by revision {filed.revision}; it stays cancelled"
            raise ReportRevisionError(msg)
        same = as_version_of(build(source, kind, period, _revision_of(filed)), filed)
        if as_bytes(same) == newest.content:
            return filed, f"revision {filed.revision} is filed already, nothing has changed"
        if edit is None and not draft:
            msg = (
                f"{period.label} is filed as revision {filed.revision} with other figures; to "
                "file what the ledger says now: --edit REASON; to look only: --draft"
            )
            raise ReportRevisionError(msg)
        revision = Revision(
            number=filed.revision + 1,
            action=Action.EDIT,
            reason=edit or "draft",
            supersedes=filed.sha256,
        )
        return self._kept(build(source, kind, period, revision), draft=draft)

    def cancel(self, kind: ReportKind, period: Period, reason: str) -> tuple[ReportDocument, str]:
        """Cancel what is filed for a period.

        Raises:
            ReportRevisionError: nothing is filed, or it is cancelled already.
        """
        filed = self._filed(kind, period)
        document = sealed(
            filed.model_copy(
                update={
                    "revision": filed.revision + 1,
                    "action": Action.CANCEL.value,
                    "reason": reason.strip(),
                    "supersedes": filed.sha256,
                }
            )
        )
        return self._kept(document, draft=False)

    def sign(self, kind: ReportKind, period: Period, path: Path, trust: Path | None) -> str:
        """Check and keep a detached signature; return what was found, in words.

        Raises:
            ReportError: nothing is filed, or the signature is refused.
        """
        filed = self._filed(kind, period)
        try:
            signature = path.read_bytes()
            trusted = trust.read_bytes() if trust else None
        except OSError as error:
            msg = f"{error.filename} cannot be read: {error.strerror}"
            raise ReportError(msg) from error
        return self.keep_signature(filed, signature, trusted)

    def keep_signature(self, filed: ReportDocument, signature: bytes, trusted: bytes | None) -> str:
        """Check and keep a signature of a filed revision; return what was found, in words.

        Raises:
            SignatureRefusedError: it is none of this report's bytes, or a key.
        """
        checked = check_signature(as_bytes(filed), signature, trusted=trusted)
        new = self._store.add_signature(filed, checked)
        kept = "kept" if new else "was kept already"
        return f"revision {filed.revision}, {checked.signer}: {checked.note}; {kept}"

    def _filed(self, kind: ReportKind, period: Period) -> ReportDocument:
        newest = self._store.newest(report_uid(self._accounts, kind, period))
        if newest is None:
            msg = f"{period.label}: no {kind.value} report is filed; file it first"
            raise ReportRevisionError(msg)
        return newest.document

    def _kept(self, document: ReportDocument, *, draft: bool) -> tuple[ReportDocument, str]:
        if draft:
            return document, "draft, not filed"
        self._store.file(document, beside=self._enqueue)
        return document, f"filed as revision {document.revision}"

    def _enqueue(self, connection: Connection, document: ReportDocument, content: bytes) -> None:
        """In the filing's own transaction: a report is queued if and only if it is filed."""
        names = tuple(delivery.name for delivery in self._accounts.deliveries)
        self._queue.enqueue(connection, document, content, destinations=names, now=self._now())

    def _source(self, period: Period) -> Source:
        facility = self._accounts.facility
        anchors = self._store.anchors(facility.bin, facility.facility_id)
        return Source(
            accounts=self._accounts,
            history=self._ledger.standing(EARLIEST, period.last),
            faults=self._ledger.verify(anchors).faults,
            evidence=self._evidence,
            now=self._now(),
        )


def _revision_of(document: ReportDocument) -> Revision:
    return Revision(
        number=document.revision,
        action=Action(document.action),
        reason=document.reason or "",
        supersedes=document.supersedes or "",
    )
