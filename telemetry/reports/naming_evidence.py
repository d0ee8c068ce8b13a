"""Purity and recovery by count from what the line named, corrected by audits of its naming."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from telemetry.estimates.confusion import CLASSES, ConfusionAudit, know
from telemetry.estimates.streams import FractionEstimate, NamedCounts, estimate_streams
from telemetry.estimates.types import Evidence as Sampled
from telemetry.ledger.entries import Entry
from telemetry.ledger.line_items import NamedItems
from telemetry.ledger.sampling import Naming
from vision.types import FRACTIONS

FEWEST_AUDITS: Final = 2
"""One audit shows no drift, and its interval would claim that there is none."""
_NEWEST: Final = 8
"""Audits before the period that are used where it has none of its own, as the coverage of the
intervals was checked (`python -m benchmarks estimates`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingFound:
    """What the line's own counts tell.

    Attributes:
        estimates: by fraction, empty where they cannot be told.
        reason: why not, a key of the catalogues; empty with estimates.
        last_audit: day of the newest audit used.
    """

    estimates: tuple[FractionEstimate, ...] = ()
    reason: str = ""
    last_audit: date | None = None


def naming_estimates(
    named: Sequence[NamedItems], period: Iterable[Entry], before: Iterable[Entry]
) -> NamingFound:
    """Return purity and recovery by count of every fraction.

    Args:
        named: what the line named and sorted out in the period.
        period: entries that stand in the period.
        before: all entries that stand up to its end.
    """
    models = {part.model for part in named if part.items}
    if not models:
        return NamingFound(reason="no_audit")
    if len(models) > 1:
        return NamingFound(reason="several_models")
    (model,) = models
    own = _audits(period, model)
    audits = own or dict(sorted(_audits(before, model).items())[-_NEWEST:])
    if len(audits) < FEWEST_AUDITS:
        return NamingFound(reason="few_samples" if audits else "no_audit")
    knowledge = know(tuple(audits.values()), of_the_period=bool(own))
    last = max(audit.audited_on for audit in audits.values())
    found = estimate_streams(
        _counts(named),
        knowledge,
        masses=None,
        evidence=Sampled(
            n_blocks=len(audits),
            n_objects=int(knowledge.counts.sum()),
            audit_date=last,
            model_version=model,
        ),
    )
    return NamingFound(estimates=found, last_audit=last)


def _audits(entries: Iterable[Entry], model: str) -> Mapping[str, ConfusionAudit]:
    counts: dict[str, np.ndarray[tuple[int, int], np.dtype[np.int64]]] = {}
    days: dict[str, date] = {}
    for entry in entries:
        body = entry.body
        if not isinstance(body, Naming) or body.model != model:
            continue
        at = entry.at.isoformat()
        table = counts.setdefault(at, np.zeros((CLASSES, CLASSES), dtype=np.int64))
        table[FRACTIONS.index(body.true), FRACTIONS.index(body.named)] += body.items
        days[at] = entry.at.date()
    return {
        at: ConfusionAudit(counts=table, audited_on=days[at], model_version=model)
        for at, table in counts.items()
    }


def _counts(named: Sequence[NamedItems]) -> NamedCounts:
    seen = np.zeros(CLASSES, dtype=np.int64)
    out = np.zeros(CLASSES, dtype=np.int64)
    for part in named:
        place = FRACTIONS.index(part.fraction)
        seen[place] += part.items
        out[place] += part.sorted_out
    return NamedCounts(named=seen, sorted_out=out)
