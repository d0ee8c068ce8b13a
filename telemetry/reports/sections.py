"""The parts of a report that say whose it is, what it covers and what stands behind it."""

from collections.abc import Mapping, Sequence

from telemetry.codes.plant import PlantCodes
from telemetry.ledger.books import Books
from telemetry.ledger.chain import Row
from telemetry.ledger.config import AccountsConfig
from telemetry.measures.banned import banned_in_residue
from telemetry.measures.landfill import LandfillStanding
from telemetry.measures.storage import StorageState
from telemetry.reports.document import (
    BannedPart,
    CodeList,
    Facility,
    LandfillPart,
    LedgerPart,
    ModelPart,
    PeriodPart,
    StockPart,
)
from telemetry.reports.evidence import Evidence
from telemetry.reports.parts import tonnes
from telemetry.reports.period import Period


def facility(accounts: AccountsConfig) -> Facility:
    """Return whose report it is."""
    mine = accounts.facility
    return Facility(
        bin=mine.bin,
        facility_id=mine.facility_id,
        name_kk=mine.name_kk,
        name_ru=mine.name_ru,
        name_en=mine.name_en,
        kato=mine.kato,
    )


def period(accounts: AccountsConfig, covered: Period) -> PeriodPart:
    """Return what it covers."""
    return PeriodPart(
        kind=covered.kind.value,
        label=covered.label,
        first_day=covered.first.isoformat(),
        last_day=covered.last.isoformat(),
        start=covered.start.isoformat(),
        end=covered.end.isoformat(),
        time_zone=accounts.calendar.time_zone,
    )


def code_list(codes: PlantCodes) -> CodeList:
    """Return which waste codes are meant."""
    table = codes.code_table()
    return CodeList(
        id=table.list_id, jurisdiction=codes.jurisdiction.value, kz_verified=table.kz_verified()
    )


def banned(evidence: Evidence, books: Books) -> tuple[BannedPart, ...]:
    """Return items of article 351(1) in the residue."""
    shares = banned_in_residue(evidence.residue_parts, books.residue_g)
    return tuple(
        BannedPart(item=part.item, share=min(1.0, part.share), lo=part.low, hi=part.high)
        for part in shares
    )


def landfill(accounts: AccountsConfig, standing: LandfillStanding | None) -> LandfillPart | None:
    """Return the year against the path to 2030."""
    if standing is None:
        return None
    base = accounts.baseline
    return LandfillPart(
        target_pct=standing.target_pct,
        on_path_by_share=standing.on_path_by_share,
        on_path_by_volume=standing.on_path_by_volume,
        baseline_source=base.source if base else "",
    )


def stock(states: Mapping[str, StorageState]) -> tuple[StockPart, ...]:
    """Return non-hazardous stock with its age."""
    return tuple(
        StockPart(
            code=code,
            hazardous=False,
            stock_t=tonnes(state.stock_g),
            oldest=state.oldest.isoformat() if state.oldest else None,
            due=state.due.isoformat() if state.due else None,
            overdue_t=tonnes(state.overdue_g),
        )
        for code, state in sorted(states.items())
        if state.stock_g
    )


def models(evidence: Evidence) -> ModelPart:
    """Return which models, calibrations and audits stand behind the figures."""
    return ModelPart(
        versions=evidence.models,
        calibrations=evidence.calibrations,
        audit_date=evidence.last_audit.isoformat() if evidence.last_audit else None,
    )


def ledger(rows: Sequence[Row]) -> LedgerPart:
    """Return which ledger rows were used."""
    last = max(rows, key=lambda row: row.seq, default=None)
    return LedgerPart(
        rows=len(rows),
        last_seq=last.seq if last else 0,
        last_hash=last.hash if last else "",
    )
