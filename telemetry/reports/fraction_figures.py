"""Yield and contamination of each product, and what the overlap index marks invalid."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Final

from telemetry.estimates.definitions import contamination_split, mass_yield
from telemetry.estimates.types import LEVEL, MassFigure, Method
from telemetry.ledger.books import Amount, Books
from telemetry.ledger.entries import Entry
from telemetry.ledger.sampling import Audit
from telemetry.reports.fraction_document import ContaminantPart, FractionPart, OverlapPart
from telemetry.reports.parts import tonnes
from vision.overlap_index import LIMIT
from vision.types import FRACTIONS, Fraction

SORTING_LOSS: Final = 0.02
"""What may be missing between a sample and the parts it was sorted into: moisture and dust lost
while people sort. More means that the sample was not sorted into all fractions."""
_Z: Final = NormalDist().inv_cdf((1.0 + LEVEL) / 2.0)
_G_PER_KG: Final = 1000.0
_DECIMALS: Final = 6


def fraction_parts(books: Books, entries: Iterable[Entry]) -> tuple[FractionPart, ...]:
    """Return one part per fraction that was sorted out.

    Args:
        books: of the period.
        entries: of the period, standing.
    """
    kept = [entry.body for entry in entries if isinstance(entry.body, Audit)]
    input_kg = _figure(_input(books))
    return tuple(
        _part(fraction, _products(books, fraction), input_kg, _found(kept, fraction))
        for fraction in FRACTIONS
        if _products(books, fraction)
    )


def overlap_part(books: Books) -> OverlapPart | None:
    """Return what is invalid of the products and the residue; None where nothing left the belt."""
    left_g = books.products_g + books.residue_g
    if not left_g:
        return None
    return OverlapPart(
        limit=LIMIT,
        invalid_t=tonnes(books.invalid_g),
        invalid_share=round(books.invalid_g / left_g, _DECIMALS),
    )


def _part(
    fraction: Fraction,
    amounts: Sequence[Amount],
    input_kg: MassFigure,
    found_kg: Mapping[Fraction, float],
) -> FractionPart:
    product = _figure(_sum(amounts))
    share = mass_yield(product, input_kg) if input_kg.kg > 0 else None
    split = contamination_split(fraction, found_kg) if found_kg else {}
    half = _Z * share.sd if share else 0.0
    return FractionPart(
        fraction=fraction.value,
        mass_yield=round(share.value, _DECIMALS) if share else None,
        yield_lo=round(max(0.0, share.value - half), _DECIMALS) if share else None,
        yield_hi=round(share.value + half, _DECIMALS) if share else None,
        yield_is_estimate=product.is_estimate or input_kg.is_estimate,
        contamination=tuple(
            ContaminantPart(kind=kind.value, share=round(part, _DECIMALS))
            for kind, part in split.items()
        ),
        split_reason="" if split else "not_sorted_into_all",
    )


def _found(audits: Iterable[Audit], product: Fraction) -> dict[Fraction, float]:
    """What samples of a product held, by fraction; nothing where not all of it was named."""
    sample_g: dict[Fraction, int] = {}
    found_g: dict[Fraction, int] = {}
    for audit in audits:
        if audit.stream == product and audit.material in FRACTIONS:
            material = Fraction(audit.material)
            sample_g[material] = sample_g.get(material, 0) + audit.sample_g
            found_g[material] = found_g.get(material, 0) + audit.material_g
    share = {one: found_g[one] / sample_g[one] for one in found_g if sample_g[one]}
    if abs(sum(share.values()) - 1.0) > SORTING_LOSS:
        return {}
    return {one: part * max(sample_g.values()) / _G_PER_KG for one, part in share.items()}


def _input(books: Books) -> Amount:
    """What went over the belt where shifts were closed, else what came in."""
    if books.processed.entries:
        return books.processed
    return _sum([line.amount for line in books.received])


def _products(books: Books, fraction: Fraction) -> list[Amount]:
    return [line.amount for line in books.products if line.fraction is fraction]


def _sum(amounts: Sequence[Amount]) -> Amount:
    total = Amount()
    for amount in amounts:
        total = total.plus_amount(amount)
    return total


def _figure(amount: Amount) -> MassFigure:
    low = amount.mass_g if amount.low_g is None else amount.low_g
    high = amount.mass_g if amount.high_g is None else amount.high_g
    return MassFigure(
        kg=amount.mass_g / _G_PER_KG,
        sd_kg=(high - low) / (2.0 * _Z) / _G_PER_KG,
        method=Method.VISION if amount.is_estimate else Method.SCALE,
    )
