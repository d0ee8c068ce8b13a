"""Recovery of a fraction by mass: samples of every output, weighted with the ledger's masses."""

from collections.abc import Iterable, Mapping

from telemetry.estimates.recovery import Output, recovery_of
from telemetry.estimates.types import Evidence, NoShare, Share
from telemetry.ledger.books import Amount, Books
from telemetry.ledger.rules import RESIDUE
from vision.types import FRACTIONS, Fraction

Samples = Mapping[tuple[str, str], Share | NoShare]


def recovery_from_samples(
    fraction: Fraction, samples: Samples, books: Books
) -> Share | NoShare | str:
    """Return a fraction's recovery, or why it cannot be told: a key of the catalogues.

    Args:
        fraction: whose.
        samples: by stream and material.
        books: of the period.
    """
    purity = samples.get((fraction, fraction))
    if not isinstance(purity, Share):
        return "no_audit" if purity is None else "few_samples"
    product = _output(_amounts(books, fraction), share=purity)
    used, others = [purity], []
    residue = samples.get((RESIDUE, fraction))
    if books.residue_g:
        if not isinstance(residue, Share):
            return "no_residue_audit"
        used.append(residue)
        others.append(_output([line.amount for line in books.residue], share=residue))
    for other in FRACTIONS:
        amounts = _amounts(books, other)
        if other is fraction or not sum(amount.mass_g for amount in amounts):
            continue
        found = _foreign(fraction, other, samples)
        if found is None:
            return "other_products_unaudited"
        share, rest = found
        others.append(_output(amounts, share=share, rest=rest))
        used += [sample for sample in (share, rest) if sample]
    if any(line.what == fraction.value for line in books.removals):
        return "taken_off_by_hand"
    return recovery_of(product, others, evidence=_together(used))


def _foreign(
    fraction: Fraction, other: Fraction, samples: Samples
) -> tuple[Share | None, Share | None] | None:
    """What another product holds of the fraction: sampled, or at most its rest; None unknown."""
    sampled, purity = samples.get((other, fraction)), samples.get((other, other))
    if isinstance(sampled, Share):
        return sampled, None
    return (None, _rest(purity)) if isinstance(purity, Share) else None


def _rest(purity: Share) -> Share:
    return Share(
        value=1.0 - purity.value,
        low=1.0 - purity.high,
        high=1.0 - purity.low,
        level=purity.level,
        basis=purity.basis,
        method=purity.method,
        evidence=purity.evidence,
    )


def _amounts(books: Books, fraction: Fraction) -> list[Amount]:
    return [line.amount for line in books.products if line.fraction is fraction]


def _output(amounts: Iterable[Amount], *, share: Share | None, rest: Share | None = None) -> Output:
    kept = tuple(amounts)
    return Output(
        mass_g=sum(amount.mass_g for amount in kept),
        low_g=sum(amount.mass_g if amount.low_g is None else amount.low_g for amount in kept),
        high_g=sum(amount.mass_g if amount.high_g is None else amount.high_g for amount in kept),
        share=share,
        rest=rest,
    )


def _together(used: Iterable[Share]) -> Evidence:
    kept = [share.evidence for share in used]
    return Evidence(
        n_blocks=sum(one.n_blocks for one in kept),
        n_objects=sum(one.n_objects for one in kept),
        audited_kg=sum(one.audited_kg for one in kept),
    )
