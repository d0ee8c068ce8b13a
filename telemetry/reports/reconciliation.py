"""Masses from pictures beside the belt scale: both kept, and the two put together."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import stats

from telemetry.estimates.reconcile import Reconciled, reconcile
from telemetry.estimates.types import LEVEL, MassFigure, Method
from telemetry.ledger.books import Amount, Books
from telemetry.ledger.entries import MassMethod
from telemetry.reports.scale_document import ReconciledPart, Reconciliation
from vision.types import FRACTIONS

SCALE_RELATIVE_SD: Final = 0.0025
"""Half of the 0.5 % that class 0.5 of OIML R 50 is commonly quoted to allow a belt scale."""
_Z: Final = float(stats.norm.ppf((1.0 + LEVEL) / 2.0))
_RESIDUE: Final = "residue"
_REMOVALS: Final = "removals"
_G_PER_KG: Final = 1000.0
_KG_PER_T: Final = 1000.0
_T_DECIMALS: Final = 3


def reconciliation(books: Books) -> Reconciliation | None:
    """Return the comparison; None without a belt scale, or where an estimate has no interval.

    A weighbridge says what came through the gate, not what went over the belt: it is no measure
    of what the pictures saw.
    """
    scale = _belt_scale(books)
    parts = _parts(books)
    intervals = all(amount.low_g is not None and amount.high_g is not None for _, amount in parts)
    if scale is None or not intervals or not any(amount.is_estimate for _, amount in parts):
        return None
    kg = np.array([amount.mass_g / _G_PER_KG for _, amount in parts])
    sd_kg = np.array([_sd_kg(amount) for _, amount in parts])
    shown_kg = scale.mass_g / _G_PER_KG
    figure = MassFigure(kg=shown_kg, sd_kg=SCALE_RELATIVE_SD * shown_kg, method=Method.SCALE)
    return _told([name for name, _ in parts], reconcile(kg, np.diag(sd_kg**2), figure))


def _belt_scale(books: Books) -> Amount | None:
    received = [line.amount for line in books.received]
    if books.processed.entries and not books.processed.is_estimate:
        return books.processed
    if len(received) == 1 and received[0].methods == {MassMethod.BELT_SCALE}:
        return received[0]
    return None


def _parts(books: Books) -> list[tuple[str, Amount]]:
    found = []
    for fraction in FRACTIONS:
        lines = [line.amount for line in books.products if line.fraction is fraction]
        if lines:
            found.append((fraction.value, _sum(lines)))
    others = (
        (_RESIDUE, [line.amount for line in books.residue]),
        (_REMOVALS, [line.amount for line in books.removals if line.amount.entries]),
    )
    return [*found, *((name, _sum(lines)) for name, lines in others if lines)]


def _sum(amounts: Sequence[Amount]) -> Amount:
    total = amounts[0]
    for one in amounts[1:]:
        total = total.plus_amount(one)
    return total


def _sd_kg(amount: Amount) -> float:
    return ((amount.high_g or 0) - (amount.low_g or 0)) / (2.0 * _Z) / _G_PER_KG


def _told(names: Sequence[str], found: Reconciled) -> Reconciliation:
    return Reconciliation(
        scale_t=_t(found.scale.kg),
        scale_sd_t=_t(found.scale.sd_kg),
        vision_t=_t(found.vision.kg),
        vision_sd_t=_t(found.vision.sd_kg),
        reconciled_t=_t(found.total.kg),
        reconciled_sd_t=_t(found.total.sd_kg),
        z=round(found.z, 2),
        agree=found.agree,
        parts=tuple(
            ReconciledPart(stream=name, vision_t=_t(before), reconciled_t=_t(kg), sd_t=_t(sd))
            for name, before, kg, sd in zip(
                names, found.vision_parts_kg, found.parts_kg, found.parts_sd_kg, strict=True
            )
        ),
    )


def _t(kg: float) -> float:
    return round(float(kg) / _KG_PER_T, _T_DECIMALS)
