"""A plant's accounts together with the line whose items go into them."""

from dataclasses import dataclass
from pathlib import Path

from telemetry.ledger.config import AccountsConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantLine:
    """A plant's accounts and the line whose items go into them.

    Attributes:
        accounts: the plant's section.
        line_id: of the line.
        store_path: of the line's item store.
        mass_model: file of the model that weighs its items; None where the built-in law does.
    """

    accounts: AccountsConfig
    line_id: str
    store_path: Path
    mass_model: Path | None = None
