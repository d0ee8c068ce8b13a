"""Purity and banned material from the manual audits in the ledger, with their intervals."""

import dataclasses
from collections.abc import Iterable, Sequence

from telemetry.estimates.ratio import block_ratio
from telemetry.estimates.types import Basis, NoShare, Share
from telemetry.estimates.types import Evidence as Sampled
from telemetry.ledger.entries import Audit, Entry
from telemetry.ledger.rules import RESIDUE
from telemetry.measures.banned import Part
from telemetry.reports.evidence import Evidence, QualityFigure
from vision.types import FRACTIONS


def with_audits(evidence: Evidence, entries: Iterable[Entry], residue_g: int) -> Evidence:
    """Return evidence with what the period's audits say; what was given already stays.

    Args:
        evidence: from elsewhere.
        entries: of the period, standing.
        residue_g: mass of the period's residue.
    """
    audits = [(entry, entry.body) for entry in entries if isinstance(entry.body, Audit)]
    if not audits:
        return evidence
    samples: dict[tuple[str, str], list[Audit]] = {}
    for _, audit in audits:
        samples.setdefault((audit.stream, audit.material), []).append(audit)
    given = {(figure.fraction, figure.quantity) for figure in evidence.quality}
    purity = tuple(
        _purity(samples[fraction, fraction], fraction.value)
        for fraction in FRACTIONS
        if (fraction, fraction) in samples and (fraction, "purity") not in given
    )
    parts = tuple(
        _part(chosen, material, residue_g)
        for (stream, material), chosen in sorted(samples.items())
        if stream == RESIDUE
    )
    return dataclasses.replace(
        evidence,
        quality=(*evidence.quality, *purity),
        residue_parts=evidence.residue_parts or parts,
        last_audit=max(entry.at.date() for entry, _ in audits),
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


def _purity(audits: Sequence[Audit], fraction: str) -> QualityFigure:
    found = _share(audits)
    name = next(one for one in FRACTIONS if one.value == fraction)
    if isinstance(found, NoShare):
        return QualityFigure(fraction=name, quantity="purity", value=None, reason="few_samples")
    return QualityFigure(
        fraction=name,
        quantity="purity",
        value=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        basis="mass",
        method=found.method.value,
        n_blocks=found.evidence.n_blocks,
        n_objects=found.evidence.n_objects,
        audited_kg=found.evidence.audited_kg,
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
