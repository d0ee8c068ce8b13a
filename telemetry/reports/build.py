"""Builds a report's document from the ledger and the evidence beside it."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal

from telemetry.ledger.books import books_of
from telemetry.ledger.chain import Fault, Row, entry_of
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Action, Entry
from telemetry.ledger.stock import StockFlow, stock_flows
from telemetry.ledger.storage import stored
from telemetry.measures.capacity import (
    availability,
    capacity_coverage,
    capacity_utilisation,
    throughput,
)
from telemetry.measures.definition import Measure
from telemetry.measures.food import food_driver
from telemetry.measures.landfill import LandfillStanding, landfill_standing
from telemetry.measures.sorting import balance_closure, residue_share, sorted_out_share
from telemetry.measures.storage import StorageState
from telemetry.reports import parts, sections
from telemetry.reports.audit_evidence import with_audits
from telemetry.reports.document import SCHEMA, ReportDocument, Worksheet
from telemetry.reports.errors import ReportBlockedError, ReportError
from telemetry.reports.evidence import Evidence
from telemetry.reports.fraction_figures import fraction_parts, overlap_part
from telemetry.reports.notices import Circumstances, errors_of, warnings_of
from telemetry.reports.period import Period, PeriodKind
from telemetry.reports.reconciliation import reconciliation
from telemetry.reports.seal import sealed
from telemetry.reports.worksheet import worksheet

_NAMESPACE: Final = uuid.UUID("5c3f7a52-9a5e-5b0e-8f0e-2b6a3f6f1d11")
"""Of this program's report uids (RFC 9562, version 5): a period's report has one uid for ever."""
_YEARLY: Final = (PeriodKind.QUARTER, PeriodKind.YEAR)


class ReportKind(StrEnum):
    """What a report is for."""

    SUMMARY = "summary"
    INVENTORY = "inventory"
    STATISTICS = "statistics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Which revision of a report's uid is made.

    Attributes:
        number: 1 first.
        action: INSERT with 1, EDIT or CANCEL later.
        reason: of the correction, empty for an INSERT.
        supersedes: hash of the revision before, empty for an INSERT.
    """

    number: int = 1
    action: Action = Action.INSERT
    reason: str = ""
    supersedes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a report is made from.

    Attributes:
        accounts: the plant's section.
        history: rows that stand from the ledger's beginning to the period's last day.
        faults: of the whole ledger.
        evidence: beside the ledger.
        now: the wall clock.
    """

    accounts: AccountsConfig
    history: Sequence[Row]
    faults: Sequence[Fault]
    evidence: Evidence
    now: datetime


def report_uid(accounts: AccountsConfig, kind: ReportKind, period: Period) -> str:
    """Return the uid of a plant's report of this kind for this period."""
    facility = accounts.facility
    name = f"{facility.bin}/{facility.facility_id}/{kind.value}/{period.kind}/{period.label}"
    return str(uuid.uuid5(_NAMESPACE, name))


def build(source: Source, kind: ReportKind, period: Period, revision: Revision) -> ReportDocument:
    """Return the sealed document. The same rows give the same bytes, whenever it is made.

    Raises:
        ReportBlockedError: the figures have errors.
        ReportError: a worksheet was asked for something else than a year.
    """
    if kind is not ReportKind.SUMMARY and period.kind is not PeriodKind.YEAR:
        year = period.first.year
        msg = f"the {kind.value} worksheet is for a year, not for {period.label}; write {year}"
        raise ReportError(msg)
    rows = _of_period(source.history, period)
    entries = [entry_of(row) for row in rows]
    errors = errors_of(period, source.now, source.faults, entries, source.accounts)
    if errors:
        raise ReportBlockedError(errors)
    return sealed(_Builder(source, kind, period, revision, rows, entries).document())


def _of_period(history: Sequence[Row], period: Period) -> list[Row]:
    rows = [row for row in history if period.first <= row.day <= period.last]
    return [row for row in rows if row.shift == period.shift] if period.shift else rows


