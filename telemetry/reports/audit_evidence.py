"""Purity, recovery and banned material from the audits in the ledger, with their intervals."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, NoShare, Share
from telemetry.estimates.types import Evidence as Sampled
from telemetry.ledger.books import Books
from telemetry.ledger.entries import Entry
from telemetry.ledger.rules import RESIDUE
from telemetry.ledger.sampling import Audit
from telemetry.measures.banned import Part
from telemetry.measures.food import ShiftFood, ShiftSample
from telemetry.reports.evidence import Evidence, QualityFigure, Quantity
from telemetry.reports.naming_evidence import NamingFound, naming_estimates
from telemetry.reports.recovery_evidence import recovery_from_samples
from vision.types import FRACTIONS, Fraction

DRY: Final = (Fraction.PLASTIC, Fraction.PAPER)
"""Products that food makes dirty (Concept 2.4)."""
Samples = Mapping[tuple[str, str], Share | NoShare]


def with_audits(
    evidence: Evidence, entries: Iterable[Entry], everything: Iterable[Entry], books: Books
) -> Evidence:
    """Return evidence with what the period's audits say; what was given already stays.

    Samples of the product come first, since they alone see what jets took along and missed; where
    there are none, the line's own counts are corrected by the audits of its naming.

    Args:
        evidence: from elsewhere.
        entries: of the period, standing.
        everything: standing from the ledger's beginning to the period's last day.
        books: of the period.
    """
    kept = tuple(entries)
    audits = [(entry, entry.body) for entry in kept if isinstance(entry.body, Audit)]
    grouped: dict[tuple[str, str], list[Audit]] = {}
    for _, audit in audits:
        grouped.setdefault((audit.stream, audit.material), []).append(audit)
    samples = {key: _share(chosen) for key, chosen in grouped.items()}
    naming = naming_estimates(evidence.named, kept, everything)
    given = {(figure.fraction, figure.quantity) for figure in evidence.quality}
    found = _figures(samples, naming, books)
    days = [entry.at.date() for entry, _ in audits]
    days += [day for day in (naming.last_audit, evidence.last_audit) if day]
    parts = tuple(
        _part(chosen, material, books.residue_g)
        for (stream, material), chosen in sorted(grouped.items())
        if stream == RESIDUE
    )
    return dataclasses.replace(
        evidence,
        quality=(
            *evidence.quality,
            *(figure for figure in found if (figure.fraction, figure.quantity) not in given),
        ),
        residue_parts=evidence.residue_parts or parts,
        food_samples=evidence.food_samples or _food_samples(evidence.food, audits),
        last_audit=max(days, default=None),
    )


def _figures(samples: Samples, naming: NamingFound, books: Books) -> list[QualityFigure]:
    found = []
    counted = {estimate.fraction: estimate for estimate in naming.estimates}
    for fraction in FRACTIONS:
        purity = samples.get((fraction, fraction))
        recovery = recovery_from_samples(fraction, samples, books)
        other = counted.get(fraction)
        found += [
            _figure(
                fraction, "purity", purity or "no_audit", other.purity if other else None, naming
            ),
            _figure(fraction, "recovery", recovery, other.recovery if other else None, naming),
        ]
    return found


def _figure(
    fraction: Fraction,
    quantity: Quantity,
    sampled: Share | NoShare | str,
    counted: Share | NoShare | None,
    naming: NamingFound,
) -> QualityFigure:
    """The figure from samples, else that from corrected counts, else why there is neither."""
    share = sampled if isinstance(sampled, Share) else counted
    if isinstance(share, Share):
        return QualityFigure(
            fraction=fraction,
            quantity=quantity,
            value=share.value,
            low=share.low,
            high=share.high,
            level=share.level,
            basis=share.basis.value,
            method=share.method.value,
            n_blocks=share.evidence.n_blocks,
            n_objects=share.evidence.n_objects,
            audited_kg=share.evidence.audited_kg,
        )
    reason = sampled if isinstance(sampled, str) else "few_samples"
    if reason == "no_audit" and naming.reason:
        reason = naming.reason
    return QualityFigure(fraction=fraction, quantity=quantity, value=None, reason=reason)


def _food_samples(
    food: Iterable[ShiftFood], audits: Iterable[tuple[Entry, Audit]]
) -> tuple[ShiftSample, ...]:
    """Shifts in which the cameras saw food and a person sorted samples of a dry product."""
    sums: dict[str, tuple[int, int]] = {}
    for entry, audit in audits:
        if audit.stream == audit.material and audit.stream in DRY:
            whole_g, own_g = sums.get(entry.shift, (0, 0))
            sums[entry.shift] = (whole_g + audit.sample_g, own_g + audit.material_g)
    return tuple(
        ShiftSample(
            food_share=seen.food_share,
            contamination=1.0 - sums[seen.shift_id][1] / sums[seen.shift_id][0],
        )
        for seen in food
        if seen.shift_id in sums
    )


def _share(audits: Sequence[Audit]) -> Share | NoShare:
    sampled = Sampled(
        n_blocks=len(audits),
        n_objects=sum(audit.items for audit in audits),
        audited_kg=sum(audit.sample_g for audit in audits) / 1000,
    )
    return block_ratio(
        [audit.material_g for audit in audits],
        [audit.sample_g for audit in audits],
        basis=Basis.MASS,
        evidence=sampled,
    )


def _part(audits: Sequence[Audit], material: str, residue_g: int) -> Part:
    found = _share(audits)
    if isinstance(found, NoShare):
        whole_g = sum(audit.sample_g for audit in audits)
        share = sum(audit.material_g for audit in audits) / whole_g
        return Part(material=material, mass_g=share * residue_g)
    return Part(
        material=material,
        mass_g=found.value * residue_g,
        low_g=found.low * residue_g,
        high_g=found.high * residue_g,
    )
