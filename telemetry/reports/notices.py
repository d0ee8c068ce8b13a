"""What is wrong with a report's figures: errors block it, warnings travel with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from telemetry.codes.table import CodeError
from telemetry.ledger.books import Books
from telemetry.ledger.chain import Fault
from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Entry
from telemetry.measures.definition import Measure
from telemetry.measures.storage import StorageState
from telemetry.reports.document import ProductPart, WarningPart
from telemetry.reports.period import Period
from vision.overlap_index import LIMIT as OVERLAP_LIMIT

_SHOWN_FAULTS = 5


class WarningCode(StrEnum):
    """Warnings; their words are in the catalogues under `warning-...`."""

    EMPTY = "empty"
    PERIOD_RUNNING = "period_running"
    RECEIVED_ESTIMATED = "received_estimated"
    KZ_NOT_VERIFIED = "kz_not_verified"
    BALANCE_OPEN = "balance_open"
    UNSORTED_STOCK_UNKNOWN = "unsorted_stock_unknown"
    NO_SHIFT_CLOSED = "no_shift_closed"
    CLOCK_SET_BACK = "clock_set_back"
    PENDING_REVIEW = "pending_review"
    UNWEIGHED_REMOVALS = "unweighed_removals"
    STOCK_OVERDUE = "stock_overdue"
    STOCK_DUE_SOON = "stock_due_soon"
    STOCK_MISSING = "stock_missing"
    NO_AUDIT = "no_audit"
    SCALE_DISAGREES = "scale_disagrees"
    OVERLAP = "overlap"
    NO_BASELINE = "no_baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Everything that warnings are drawn from.

    Attributes:
        scale_z: how many standard deviations belt scale and pictures are apart, where they
            contradict each other; else None.
    """

    accounts: AccountsConfig
    period: Period
    now: datetime
    books: Books
    closure: Measure
    stock: dict[str, StorageState]
    products: Sequence[ProductPart]
    scale_z: float | None
    set_back: int
    yearly: bool


def errors_of(
    period: Period,
    now: datetime,
    faults: Sequence[Fault],
    entries: Sequence[Entry],
    accounts: AccountsConfig,
) -> tuple[str, ...]:
    """Return what blocks a report: a period to come, a broken ledger, codes not in force."""
    found = []
    if period.start > now:
        found.append(f"period {period.label} lies in the future: it begins {period.start}")
    for fault in faults[:_SHOWN_FAULTS]:
        uid = f" ({fault.uid})" if fault.uid else ""
        found.append(f"ledger row {fault.seq}{uid}: {fault.what}")
    if len(faults) > _SHOWN_FAULTS:
        found.append(f"and {len(faults) - _SHOWN_FAULTS} more ledger faults; run ledger verify")
    return (*found, *_code_errors(period.last, entries, accounts))


def _code_errors(on: date, entries: Sequence[Entry], accounts: AccountsConfig) -> Iterator[str]:
    """The table may have changed since the entries were written."""
    codes = {code for entry in entries if (code := getattr(entry.body, "code", None))}
    for code in sorted(codes):
        try:
            accounts.codes.entry(code, on)
        except CodeError as error:
            yield str(error)


def warnings_of(seen: Circumstances) -> tuple[WarningPart, ...]:
    """Return the warnings in a fixed order."""
    found = (*_about_time(seen), *_about_mass(seen), *_about_hazards(seen), *_about_stock(seen))
    if not seen.accounts.codes.code_table().kz_verified():
        found = (*found, _warn(WarningCode.KZ_NOT_VERIFIED))
    if any(part.purity.value is None for part in seen.products):
        found = (*found, _warn(WarningCode.NO_AUDIT))
    if seen.yearly and seen.accounts.baseline is None:
        found = (*found, _warn(WarningCode.NO_BASELINE))
    return found


def _warn(warning: WarningCode, **arguments: object) -> WarningPart:
    return WarningPart(
        code=warning.value, arguments={name: str(value) for name, value in arguments.items()}
    )


def _about_time(seen: Circumstances) -> Iterator[WarningPart]:
    if seen.period.end > seen.now:
        yield _warn(WarningCode.PERIOD_RUNNING, end=seen.period.end.isoformat())
    if seen.set_back:
        yield _warn(WarningCode.CLOCK_SET_BACK, count=seen.set_back)


def _about_mass(seen: Circumstances) -> Iterator[WarningPart]:
    books = seen.books
    if not (books.received or books.products or books.residue or books.removals):
        yield _warn(WarningCode.EMPTY)
        return
    if any(line.amount.is_estimate for line in books.received):
        yield _warn(WarningCode.RECEIVED_ESTIMATED)
    if not books.shifts_closed:
        yield _warn(WarningCode.NO_SHIFT_CLOSED)
        yield _warn(WarningCode.UNSORTED_STOCK_UNKNOWN)
    if books.invalid_g:
        share = 100.0 * books.invalid_g / (books.products_g + books.residue_g)
        kg = f"{books.invalid_g / 1000:.1f}"
        yield _warn(WarningCode.OVERLAP, kg=kg, share=f"{share:.1f}", limit=f"{OVERLAP_LIMIT:g}")
    if seen.scale_z is not None:
        yield _warn(WarningCode.SCALE_DISAGREES, z=f"{seen.scale_z:+.1f}")
    limit = seen.accounts.balance_limit_pct
    if seen.closure.value is not None and seen.closure.value > limit:
        value = f"{seen.closure.value:.1f}"
        yield _warn(WarningCode.BALANCE_OPEN, value=value, limit=f"{limit:g}")


def _about_hazards(seen: Circumstances) -> Iterator[WarningPart]:
    if any(line.pending_review for line in seen.books.residue):
        yield _warn(WarningCode.PENDING_REVIEW)
    unweighed = sum(line.unweighed for line in seen.books.removals)
    if unweighed:
        yield _warn(WarningCode.UNWEIGHED_REMOVALS, count=unweighed)


def _about_stock(seen: Circumstances) -> Iterator[WarningPart]:
    for code, state in sorted(seen.stock.items()):
        kg = {
            WarningCode.STOCK_OVERDUE: state.overdue_g,
            WarningCode.STOCK_DUE_SOON: state.due_soon_g,
            WarningCode.STOCK_MISSING: state.missing_g,
        }
        for warning, mass_g in kg.items():
            if mass_g:
                yield _warn(warning, code=code, kg=f"{mass_g / 1000:.0f}")