class _Builder:
    def __init__(
        self,
        source: Source,
        kind: ReportKind,
        period: Period,
        revision: Revision,
        rows: Sequence[Row],
        entries: Sequence[Entry],
    ) -> None:
        self._source = source
        self._kind = kind
        self._period = period
        self._revision = revision
        self._rows = rows
        self._entries = entries
        self._books = books_of(entries)
        self._codes = source.accounts.codes
        self._everything = [entry_of(row) for row in source.history]
        self._evidence = with_audits(source.evidence, entries, self._everything, self._books)

    def document(self) -> ReportDocument:
        source, period, books = self._source, self._period, self._books
        last = period.last
        closure, reconciled = self._closure(), reconciliation(books)
        stock = self._stock()
        landfill = self._landfill()
        products = parts.product_parts(books, self._evidence, self._codes, last)
        seen = Circumstances(
            accounts=source.accounts,
            period=period,
            now=source.now,
            books=books,
            closure=closure,
            stock=stock,
            products=products,
            scale_z=None if reconciled is None or reconciled.agree else reconciled.z,
            set_back=sum(json.loads(row.content)["clock_back_s"] > 0 for row in self._rows),
            yearly=landfill is not None,
        )
        return ReportDocument(
            schema=SCHEMA,
            report_uid=report_uid(source.accounts, self._kind, period),
            revision=self._revision.number,
            action=self._revision.action.value,
            reason=self._revision.reason or None,
            supersedes=self._revision.supersedes or None,
            kind=self._kind.value,
            facility=sections.facility(source.accounts),
            period=sections.period(source.accounts, period),
            code_list=sections.code_list(self._codes),
            received=parts.received_parts(books, self._codes, last),
            products=products,
            residue=parts.residue_parts(books, self._codes, last),
            banned_351=sections.banned(self._evidence, books),
            hazard_removals=parts.removal_parts(books),
            dispatched=parts.dispatch_parts(books, self._codes, last),
            equipment=parts.equipment_part(books),
            measures=tuple(parts.measure_part(m) for m in self._measures(closure, landfill)),
            landfill=sections.landfill(source.accounts, landfill),
            composition=parts.composition_parts(
                self._evidence.composition, by_season=period.kind in _YEARLY
            ),
            weee=parts.weee_parts(self._evidence),
            air=parts.air_parts(books.air),
            stock=sections.stock(stock),
            worksheet=self._worksheet(),
            reconciliation=reconciled,
            fractions=fraction_parts(books, self._entries),
            overlap=overlap_part(books),
            model=sections.models(self._evidence),
            ledger=sections.ledger(self._rows),
            warnings=warnings_of(seen),
        )

    def _closure(self) -> Measure:
        """The balance over the belt where shifts were closed, else over the gate."""
        books = self._books
        if books.shifts_closed:
            return balance_closure(books.processed.mass_g, books.out_g, 0)
        return balance_closure(books.received_g, books.out_g, 0)

    def _measures(self, closure: Measure, landfill: LandfillStanding | None) -> tuple[Measure, ...]:
        books, equipment = self._books, self._books.equipment
        found = [
            sorted_out_share(books.products_g, books.received_g),
            residue_share(books.residue_g, books.received_g),
            capacity_coverage(equipment),
            capacity_utilisation(equipment),
            availability(equipment),
            throughput(equipment),
            closure,
            food_driver(self._evidence.food_samples).slope,
        ]
        if landfill is not None:
            found += [landfill.share, landfill.share_change, landfill.volume_change]
        return tuple(found)

    def _landfill(self) -> LandfillStanding | None:
        if self._period.kind is not PeriodKind.YEAR:
            return None
        base = self._source.accounts.baseline
        return landfill_standing(
            year=self._period.first.year,
            landfilled_t=self._books.landfilled_g / 1e6,
            received_t=self._books.received_g / 1e6,
            base_landfilled_t=base.landfilled_t if base else None,
            base_received_t=base.received_t if base else None,
        )

    def _stock(self) -> dict[str, StorageState]:
        return stored(self._source.history, self._source.accounts, self._period.last)

    def _days(self) -> dict[str, date]:
        return {row.uid: row.day for row in self._source.history}

    def _worksheet(self) -> Worksheet | None:
        form: Literal["inventory", "statistics"]
        match self._kind:
            case ReportKind.SUMMARY:
                return None
            case ReportKind.INVENTORY:
                form = "inventory"
            case ReportKind.STATISTICS:
                form = "statistics"
        flows: list[StockFlow] = stock_flows(self._everything, self._days(), self._period.first)
        return worksheet(form, self._period.first.year, flows)
