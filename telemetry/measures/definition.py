"""What a figure is: its name, unit and source, and a value that may be missing for a reason."""

from dataclasses import dataclass
from enum import StrEnum


class MeasureName(StrEnum):
    """Names of figures; the same word in code, reports and catalogues."""

    SORTED_OUT_SHARE = "sorted_out_share"
    RESIDUE_SHARE = "residue_share"
    CAPACITY_COVERAGE = "capacity_coverage"
    CAPACITY_UTILISATION = "capacity_utilisation"
    AVAILABILITY = "availability"
    THROUGHPUT = "throughput"
    LANDFILL_SHARE = "landfill_share"
    LANDFILL_SHARE_CHANGE = "landfill_share_change"
    LANDFILL_VOLUME_CHANGE = "landfill_volume_change"
    BALANCE_CLOSURE = "balance_closure"
    FOOD_DRIVER = "food_driver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """How a figure is defined.

    Attributes:
        unit: of its value; `1` for a share.
        formula: in the symbols of docs/accounts.md.
        source: where the figure or its wording is asked for.
    """

    unit: str
    formula: str
    source: str


CONCEPT = "Concept 2026-2030 (Resolution 1201 of 31.12.2025)"
DEFINITIONS: dict[MeasureName, Definition] = {
    MeasureName.SORTED_OUT_SHARE: Definition(
        unit="1",
        formula="mass of products / mass received",
        source=f"{CONCEPT}, 2.3: 29.1 % of what was received for sorting was sorted out in 2024",
    ),
    MeasureName.RESIDUE_SHARE: Definition(
        unit="1", formula="mass of residue / mass received", source="complement of the above"
    ),
    MeasureName.CAPACITY_COVERAGE: Definition(
        unit="1",
        formula="rated t/h x planned h / t received",
        source=f"{CONCEPT}, 2.3, equipment load as the words put it: capacity covers the received",
    ),
    MeasureName.CAPACITY_UTILISATION: Definition(
        unit="1",
        formula="t processed / (rated t/h x planned h)",
        source=f"{CONCEPT}, 2.3, equipment load as a plant engineer reads it",
    ),
    MeasureName.AVAILABILITY: Definition(
        unit="1", formula="hours run / hours planned", source="plant practice"
    ),
    MeasureName.THROUGHPUT: Definition(
        unit="t/h", formula="t processed / hours run", source="plant practice"
    ),
    MeasureName.LANDFILL_SHARE: Definition(
        unit="1",
        formula="t sent to landfill / t received",
        source=f"{CONCEPT}, indicator 2 by its name (share)",
    ),
    MeasureName.LANDFILL_SHARE_CHANGE: Definition(
        unit="%",
        formula="100 x (share / share of the baseline year - 1)",
        source=f"{CONCEPT}, indicator 2 by its name (share), against 2025",
    ),
    MeasureName.LANDFILL_VOLUME_CHANGE: Definition(
        unit="%",
        formula="100 x (t sent to landfill / t of the baseline year - 1)",
        source=f"{CONCEPT}, section 6: volume, 10 % below 2025 by 2030",
    ),
    MeasureName.BALANCE_CLOSURE: Definition(
        unit="%",
        formula="100 x |in - out - change of unsorted stock| / in",
        source="mass balance; drying losses alone make it non-zero",
    ),
    MeasureName.FOOD_DRIVER: Definition(
        unit="points per point",
        formula="slope of contamination over food share, shifts as samples",
        source=f"{CONCEPT}, 2.4: moisture of food waste harms the quality of other fractions",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure.

    Attributes:
        name: which.
        value: in the definition's unit; None where it cannot be told.
        low: lower end of its interval, None without one.
        high: upper end.
        reason: why there is no value, a key of the catalogues; empty where there is one.
    """

    name: MeasureName
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    @property
    def definition(self) -> Definition:
        """Its definition."""
        return DEFINITIONS[self.name]


def ratio(
    name: MeasureName, part: float, whole: float, *, scale: float = 1.0, reason: str
) -> Measure:
    """Return `scale * part / whole`, or no value with `reason` where the whole is not positive."""
    if whole <= 0:
        return Measure(name=name, value=None, reason=reason)
    return Measure(name=name, value=scale * part / whole)
