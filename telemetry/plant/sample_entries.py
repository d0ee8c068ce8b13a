"""Manual samples as ledger entries: what the reports of a plant that keeps accounts rest on."""

from collections.abc import Iterator

from telemetry.ledger.config import AccountsConfig
from telemetry.ledger.entries import Entry
from telemetry.ledger.sampling import Audit
from telemetry.plant.audits import ProductSample


def audits_of(sample: ProductSample, accounts: AccountsConfig) -> Iterator[Entry]:
    """Yield one entry per fraction found, and one for the target where none of it was.

    Args:
        sample: one portion; the uids of the entries are made of its own.
        accounts: of the plant.
    """
    at = accounts.calendar.local(sample.taken_at)
    found_g = {sample.product: 0.0} | {part.fraction: part.mass_g for part in sample.parts}
    items = sum(part.items for part in sample.parts)
    sample_g = sum(round(mass_g) for mass_g in found_g.values())
    for fraction, mass_g in found_g.items():
        body = Audit(
            stream=sample.product.value,
            material=fraction.value,
            sample_g=sample_g,
            material_g=round(mass_g),
            items=items,
            by=sample.author,
        )
        yield Entry(
            uid=f"audit:{sample.uid}:{fraction.value}",
            at=at,
            shift=accounts.calendar.at(at).shift_id,
            body=body,
        )
