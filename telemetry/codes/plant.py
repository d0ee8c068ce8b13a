"""The codes a plant uses for its streams: the [accounts.codes] section, checked by day."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from calibration.section import Section
from telemetry.codes.table import (
    SHIPPED,
    CodeEntry,
    CodeTable,
    Jurisdiction,
    UnknownCodeError,
    load_table,
)
from vision.types import Fraction

DEFAULT_PRODUCTS: Mapping[str, str] = MappingProxyType(
    {
        Fraction.PLASTIC: "191204",
        Fraction.PAPER: "191201",
        Fraction.FOOD: "191212",
        Fraction.WEEE: "200135",
        Fraction.MERCURY_LAMP: "200121",
        Fraction.OTHER: "191212",
    }
)
"""What leaves mechanical treatment at a facility is 19 12 (Annex to 2000/532/EC), which
has no code of its own for food. Equipment is hazardous until someone says otherwise."""
DEFAULT_REMOVALS: Mapping[str, str] = MappingProxyType(
    {
        "mercury_lamp": "200121",
        "battery": "200133",
        "weee": "200135",
        "pressure_container": "150111",
        "contaminated_packaging": "150110",
        "medicine": "200132",
    }
)
"""Common practice for what is taken off a belt of 20 03 01; an open question, so configurable."""


class PlantCodes(Section):
    """Which codes this plant uses. A code not in force on a day is an error on that day."""

    jurisdiction: Jurisdiction = Jurisdiction.KZ
    """Whose list: KZ, or EU where a stream is declared under the European list."""
    table: Path = SHIPPED
    """Another code file of the same form."""
    received: str = "200301"
    """Input where no ticket says otherwise: mixed municipal waste."""
    residue: str = "191212"
    """What stays on the belt; a mirror entry, see code_pending_review."""
    products: dict[Fraction, str] = Field(default_factory=dict)
    """By fraction, over the defaults."""
    removals: dict[str, str] = Field(default_factory=dict)
    """By kind of item taken off by hand, over the defaults."""

    def product(self, fraction: Fraction, on: date) -> CodeEntry:
        """Return the code of a sorted fraction on a day.

        Raises:
            CodeError: unknown, or not in force on that day.
        """
        return self.entry(self.products.get(fraction, DEFAULT_PRODUCTS[fraction]), on)

    def removal(self, kind: str, on: date) -> CodeEntry:
        """Return the code of a kind of item taken off by hand.

        Raises:
            CodeError: no code is set for the kind, or it is unknown or not in force.
        """
        codes = {**DEFAULT_REMOVALS, **self.removals}
        if kind not in codes:
            known = ", ".join(sorted(codes))
            msg = f"no code for removals of kind {kind!r}; known: {known}, or add it to removals"
            raise UnknownCodeError(msg)
        return self.entry(codes[kind], on)

    def entry(self, code: str, on: date) -> CodeEntry:
        """Return any code's entry on a day in this plant's jurisdiction.

        Raises:
            CodeError: unknown, or not in force on that day.
        """
        return self.code_table().lookup(code, on=on, jurisdiction=self.jurisdiction)

    def code_table(self) -> CodeTable:
        """Return the table these codes are taken from."""
        return load_table(self.table)
