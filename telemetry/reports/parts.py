"""From books, measures and evidence to the parts of a report's document."""

from collections.abc import Sequence
from datetime import date

from telemetry.codes.plant import PlantCodes
from telemetry.ledger.books import Amount, Books
from telemetry.ledger.entries import AirSummary
from telemetry.measures.definition import Measure
from telemetry.measures.season import DayComposition, seasonal_composition
from telemetry.reports.document import (
    AirPart,
    AmountPart,
    CompositionPart,
    DispatchPart,
    EquipmentPart,
    MeasurePart,
    ProductPart,
    QualityPart,
    ReceivedPart,
    RemovalPart,
    ResiduePart,
    WeeePart,
)
from telemetry.reports.evidence import Evidence, QualityFigure
from vision.types import FRACTIONS, Fraction

_T_DECIMALS = 3
"""Tonnes with at most three decimals: kilograms, as scales of this size print them."""
_KG_DECIMALS = 3
_NO_AUDIT = "no_audit"


def tonnes(mass_g: float) -> float:
    """Return grams as tonnes, rounded to kilograms."""
    return round(mass_g / 1e6, _T_DECIMALS)


def amount_part(amount: Amount) -> AmountPart:
    """Return a sum of masses for the document."""
    return AmountPart(
        mass_t=tonnes(amount.mass_g),
        is_estimate=amount.is_estimate,
        estimated_t=tonnes(amount.estimated_g),
        low_t=None if amount.low_g is None else tonnes(amount.low_g),
        high_t=None if amount.high_g is None else tonnes(amount.high_g),
        methods=tuple(sorted(method.value for method in amount.methods)),
        entries=amount.entries,
    )


def received_parts(books: Books, codes: PlantCodes, on: date) -> tuple[ReceivedPart, ...]:
    """Return what came in, by code."""
    return tuple(
        ReceivedPart(
            code=line.code,
            hazardous=codes.entry(line.code, on).hazardous,
            amount=amount_part(line.amount),
        )
        for line in books.received
    )


def product_parts(
    books: Books, evidence: Evidence, codes: PlantCodes, on: date
) -> tuple[ProductPart, ...]:
    """Return what was sorted out, by fraction and bin."""
    figures = {(figure.fraction, figure.quantity): figure for figure in evidence.quality}
    return tuple(
        ProductPart(
            fraction=line.fraction.value,
            destination_bin=line.bin,
            code=line.code,
            hazardous=codes.entry(line.code, on).hazardous,
            amount=amount_part(line.amount),
            items=line.items,
            purity=quality_part(figures.get((line.fraction, "purity"))),
            recovery=quality_part(figures.get((line.fraction, "recovery"))),
        )
        for line in books.products
    )


def quality_part(figure: QualityFigure | None) -> QualityPart:
    """Return a purity or recovery; one without basis and sample does not exist."""
    if figure is None or figure.value is None:
        return QualityPart(
            value=None,
            lo=None,
            hi=None,
            level=None,
            basis=None,
            method="",
            n_blocks=0,
            n_objects=0,
            audited_kg=0.0,
            reason_if_null=_NO_AUDIT if figure is None else figure.reason or _NO_AUDIT,
        )
    return QualityPart(
        value=_share(figure.value),
        lo=None if figure.low is None else _share(figure.low),
        hi=None if figure.high is None else _share(figure.high),
        level=figure.level,
        basis=figure.basis,
        method=figure.method,
        n_blocks=figure.n_blocks,
        n_objects=figure.n_objects,
        audited_kg=round(figure.audited_kg, _KG_DECIMALS),
        reason_if_null="",
    )


def _share(value: float) -> float:
    """Intervals may reach beyond 0..1; they are clamped where they are shown."""
    return min(1.0, max(0.0, value))


def residue_parts(books: Books, codes: PlantCodes, on: date) -> tuple[ResiduePart, ...]:
    """Return what stayed on the belt, by code."""
    found = []
    for line in books.residue:
        entry = codes.entry(line.code, on)
        found.append(
            ResiduePart(
                code=line.code,
                hazardous=entry.hazardous,
                code_pending_review=line.pending_review,
                mirror_code=entry.mirror,
                amount=amount_part(line.amount),
                items=line.items,
            )
        )
    return tuple(found)


def removal_parts(books: Books) -> tuple[RemovalPart, ...]:
    """Return what was taken off by hand, by kind."""
    return tuple(
        RemovalPart(
            what=line.what,
            code=line.code,
            hazardous=line.hazardous,
            count=line.count,
            mass_kg=round(line.amount.mass_g / 1000, _KG_DECIMALS) if line.amount.entries else None,
            unweighed=line.unweighed,
        )
        for line in books.removals
    )


def dispatch_parts(books: Books, codes: PlantCodes, on: date) -> tuple[DispatchPart, ...]:
    """Return what left the plant."""
    return tuple(
        DispatchPart(
            code=line.code,
            hazardous=codes.entry(line.code, on).hazardous,
            operation=line.operation.value,
            amount=amount_part(line.amount),
        )
        for line in books.dispatched
    )


def equipment_part(books: Books) -> EquipmentPart:
    """Return the raw quantities behind the load figures."""
    equipment = books.equipment
    return EquipmentPart(
        rated_t_h=equipment.rated_t_per_h,
        hours_planned=equipment.hours_planned,
        hours_run=equipment.hours_run,
        received_t=tonnes(books.received_g),
        processed_t=tonnes(books.processed.mass_g),
        shifts_closed=books.shifts_closed,
    )


def measure_part(measure: Measure) -> MeasurePart:
    """Return a figure with its definition."""
    definition = measure.definition
    return MeasurePart(
        name=measure.name.value,
        value=measure.value,
        lo=measure.low,
        hi=measure.high,
        unit=definition.unit,
        formula=definition.formula,
        source=definition.source,
        reason_if_null=measure.reason,
    )


def composition_parts(
    seen: Sequence[DayComposition], *, by_season: bool
) -> tuple[CompositionPart, ...]:
    """Return every fraction's share of the whole period, and of each season where asked."""
    whole_g = sum(part.mass_g for part in seen)
    count = sum(part.items for part in seen)
    if whole_g <= 0 or count <= 0:
        return ()
    days = len({part.day for part in seen})
    found = [_whole(seen, fraction, whole_g, count, days) for fraction in FRACTIONS]
    if by_season:
        found += [
            CompositionPart(
                season=part.season.value,
                fraction=part.fraction.value,
                mass_share=part.mass_share,
                count_share=part.count_share,
                days=part.days,
            )
            for part in seasonal_composition(seen)
        ]
    return tuple(found)


def _whole(
    seen: Sequence[DayComposition], fraction: Fraction, whole_g: float, count: int, days: int
) -> CompositionPart:
    mine = [part for part in seen if part.fraction is fraction]
    return CompositionPart(
        season="all",
        fraction=fraction.value,
        mass_share=_share(sum(part.mass_g for part in mine) / whole_g),
        count_share=sum(part.items for part in mine) / count,
        days=days,
    )


def weee_parts(evidence: Evidence) -> tuple[WeeePart, ...]:
    """Return equipment by the categories that remain possible."""
    counts: dict[tuple[int, ...], int] = {}
    for seen in evidence.weee:
        key = tuple(sorted(int(category) for category in seen.possible))
        counts[key] = counts.get(key, 0) + seen.items
    return tuple(WeeePart(categories=key, items=counts[key]) for key in sorted(counts))


def air_parts(summaries: Sequence[AirSummary]) -> tuple[AirPart, ...]:
    """Return each channel over the period, means weighted by samples."""
    channels = sorted({summary.channel for summary in summaries})
    return tuple(
        _air([summary for summary in summaries if summary.channel == channel])
        for channel in channels
    )


def _air(mine: Sequence[AirSummary]) -> AirPart:
    samples = sum(summary.samples for summary in mine)
    return AirPart(
        channel=mine[0].channel,
        unit=mine[0].unit,
        lowest=min(summary.lowest for summary in mine),
        mean=sum(summary.mean * summary.samples for summary in mine) / samples,
        highest=max(summary.highest for summary in mine),
        samples=samples,
        limit=mine[-1].limit,
        over_limit_s=sum(summary.over_limit_s for summary in mine),
    )
